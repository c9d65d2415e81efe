import json
import mmap
from pathlib import Path

import numpy as np
import pytest

from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.errors import InputError
from graspseg.evaluation.machine import describe_machine, resident_mb
from graspseg.evaluation.speed import measure_speed
from graspseg.frame import Frame
from graspseg.segment.inputs import CameraOptions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writer = FolderWriter(tmp_path / "set", {"depth_unit_m": 0.0005})
    for i in range(3):
        writer.write(str(i), Frame(np.full((48, 64), 900 + i, np.uint16), 0.0005))
    return tmp_path / "set"


def test_every_frame_goes_through_every_stage(folder: Path) -> None:
    seen: list[tuple[int, float]] = []

    def segment(frame: Frame) -> np.ndarray:
        seen.append((int(frame.depth[0, 0]), frame.depth_unit_m))
        return np.zeros(frame.depth.shape, np.uint8)

    figures = measure_speed(segment, folder, frames=7, warm_up=2)
    assert seen == [(value, 0.0005) for value in (901, 902, 900, 901, 902, 900, 901, 902, 900)]
    assert figures["frames"] == 7
    assert figures["size"] == [64, 48]
    for name in ("read_ms", "segment_ms", "write_ms", "end_to_end_ms"):
        assert 0 < figures[name]["p50"] <= figures[name]["p99"]
    stages = sum(figures[f"{name}_ms"]["mean"] for name in ("read", "segment", "write"))
    assert figures["end_to_end_ms"]["mean"] == pytest.approx(stages, abs=0.002)
    json.dumps(figures, allow_nan=False)


def test_shards_are_read_like_folders(folder: Path, tmp_path: Path) -> None:
    write_shard(tmp_path / "s.tar", [ShardSample(f"k{sample.stem}", sample.frame) for sample in FolderDataset(folder)])
    seen: list[tuple[int, float]] = []

    def segment(frame: Frame) -> np.ndarray:
        seen.append((int(frame.depth[0, 0]), frame.depth_unit_m))
        return np.zeros(frame.depth.shape, np.uint8)

    measure_speed(segment, tmp_path / "s.tar", frames=3, warm_up=0)
    measure_speed(segment, tmp_path / "s.tar", frames=1, warm_up=0, camera=CameraOptions(0.002))
    assert seen == [(900, 0.0005), (901, 0.0005), (902, 0.0005), (900, 0.002)]


def test_memory_that_grows_is_seen(folder: Path) -> None:
    if resident_mb() is None:
        pytest.skip("this system does not say how much memory a process holds")
    kept: list[mmap.mmap] = []

    def segment(frame: Frame) -> np.ndarray:
        # Straight from the system: memory that earlier tests freed would hide the growth.
        kept.append(mmap.mmap(-1, 1_000_000))
        kept[-1].write(b"a" * 1_000_000)
        return np.zeros(frame.depth.shape, np.uint8)

    memory = measure_speed(segment, folder, frames=401, warm_up=0)["resident_mb"]
    assert memory["growth_per_1000_frames"] == pytest.approx(1000, rel=0.3)
    assert memory["end"] - memory["start"] > 250


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no depth image"):
        measure_speed(lambda frame: np.zeros(frame.depth.shape, np.uint8), tmp_path, frames=1)


def test_the_machine_is_described_without_its_name() -> None:
    machine = describe_machine()
    assert set(machine) == {"processor", "cores", "python", "system"}
    assert int(machine["cores"]) >= 1
