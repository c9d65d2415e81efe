"""The lens of the depth camera: places worked by hand, both directions of the formula, and where it is read from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graspseg.annotate.annotated_frame import aligned_picture
from graspseg.cameras.open import open_rgbd
from graspseg.cameras.realsense.sdk import distortion
from graspseg.cameras.recording import RecordedRgbd
from graspseg.cameras.recordings import open_recording
from graspseg.cameras.undistort import DepthLens, straighten_depth
from graspseg.datasets.atomic import write_json, write_png
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics

CAMERA = Intrinsics(100.0, 100.0, 50.0, 2.0)
K1 = (0.1, 0.0, 0.0, 0.0, 0.0)
SIDE = {"color_from_depth": np.eye(4).tolist(), "intrinsics": {"fx": 100, "fy": 100, "cx": 50, "cy": 2}}


def columns() -> np.ndarray:
    """Depth that says in which column it was taken."""
    return np.tile(np.arange(1000, 1101, dtype=np.uint16), (5, 1))


def test_each_pixel_takes_what_was_measured_where_the_lens_bends_it_to() -> None:
    """On the middle row x goes to x + 0.1 x^3: column 80 is x = 0.3, seen at 0.3027, column 80.27.

    Columns 90, 92 and 10 go to 90.64, 92.74 and 9.36; 100 to 101.25, past the edge.
    """
    straight = straighten_depth(Frame(columns(), intrinsics=CAMERA), DepthLens(K1)).depth[2]
    assert [straight[column] for column in (50, 80, 90, 92, 10, 100)] == [1050, 1080, 1091, 1093, 1009, 0]


def test_the_inverse_formula_leads_the_other_way() -> None:
    """What was taken at column 90 (x = 0.4) belongs to x + 0.1 x^3 = 0.4064; so column 90 takes from before it.

    d + 0.1 d^3 = 0.4 at d = 0.39389 (0.39389 + 0.00611), column 89.39; = 0.5 at 0.48835 (+ 0.01165), column 98.84, so
    nothing lies past the edge.
    """
    straight = straighten_depth(Frame(columns(), intrinsics=CAMERA), DepthLens(K1, undistorts=True)).depth[2]
    assert [straight[column] for column in (50, 90, 100, 0)] == [1050, 1089, 1099, 1001]
    assert (straight > 0).all()


def test_both_directions_undo_each_other_but_for_rounding() -> None:
    depth = np.tile(np.arange(1000, 1640, dtype=np.uint16), (480, 1))
    camera = Intrinsics(475.0, 475.0, 319.5, 239.5)
    coefficients = (0.12, -0.09, 0.004, 0.001, 0.02)
    bent = straighten_depth(Frame(depth, intrinsics=camera), DepthLens(coefficients, undistorts=True))
    again = straighten_depth(bent, DepthLens(coefficients)).depth
    found = again > 0
    assert found.mean() > 0.9
    assert np.abs(again[found].astype(int) - depth[found]).max() <= 2
    assert np.abs(bent.depth.astype(int) - depth).max() > 4


def test_without_bending_nothing_is_touched_and_without_a_camera_nothing_is_guessed() -> None:
    frame = Frame(columns())
    assert straighten_depth(frame, DepthLens((0.0,) * 5)) is frame
    with pytest.raises(InputError, match=r"depth lens bends .* camera is unknown, expected both"):
        straighten_depth(frame, DepthLens(K1))


def folder(path: Path, **described: object) -> Path:
    picture = np.zeros((5, 101, 3), np.uint8)
    picture[..., 0] = 2 * np.arange(101)
    write_png(path / "depth" / "1.png", columns())
    write_png(path / "color" / "1.png", picture)
    camera = {"fx": 100, "fy": 100, "cx": 50, "cy": 2}
    write_json(path / "dataset.json", {"intrinsics": camera, **described})
    return path


def test_a_folder_with_a_bending_depth_lens_is_aligned(tmp_path: Path) -> None:
    """The color camera stands in the same place and does not bend: column 90 of the pinhole image is its column 90."""
    rgbd = open_rgbd(folder(tmp_path, color=SIDE, distortion=list(K1)))[0]
    assert rgbd.frame.depth[2, 90] == 1091 and rgbd.frame.depth[2, 100] == 0
    picture = aligned_picture(rgbd, occlusion_m=0.5)
    assert [picture[2, column, 0] for column in (50, 80, 90, 100)] == [100, 160, 180, 0]


def test_an_aligned_picture_is_bent_back_with_its_depth(tmp_path: Path) -> None:
    rgbd = open_rgbd(folder(tmp_path, distortion=list(K1)))[0]
    assert rgbd.frame.depth[2, 90] == 1091
    assert rgbd.color[2, 90, 0] == pytest.approx(2 * 90.64, abs=1)
    assert rgbd.color[2, 100, 0] < 5


@pytest.mark.parametrize(
    ("described", "found"),
    [
        ({"distortion": [0.1]}, r"distortion \[0.1\], expected 0, 4, 5"),
        ({"distortion": "none"}, r"distortion 'none', expected"),
        ({"intrinsics": {"fx": 1, "fy": 1, "cx": 0, "cy": 0, "distortion": [0.1] * 5}}, "inside intrinsics"),
    ],
)
def test_distortion_that_cannot_be_read_is_named(tmp_path: Path, described: dict[str, object], found: str) -> None:
    with pytest.raises(InputError, match=rf"dataset.json has .*{found}"):
        open_rgbd(folder(tmp_path, **described))


def test_distortion_without_a_camera_is_refused(tmp_path: Path) -> None:
    source = open_rgbd(folder(tmp_path, intrinsics=None, distortion=list(K1)))
    with pytest.raises(InputError, match=r"camera is unknown, expected both to correct it"):
        source[0]


@pytest.mark.parametrize(("model", "undistorts"), [("Brown Conrady", False), ("Inverse Brown Conrady", True)])
def test_a_bag_brings_the_lens_of_its_depth(
    write_bag: Callable[..., Path], tmp_path: Path, model: str, undistorts: bool
) -> None:
    pytest.importorskip("rosbags")
    coefficients = (0.25, -0.125, 0.0, 0.0, 0.0)
    recording = open_recording(write_bag(tmp_path / "take.bag", 2, depth_lens=(model, coefficients)))
    lens = DepthLens(coefficients, undistorts)
    assert recording.depth_lens == lens
    taken = recording.frame(1)
    expected = straighten_depth(taken, lens).depth
    found = RecordedRgbd(recording)[1].frame.depth
    np.testing.assert_array_equal(found, expected)
    assert (found != taken.depth).any()


def test_a_fisheye_depth_lens_is_refused(write_bag: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("rosbags")
    with pytest.raises(InputError, match=r"take.bag: The depth lens is described as Ftheta with 5"):
        open_recording(write_bag(tmp_path / "take.bag", 1, depth_lens=("Ftheta", K1)))


def test_the_sdk_bends_as_opencv_does(sdk: Any) -> None:
    """What newer recordings mean by any of the models is what the SDK's own projection does."""
    coefficients = (0.12, 0.09, 0.004, 0.001, 0.06)
    for model in ("brown_conrady", "inverse_brown_conrady"):
        lens = sdk.intrinsics()
        lens.width, lens.height, lens.fx, lens.fy, lens.ppx, lens.ppy = 101, 5, 100, 100, 50, 2
        lens.model, lens.coeffs = getattr(sdk.distortion, model), list(coefficients)
        place, _ = sdk.rs2_project_point_to_pixel(lens, [0.3, 0.0, 1.0])
        straight = straighten_depth(Frame(columns(), intrinsics=CAMERA), DepthLens(distortion(model, coefficients)))
        assert int(straight.depth[2, 80]) - 1000 == round(place)
