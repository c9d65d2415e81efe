import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.datasets.atomic import OutputError, make_folder, write_bytes, write_json, write_png


def test_sixteen_bits_survive(tmp_path: Path) -> None:
    image = np.array([[0, 1234], [300, 65535]], np.uint16)
    write_png(tmp_path / "deep" / "image.png", image)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "deep" / "image.png"), cv2.IMREAD_UNCHANGED), image)


def test_colour_is_written_as_rgb(tmp_path: Path) -> None:
    write_png(tmp_path / "red.png", np.full((1, 1, 3), (255, 0, 0), np.uint8))
    image = cv2.imread(str(tmp_path / "red.png"))
    assert image is not None
    np.testing.assert_array_equal(image[0, 0], (0, 0, 255))


def test_json_is_read_back(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": [1, None]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"b": [1, None]}


def test_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="out could not be written"):
        make_folder(tmp_path / "out")
    with pytest.raises(OutputError, match="choose another"):
        write_bytes(tmp_path / "out" / "x", b"data")


def test_full_disk_leaves_old_content_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"old")

    def half_written(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:1])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", half_written)
    with pytest.raises(OutputError, match="No space left on device"):
        write_bytes(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


def test_a_name_as_long_as_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_bytes(path, b"data")
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    with pytest.raises(OutputError, match="name too long"):
        write_bytes(tmp_path / ("n" * 256), b"data")


def test_a_pipe_is_written_to_and_a_link_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_bytes(tmp_path / "pipe", b"data")
    assert os.read(reader, 10) == b"data"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "link").symlink_to("target")
    write_bytes(tmp_path / "link", b"data")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_bytes() == b"data"


def test_a_picture_longer_than_png_allows(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"long\.png would be 1x1000001 pixels"):
        write_png(tmp_path / "long.png", np.zeros((1_000_001, 1), np.uint8))
    assert not list(tmp_path.iterdir())
