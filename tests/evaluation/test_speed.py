import json
import mmap
from pathlib import Path

import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.errors import InputError
from graspseg.evaluation.machine import describe_machine, resident_mb
from graspseg.evaluation.samples import open_samples
from graspseg.evaluation.speed import frames_on_disk, measure_speed
from graspseg.frame import Frame
from graspseg.segment.inputs import CameraOptions
from graspseg.segment.segmentation import Segmentation, Times
from graspseg.segment.segmenter import Segmenter


def found_nothing(frame: Frame) -> Segmentation:
    return Segmentation(np.zeros(frame.depth.shape, np.uint8), frame, (), None, times_ms=Times(0.25, 0.5, 0.125))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writer = FolderWriter(tmp_path / "set", {"depth_unit_m": 0.0005})
    for i in range(3):
        writer.write(str(i), Frame(np.full((48, 64), 900 + i, np.uint16), 0.0005))
    return tmp_path / "set"


def test_every_frame_goes_through_every_stage(folder: Path) -> None:
    seen: list[tuple[int, float]] = []

    def segment(frame: Frame) -> Segmentation:
        seen.append((int(frame.depth[0, 0]), frame.depth_unit_m))
        return found_nothing(frame)

    figures = measure_speed(segment, folder, frames=7, warm_up=2)
    assert seen == [(value, 0.0005) for value in (901, 902, 900, 901, 902, 900, 901, 902, 900)]
    assert figures["frames"] == 7
    assert figures["size"] == [64, 48]
    for name in ("read_ms", "segment_ms", "write_ms", "end_to_end_ms", "matrix_product_ms"):
        assert 0 < figures[name]["p50"] <= figures[name]["p95"] <= figures[name]["p99"]
    parts = {name: figures[f"{name}_ms"]["p99"] for name in ("prepare", "network", "compose")}
    assert parts == {"prepare": 0.25, "network": 0.5, "compose": 0.125}
    ratio = figures["segment_ms"]["p50"] / figures["matrix_product_ms"]["p50"]
    assert figures["segment_to_matrix_product"] == pytest.approx(ratio, abs=0.006)
    stages = sum(figures[f"{name}_ms"]["mean"] for name in ("read", "segment", "write"))
    assert figures["end_to_end_ms"]["mean"] == pytest.approx(stages, abs=0.002)
    json.dumps(figures, allow_nan=False)


def test_shards_are_read_like_folders(folder: Path, tmp_path: Path) -> None:
    write_shard(tmp_path / "s.tar", [ShardSample(f"k{sample.stem}", sample.frame) for sample in FolderDataset(folder)])
    seen: list[tuple[int, float]] = []

    def segment(frame: Frame) -> Segmentation:
        seen.append((int(frame.depth[0, 0]), frame.depth_unit_m))
        return found_nothing(frame)

    measure_speed(segment, tmp_path / "s.tar", frames=3, warm_up=0)
    measure_speed(segment, tmp_path / "s.tar", frames=1, warm_up=0, camera=CameraOptions(0.002))
    assert seen == [(900, 0.0005), (901, 0.0005), (902, 0.0005), (900, 0.002)]


def test_memory_that_grows_is_seen(folder: Path) -> None:
    if resident_mb() is None:
        pytest.skip("this system does not say how much memory a process holds")
    kept: list[mmap.mmap] = []

    def segment(frame: Frame) -> Segmentation:
        # Straight from the system: memory that earlier tests freed would hide the growth.
        kept.append(mmap.mmap(-1, 1_000_000))
        kept[-1].write(b"a" * 1_000_000)
        return found_nothing(frame)

    memory = measure_speed(segment, folder, frames=401, warm_up=0)["resident_mb"]
    assert memory["growth_per_1000_frames"] == pytest.approx(1000, rel=0.3)
    assert memory["end"] - memory["start"] > 250


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no depth image"):
        measure_speed(found_nothing, tmp_path, frames=1)


def test_the_machine_is_described_without_its_name() -> None:
    machine = describe_machine()
    assert set(machine) == {"processor", "cores", "python", "system"}
    assert int(machine["cores"]) >= 1


def test_the_parts_of_a_call_add_up_to_it(depth_rule_model: Path, folder: Path) -> None:
    segmenter = Segmenter(depth_rule_model)
    result = segmenter(np.full((240, 320), 450, np.uint16))
    assert result.times_ms is not None
    assert min(result.times_ms.prepare, result.times_ms.network, result.times_ms.compose) > 0
    figures = measure_speed(segmenter, folder, frames=30, warm_up=2)
    parts = sum(figures[f"{name}_ms"]["mean"] for name in ("prepare", "network", "compose"))
    assert 0.5 * figures["segment_ms"]["mean"] < parts <= figures["segment_ms"]["mean"] + 0.003


def test_the_command_prints_every_stage_and_writes_the_figures(
    depth_rule_model: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "speed.json"
    asked = ["--frames", "6", "--warm-up", "1", "--threads", "1", "--precision", "float32", "--json", str(out)]
    assert main(["speed", str(depth_rule_model), "--data", str(folder), *asked]) == 0
    printed = capsys.readouterr().out
    for name in ("read", "prepare", "network", "compose", "write", "end to end", "segment cpu", "matrix product"):
        assert f"\n{name}" in printed
    assert "openvino, float32, 1 threads, 6 frames of 64x48" in printed
    report = json.loads(out.read_text())
    assert report["precision"] == "float32" and report["threads"] == 1 and report["frames"] == 6
    assert main(["speed", str(depth_rule_model), "--data", str(folder), "--frames", "0"]) == 2


def test_generated_frames_are_read_as_they_were_made() -> None:
    pytest.importorskip("numba")
    seen: list[np.ndarray] = []

    def segment(frame: Frame) -> Segmentation:
        seen.append(frame.depth_m())
        return found_nothing(frame)

    with frames_on_disk("synth:val:2") as data:
        measure_speed(segment, data, frames=2, warm_up=0)
    samples = open_samples("synth:val:2")
    for index, depth_m in enumerate(seen):
        np.testing.assert_allclose(depth_m, samples[index].frame.depth_m(), atol=6e-5)
