import contextlib
import pickle
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graspseg.cameras.realsense import playback
from graspseg.cameras.recording import RecordedRgbd, Recording
from graspseg.cameras.recordings import is_recording, open_recording
from graspseg.errors import InputError
from graspseg.frame import Intrinsics

UNIT_M, SIDE_M, TURN_RAD = 0.000125, 0.025, 0.1
TURN = np.array([[np.cos(0.1), -np.sin(0.1), 0], [np.sin(0.1), np.cos(0.1), 0], [0, 0, 1]])


def number_of(recording: Recording, index: int) -> int:
    """Which of the frames that were written is depth image `index`; the picture is checked whole."""
    depth = recording.frame(index).depth
    number = int(depth[0, 0]) - 1000
    np.testing.assert_array_equal(
        depth, (1000 + number + np.arange(32)[None] * 3 + np.arange(24)[:, None] * 100).astype(np.uint16)
    )
    return number


def blue(recording: Recording, index: int) -> int:
    """Which of the frames that were written is color picture `index`; the picture is checked whole."""
    color = recording.color(index)
    np.testing.assert_array_equal(color[..., 0], np.broadcast_to(90 + np.arange(48)[None], (36, 48)))
    np.testing.assert_array_equal(color[..., 1], np.broadcast_to(190 + np.arange(36)[:, None], (36, 48)))
    return int(color[0, 0, 2])


@pytest.fixture(params=[".db3", ".bag"])
def write(request: pytest.FixtureRequest) -> Callable[..., Path]:
    writer = request.getfixturevalue("write_db3" if request.param == ".db3" else "write_bag")
    return lambda folder, count, **options: writer(folder / f"take{request.param}", count, **options)


def test_every_frame_comes_in_order_and_from_anywhere(write: Callable[..., Path], tmp_path: Path) -> None:
    recording = open_recording(write(tmp_path, 25))
    assert len(recording) == 25 and len(recording.color_s) == 25 and recording.cut is None
    assert [number_of(recording, index) for index in range(25)] == list(range(25))
    for index in (24, 0, 17, 3, 4, 14):
        assert number_of(recording, index) == index
        assert blue(recording, index) == index
    with pytest.raises(IndexError):
        recording.frame(25)


def test_many_jumps_in_two_recordings_at_once(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(tmp_path, 40)
    recordings = [open_recording(path) for _ in range(2)]
    for jump in range(30):
        index = jump * 17 % 40
        assert number_of(recordings[jump % 2], index) == blue(recordings[jump % 2], index) == index


def test_units_cameras_and_times_are_those_of_the_file(write: Callable[..., Path], tmp_path: Path) -> None:
    recording = open_recording(write(tmp_path, 3))
    frame, camera = recording.frame(2), recording.color_camera
    assert frame.depth_unit_m == UNIT_M and frame.color is None
    assert frame.intrinsics == Intrinsics(25.0, 26.0, 15.0, 12.0)
    assert frame.timestamp_s == pytest.approx(1.0 + 2 / 30, abs=1e-6)
    assert camera is not None and camera.intrinsics == Intrinsics(40.0, 41.0, 23.0, 18.0)
    np.testing.assert_allclose(camera.rotation, TURN, atol=1e-6)
    np.testing.assert_allclose(camera.translation_m, [SIDE_M, 0, 0], atol=1e-7)
    np.testing.assert_allclose(camera.distortion, (0.01, -0.02, 0.001, 0.002, 0.003), rtol=1e-6)


def test_a_copy_reads_in_another_process(write: Callable[..., Path], tmp_path: Path) -> None:
    source = RecordedRgbd(open_recording(write(tmp_path, 6)))
    assert source[4].name == "000004"  # opens a playback, which must not travel
    copy = pickle.loads(pickle.dumps(source))
    assert copy.names == source.names and copy[5].name == "000005"
    np.testing.assert_array_equal(copy[5].color, source[5].color)
    np.testing.assert_array_equal(copy[5].frame.depth, source[5].frame.depth)


def test_without_color_there_is_depth_but_no_rgbd(write: Callable[..., Path], tmp_path: Path) -> None:
    recording = open_recording(write(tmp_path, 2, color=False))
    assert number_of(recording, 1) == 1 and recording.color_camera is None
    with pytest.raises(InputError, match=r"2 depth images and no color, expected both"):
        RecordedRgbd(recording)


@pytest.mark.parametrize("share", [0.6, 0.85])
def test_what_comes_before_a_cut_is_read(write: Callable[..., Path], tmp_path: Path, share: float) -> None:
    path = write(tmp_path, 60)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    recording = open_recording(path)
    assert recording.cut is not None and "was cut" in recording.cut and str(path) in recording.cut
    assert 15 < len(recording) < 60
    assert [number_of(recording, index) for index in range(len(recording))] == list(range(len(recording)))
    assert blue(recording, len(recording.color_s) - 1) == len(recording.color_s) - 1
    copy = pickle.loads(pickle.dumps(RecordedRgbd(recording)))
    np.testing.assert_array_equal(copy[3].frame.depth, recording.frame(3).depth)


@pytest.mark.parametrize("kind", ["rows", "picture"])
def test_a_page_that_a_killed_recorder_never_wrote_ends_a_recording(
    write_db3: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    path = write_db3(tmp_path / "take.db3", 60)
    if kind == "picture":  # pictures of a real camera fill many pages
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            large = "UPDATE messages SET data = randomblob(20000) WHERE id = (SELECT max(id) FROM messages) - 40"
            assert database.execute(large).rowcount == 1
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[16:18], "big")  # of a page; SQLite file format, section 1.3
    pages = range(size, len(data), size)
    if kind == "rows":  # leaves of the table, section 1.6
        fitting = [start for start in pages if data[start] == 0x0D]
    else:  # overflow pages that name the next one, section 1.7
        fitting = [start for start in pages if int.from_bytes(data[start : start + 4], "big") == start // size + 2]
    data[fitting[-3] : fitting[-3] + size] = bytes(size)
    path.write_bytes(data)
    recording = open_recording(path)
    assert recording.cut is not None and "was never finished" in recording.cut and str(path) in recording.cut
    assert 15 < len(recording) < 60
    assert [number_of(recording, index) for index in range(len(recording))] == list(range(len(recording)))
    assert blue(recording, len(recording.color_s) - 1) == len(recording.color_s) - 1


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"SQLite format 3\0" + b"\0" * 400, b"#ROSBAG V2.0\n", b"#ROSBAG V1.2\n"]
)
def test_what_is_no_recording_is_named(write: Callable[..., Path], tmp_path: Path, data: bytes) -> None:
    path = write(tmp_path, 1)
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"{path.name}.*, expected .*: .*cop") as caught:
        open_recording(path)
    assert "/graspseg-" not in str(caught.value)


def test_a_file_that_the_sdk_does_not_get_through(
    write_db3: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playback, "LOADS_WITHIN_S", 5.0)
    path = write_db3(tmp_path / "take.db3", 2)
    path.write_bytes(path.read_bytes().replace(b"option/Depth_Units/value", b"optaon/Depth_Units/value"))
    with pytest.raises(InputError, match=r"take.db3 is no RealSense .* can play \(it does not load"):
        open_recording(path)


def test_missing_files_and_other_names(tmp_path: Path) -> None:
    assert is_recording(Path("a.BAG")) and is_recording(Path("a.db3")) and not is_recording(Path("a.tar"))
    (tmp_path / "folder.bag").mkdir()
    assert not is_recording(tmp_path / "folder.bag")
    with pytest.raises(InputError, match=r"gone.db3 does not exist"):
        open_recording(tmp_path / "gone.db3")
