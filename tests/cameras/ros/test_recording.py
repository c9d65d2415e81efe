import contextlib
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from graspseg.annotate.inputs import Inputs
from graspseg.cameras.open import open_rgbd
from graspseg.cameras.recording import RecordedRgbd
from graspseg.cameras.recordings import is_recording, open_recording
from graspseg.cameras.undistort import DepthLens
from graspseg.errors import InputError
from graspseg.frame import Intrinsics
from graspseg.segment.inputs import CameraOptions, find_sources
from ros_samples import (
    COLOR,
    COLOR_INFO,
    DEPTH,
    FORMS,
    HEIGHT,
    IMAGE,
    INFO,
    START_NS,
    STEP_NS,
    WIDTH,
    Form,
    RosWriter,
    color_rgb,
    compressed_depth,
    depth_mm,
    write_take,
)

SUFFIX = {"bag": ".bag", "db3": ".db3", "mcap": ".mcap"}
K1 = (0.2, -0.1, 0.001, 0.002, 0.0)


def name_of(form: Form) -> str:
    return "take" if form.endswith("-file") or form.startswith("folder") else f"take{SUFFIX[form.partition('-')[0]]}"


@pytest.fixture(params=["take.bag", "take"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Path]:
    """Writes a recording of ROS 1 or 2 by a function that is given the writer."""

    def write(say: Callable[[RosWriter], None]) -> Path:
        path = tmp_path / request.param
        writer = RosWriter(path, "bag" if path.suffix else "folder-mcap")
        say(writer)
        writer.close()
        return path

    return write


def one_image(pixels: np.ndarray, encoding: str, **options: object) -> Callable[[RosWriter], None]:
    return lambda writer: writer.image(DEPTH, pixels, encoding, time_ns=START_NS, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", [*FORMS, "mcap-file", "folder-mcap"])
def test_every_form_gives_the_same_frames(form: Form, tmp_path: Path) -> None:
    path = write_take(tmp_path / name_of(form), form)
    assert is_recording(path)
    recording = open_recording(path)
    assert len(recording) == 6 and recording.cut is None
    for index in (5, 0, 3):
        frame = recording.frame(index)
        np.testing.assert_array_equal(frame.depth, depth_mm(index))
        assert frame.depth_unit_m == 0.001 and frame.intrinsics == Intrinsics(25.0, 26.0, 15.0, 12.0)
        assert frame.timestamp_s == pytest.approx(1.7e9 + index / 30, abs=1e-5)
    copy = pickle.loads(pickle.dumps(RecordedRgbd(recording)))  # as it travels to another process
    assert copy.names == [f"{number:06d}" for number in range(6)]
    np.testing.assert_array_equal(copy[4].color, color_rgb(4))
    assert copy[4].color_camera is None  # one coordinate frame: aligned
    with pytest.raises(IndexError):
        recording.frame(6)


def test_floats_are_meters_and_what_is_not_finite_is_not_measured(make: Callable[..., Path]) -> None:
    pixels = depth_mm(0).astype(np.float32) / 1000
    pixels[0, :3] = np.nan, np.inf, -np.inf
    frame = open_recording(make(one_image(pixels, "32FC1"))).frame(0)
    np.testing.assert_allclose(frame.depth_m(), np.where(np.isfinite(pixels), pixels, 0), atol=frame.depth_unit_m / 2)
    assert frame.oddities() == []


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
@pytest.mark.parametrize("options", [{"big_endian": True}, {"padding": 6}, {"big_endian": True, "padding": 64}])
def test_byte_order_and_row_length_are_as_the_message_says(
    make: Callable[..., Path], kind: type, options: dict[str, object]
) -> None:
    pixels = depth_mm(3).astype(kind) / (1 if kind is np.uint16 else 1000)
    encoding = "16UC1" if kind is np.uint16 else "32FC1"
    frame = open_recording(make(one_image(pixels.astype(kind), encoding, **options))).frame(0)
    np.testing.assert_allclose(frame.depth_m(), depth_mm(3) / 1000, atol=1e-4)


@pytest.mark.parametrize(
    ("codec", "format_"),
    [
        ("png", "16UC1; compressedDepth png"),
        ("png", "16UC1; compressedDepth"),
        ("png", "mono16; compressedDepth png"),
        ("png", ""),
        ("rvl", "16UC1; compressedDepth rvl"),
    ],
)
def test_compressed_depth(make: Callable[..., Path], codec: str, format_: str) -> None:
    data = compressed_depth(depth_mm(2), codec)  # type: ignore[arg-type]
    path = make(lambda writer: writer.compressed(f"{DEPTH}/compressedDepth", data, format_, time_ns=START_NS))
    np.testing.assert_array_equal(open_recording(path).frame(0).depth, depth_mm(2))


@pytest.mark.parametrize("codec", ["png", "rvl"])
def test_compressed_floats_are_inverse_depth(make: Callable[..., Path], codec: str) -> None:
    depth_m = np.where(depth_mm(0) > 0, depth_mm(0) / 1000, np.inf)
    a, b = 10100.0, -1009.0
    stored = np.rint(a / depth_m + b).clip(0, 65535).astype(np.uint16)
    data = compressed_depth(np.where(depth_mm(0) > 0, stored, 0).astype(np.uint16), codec, a=a, b=b)  # type: ignore[arg-type]
    path = make(lambda writer: writer.compressed("/d", data, f"32FC1; compressedDepth {codec}", time_ns=START_NS))
    np.testing.assert_allclose(open_recording(path).frame(0).depth_m(), depth_mm(0) / 1000, atol=2e-4)


def test_the_user_says_the_unit(make: Callable[..., Path], tmp_path: Path) -> None:
    def say(writer: RosWriter) -> None:
        writer.image("/a/depth", depth_mm(0), "16UC1", time_ns=START_NS)
        writer.image("/b/depth", depth_mm(0).astype(np.float32), "32FC1", time_ns=START_NS)  # millimeters

    path = make(say)
    for topic, unit_m, expected_m in (("/a/depth", 0.000125, 0.0000125), ("b/depth", 0.001, 0.0001)):
        (source,) = find_sources([path], tmp_path / "out", topics=(topic,))
        frame = source.read(CameraOptions(depth_unit_m=unit_m))
        np.testing.assert_allclose(frame.depth_m(), depth_mm(0) * unit_m, atol=expected_m)


def test_a_rectified_topic_has_the_projection_and_no_distortion(make: Callable[..., Path]) -> None:
    def say(writer: RosWriter) -> None:
        writer.image("/d/image_rect_raw", depth_mm(0), "16UC1", time_ns=START_NS)
        writer.camera_info(
            "/d/camera_info", (25.0, 26.0, 15.0, 12.0), distortion=K1, projection=(20.0, 21.0, 14.0, 11.0)
        )

    recording = open_recording(make(say))
    assert recording.frame(0).intrinsics == Intrinsics(20.0, 21.0, 14.0, 11.0) and not recording.depth_lens.bends


def test_distortion_is_corrected_where_color_is_read(make: Callable[..., Path]) -> None:
    def say(writer: RosWriter) -> None:
        writer.image(DEPTH, depth_mm(0), "16UC1", time_ns=START_NS)
        writer.image(COLOR, color_rgb(0), "rgb8", time_ns=START_NS)
        writer.camera_info(INFO, (25.0, 26.0, 15.0, 12.0), distortion=K1)

    recording = open_recording(make(say))
    assert recording.depth_lens == DepthLens(K1)
    np.testing.assert_array_equal(recording.frame(0).depth, depth_mm(0))
    taken = RecordedRgbd(recording)[0]
    matrix = np.array([[25.0, 0, 15], [0, 26, 12], [0, 0, 1]])
    x, y = cv2.initUndistortRectifyMap(matrix, np.array(K1), None, matrix, (WIDTH, HEIGHT), cv2.CV_32FC1)
    np.testing.assert_array_equal(taken.frame.depth, cv2.remap(depth_mm(0), x, y, cv2.INTER_NEAREST))
    np.testing.assert_array_equal(taken.color, cv2.remap(color_rgb(0), x, y, cv2.INTER_LINEAR))
    assert (taken.frame.depth != depth_mm(0)).any()


@pytest.mark.parametrize(
    ("size", "binning", "expected"),
    [
        ((64, 48), 0, Intrinsics(25.0, 26.0, 14.75, 11.75)),
        ((64, 48), 2, Intrinsics(25.0, 26.0, 14.75, 11.75)),
        ((16, 12), 0, Intrinsics(100.0, 104.0, 60.5, 48.5)),
    ],
)
def test_the_camera_of_another_size_is_scaled(
    make: Callable[..., Path], size: tuple[int, int], binning: int, expected: Intrinsics
) -> None:
    def say(writer: RosWriter) -> None:
        writer.image(DEPTH, depth_mm(0), "16UC1", time_ns=START_NS)
        writer.camera_info(INFO, (50.0, 52.0, 30.0, 24.0), size=size, binning=binning)

    assert open_recording(make(say)).frame(0).intrinsics == expected


def test_a_camera_that_cannot_be_meant_is_said(make: Callable[..., Path]) -> None:
    def say(writer: RosWriter) -> None:
        writer.image(DEPTH, depth_mm(0), "16UC1", time_ns=START_NS)
        writer.camera_info(INFO, (50.0, 52.0, 30.0, 24.0), size=(40, 40))

    frame = open_recording(make(say)).frame(0)
    assert frame.intrinsics is None
    assert "32x24 and their camera_info is for 40x40" in frame.oddities()[0]


def test_an_uncalibrated_camera_is_unknown_and_a_fisheye_refused(make: Callable[..., Path]) -> None:
    path = make(
        lambda writer: (one_image(depth_mm(0), "16UC1")(writer), writer.camera_info(INFO, (0.0, 0.0, 0.0, 0.0)))
    )
    assert open_recording(path).frame(0).intrinsics is None
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path = make(
        lambda writer: (
            one_image(depth_mm(0), "16UC1")(writer),
            writer.camera_info(INFO, (25.0, 26.0, 15.0, 12.0), model="equidistant", distortion=(0.1, 0, 0, 0)),
        )
    )
    with pytest.raises(InputError, match=r"a lens as 'equidistant' with 4 coefficients, expected plumb_bob"):
        open_recording(path)


def two_cameras(writer: RosWriter, *, transform: bool = True, info: bool = True) -> None:
    writer.image(DEPTH, depth_mm(0), "16UC1", time_ns=START_NS, frame_id="depth_optical")
    writer.image(COLOR, color_rgb(0), "bgr8", time_ns=START_NS, frame_id="color_optical")
    writer.camera_info(INFO, (25.0, 26.0, 15.0, 12.0))
    if info:
        writer.camera_info(COLOR_INFO, (40.0, 41.0, 23.0, 18.0), distortion=K1)
    if transform:
        writer.transform("link", "depth_optical", turn_rad=0.0, shift_m=(0.1, 0.0, 0.0))
        writer.transform("link", "color_optical", turn_rad=np.pi / 2, shift_m=(0.1, 0.05, 0.0))


def test_the_place_of_the_color_camera_is_found_by_transforms(make: Callable[..., Path]) -> None:
    taken = open_rgbd(make(two_cameras))[0]
    camera = taken.color_camera
    assert camera is not None and camera.intrinsics == Intrinsics(40.0, 41.0, 23.0, 18.0) and camera.distortion == K1
    # A point at (0.2, 0.05, 1) of the depth camera is at (0.3, 0.05, 1) of the link: (0.2, 0, 1) from the color camera,
    # which is turned by +90 degrees, so that it sees it at (0, -0.2, 1).
    point = camera.rotation @ np.array([0.2, 0.05, 1.0]) + camera.translation_m
    np.testing.assert_allclose(point, (0.0, -0.2, 1.0), atol=1e-9)
    np.testing.assert_array_equal(taken.color, color_rgb(0)[..., ::-1])


@pytest.mark.parametrize(
    ("lacking", "reported"),
    [({"transform": False}, "transform in tf_static"), ({"info": False}, "camera_info of its color")],
)
def test_color_at_an_unknown_place_is_refused_but_depth_is_read(
    make: Callable[..., Path], lacking: dict[str, bool], reported: str
) -> None:
    path = make(lambda writer: two_cameras(writer, **lacking))
    np.testing.assert_array_equal(open_recording(path).frame(0).depth, depth_mm(0))
    with pytest.raises(InputError, match=rf"'depth_optical', color in 'color_optical' and no {reported}"):
        open_rgbd(path)


def test_color_belongs_to_depth_by_the_time_it_was_taken(make: Callable[..., Path]) -> None:
    def say(writer: RosWriter) -> None:
        for number in range(6):
            taken_ns = START_NS + number * STEP_NS
            writer.image(DEPTH, depth_mm(number), "16UC1", time_ns=taken_ns)
            late_ns = (5, 80, 20, 50, 40, 5)[number] * 10**6  # arrives when it likes, even after the next
            writer.image(COLOR, color_rgb(number), "rgb8", time_ns=taken_ns + 10**6, written_ns=taken_ns + late_ns)

    source = open_rgbd(make(say))
    assert [int(source[index].color[0, 0, 2]) for index in range(6)] == list(range(6))


def test_without_stamps_the_time_of_writing_counts(make: Callable[..., Path]) -> None:
    def say(writer: RosWriter) -> None:
        for number in range(4):
            written_ns = START_NS + number * STEP_NS
            writer.image(DEPTH, depth_mm(number), "16UC1", time_ns=0, written_ns=written_ns)
            writer.image(COLOR, color_rgb(number), "rgb8", time_ns=written_ns, written_ns=written_ns + 10**6)

    source = open_rgbd(make(say))
    assert [int(source[index].color[0, 0, 2]) for index in range(4)] == list(range(4))


def test_messages_of_one_time_are_told_apart(make: Callable[..., Path]) -> None:
    def say(writer: RosWriter) -> None:
        for number in range(4):
            writer.image(DEPTH, depth_mm(number), "16UC1", time_ns=START_NS)

    recording = open_recording(make(say))
    assert [int(recording.frame(index).depth[0, 0]) for index in range(4)] == [500, 507, 514, 521]


def test_topics_are_found_or_named(make: Callable[..., Path], tmp_path: Path) -> None:
    def say(writer: RosWriter) -> None:
        writer.image("/cam/infra1/image_raw", depth_mm(9), "mono16", time_ns=START_NS)
        writer.image("/cam/depth/image_raw", depth_mm(0), "16UC1", time_ns=START_NS)
        data = compressed_depth(depth_mm(1), "png")
        topic = "/cam/depth/image_raw/compressedDepth"
        writer.compressed(topic, data, "16UC1; compressedDepth png", time_ns=START_NS)
        writer.image("/cam/left", color_rgb(0), "rgb8", time_ns=START_NS, frame_id="left")
        writer.image("/cam/right", color_rgb(1), "rgb8", time_ns=START_NS, frame_id="right")

    path = make(say)
    assert open_recording(path).frame(0).depth[0, 0] == 500
    named = open_recording(path, topics=("/cam/depth/image_raw/compressedDepth",))
    assert named.frame(0).depth[0, 0] == 507
    with pytest.raises(InputError, match=r"2 topics of color \(/cam/left, /cam/right\), expected one: choose"):
        open_rgbd(path)
    with pytest.raises(InputError, match=r"in 'camera', color in 'right' and no"):
        open_rgbd(path, topics=("/cam/depth/image_raw", "/cam/right"))
    for topics, reported in (
        (("/none",), r"no topic /none, expected a topic of depth \(there: .*/cam/depth/image_raw"),
        (("/cam/left",), r"/cam/left with 'rgb8', expected a topic of depth"),
        (("/a", "/b", "/c"), "names 3 topics"),
    ):
        with pytest.raises(InputError, match=reported):
            open_recording(path, topics=topics)


def test_two_topics_of_depth_are_a_question(make: Callable[..., Path], tmp_path: Path) -> None:
    def say(writer: RosWriter) -> None:
        writer.image("/a/depth", depth_mm(1), "16UC1", time_ns=START_NS)
        writer.image("/b/depth", depth_mm(2), "16UC1", time_ns=START_NS)

    path = make(say)
    with pytest.raises(InputError, match=r"2 topics of depth \(/a/depth, /b/depth\), expected one: choose"):
        open_recording(path)
    (source,) = find_sources([path], tmp_path / "out", topics=("/b/depth",))
    assert source.read(CameraOptions()).depth[0, 0] == 514


def test_topics_of_inputs_that_have_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    with pytest.raises(InputError, match=r"--topic /a was given and .*frames is no recording of ROS"):
        find_sources([tmp_path / "frames"], tmp_path / "out", topics=("/a",))
    with pytest.raises(InputError, match=r"--topic /a was given and .*frames is no recording of ROS"):
        Inputs([str(tmp_path / "frames")], topics=("/a",))


@pytest.mark.parametrize(
    ("say", "reported"),
    [
        (lambda writer: writer.image(COLOR, color_rgb(0), "rgb8", time_ns=START_NS), "color/image_raw: sensor_msgs"),
        (lambda writer: None, "not one message"),
        (lambda writer: writer.image(DEPTH, depth_mm(0), "64SC7", time_ns=START_NS), "no depth images"),
        (lambda writer: writer.camera_info(INFO, (1.0, 1.0, 1.0, 1.0)), "CameraInfo"),
    ],
)
def test_recordings_without_depth_say_what_they_hold(make: Callable[..., Path], say: Callable, reported: str) -> None:
    with pytest.raises(InputError, match=r"take.* holds no depth images \(.*, expected a topic of 16UC1") as caught:
        open_recording(make(say))
    assert reported in str(caught.value)


def test_gray_is_no_color(make: Callable[..., Path]) -> None:
    def say(writer: RosWriter) -> None:
        writer.image(DEPTH, depth_mm(0), "16UC1", time_ns=START_NS)
        writer.image(COLOR, color_rgb(0)[..., 0], "mono8", time_ns=START_NS)

    with pytest.raises(InputError, match=r"1 depth images and no color"):
        open_rgbd(make(say))


@pytest.mark.parametrize("format_", ["jpeg", "rgb8; jpeg compressed bgr8", "rgb8; png compressed rgb8", "png"])
def test_compressed_color(make: Callable[..., Path], format_: str) -> None:
    swapped = "compressed rgb8" in format_
    picture = color_rgb(0) if swapped else color_rgb(0)[..., ::-1]
    data = cv2.imencode(".jpg" if "jpeg" in format_ else ".png", np.ascontiguousarray(picture))[1].tobytes()

    def say(writer: RosWriter) -> None:
        writer.image(DEPTH, depth_mm(0), "16UC1", time_ns=START_NS)
        writer.compressed(f"{COLOR}/compressed", data, format_, time_ns=START_NS)

    difference = open_rgbd(make(say))[0].color.astype(int) - color_rgb(0)
    assert np.abs(difference).mean() < 4


def test_a_damaged_image_loses_only_that_frame(make: Callable[..., Path]) -> None:
    def say(writer: RosWriter) -> None:
        for number in range(3):
            image = compressed_depth(depth_mm(number), "png")
            data = image[:-20] if number == 1 else image
            writer.compressed("/d", data, "16UC1; compressedDepth png", time_ns=START_NS + number)

    recording = open_recording(make(say))
    with pytest.raises(InputError, match=r"truncated PNG"):
        recording.frame(1)
    assert recording.frame(2).depth[0, 0] == 514


def test_one_topic_may_be_in_several_files_and_rows(tmp_path: Path) -> None:
    folder, other = (write_take(tmp_path / name, "folder-mcap", frames=3) for name in ("take", "other"))
    (first,), (second,) = (list(each.glob("*.mcap")) for each in (folder, other))
    second.rename(folder / "take_1.mcap")
    metadata = folder / "metadata.yaml"
    reported = yaml.safe_load(metadata.read_text())
    reported["rosbag2_bagfile_information"]["relative_file_paths"] = [first.name, "take_1.mcap"]
    metadata.write_text(yaml.safe_dump(reported))
    recording = open_recording(folder)
    assert sorted(int(recording.frame(index).depth[0, 0]) for index in range(6)) == [500, 500, 507, 507, 514, 514]
    (folder / "take_1.mcap").unlink()
    part = open_recording(folder)
    assert len(part) == 3 and part.cut is not None and "lacks take_1.mcap" in part.cut


def test_a_database_with_two_rows_of_a_topic(tmp_path: Path) -> None:
    path = write_take(tmp_path / "take.db3", "db3", frames=4)
    with sqlite3.connect(path) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(topics)")]
        (topic,) = database.execute("SELECT id FROM topics WHERE name = ?", (DEPTH,)).fetchone()
        copied = ", ".join("99" if column == "id" else column for column in columns)
        database.execute(f"INSERT INTO topics SELECT {copied} FROM topics WHERE id = ?", (topic,))
        database.execute("UPDATE messages SET topic_id = 99 WHERE topic_id = ? AND id % 2", (topic,))
    database.close()
    recording = open_recording(path)
    assert [int(recording.frame(index).depth[0, 0]) for index in range(4)] == [500, 507, 514, 521]


def test_rows_that_wait_in_a_log_are_read_and_nothing_is_written_beside(tmp_path: Path) -> None:
    path, taken = write_take(tmp_path / "whole.db3", "db3", frames=4), tmp_path / "taken"
    taken.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("DELETE FROM messages WHERE id <= 3")
        database.commit()
        for each in tmp_path.glob("whole.db3*"):  # as a recorder leaves them that is killed
            if not each.name.endswith("-shm"):
                shutil.copy(each, taken / each.name)
    recording = open_recording(taken / "whole.db3")
    assert len(recording) == 3
    np.testing.assert_array_equal(recording.frame(0).depth, depth_mm(1))
    assert sorted(each.name for each in taken.iterdir()) == ["whole.db3", "whole.db3-wal"]


def test_names_of_topics_are_those_of_images(tmp_path: Path) -> None:
    path = write_take(tmp_path / "take.mcap", "mcap", frames=1)
    source = Inputs([str(path)], topics=(DEPTH, COLOR))
    assert source.names == ["000000"] and source.titles == ["take"]
    assert IMAGE == "sensor_msgs/msg/Image"
