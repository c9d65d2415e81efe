import json
from pathlib import Path

import numpy as np
import pytest

from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.segment.cloud import cloud, normals
from graspseg.segment.extras import Extras
from graspseg.segment.results import STAGES, Stage, Summary
from graspseg.segment.segmentation import ABSTAIN_BELOW, TEMPERATURE, Segmentation
from graspseg.segment.segmenter import Segmenter


def test_cloud_is_the_pinhole_model_by_hand() -> None:
    depth = np.zeros((3, 4), np.uint16)
    depth[1, 3] = 2000
    depth[2, 0] = 1000
    frame = Frame(depth, 0.001, Intrinsics(500.0, 250.0, 1.0, 2.0))
    points = cloud(frame, np.ones((3, 4), bool))
    # (3 - 1) / 500 x 2, (1 - 2) / 250 x 2; (0 - 1) / 500 x 1, (2 - 2) / 250 x 1
    np.testing.assert_allclose(points, [[0.008, -0.008, 2], [-0.002, 0, 1]], rtol=1e-6)


def test_normals_of_a_tilted_plane_and_of_a_ball() -> None:
    """A plane n . p = d has one normal, a ball's point from its middle; all look at the camera."""
    camera = Intrinsics(500.0, 500.0, 79.5, 59.5)
    rays = np.stack(np.meshgrid((np.arange(160) - 79.5) / 500, (np.arange(120) - 59.5) / 500), axis=2)
    rays = np.concatenate([rays, np.ones((120, 160, 1))], axis=2)
    plane = np.array([0.3, -0.4, -1.0]) / np.linalg.norm([0.3, -0.4, -1.0])
    flat = Frame(np.rint(1e5 * -0.4 / (rays @ plane)).astype(np.uint16), 1e-5, camera)
    found = normals(flat, np.ones((120, 160), bool))
    assert (found @ plane).min() > np.cos(np.radians(2))
    middle, radius = np.array([0.0, 0.0, 0.4]), 0.05
    along, square = rays @ middle, (rays**2).sum(axis=2)
    inside = along**2 - square * (middle @ middle - radius**2)
    z = np.where(inside > 0, (along - np.sqrt(np.maximum(inside, 0))) / square, 0)
    ball = Frame(np.rint(1e5 * z).astype(np.uint16), 1e-5, camera)
    mask = inside > 0
    outward = (cloud(ball, mask) - middle) / radius
    seen = outward[:, 2] < -0.5  # the rim is seen edge-on
    angles = np.degrees(np.arccos(np.clip((normals(ball, mask) * outward).sum(axis=1), -1, 1)))[seen]
    assert np.median(angles) < 1 and angles.max() < 6
    np.testing.assert_allclose(np.linalg.norm(normals(ball, mask), axis=1), 1, rtol=1e-5)


def test_a_point_alone_has_the_direction_to_the_camera_and_steps_have_no_slope() -> None:
    depth = np.full((9, 9), 400, np.uint16)
    depth[:, 5:] = 600
    frame = Frame(depth, 0.001, Intrinsics(400.0, 400.0, 4.0, 4.0))
    single = np.zeros((9, 9), bool)
    single[4, 4] = True
    np.testing.assert_allclose(normals(frame, single), [[0, 0, -1]], atol=1e-6)
    np.testing.assert_allclose(normals(frame, np.ones((9, 9), bool)), np.tile([0, 0, -1], (81, 1)), atol=1e-6)


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
    rows = np.frombuffer(body, "<f4").reshape(-1, 6)
    points = rows[:, :3]
    assert [line.split()[-1] for line in header.decode().splitlines() if "property" in line] == [
        "x",
        "y",
        "z",
        "nx",
        "ny",
        "nz",
    ]
    np.testing.assert_array_equal(rows[:, 3:], normals(frame, result.labels == 1))
    assert f"element vertex {len(points)}\n" in header.decode()
    np.testing.assert_array_equal(points, cloud(frame, result.labels == 1))
    assert b"element vertex 0\n" in (tmp_path / "clouds/a/b.0-object.ply").read_bytes()


def test_what_one_result_offers(frame: Frame, depth_rule_model: Path, tmp_path: Path) -> None:
    result = Segmenter(depth_rule_model)(frame)
    result.write_ply(tmp_path / "hand.ply", "hand")
    Extras(tmp_path, overlays=False, save=("cloud",)).write("f", frame, result)
    assert (tmp_path / "hand.ply").read_bytes() == (tmp_path / "clouds/f-hand.ply").read_bytes()
    assert result.hand_normals().shape == result.hand_cloud().shape
    assert result.object_normals().shape == result.object_cloud().shape
    (hand,) = result.hands
    np.testing.assert_array_equal(hand.full_mask((40, 60)), (result.labels == 1) & (frame.depth > 0))
    assert result.contact().shape == (40, 60) and not result.contact().any()
    np.testing.assert_allclose(result.calibrated.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(result.calibrated.argmax(axis=0), result.probabilities.argmax(axis=0))


def test_pixels_below_the_calibrated_probability_are_abstained_from() -> None:
    """By hand: raised to 1 / temperature and scaled to sum 1; 0 without measurement never is."""
    planes = np.zeros((3, 1, 4), np.float32)
    planes[:, 0] = np.array([[0.02, 0.97, 0.01], [0.3, 0.6, 0.1], [0.05, 0.05, 0.9], [0.3, 0.6, 0.1]], np.float32).T
    result = Segmentation(
        np.array([[1, 1, 2, 0]], np.uint8), Frame(np.array([[400, 400, 400, 0]], np.uint16)), (Given(planes),), 0.8
    )
    shares = planes[:, 0, :3] ** (1 / TEMPERATURE)
    calibrated = (shares / shares.sum(axis=0))[[1, 1, 2], [0, 1, 2]]
    for below in (0.55, 0.7, 0.8, 0.95, 1.0):
        np.testing.assert_array_equal(result.abstain(below=below)[0, :3], calibrated < below)
        assert not result.abstain(below=below)[0, 3]
    for below in (0.0, 1.1, float("nan")):
        with pytest.raises(InputError, match=r"0.8 is usual"):
            result.abstain(below=below)


def test_the_temperature_is_the_one_that_was_fitted() -> None:
    stored = json.loads((Path(__file__).parents[2] / "benchmarks/results/temperature.json").read_text())
    assert stored["temperature"] == TEMPERATURE and stored["below"] == ABSTAIN_BELOW
    assert stored["calibrated"]["ece"] < stored["as_it_is"]["ece"]


class Given:
    """An answer for the whole frame."""

    view = None

    def __init__(self, planes: np.ndarray) -> None:
        self._planes = planes

    def add_to(self, planes: np.ndarray, *, origin: tuple[int, int] = (0, 0)) -> None:
        assert origin == (0, 0) and planes.shape == self._planes.shape
        planes[:] = self._planes


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
