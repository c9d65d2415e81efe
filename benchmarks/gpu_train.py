"""Trains the paper's table in slices, every network on the same frames in the same order for as many steps.

Equal steps rather than equal minutes: what differs between two rows is then the network, not its speed. The pace of
each network is tried first, and the steps follow from the minutes that all share.
"""

from __future__ import annotations

import gc
import time
from typing import Any

import torch

from gpu_frames import MappedFrames, step_frames
from gpu_plan import BEFORE_CONTOUR, Clock, Run, State
from gpu_training import Training
from graspseg.networks import Card, save_checkpoint
from graspseg.training.config_file import config_dict
from graspseg.training.presets import TrainConfig

CHECKPOINT, MODEL, PROGRESS = "checkpoint.pt", "model.safetensors", "progress.json"
BRANCH = f"{BEFORE_CONTOUR}.pt"
_CHECKPOINT_EVERY_S = 150.0
_LOG_EVERY = 20
_WARM_UP_STEPS = 4
_MOST_PIECES = 8
# What checkpoints and starting take.
_SHARE_FOR_STEPS = 0.95


def compute_device() -> torch.device:
    """The card, or the CPU where there is none; set up for equal shapes in every step."""
    torch.backends.cudnn.benchmark = True
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train(state: State, clock: Clock) -> bool:
    """Train until all networks are trained, their minutes are spent or the slice is over; whether training is done."""
    device, frames = compute_device(), MappedFrames(state, "train")
    if not _find_pace(state, frames, device, clock):
        return False
    steps = decided_steps(state)
    for run in state.runs:
        if _ended(state, run):
            continue
        if spent_s(state) > state.train_minutes * 60:
            return True
        if clock.over:
            return False
        _train_slice(state, run, steps, frames, device, clock)
    return all(_ended(state, run) for run in state.runs)


def read_progress(state: State, run: Run) -> dict[str, Any]:
    """How far a training is; empty before its first checkpoint."""
    return state.read(f"runs/{run.name}/{PROGRESS}")


def spent_s(state: State) -> float:
    """Seconds of training so far, all networks together."""
    return sum(read_progress(state, run).get("own_seconds", 0.0) for run in state.runs)


def _write_progress(state: State, run: Run, progress: dict[str, Any]) -> None:
    state.write(f"runs/{run.name}/{PROGRESS}", progress)


def _ended(state: State, run: Run) -> bool:
    progress = read_progress(state, run)
    return "failed" in progress or (state.run_folder(run.name) / MODEL).is_file()


def decided_steps(state: State) -> int:
    """Steps of every network, decided once for a state."""
    plan = state.read("plan.json")
    if not plan:
        pace = state.read("pace.json")
        shares = [(pace[run.network], state.scale.contour_share if run.branch_of else 1.0) for run in state.runs]
        second_s = sum(tried["seconds"] * share for tried, share in shares if "failed" not in tried)
        fitting = int(state.train_minutes * 60 * _SHARE_FOR_STEPS / max(second_s, 1e-9))
        plan = {"steps": state.scale.steps or max(fitting, 1), "batch": state.scale.batch}
        plan |= {"train_minutes": state.train_minutes, "contour_share": state.scale.contour_share}
        state.write("plan.json", plan)
    return int(plan["steps"])


def _find_pace(state: State, frames: MappedFrames, device: torch.device, clock: Clock) -> bool:
    """Time some steps of every network, in as few pieces as its memory needs; whether all were timed."""
    for network in state.networks:
        pace = state.read("pace.json")
        if network in pace:
            continue
        if clock.over:
            return False
        run = next(run for run in state.runs if run.network == network)
        config = state.config(run, steps=_WARM_UP_STEPS + state.scale.tried_steps)
        pace[network] = _tried(config, frames, device)
        state.write("pace.json", pace)
        print(f"train: pace of {network}: {pace[network]}", flush=True)
    return True


def _tried(config: TrainConfig, frames: MappedFrames, device: torch.device) -> dict[str, Any]:
    pieces = 1
    while pieces <= min(_MOST_PIECES, config.batch):
        try:
            _free_memory()
            return _timed(Training(config, device, pixel_angle=frames.pixel_angle, pieces=pieces), frames)
        except torch.cuda.OutOfMemoryError:
            pieces *= 2
        except RuntimeError as error:
            return {"failed": first_line(error)}
    return {"failed": f"out of memory with {config.batch} frames a step, one after the other"}


def _free_memory() -> None:
    """Give the memory of networks that are no more back to the card."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def first_line(error: Exception) -> str:
    """What went wrong, for a table."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _timed(training: Training, frames: MappedFrames) -> dict[str, Any]:
    config, on_card = training.config, training.device.type == "cuda"
    if on_card:
        torch.cuda.reset_peak_memory_stats()
    began = ended = 0.0
    for raw in step_frames(frames, seed=config.seed, start=0, steps=config.steps, pinned=on_card):
        losses = training.advance(raw)
        if training.step in (_WARM_UP_STEPS, config.steps):
            losses["loss"].item()  # waits for the card
            began, ended = time.perf_counter(), time.perf_counter() - began
    seconds = ended / (config.steps - _WARM_UP_STEPS)
    return {
        "seconds": round(seconds, 5),
        "frames_per_second": round(config.batch / seconds, 2),
        "pieces": training.pieces,
        "memory_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2) if on_card else None,
    }


def _train_slice(state: State, run: Run, steps: int, frames: MappedFrames, device: torch.device, clock: Clock) -> None:
    """Go on with one training until it is finished, failed, or the slice is over."""
    pace, folder = state.read("pace.json")[run.network], state.run_folder(run.name)
    trunk = state.run_folder(run.branch_of) / BRANCH if run.branch_of else None
    failed = pace.get("failed")
    if trunk is not None and not trunk.is_file():
        failed = f"{run.branch_of} did not come to its contour stage"
    if failed is None:
        training = Training(
            state.config(run, steps=steps), device, pixel_angle=frames.pixel_angle, pieces=pace["pieces"]
        )
        if (folder / CHECKPOINT).is_file():
            training.restore(folder / CHECKPOINT)
        elif trunk is not None:
            training.restore(trunk, branch=True)
        try:
            failed = _steps_until(training, frames, state, run, clock)
        except RuntimeError as error:  # the other networks shall not lose their time on the card
            failed = first_line(error)
        progress = training.progress()
        if failed is None and training.step >= steps:
            _save_model(training, state, run)
        elif failed is None:
            training.save(folder / CHECKPOINT)
    else:
        progress = {"step": 0, "steps": steps, "rows": []}
    _write_progress(state, run, progress | ({"failed": failed} if failed else {}))
    print(f"train: {run.name}: step {progress['step']} of {steps}{f', failed: {failed}' if failed else ''}", flush=True)


def _steps_until(training: Training, frames: MappedFrames, state: State, run: Run, clock: Clock) -> str | None:
    """Do steps; why the training failed, if it did."""
    config, folder = training.config, state.run_folder(run.name)
    on_card = training.device.type == "cuda"
    batches = step_frames(frames, seed=config.seed, start=training.step, steps=config.steps, pinned=on_card)
    noted = saved = time.perf_counter()
    while training.step < config.steps and not clock.over:
        if config.contour and training.step == config.contour_start:
            training.save(folder / BRANCH)
        asked = time.perf_counter()
        raw = next(batches)
        training.waited_s += time.perf_counter() - asked
        losses = training.advance(raw)
        if training.step % _LOG_EVERY == 0 or training.step == config.steps or clock.over:
            losses["loss"].item()  # waits for the card, so the clock is right afterwards
            before, noted = noted, time.perf_counter()
            failed = training.note(noted - before, losses)
            if failed:
                return failed
        if noted - saved > _CHECKPOINT_EVERY_S:
            training.save(folder / CHECKPOINT)
            _write_progress(state, run, training.progress())
            saved = time.perf_counter()
    batches.close()
    return None


def _save_model(training: Training, state: State, run: Run) -> None:
    """Write the trained weights with what they are; the checkpoint is not needed any more."""
    config, folder = training.config, state.run_folder(run.name)
    data = {"frames": config.frames, "frames_seen": training.step * config.batch, "steps": training.step}
    card = Card(config.network, config=config_dict(config), data={**data, "run": run.name})
    save_checkpoint(folder / MODEL, training.task.network, card=card)
    (folder / CHECKPOINT).unlink(missing_ok=True)
