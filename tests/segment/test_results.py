import json
from pathlib import Path

import numpy as np
import pytest

from graspseg.frame import Frame, Intrinsics
from graspseg.segment.cloud import cloud
from graspseg.segment.extras import Extras
from graspseg.segment.results import STAGES, Stage, Summary
from graspseg.segment.segmenter import Segmenter


def test_cloud_is_the_pinhole_model_by_hand() -> None:
    depth = np.zeros((3, 4), np.uint16)
    depth[1, 3] = 2000
    depth[2, 0] = 1000
    frame = Frame(depth, 0.001, Intrinsics(500.0, 250.0, 1.0, 2.0))
    points = cloud(frame, np.ones((3, 4), bool))
    # (3 - 1) / 500 x 2, (1 - 2) / 250 x 2; (0 - 1) / 500 x 1, (2 - 2) / 250 x 1
    np.testing.assert_allclose(points, [[0.008, -0.008, 2], [-0.002, 0, 1]], rtol=1e-6)


@pytest.fixture
def frame() -> Frame:
    depth = np.full((40, 60), 900, np.uint16)
    depth[:, :30] = 400
    depth[5, 5] = 0
    return Frame(depth)


def test_everything_that_can_be_saved(frame: Frame, depth_rule_model: Path, tmp_path: Path) -> None:
    result = Segmenter(depth_rule_model)(frame)
    Extras(tmp_path, overlays=True, save=("probabilities", "cloud", "handless")).write("a/b.0", frame, result)
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {
        "overlays/a/b.0.png",
        "probabilities/a/b.0.npz",
        "clouds/a/b.0-hand.ply",
        "clouds/a/b.0-object.ply",
        "handless/a/b.0.png",
        "handless/dataset.json",
    }
    with np.load(tmp_path / "probabilities/a/b.0.npz") as saved:
        np.testing.assert_array_equal(saved["probabilities"].argmax(axis=0), result.labels)
    header, _, body = (tmp_path / "clouds/a/b.0-hand.ply").read_bytes().partition(b"end_header\n")
    points = np.frombuffer(body, "<f4").reshape(-1, 3)
    assert f"element vertex {len(points)}\n" in header.decode()
    np.testing.assert_array_equal(points, cloud(frame, result.labels == 1))
    assert b"element vertex 0\n" in (tmp_path / "clouds/a/b.0-object.ply").read_bytes()


def test_handless_depth_has_no_hand_and_is_else_unchanged(frame: Frame, depth_rule_model: Path, tmp_path: Path) -> None:
    from graspseg.datasets.images import read_depth

    result = Segmenter(depth_rule_model)(frame)
    Extras(tmp_path, overlays=False, save=("handless",)).write("f", frame, result)
    handless = read_depth(tmp_path / "handless" / "f.png").depth
    assert not handless[result.labels == 1].any()
    np.testing.assert_array_equal(handless[result.labels != 1], frame.depth[result.labels != 1])
    assert not (tmp_path / "overlays").exists()


def test_runs_of_one_folder_do_not_meet_and_what_is_not_finished_leaves_nothing(
    frame: Frame, depth_rule_model: Path, tmp_path: Path
) -> None:
    result = Segmenter(depth_rule_model)(frame)
    times: dict[Stage, float] = dict.fromkeys(STAGES, 1.0)
    with Summary(tmp_path, {"model": "one"}) as one, Summary(tmp_path, {"model": "other"}) as other:
        for summary, names in ((one, "ab"), (other, "c")):
            for name in names:
                summary.add(name, frame, result, times_ms=times, warnings=[])
            summary.finish()
        assert len(list(tmp_path.iterdir())) == 2
    (path,) = tmp_path.iterdir()
    written = json.loads(path.read_text())
    assert path.name == "summary.json" and written["model"] == "one" and len(written["frames"]) == 2
    before = path.read_bytes()
    with Summary(tmp_path, {"model": "unfinished"}):
        pass
    broken = Summary(tmp_path, {"model": "broken"})
    broken.finish()
    broken.__exit__(KeyError, KeyError(), None)
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == before
