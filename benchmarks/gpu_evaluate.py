"""Judges every network, finished or not, on the exam frames: predictions on the card, scores on all cores.

One confusion matrix a frame is kept, so that two networks can be compared frame by frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import nn

from gpu_augment import metres
from gpu_frames import MappedFrames, gathered
from gpu_plan import BEFORE_CONTOUR, EXAMS, Clock, Run, Split, State
from gpu_train import BRANCH, CHECKPOINT, MODEL, compute_device, decided_steps
from graspseg.metrics import BoundaryScore, Confusion
from graspseg.metrics.confusion import count_pairs
from graspseg.metrics.outlines import Outlines
from graspseg.networks import build, load_weights, read_card
from graspseg.parallel.chunks import Processes, run_chunks
from graspseg.synth.preset_names import DEPTH_UNIT_M
from graspseg.training.presets import LossSettings

SHOWN = 6
_BATCH = 16
_CHUNK = 50


class Row(NamedTuple):
    """One row of the report: weights of a run, at its end, where it stopped, or before its contour stage."""

    name: str
    run: Run
    weights: Path
    step: int


def report_rows(state: State) -> list[Row]:
    """All weights there are, in the table's order."""
    rows = []
    for run in state.runs:
        folder = state.run_folder(run.name)
        newest = next((folder / name for name in (MODEL, CHECKPOINT) if (folder / name).is_file()), None)
        if newest is not None:
            rows.append(Row(run.name, run, newest, _step_of(newest)))
        if (folder / BRANCH).is_file():
            start = state.config(run, steps=decided_steps(state)).contour_start
            rows.append(Row(f"{run.name}-{BEFORE_CONTOUR}", run, folder / BRANCH, start))
    return rows


def _step_of(weights: Path) -> int:
    """The step that weights are of; the progress beside them may be ahead, or not written yet."""
    if weights.suffix == ".safetensors":
        return int(read_card(weights).data["steps"])
    return torch.load(weights, map_location="cpu", weights_only=True)["progress"]["step"]


def load_row(state: State, row: Row) -> nn.Module:
    """The network of a row in evaluation mode."""
    name = state.scale.network(row.run.network)
    network = build(name)
    if row.weights.suffix == ".safetensors":
        load_weights(network, row.weights, name=name)
    else:
        network.load_state_dict(torch.load(row.weights, map_location="cpu", weights_only=True)["network"])
    return network.eval()


class Judged(NamedTuple):
    """Part of the frames of an exam, and what is to be found out about them."""

    state: State
    row: str
    split: Split
    start: int
    stop: int


class Scores(NamedTuple):
    """What was found out about some frames; `matrices` is [frame target prediction]."""

    part: Judged
    confusion: Confusion
    boundary: BoundaryScore
    matrices: np.ndarray


def evaluate(state: State, clock: Clock) -> bool:
    """Judge every row whose weights are newer than its scores; whether all are judged."""
    waiting: dict[tuple[str, Split], int] = {
        (row.name, split): row.step for row in report_rows(state) for split in _predict(state, row, clock)
    }
    count = state.scale.exam_frames
    parts = [
        Judged(state, row, split, start, min(start + _CHUNK, count))
        for row, split in waiting
        for start in range(0, count, _CHUNK)
    ]
    if parts:
        done = list(run_chunks(judge, parts, Processes(state.scale.processes)))
        for (row, split), step in waiting.items():
            _keep(state, row, split, step, [scores for scores in done if scores.part[1:3] == (row, split)])
    return not clock.over


def _predict(state: State, row: Row, clock: Clock) -> list[Split]:
    """Write the label images of a row for the exams that are not judged yet; these exams."""

    def is_judged(split: Split) -> bool:
        return state.read(f"evaluation/{row.name}.{split}.json").get("step") == row.step

    waiting: list[Split] = [split for split in EXAMS if not is_judged(split)]
    if clock.over or not waiting:
        return []
    device = compute_device()
    network = load_row(state, row).to(device).to(memory_format=torch.channels_last)
    for split in waiting:
        frames = MappedFrames(state, split)
        labels = _label_images(state, row.name, split, mode="w+")
        for start in range(0, len(frames), _BATCH):
            indices = list(range(start, min(start + _BATCH, len(frames))))
            labels[indices] = predicted_labels(network, frames, indices, device)
        labels.flush()
    print(f"evaluate: {row.name}: step {row.step}, {' and '.join(waiting)}", flush=True)
    return waiting


@torch.inference_mode()
def predicted_labels(network: nn.Module, frames: MappedFrames, indices: list[int], device: torch.device) -> np.ndarray:
    """Labels [b h w] of some frames as the network was trained: bf16 on a card; nothing measured is background.

    The class weights of the loss are divided out, as exports do.
    """
    raw = gathered(frames, indices, pinned=False).to(device)
    depth_m = metres(raw.depth, unit_m=DEPTH_UNIT_M)
    angle = torch.full((len(indices),), frames.pixel_angle, device=device)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        logits = network(depth_m[:, None], angle)
    logits = logits - torch.tensor(LossSettings().class_weights, device=device).log().view(-1, 1, 1)
    return torch.where(depth_m > 0, logits.argmax(dim=1), 0).to(torch.uint8).cpu().numpy()


def _label_images(state: State, row: str, split: Split, *, mode: Literal["r", "w+"]) -> np.memmap:
    folder = state.folder / "evaluation"
    folder.mkdir(exist_ok=True)
    shape = (state.scale.exam_frames, state.scale.height, state.scale.width)
    return np.memmap(folder / f"{row}.{split}.labels", np.uint8, mode, shape=shape)


def judge(part: Judged) -> Scores:
    """Score the label images of some frames."""
    frames = MappedFrames(part.state, part.split)
    labels = _label_images(part.state, part.row, part.split, mode="r")
    confusion, boundary, matrices = Confusion(), BoundaryScore(), []
    for index in range(part.start, part.stop):
        prediction, target = np.array(labels[index]), np.array(frames.raw(index)[1])
        confusion.update(prediction, target)
        boundary.update(Outlines.of(prediction, target))
        matrices.append(count_pairs(prediction, target))
    return Scores(part, confusion, boundary, np.stack(matrices))


def _keep(state: State, row: str, split: Split, step: int, parts: list[Scores]) -> None:
    """Write the scores of an exam, its matrices and some label images, and drop the others."""
    parts.sort(key=lambda scores: scores.part.start)
    confusion, boundary = Confusion(), BoundaryScore()
    for scores in parts:
        confusion.merge(scores.confusion)
        boundary.merge(scores.boundary)
    shown = np.array(_label_images(state, row, split, mode="r")[:SHOWN])
    matrices = np.concatenate([scores.matrices for scores in parts])
    folder = state.folder / "evaluation"
    np.savez_compressed(folder / f"{row}.{split}.npz", matrices=matrices, shown=shown)
    scores = {"step": step, "frames": len(matrices), **confusion.summary(), "boundary_f": boundary.summary()}
    state.write(f"evaluation/{row}.{split}.json", scores)
    (folder / f"{row}.{split}.labels").unlink()
