from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graspseg.datasets.manifest import write_manifest
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.frame import Frame, Intrinsics

MakeSample = Callable[..., ShardSample]
MakeShards = Callable[..., Path]


@pytest.fixture
def make_sample() -> MakeSample:
    """A frame of 6x4 random pixels with all four labels; equal numbers give equal frames."""

    def make(number: int, *, key: str | None = None, labeled: bool = True, colored: bool = False) -> ShardSample:
        rng = np.random.default_rng(number)
        depth = rng.integers(0, 1 << 16, (4, 6), dtype=np.uint16)
        depth[0, 0] = 5000
        labels = np.array([0, 1, 2, 255], np.uint8)[rng.integers(0, 4, (4, 6))]
        labels[0, :2] = 1, 2
        return ShardSample(
            key or f"f{number}",
            Frame(depth, 0.0001, Intrinsics(5.0, 6.0, 2.5, 1.5), timestamp_s=number / 30),
            labels if labeled else None,
            rng.integers(0, 256, (4, 6, 3), dtype=np.uint8) if colored else None,
            {"stem": f"take/{number}.0", "objects": [f"thing-{number % 2}"]},
        )

    return make


@pytest.fixture
def make_shards(tmp_path: Path, make_sample: MakeSample) -> MakeShards:
    """A folder of two shards: three frames of the split `train`, two of `val`."""

    def make(name: str = "set", **options: bool) -> Path:
        folder = tmp_path / name
        parts = (("train", range(3)), ("val", range(3, 5)))
        rows = [
            write_shard(folder / f"{split}-000000.tar", [make_sample(n, **options) for n in numbers], split=split)
            for split, numbers in parts
        ]
        write_manifest(folder, {"depth_unit_m": 0.001, "licence": "CC0-1.0"}, rows)
        return folder

    return make
