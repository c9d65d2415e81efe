import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.errors import InputError
from graspseg.frame import Intrinsics
from graspseg.synth.scene.backgrounds import HEIGHT, WIDTH, Background, Backgrounds, shipped_backgrounds
from graspseg.synth.scene.composition import RECORDED, compose, in_front
from graspseg.synth.sensor.parameters import SensorParameters

LENS = Intrinsics(500.0, 500.0, 319.5, 239.5)


def _write(folder: Path, depth_mm: np.ndarray, name: str = "a", **about: object) -> Path:
    (folder / "depth").mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "depth" / f"{name}.png"), depth_mm.astype(np.uint16))
    (folder / "dataset.json").write_text(json.dumps({"depth_unit_m": 0.001, **about}))
    return folder


def _tilted_plane(slope: float) -> np.ndarray:
    """Depth of the plane z = 1 + slope y, meters."""
    down = (np.arange(HEIGHT) - LENS.cy) / LENS.fy
    return np.tile((1.0 / (1.0 - slope * down))[:, None], (1, WIDTH)).astype(np.float32)


def test_a_flat_surface_is_found_and_faces_the_camera() -> None:
    plane = Background(_tilted_plane(-0.6), LENS, 1.0, "plane").plane(np.random.default_rng(0))
    assert plane is not None
    expected = np.array([0.0, -0.6, -1.0]) / np.hypot(0.6, 1.0)
    assert plane.normal @ expected > 0.9999
    assert plane.height_m(np.zeros(3)) == pytest.approx(1 / np.hypot(0.6, 1.0), abs=2e-3)


def test_noise_holds_no_surface() -> None:
    noise = np.random.default_rng(0).uniform(0.3, 2.5, (HEIGHT, WIDTH)).astype(np.float32)
    assert Background(noise, LENS, 1.0, "noise").plane(np.random.default_rng(1)) is None


def test_holes_take_the_nearest_measured_depth() -> None:
    depth = np.full((HEIGHT, WIDTH), 0.8, np.float32)
    depth[:, 320:] = 1.5
    holed = depth.copy()
    holed[100:140, 100:140] = 0
    holed[300:310, 500:520] = 0
    np.testing.assert_array_equal(Background(holed, LENS, 1.0, "x").filled_m, depth)


def test_a_point_keeps_its_place_in_the_camera_when_a_frame_is_varied(tmp_path: Path) -> None:
    """A mark at a known ray and depth is found again at the ray's new pixel (mirrored, turned, zoomed)."""
    lens = Intrinsics(420.0, 420.0, 300.0, 250.0)
    depth = np.full((480, 640), 2000)
    depth[255:266, 385:396] = 1000  # 90 px right of and 10 px below the principal point
    about = {"fx": 420.0, "fy": 420.0, "cx": 300.0, "cy": 250.0}
    source = Backgrounds([_write(tmp_path / "set", depth, intrinsics=about)])
    ray = np.array([(390 - lens.cx) / lens.fx, (260 - lens.cy) / lens.fy])
    found = 0
    for seed in range(20):
        drawn = source.draw(np.random.default_rng(seed))
        rows, columns = np.nonzero((drawn.depth_m > 0) & (drawn.depth_m < 0.75 * drawn.depth_m.max()))
        if len(rows) < 60 or columns.min() == 0 or columns.max() == 639 or rows.min() == 0 or rows.max() == 479:
            continue
        lens_new = drawn.intrinsics
        seen = [(columns.mean() - lens_new.cx) / lens_new.fx, (rows.mean() - lens_new.cy) / lens_new.fy]
        assert np.linalg.norm(seen) == pytest.approx(np.linalg.norm(ray), abs=0.006)
        found += 1
    assert found > 8


def test_what_is_nearer_shows_and_the_recording_keeps_its_own_noise() -> None:
    rng = np.random.default_rng(0)
    recorded = (1.0 + rng.normal(0, 0.003, (HEIGHT, WIDTH))).astype(np.float32)
    recorded[:, 400:] = 0.3  # nearer than the hand
    recorded[50:60, 50:60] = 0
    background = Background(recorded, LENS, 1.0, "wall")
    depth, labels = np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), np.uint8)
    depth[200:300, 300:500], labels[200:300, 300:500] = 0.5, 1
    shown = in_front(depth, background)
    assert shown[250, 350] and not shown[250, 450] and not shown[10, 10]
    measured, seen = compose(depth, labels, background, rng, SensorParameters.clean())
    assert (seen[200:300, 300:400] == 1).all() and not seen[:, 400:].any() and not seen[:200].any()
    np.testing.assert_allclose(measured[200:300, 300:400], 0.5, atol=1e-6)
    away = np.s_[:150]
    np.testing.assert_array_equal(measured[away], recorded[away])
    assert RECORDED not in np.unique(seen)


def test_shadows_and_rims_of_the_sensor_lie_between_hand_and_recording() -> None:
    background = Background(np.full((HEIGHT, WIDTH), 1.2, np.float32), LENS, 1.0, "wall")
    depth, labels = np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), np.uint8)
    depth[200:300, 300:400], labels[200:300, 300:400] = 0.4, 1
    sensor = SensorParameters(baseline_m=0.05, holes=0.0, speckle_loss=0.0)
    measured, _ = compose(depth, labels, background, np.random.default_rng(0), sensor)
    beside = measured[210:290, 290:300]
    assert (beside == 0).mean() > 0.6
    assert (measured[:150] > 0).all()


def test_a_coarse_sensor_makes_coarse_hands() -> None:
    background = Background(np.full((HEIGHT, WIDTH), 1.2, np.float32), LENS, 2.5, "phone")
    depth, labels = np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), np.uint8)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    disk = (rows - 240) ** 2 + (columns - 320) ** 2 < 60**2
    depth[disk], labels[disk] = 0.5, 1
    measured, seen = compose(depth, labels, background, np.random.default_rng(0), SensorParameters.clean())
    steps = np.flatnonzero(np.diff(seen.max(axis=1).astype(int)) | np.any(np.diff(seen, axis=0), axis=1))
    assert np.unique(np.floor((steps + 1) / 2.5)).size == np.unique(steps).size
    assert ((seen == 1) == (np.abs(measured - 0.5) < 1e-6)).all()


@pytest.mark.parametrize("split", ["train", "val", "unseen"])
def test_frames_ship_for_every_split_with_their_licenses(split: str) -> None:
    shipped = shipped_backgrounds(split)
    assert len(shipped) >= 4
    for folder in shipped.folders[0].iterdir():
        about = json.loads((folder / "dataset.json").read_text())
        assert about["licence"] in ("MIT", "CC BY 4.0") and about["provenance"]["attribution"]
    drawn = {shipped.draw(np.random.default_rng(seed)).name.split("/")[0] for seed in range(30)}
    assert len(drawn) >= 3


def test_scenes_of_one_split_show_in_no_other() -> None:
    names = {
        split: {each.name for each in shipped_backgrounds(split).folders[0].iterdir()}
        for split in ("train", "val", "unseen")
    }
    assert not names["train"] & names["val"] and not names["val"] & names["unseen"]
    assert not names["train"] & names["unseen"]


def test_a_folder_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        Backgrounds([tmp_path / "nowhere"])
    (tmp_path / "set" / "depth").mkdir(parents=True)
    with pytest.raises(InputError):
        Backgrounds([tmp_path / "set"])
