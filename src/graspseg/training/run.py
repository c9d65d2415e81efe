"""One training run from settings to a model file, on Lightning's Trainer."""

from __future__ import annotations

import copy
import logging
import os
import shlex
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import cv2
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

from graspseg.datasets.atomic import make_folder
from graspseg.datasets.dataset import Dataset
from graspseg.errors import InputError, printable
from graspseg.models.card import Card
from graspseg.networks.checkpoint import save_checkpoint
from graspseg.signals import kept_signals
from graspseg.training.callbacks import DivergedError, DivergenceStop, InterruptStop, ProgressLines, ValidationSheet
from graspseg.training.checkpoint_io import AtomicCheckpointIO, check_whole
from graspseg.training.config_file import check_ranges, config_dict, write_config
from graspseg.training.data import TrainingFrames
from graspseg.training.model_file import start_network
from graspseg.training.module import SegmentationTask
from graspseg.training.pace import steps_within
from graspseg.training.presets import TrainConfig
from graspseg.training.run_folder import CHECKPOINT, MODEL, check_folder, check_same, holding, kept_with_results, leads
from graspseg.training.sheet import read_log, write_curves
from graspseg.training.sources import Skipped, check_frames, open_frames

_PROGRESS_EVERY_S = 20.0
# Said by Lightning about choices made on purpose here.
_EXPECTED_WARNINGS = (
    r".*does not have many workers.*",
    r".*Experiment logs directory .* exists and is not empty.*",
    r".*Checkpoint directory .* exists and is not empty.*",
    r".*`isinstance\(treespec, LeafSpec\)` is deprecated.*",
)


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Attributes:
        folder: the run's folder.
        model: the trained model.
        steps: optimizer steps of the whole run.
        seconds: time this call trained.
        scores: validation of the model that was saved, IoU by look and class.
        skipped: why frames could not be used, a sentence for each.
        before: validation of the model that `init` names, before the first step; empty without one.
        kept_start: whether that model was better than the trained one and was saved instead.
    """

    folder: Path
    model: Path
    steps: int
    seconds: float
    scores: dict[str, float]
    skipped: list[str]
    before: dict[str, float] = field(default_factory=dict)
    kept_start: bool = False


def train(
    config: TrainConfig,
    out: Path,
    *,
    resume: bool = False,
    frames: tuple[Dataset, Dataset] | None = None,
) -> RunResult:
    """Train a network and write everything about it into a folder.

    Frames that cannot be used are skipped and counted; others of the same data take their places.

    Args:
        config: settings; when resuming, those of the interrupted run (`compute` may differ).
        out: the run's folder: config.json, checkpoints/, metrics.csv, tensorboard/, sheets/, curves.png,
            model.safetensors.
        resume: go on from the last checkpoint; the result is that of a run that was never interrupted.
        frames: frames to train and to validate on; None = as the settings say.

    Raises:
        InputError: settings, frames, model or folder cannot be used; the folder holds something else, or another
            process works in it.
        DivergedError: the loss is infinite or no number.
        KeyboardInterrupt: stopped by the user; a checkpoint is saved, and the message says how to go on from it.
    """
    check_ranges(config)
    with holding(out):
        return _train(config, out, resume=resume, frames=frames)


def _train(config: TrainConfig, out: Path, *, resume: bool, frames: tuple[Dataset, Dataset] | None) -> RunResult:
    """See `train`; the folder is held."""
    checkpoint = check_folder(out, resume=resume)
    if checkpoint is not None:
        check_whole(checkpoint)
    config = replace(config, compute=replace(config.compute, precision=_precision(config)))
    if resume:
        check_same(config, out / "config.json")
    cv2.setNumThreads(1)
    torch.set_num_threads(config.compute.threads or max(_cores() - config.compute.workers, 1))
    skipped = Skipped()
    sources = frames or _checked_frames(config, skipped)
    torch.manual_seed(config.seed)
    start = start_network(config)
    if config.max_minutes and not resume:
        steps, pace_s = steps_within(config, start.network, sources[0], skipped)
        print(f"{steps} steps of {pace_s:.2f} s fit into {config.max_minutes:g} minutes", flush=True)
        config = replace(config, steps=steps, max_minutes=0.0)
    started = None if config.init is None else copy.deepcopy(start.network.state_dict())
    data = TrainingFrames(config, train=sources[0], val=sources[1], skipped=skipped)
    task = SegmentationTask(start.network, config)
    with kept_with_results(out, resume=resume):
        if leads():
            write_config(make_folder(out) / "config.json", config)
        before, seconds = _fit(task, data, out, checkpoint)
        scores, kept_start = task.scores, started is not None and mean_score(before) > mean_score(task.scores)
        if started is not None and kept_start:
            task.trained_network.load_state_dict(started)
            scores = before
        if leads():
            card = Card(start.name, config_dict(config), _described_data(config, len(skipped.reasons)), scores)
            save_checkpoint(out / MODEL, task.trained_network, card=card)
            write_curves(out / "curves.png", read_log(out / "metrics.csv"))
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        # Threads of the group that are left at exit now and then abort a process whose work is done.
        torch.distributed.destroy_process_group()
    return RunResult(out, out / MODEL, config.steps, seconds, scores, skipped.reasons, before, kept_start)


def mean_score(scores: Mapping[str, float]) -> float:
    """Mean over the views of the mean IoU of hand and object; -1 without any."""
    means = [value for name, value in scores.items() if name.endswith("_mean")]
    return sum(means) / len(means) if means else -1.0


@rank_zero_only
def report(result: RunResult) -> None:
    """Print what a run ended with."""
    changes = {name: f"{value:.3f}" for name, value in result.scores.items()}
    if result.before and not result.kept_start:
        changes = {name: f"{result.before.get(name, 0):.3f} -> {text}" for name, text in changes.items()}
    scores = ", ".join(f"{name.removeprefix('val/')} {text}" for name, text in changes.items())
    print(f"{result.steps} steps in {result.seconds / 60:.1f} min; IoU per view: {scores}")
    if result.kept_start:
        print(
            "training made the model worse on the validation frames, so the one it started from was kept: give more or "
            "checked frames, or a lower --optimizer.finetune-rate"
        )
    print(f"model: {printable(result.model)}")
    print(f"next: {printable(shlex.join(['graspseg', 'export', str(result.folder)]))}")
    if result.skipped:
        print(
            f"frames skipped because they could not be used: {len(result.skipped)}, the first: "
            f"{printable(result.skipped[0])}"
        )


def _described_data(config: TrainConfig, skipped: int) -> dict[str, object]:
    """What a model was trained on and how far."""
    seen = config.steps * config.frames_per_step * config.compute.devices
    source = {"folders": [path.name for path in config.data]} if config.data else {"synthetic": "train"}
    distinct = {} if config.data else {"distinct_frames": min(seen, config.frames or seen)}
    counts = {"frames_seen": seen, "views_seen": config.steps * config.batch, "frames_skipped": skipped}
    return {**source, **distinct, **counts, "seed": config.seed}


def _fit(
    task: SegmentationTask, data: TrainingFrames, out: Path, checkpoint: Path | None
) -> tuple[dict[str, float], float]:
    """Run the Trainer; returns the scores of the model it started from, none without one, and the seconds it took."""
    config, compute = task.config, task.config.compute
    interval, log_every = min(config.validation.every_steps, config.steps), min(compute.log_every_steps, config.steps)
    # An interrupted run validated the model it started from.
    before = next((_scores_in(row) for row in read_log(out / "metrics.csv") if _scores_in(row)), {})
    interrupt = InterruptStop(out / CHECKPOINT)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    # Lightning gives back the handlers that Python knows of, and with that removes all others.
    with kept_signals(), warnings.catch_warnings():
        for message in _EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        trainer = Trainer(
            accelerator=compute.accelerator,
            devices=compute.devices,
            strategy=compute.strategy,
            precision=_precision(config),
            max_steps=config.steps,
            val_check_interval=interval,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            log_every_n_steps=log_every,
            gradient_clip_val=config.optimizer.clip_norm or None,
            use_distributed_sampler=False,
            enable_model_summary=False,
            enable_progress_bar=sys.stderr.isatty(),
            callbacks=[*_callbacks(config, out), interrupt],
            plugins=[AtomicCheckpointIO()],
            logger=[_csv_log(out, checkpoint, log_every), TensorBoardLogger(out, "", "tensorboard")],
        )
        if config.init is not None and checkpoint is None:
            trainer.validate(task, data, verbose=False)
            before = dict(task.scores)
        start = time.monotonic()
        try:
            trainer.fit(task, data, ckpt_path=checkpoint, weights_only=True)
        except DivergedError:
            raise
        except InputError as error:
            # A worker's error arrives wrapped in its traceback.
            raise InputError(str(error.args[0]).rsplit("InputError: ", 1)[-1].strip()) from error
        seconds = time.monotonic() - start
        if interrupt.interrupted and trainer.global_step < config.steps:
            raise KeyboardInterrupt(f"after step {trainer.global_step}, go on with --resume --out {out}")
        # A run that was killed between its last step and the validation there resumes with nothing left to do.
        if config.steps % interval or not task.scores:
            trainer.validate(task, data, verbose=False)
        _gather(data.skipped)
    return before, seconds


def _scores_in(row: Mapping[str, float]) -> dict[str, float]:
    """The scores of step 0 in a row of the log; none in other rows."""
    return {name: value for name, value in row.items() if name.startswith("val/")} if row.get("step") == 0 else {}


def _cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _callbacks(config: TrainConfig, out: Path) -> list[Callback]:
    compute = config.compute
    progress = TQDMProgressBar(refresh_rate=5) if sys.stderr.isatty() else ProgressLines(every_s=_PROGRESS_EVERY_S)
    interval = timedelta(minutes=compute.checkpoint_minutes)
    folder, name = (out / CHECKPOINT).parent, CHECKPOINT.stem
    saver = ModelCheckpoint(folder, name, train_time_interval=interval, enable_version_counter=False)
    return [progress, DivergenceStop(every_steps=compute.log_every_steps), ValidationSheet(out / "sheets"), saver]


def _csv_log(out: Path, checkpoint: Path | None, every_steps: int) -> CSVLogger:
    """The run's metrics.csv; a resumed run keeps the rows of the steps it does not repeat."""
    rows = []
    if checkpoint is not None and leads():
        done = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["global_step"]
        rows = read_log(out / "metrics.csv", before_step=done)
    log = CSVLogger(out, name="", version="", flush_logs_every_n_steps=every_steps)
    if rows:
        log.experiment.metrics.extend(rows)
    return log


def _gather(skipped: Skipped) -> None:
    """Count what other processes of the run skipped, too."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        everywhere: list[list[str]] = [[] for _ in range(torch.distributed.get_world_size())]
        torch.distributed.all_gather_object(everywhere, skipped.reasons)
        skipped.restore(reason for reasons in everywhere for reason in reasons)


def _checked_frames(config: TrainConfig, skipped: Skipped) -> tuple[Dataset, Dataset]:
    """Frames to train on and to validate on; a user's own are looked at first."""
    train, val = open_frames(config)
    if config.data:
        name = ", ".join(map(str, config.data))
        absent = check_frames(train, name, same_size=config.views.kind == "frame", skipped=skipped)
        if absent:
            print(f"No training label says {' or '.join(absent)}: the network will forget that class.", file=sys.stderr)
    return train, val


def _precision(config: TrainConfig) -> Literal["bf16-mixed", "32-true"]:
    """`auto` as what the device is fast at."""
    compute = config.compute
    if compute.precision != "auto":
        return compute.precision
    if compute.accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    # Without the instructions, bf16 is emulated and several times slower than float32.
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return "bf16-mixed" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "32-true"
