import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from graspseg.cameras.recording import RecordedRgbd
from graspseg.cameras.recordings import open_recording
from graspseg.errors import InputError


def test_compressed_chunks(write_bag: Callable[..., Path], tmp_path: Path) -> None:
    recording = open_recording(write_bag(tmp_path / "take.bag", 12, lz4=True))
    assert [int(recording.frame(index).depth[0, 0]) for index in (0, 11, 5)] == [1000, 1011, 1005]


def test_a_cut_through_compressed_chunks(write_bag: Callable[..., Path], tmp_path: Path) -> None:
    path = write_bag(tmp_path / "take.bag", 40, lz4=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    recording = open_recording(path)
    assert recording.cut is not None and 3 < len(recording) < 40
    assert int(recording.frame(len(recording) - 1).depth[0, 0]) == 1000 + len(recording) - 1


def test_a_bag_whose_recorder_was_killed_has_an_open_chunk(write_bag: Callable[..., Path], tmp_path: Path) -> None:
    path = write_bag(tmp_path / "take.bag", 40)
    data = path.read_bytes()
    # The writer fills in index and length when it closes the file and a chunk: before that both are 0.
    data = data.replace(b"index_pos=" + data.split(b"index_pos=")[1][:8], b"index_pos=" + bytes(8))
    path.write_bytes(data[: len(data) * 2 // 3])
    recording = open_recording(path)
    assert recording.cut is not None and 15 < len(recording) < 40
    assert int(recording.frame(len(recording) - 1).depth[0, 0]) == 1000 + len(recording) - 1


def test_older_images_leave_the_unit_to_the_option(write_bag: Callable[..., Path], tmp_path: Path) -> None:
    recording = open_recording(write_bag(tmp_path / "take.bag", 2, unit_inside=False))
    assert recording.frame(1).depth_unit_m == 0.000125
    assert recording.frame(1).depth[0, 0] == 1001


def test_color_that_arrives_late_is_paired_by_its_capture(write_bag: Callable[..., Path], tmp_path: Path) -> None:
    path = write_bag(tmp_path / "take.bag", 12, late_ms=25)  # nearer to the next depth image than to its own
    source = RecordedRgbd(open_recording(path))
    assert len(source) == 12
    for index in range(12):
        assert source[index].frame.depth[0, 0] == 1000 + index and source[index].color[0, 0, 2] == index


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"leave_out": ("Depth Units",), "unit_inside": False}, "does not say the unit of its depth"),
        ({"leave_out": ("Depth_0/info",)}, "no calibration of its depth camera"),
        ({"leave_out": ("Color_0/info",)}, "no calibration of its color camera"),
        ({"leave_out": ("Color_0/tf",)}, "no calibration of its color camera, expected the topic .*tf"),
        ({"leave_out": ("Depth_0/image",)}, "holds no depth images"),
    ],
)
def test_what_is_missing_is_named(
    write_bag: Callable[..., Path], tmp_path: Path, options: dict[str, object], found: str
) -> None:
    with pytest.raises(InputError, match=rf"take.bag .*{found}"):
        open_recording(write_bag(tmp_path / "take.bag", 2, **options))


def test_depth_of_8_bits_is_refused(write_bag: Callable[..., Path], tmp_path: Path) -> None:
    recording = open_recording(write_bag(tmp_path / "take.bag", 2, encodings=("8UC1", "rgb8")))
    with pytest.raises(InputError, match=r"take.bag holds depth as 8UC1, expected 16 bits"):
        recording.frame(0)


@pytest.mark.parametrize("damaged", [0, 7])
def test_damage_loses_only_that_frame(write_bag: Callable[..., Path], tmp_path: Path, damaged: int) -> None:
    path = write_bag(tmp_path / "take.bag", 12)
    data = bytearray(path.read_bytes())
    place = data.rfind(struct.pack("<2H", 1000 + damaged, 1003 + damaged))  # its first pixels
    assert place > 0
    data[place - 4 : place] = (1 << 30).to_bytes(4, "little")  # the number of bytes that follow
    path.write_bytes(data)
    recording = open_recording(path)
    with pytest.raises(InputError, match=r"take.bag is damaged here .*Invalid sequence length"):
        recording.frame(damaged)
    others = [index for index in range(12) if index != damaged]
    assert [int(recording.frame(index).depth[0, 0]) - 1000 for index in others] == others
