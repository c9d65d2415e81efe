"""From frames to batches: what a step learns from is a pure function of seed and step number.

Knows nothing of Lightning, whose import would cost every worker seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils import data
from torch.utils.data import DataLoader, Sampler

from graspseg.datasets.dataset import ENDLESS, Dataset, Sample
from graspseg.errors import InputError
from graspseg.parallel.contexts import preloaded_context
from graspseg.training.augment import TrainingSample, eval_sample, training_sample
from graspseg.training.order import FrameOrder
from graspseg.training.presets import TrainConfig
from graspseg.training.sources import Skipped, check_mostly_usable

Batch = dict[str, Tensor]
_TRIES = 32


class FrameSamples(NamedTuple):
    """Samples of one frame, and why the frames tried before it could not be used."""

    samples: list[TrainingSample]
    skipped: list[str]


class SampleDataset(data.Dataset[FrameSamples]):
    """Varied samples of the frame at a position of the endless training order.

    Each pass over a finite source has an order of its own; the samples of a position depend on seed and position only.
    A frame that cannot be used is replaced by the next one of the same pass.

    Args:
        source: labeled frames.
        config: settings of the run.
    """

    def __init__(self, source: Dataset, config: TrainConfig) -> None:
        self.source = source
        self.config = config
        self._order = FrameOrder(source, config.seed)

    def __len__(self) -> int:
        return ENDLESS

    def frame_index(self, position: int, *, later: int = 0) -> int:
        """Which frame of the source is at a position, or so many places later in the same pass, which closes a ring."""
        count = len(self.source)
        turn, place = divmod(position, count)
        return self._order.frame_index(turn, (place + later) % count)

    def __getitem__(self, position: int) -> FrameSamples:
        sample, skipped = self._usable_frame(position)
        depth_m = sample.frame.depth_m()
        samples = [
            training_sample(
                depth_m,
                sample.target(),
                intrinsics=sample.frame.intrinsics_or_default(),
                rng=np.random.default_rng((self.config.seed, 2, position, view)),
                views=self.config.views,
                augment=self.config.augment,
            )
            for view in range(self.config.views.per_frame)
        ]
        return FrameSamples(samples, skipped)

    def _usable_frame(self, position: int) -> tuple[Sample, list[str]]:
        """The first frame from a position on that can be used, and why those before it cannot."""
        skipped: list[str] = []
        for later in range(min(len(self.source), _TRIES)):
            try:
                sample = self.source[self.frame_index(position, later=later)]
                sample.target()
            except InputError as error:
                skipped.append(str(error))
            else:
                return sample, skipped
        raise InputError(
            f"{len(skipped)} frames in a row cannot be used, expected most of them to be whole; the first: {skipped[0]}"
        )


class StepSampler(Sampler[list[int]]):
    """Positions of every step from `start` on; devices take turns, so that no two see the same frame.

    All devices do the same number of steps and every pass has each frame once: nothing is padded or dropped. A pass
    that ends inside a step leaves the rest of that step to the next pass.

    Args:
        frames_per_step: frames one device needs for a step.
        start: first step that is still to be done.
        steps: all steps of the run.
        rank: number of this device.
        devices: number of devices.
    """

    def __init__(self, frames_per_step: int, *, start: int, steps: int, rank: int = 0, devices: int = 1) -> None:
        self.frames_per_step = frames_per_step
        self.start = start
        self.steps = steps
        self.rank = rank
        self.devices = devices

    def __len__(self) -> int:
        # Lightning counts batches from the run's beginning also after a restart.
        return self.steps

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.steps):
            first = (step * self.devices + self.rank) * self.frames_per_step
            yield list(range(first, first + self.frames_per_step))


class StepLoader(DataLoader):
    """A loader that Lightning may resume in the middle: where it starts is already decided by the sampler.

    Attributes:
        skipped: counts in this process the frames that workers could not use.
    """

    skipped: Skipped

    def __iter__(self) -> Any:  # the library promises a class of its own that has nothing more
        for batch, skipped in super().__iter__():
            self.skipped.add(skipped)
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Nothing to remember: the step number says it all."""
        return {}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Nothing to restore."""


class ValidationBatches:
    """Batches made once and kept; Lightning would take a plain list for several loaders.

    Args:
        batches: see `validation_batches`.
    """

    def __init__(self, batches: list[Batch]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


def make_loader(
    source: Dataset, config: TrainConfig, *, start: int, skipped: Skipped, rank: int = 0, devices: int = 1
) -> StepLoader:
    """Loader of the batches of all steps from `start` on; frames that cannot be used are counted in `skipped`."""
    compute = config.compute
    sampler = StepSampler(config.frames_per_step, start=start, steps=config.steps, rank=rank, devices=devices)
    several = compute.workers > 0
    loader = StepLoader(
        SampleDataset(source, config),
        batch_sampler=sampler,
        collate_fn=_Collate(config.batch),
        num_workers=compute.workers,
        prefetch_factor=compute.prefetch if several else None,
        persistent_workers=several,
        multiprocessing_context=preloaded_context(__name__) if several else None,
        worker_init_fn=_one_thread,
        pin_memory=False,
    )
    loader.skipped = skipped
    return loader


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


class _Collate:
    """Samples of several frames as one batch of `size`, and why frames were skipped on the way."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, frames: list[FrameSamples]) -> tuple[Batch, list[str]]:
        batch = to_batch([sample for frame in frames for sample in frame.samples][: self.size])
        return batch, [reason for frame in frames for reason in frame.skipped]


def to_batch(samples: list[TrainingSample]) -> Batch:
    """Stack samples: `depth` float32 [b 1 h w] in meters, `pixel_angle` float32 [b], `labels` uint8 [b h w]."""
    return {
        "depth": torch.from_numpy(np.stack([sample.depth for sample in samples])[:, None]),
        "pixel_angle": torch.tensor([sample.pixel_angle for sample in samples], dtype=torch.float32),
        "labels": torch.from_numpy(np.stack([sample.labels for sample in samples])),
    }


def validation_batches(source: Dataset, config: TrainConfig, *, skipped: Skipped) -> list[Batch]:
    """Plain samples of the first frames of a source, looks told apart by `second_look` (bool [b]).

    Raises:
        InputError: most of those frames cannot be used.
    """
    looks = ("first",) if config.views.kind == "frame" else ("first", "second")
    samples: list[tuple[bool, TrainingSample]] = []
    unusable: list[str] = []
    count = min(config.validation.frames, len(source))
    for index in range(count):
        try:
            read = source[index]
            depth_m, target = read.frame.depth_m(), read.target()
        except InputError as error:
            unusable.append(str(error))
            continue
        for look in looks:
            camera = read.frame.intrinsics_or_default()
            sample = eval_sample(depth_m, target, intrinsics=camera, views=config.views, look=look)
            samples.append((look == "second", sample))
    check_mostly_usable("The frames to validate on", unusable, count)
    skipped.add(unusable)
    batches = []
    for first in range(0, len(samples), config.batch):
        chosen = samples[first : first + config.batch]
        batch = to_batch([sample for _, sample in chosen])
        batches.append({**batch, "second_look": torch.tensor([second for second, _ in chosen])})
    return batches
