from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from graspseg.datasets.public.reading import (
    intrinsics_of,
    read_color_picture,
    read_index_picture,
    read_packed_depth,
    read_video_frame,
)
from graspseg.errors import InputError


def test_packed_depth_knows_every_value(tmp_path: Path) -> None:
    values = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[..., 2], picture[..., 1] = values & 255, values >> 8  # OpenCV writes blue, green, red
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    np.testing.assert_array_equal(read_packed_depth(tmp_path / "a.png", high="green", low="red"), values)


def test_gray_stored_in_three_channels(tmp_path: Path) -> None:
    mask = np.array([[0, 255], [255, 0]], np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([mask] * 3))
    np.testing.assert_array_equal(read_index_picture(tmp_path / "a.png", (2, 2)), mask)
    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([mask, mask, mask // 2]))
    with pytest.raises(InputError, match=r"a\.png is in color, expected gray class numbers"):
        read_index_picture(tmp_path / "a.png", (2, 2))


def test_kind_and_size_of_masks(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((2, 2), np.uint8))
    with pytest.raises(InputError, match=r"a\.png is gray, expected a mask in color"):
        read_color_picture(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png is 2x2 pixels, expected 4x3 like its depth"):
        read_index_picture(tmp_path / "a.png", (3, 4))
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((2, 2), np.uint16))
    with pytest.raises(InputError, match=r"a\.png is a 16-bit gray PNG, expected a mask as a whole 8-bit PNG"):
        read_index_picture(tmp_path / "a.png", (2, 2))


def test_frames_of_two_videos_in_turns(small: Callable[[str], Any]) -> None:
    one, other = small("hoi4d").depth, small("taco").depth
    expected = np.arange(32 * 48, dtype=np.uint16).reshape(32, 48) * 41
    for path, index in ((one, 0), (one, 1), (one, 0), (other, 1), (one, 1), (other, 0), (other, 1)):
        np.testing.assert_array_equal(read_video_frame(path, index), expected[::-1] if index else expected)
    for _ in range(2):
        with pytest.raises(InputError, match=rf"{other.name} has no readable frame 2"):
            read_video_frame(other, 2)


def test_a_video_of_8_bits_is_no_depth(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    video = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 15.0, (48, 32))
    video.write(np.zeros((32, 48, 3), np.uint8))
    video.release()
    with pytest.raises(InputError, match=r"a\.avi .*, expected"):
        read_video_frame(path, 0)


@pytest.mark.parametrize("content", [None, {"fx": 1.0}, [[1, 2], [3, 4]], {"fx": 0, "fy": 1, "ppx": 1, "ppy": 1}, "no"])
def test_what_is_no_camera(content: object) -> None:
    with pytest.raises(InputError, match=r"calib\.yml has intrinsics of another form"):
        intrinsics_of(content, Path("calib.yml"))
