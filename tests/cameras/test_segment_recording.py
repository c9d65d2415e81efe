import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.images import read_labels
from graspseg.errors import InputError
from graspseg.segment.inputs import CameraOptions, StoredSource, find_sources


@pytest.fixture(params=["take.db3", "take.bag"])
def take(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    writer = request.getfixturevalue("write_db3" if request.param == "take.db3" else "write_bag")
    return writer(tmp_path / request.param, 30)


def test_frames_of_a_recording_are_segmented(take: Path, tmp_path: Path, depth_rule_model: Path) -> None:
    out = tmp_path / "out"
    assert main(["segment", str(take), "--out", str(out), "--model", str(depth_rule_model)]) == 0
    written = sorted(path.name for path in (out / "labels" / "take").iterdir())
    assert written == [f"{number:06d}.png" for number in range(30)]
    # All of it is nearer than 0.5 m, which the rule of this model calls hand.
    np.testing.assert_array_equal(np.unique(read_labels(out / "labels/take/000029.png", (24, 32))), [1])


def test_a_cut_recording_is_segmented_up_to_there(
    take: Path, tmp_path: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take.write_bytes(take.read_bytes()[: take.stat().st_size * 7 // 10])
    out = tmp_path / "out"
    assert main(["segment", str(take), "--out", str(out), "--model", str(depth_rule_model), "--no-overlays"]) == 1
    count = len(list((out / "labels" / "take").iterdir()))
    assert 5 < count < 30
    assert f"was cut: {count} depth images" in capsys.readouterr().err
    (failure,) = json.loads((out / "summary.json").read_text())["failed"]
    assert "what followed is lost" in failure["reason"]


def test_what_the_user_says_of_the_camera_wins(take: Path, tmp_path: Path) -> None:
    source = find_sources([take], tmp_path / "out")[3]
    assert isinstance(source, StoredSource) and source.name == "take/000003"
    plain, reported = source.read(CameraOptions()), source.read(CameraOptions(depth_unit_m=0.01, fx=300.0))
    assert plain.depth_unit_m == 0.000125 and plain.intrinsics is not None and plain.intrinsics.fx == 25
    assert reported.depth_unit_m == 0.01 and reported.intrinsics is not None and reported.intrinsics.fx == 300


def test_two_recordings_of_one_name_are_refused(write_bag: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    takes = [write_bag(folder / "take.bag", 1) for folder in (tmp_path, tmp_path / "b")]
    with pytest.raises(InputError, match=r"would both be written as take/000000.png"):
        find_sources(takes, tmp_path / "out")
