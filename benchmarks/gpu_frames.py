"""Frames for a GPU: made from seeds on all cores, kept raw in memory-mapped files, gathered ahead of the steps.

Files of whole chunks, `<split>/<number>.depth` (uint16, 0.1 mm) and `.labels` (uint8), each `[chunk h w]`. They stay
in the machine's memory as far as it is free (43 GB for 46,720 frames of 640 x 480), which leaves the card's memory to
the networks; a step of 32 frames needs 30 MB of them, which threads copy while the step before is computed.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gpu_plan import EXAMS, Clock, Scale, Split, State
from graspseg.datasets.atomic import write_bytes
from graspseg.datasets.dataset import Dataset, Sample
from graspseg.frame import Frame
from graspseg.parallel.chunks import Processes, run_chunks
from graspseg.synth.generate import FrameMaker
from graspseg.synth.preset_names import DEPTH_UNIT_M, EXAM_SEED
from graspseg.synth.recipe import Recipe
from graspseg.training.order import FrameOrder

PRESET = "interseghands"
TRAIN_SEED = 0
_AHEAD = 4


class FrameChunk(NamedTuple):
    """Frames `start` to `stop` (excluded) of a split, which become two files."""

    folder: Path
    split: Split
    scale: Scale
    start: int
    stop: int

    @property
    def stem(self) -> Path:
        """The files without their suffixes."""
        return self.folder / self.split / f"{self.start // self.scale.chunk:05d}"

    @property
    def files(self) -> tuple[Path, Path]:
        """Depth and labels."""
        return self.stem.with_suffix(".depth"), self.stem.with_suffix(".labels")


def frame_chunks(folder: Path, scale: Scale) -> list[FrameChunk]:
    """All files of all splits, the exams first."""
    counts: dict[Split, int] = {**dict.fromkeys(EXAMS, scale.exam_frames), "train": scale.train_frames}
    return [
        FrameChunk(folder, split, scale, start, min(start + scale.chunk, count))
        for split, count in counts.items()
        for start in range(0, count, scale.chunk)
    ]


def make_frames(state: State, clock: Clock) -> bool:
    """Make the frames that are still missing; whether all are there now."""
    folder = state.folder / "frames"
    missing = [chunk for chunk in frame_chunks(folder, state.scale) if not chunk.files[1].is_file()]
    if not missing:
        return True
    # Compiles the generator once for all processes.
    _maker("val").make(0)
    workers = state.scale.processes
    total = sum(chunk.stop - chunk.start for chunk in missing)
    done, began = 0, clock.left_s
    for frames in run_chunks(make_chunk, missing, Processes(workers)):
        done += frames
        if clock.over:
            break
    seconds = max(began - clock.left_s, 1e-3)
    print(f"data: {done} of {total} missing frames in {seconds:.0f} s in {workers} processes", flush=True)
    spent = state.read("data.json")
    figures = {"frames": spent.get("frames", 0) + done, "seconds": round(spent.get("seconds", 0.0) + seconds, 1)}
    state.write("data.json", {**figures, "workers": workers})
    return done == total


def make_chunk(chunk: FrameChunk) -> int:
    """Make the frames of a file; the labels appear last and say that it is whole."""
    maker, every = _maker(chunk.split), chunk.scale.every
    made = [maker.make(index) for index in range(chunk.start, chunk.stop)]
    depth = np.stack([frame.frame().depth[::every, ::every] for frame in made])
    labels = np.stack([frame.labels[::every, ::every] for frame in made])
    for path, values in zip(chunk.files, (depth, labels), strict=True):
        write_bytes(path, values.tobytes())
    return len(made)


def _maker(split: Split) -> FrameMaker:
    if split not in _MAKERS:
        seed = TRAIN_SEED if split == "train" else EXAM_SEED
        _MAKERS[split] = FrameMaker(split, seed, recipe=Recipe.preset(PRESET))
    return _MAKERS[split]


_MAKERS: dict[Split, FrameMaker] = {}


class MappedFrames(Dataset):
    """Frames of a split, memory-mapped.

    Args:
        state: of a machine that has made them.
        split: which.

    Attributes:
        pixel_angle: radians a pixel covers.
    """

    def __init__(self, state: State, split: Split) -> None:
        self.scale = state.scale
        chunks = [chunk for chunk in frame_chunks(state.folder / "frames", state.scale) if chunk.split == split]
        self._stems = [chunk.stem for chunk in chunks]
        self._count = chunks[-1].stop
        self.pixel_angle = 1 / state.scale.camera.fx

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _maps(self) -> list[tuple[np.ndarray, np.ndarray]]:
        shape = (-1, self.scale.height, self.scale.width)
        return [
            (
                np.memmap(stem.with_suffix(".depth"), np.uint16, "r").reshape(shape),
                np.memmap(stem.with_suffix(".labels"), np.uint8, "r").reshape(shape),
            )
            for stem in self._stems
        ]

    def raw(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Stored depth (uint16, 0.1 mm) and labels (uint8) of a frame."""
        chunk, place = divmod(index, self.scale.chunk)
        depth, labels = self._maps[chunk]
        return depth[place], labels[place]

    @property
    def stems(self) -> list[str]:
        """Number of every frame."""
        return [str(index) for index in range(self._count)]

    def read(self, index: int) -> Sample:
        """A frame as training on CPUs takes it."""
        depth, labels = self.raw(index)
        return Sample(str(index), Frame(np.array(depth), DEPTH_UNIT_M, self.scale.camera), np.array(labels))


class RawBatch(NamedTuple):
    """Frames as they are stored: `depth` [b h w] holds the bits of uint16 as int16, `labels` [b h w] uint8."""

    depth: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> RawBatch:
        """On a device; from pinned memory this does not wait."""
        return RawBatch(self.depth.to(device, non_blocking=True), self.labels.to(device, non_blocking=True))


def gathered(frames: MappedFrames, indices: list[int], *, pinned: bool) -> RawBatch:
    """Copy frames into one batch."""
    shape = (len(indices), frames.scale.height, frames.scale.width)
    batch = RawBatch(
        torch.empty(shape, dtype=torch.int16, pin_memory=pinned),
        torch.empty(shape, dtype=torch.uint8, pin_memory=pinned),
    )
    depth, labels = batch.depth.numpy().view(np.uint16), batch.labels.numpy()
    for place, index in enumerate(indices):
        depth[place], labels[place] = frames.raw(index)
    return batch


def step_frames(frames: MappedFrames, *, seed: int, start: int, steps: int, pinned: bool) -> Generator[RawBatch]:
    """Frames of the steps from `start` on, gathered ahead; which ones depends on seed and step only.

    Every pass has each frame once, in an order of its own, as in `graspseg.training`.
    """
    order, batch = FrameOrder(frames, seed), frames.scale.batch
    with ThreadPoolExecutor(min(_AHEAD, os.cpu_count() or 1)) as pool:
        waiting: deque[Future[RawBatch]] = deque()
        for step in range(start, steps):
            places = [divmod(step * batch + number, len(frames)) for number in range(batch)]
            indices = [order.frame_index(turn, place) for turn, place in places]
            waiting.append(pool.submit(gathered, frames, indices, pinned=pinned))
            if len(waiting) >= _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
