import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graspseg.cameras.calibration import describe_color_camera, parse_color_camera
from graspseg.cameras.open import open_rgbd
from graspseg.cameras.rgbd import ColorCamera, RgbdFrame, RgbdSource
from graspseg.datasets.atomic import write_json, write_png
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.synth.color.camera import ColorRig
from graspseg.synth.color.picture import calibration

CAMERA = {"fx": 470.0, "fy": 471.0, "cx": 2.0, "cy": 1.0}
POSE = [[0.0, -1.0, 0.0, 0.025], [1.0, 0.0, 0.0, 0.001], [0.0, 0.0, 1.0, -0.002], [0, 0, 0, 1]]
RIG = {"intrinsics": CAMERA, "color_from_depth": POSE}


def folder(path: Path, stems: tuple[str, ...], *, size: tuple[int, int] = (4, 6), **described: Any) -> Path:
    for number, stem in enumerate(stems):
        write_png(path / "depth" / f"{stem}.png", np.full((4, 6), 500 + number, np.uint16))
        write_png(path / "color" / f"{stem}.png", np.full((*size, 3), (number, 20, 30), np.uint8))
    if described:
        write_json(path / "dataset.json", described)
    return path


def test_aligned_color_needs_no_calibration(tmp_path: Path) -> None:
    source = open_rgbd(folder(tmp_path, ("a/10", "a/9", "b/1"), depth_unit_m=0.0001, intrinsics=CAMERA))
    assert isinstance(source, RgbdSource) and source.cut is None and source.path == tmp_path
    assert source.names == ["a/9", "a/10", "b/1"] and source.sequences == [range(2), range(2, 3)]
    frame = pickle.loads(pickle.dumps(source))[1]
    assert frame.name == "a/10" and frame.color_camera is None
    assert frame.frame.depth_unit_m == 0.0001 and frame.frame.intrinsics == Intrinsics(**CAMERA)
    assert frame.frame.depth[0, 0] == 500 and tuple(frame.color[0, 0]) == (0, 20, 30)


def test_the_users_unit_and_camera_win(tmp_path: Path) -> None:
    given = Intrinsics(1.0, 2.0, 3.0, 4.0)
    source = open_rgbd(folder(tmp_path, ("1",), depth_unit_m=0.0001), depth_unit_m=0.01, intrinsics=given)
    assert source[0].frame.depth_unit_m == 0.01 and source[0].frame.intrinsics == given


@pytest.mark.parametrize("where", ["dataset.json", "calibration.json"])
def test_color_beside_the_depth_camera_brings_its_calibration(tmp_path: Path, where: str) -> None:
    folder(tmp_path, ("1",), size=(8, 12))
    write_json(
        tmp_path / where, {"depth_unit_m": 0.0002, "intrinsics": CAMERA, "color": {**RIG, "distortion": [0.1] * 5}}
    )
    frame = open_rgbd(tmp_path)[0]
    camera = frame.color_camera
    assert frame.color.shape == (8, 12, 3) and camera is not None
    assert camera.intrinsics == Intrinsics(**CAMERA) and camera.distortion == (0.1,) * 5
    np.testing.assert_array_equal(camera.rotation @ [1, 0, 0], [0, 1, 0])
    np.testing.assert_array_equal(camera.translation_m, [0.025, 0.001, -0.002])
    assert frame.frame.depth_unit_m == 0.0002 and frame.frame.intrinsics == Intrinsics(**CAMERA)


def test_a_calibration_survives_being_written(tmp_path: Path) -> None:
    camera = parse_color_camera({"color": {**RIG, "distortion": [0.1, 0.2, 0.3, 0.4]}}, tmp_path)
    assert camera is not None
    again = parse_color_camera(json.loads(json.dumps({"color": describe_color_camera(camera)})), tmp_path)
    assert again is not None and again.distortion == camera.distortion and again.intrinsics == camera.intrinsics
    np.testing.assert_array_equal(again.rotation, camera.rotation)
    np.testing.assert_array_equal(again.translation_m, camera.translation_m)
    assert parse_color_camera({}, tmp_path) is None


@pytest.mark.parametrize(
    "color",
    [
        7,
        {},
        {"intrinsics": CAMERA},
        {"color_from_depth": POSE},
        {**RIG, "color_from_depth": POSE[:3]},
        {**RIG, "color_from_depth": [[*row[:3], "x"] for row in POSE]},
        {**RIG, "color_from_depth": [*POSE[:3], [0, 0, 1, 1]]},
        {**RIG, "color_from_depth": [[2 * value for value in row] for row in POSE[:3]] + [POSE[3]]},
        {**RIG, "color_from_depth": [POSE[1], POSE[0], POSE[2], POSE[3]]},
        {**RIG, "distortion": [0.1]},
        {**RIG, "distortion": 0.1},
        {**RIG, "intrinsics": {**CAMERA, "fx": -1}},
    ],
)
def test_an_unusable_calibration_is_named(tmp_path: Path, color: Any) -> None:
    with pytest.raises(InputError, match=r"dataset.json.*, expected"):
        open_rgbd(folder(tmp_path, ("1",), color=color))


def test_color_of_another_size_without_calibration_is_named(tmp_path: Path) -> None:
    source = open_rgbd(folder(tmp_path, ("1",), size=(8, 12)))
    with pytest.raises(InputError, match=rf"{tmp_path.name}: .*'1' is 12x8, expected 6x4 .*dataset.json"):
        source[0]


def test_missing_color_is_named_frame_by_frame(tmp_path: Path) -> None:
    folder(tmp_path, ("1", "2", "3"))
    (tmp_path / "color" / "2.png").unlink()
    source = open_rgbd(tmp_path)
    assert len(source) == 3 and source[2].name == "3"
    with pytest.raises(InputError, match=r"depth and no color for '2', expected a picture for every depth image"):
        source[1]
    (tmp_path / "color").rename(tmp_path / "rgb")
    with pytest.raises(InputError, match=r"3 depth images and no color .*'1', expected RGB pictures by equal stem"):
        open_rgbd(tmp_path)


def test_depth_of_8_bits_and_damaged_color_are_named(tmp_path: Path) -> None:
    folder(tmp_path, ("1", "2"))
    write_png(tmp_path / "depth" / "1.png", np.zeros((4, 6), np.uint8))
    (tmp_path / "color" / "2.png").write_bytes(b"x")
    source = open_rgbd(tmp_path)
    with pytest.raises(InputError, match=r"1.png is a 8-bit gray PNG, expected depth"):
        source[0]
    with pytest.raises(InputError, match=r"2.png is no readable picture"):
        source[1]


def test_which_frames_follow_each_other(tmp_path: Path) -> None:
    source = open_rgbd(folder(tmp_path, ("train-0000000", "train-0000001"), recipe={"clip_length": 0}))
    assert source.sequences == [range(1), range(1, 2)]
    timed = open_rgbd(folder(tmp_path / "timed", ("take_02_1740349022.000", "take_02_1740349023.500")))
    assert timed.sequences == [range(2)]
    clips = ("train-clip-00000-frame-00000", "train-clip-00000-frame-00001", "train-clip-00001-frame-00000")
    source = open_rgbd(folder(tmp_path / "clips", clips, recipe={"clip_length": 2}))
    assert source.sequences == [range(2), range(2, 3)]


def test_shards_keep_their_color(tmp_path: Path) -> None:
    frame = Frame(np.full((4, 6), 700, np.uint16), 0.0001, Intrinsics(**CAMERA), 1.5)
    color = np.full((4, 6, 3), (1, 2, 3), np.uint8)
    write_shard(
        tmp_path / "set-000000.tar", [ShardSample("a-1", frame, None, color), ShardSample("a-2", frame, None, color)]
    )
    source = open_rgbd(tmp_path)
    assert source.names == ["a-1", "a-2"] and source.sequences == [range(2)]
    assert source[1].frame.timestamp_s == 1.5 and tuple(source[1].color[0, 0]) == (1, 2, 3)


def test_the_rig_of_the_generator_is_understood(tmp_path: Path) -> None:
    rig = ColorRig.sample(np.random.default_rng(0), width=6, height=4)
    folder(tmp_path, ("1",), color=calibration(rig.intrinsics, rig.color_from_depth))
    camera = open_rgbd(tmp_path)[0].color_camera
    assert camera is not None and camera.intrinsics == rig.intrinsics and camera.distortion == ()
    np.testing.assert_array_equal(camera.rotation, rig.color_from_depth[:3, :3])
    np.testing.assert_array_equal(camera.translation_m, rig.color_from_depth[:3, 3])


def test_a_recording_knows_its_own_unit(write_bag: Callable[..., Path], tmp_path: Path) -> None:
    path = write_bag(tmp_path / "take.bag", 3)
    source = open_rgbd(path)
    assert isinstance(source, RgbdSource) and source.names == ["000000", "000001", "000002"]
    assert source.sequences == [range(3)]
    assert source[0].frame.depth_unit_m == 0.000125
    assert open_rgbd(path, depth_unit_m=0.001)[0].frame.depth_unit_m == 0.001  # what the user says comes first
    with pytest.raises(InputError, match=r"take.bag has cameras of its own"):
        open_rgbd(path, intrinsics=Intrinsics(1.0, 1.0, 1.0, 1.0))
    with pytest.raises(InputError, match=r"gone does not exist"):
        open_rgbd(tmp_path / "gone")


def test_types_refuse_what_fits_no_camera() -> None:
    frame, color = Frame(np.ones((4, 6), np.uint16)), np.zeros((8, 12, 3), np.uint8)
    camera = ColorCamera(Intrinsics(**CAMERA), np.eye(3), np.zeros(3))
    assert RgbdFrame("a", frame, color, camera).color_camera is camera
    with pytest.raises(InputError, match=r"'a' is 12x8, expected 6x4 like the depth"):
        RgbdFrame("a", frame, color)
    with pytest.raises(InputError, match=r"expected finite numbers and a rotation"):
        ColorCamera(Intrinsics(**CAMERA), np.eye(3), np.array([0, np.nan, 0]))
