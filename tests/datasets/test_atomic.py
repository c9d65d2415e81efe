import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.datasets.atomic import (
    FileOutputError,
    OutputError,
    ends_run,
    make_folder,
    new_file,
    partial_files,
    sync_files,
    write_bytes,
    write_json,
    write_png,
)
from graspseg.errors import InputError


def test_sixteen_bits_survive(tmp_path: Path) -> None:
    image = np.array([[0, 1234], [300, 65535]], np.uint16)
    write_png(tmp_path / "deep" / "image.png", image)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "deep" / "image.png"), cv2.IMREAD_UNCHANGED), image)


def test_color_is_written_as_rgb(tmp_path: Path) -> None:
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


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond two bytes: the write after that fails as it does on a full disk.

    Only around the writing itself: the file that pytest reports to must not be full.
    """
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"ok")
    with full_disk(), pytest.raises(OutputError, match="File too large"):
        write_bytes(tmp_path / "file", b"more")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"ok"
    with full_disk(), pytest.raises(OutputError, match="File too large"), new_file(tmp_path / "other") as file:
        file.write(b"more")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


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


def test_a_file_written_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.bin"
    with new_file(path) as file:
        file.write(b"one")
        assert not path.exists() and not partial_files(path.parent)
        file.write(b"two")
    assert path.read_bytes() == b"onetwo"
    with pytest.raises(ZeroDivisionError), new_file(path) as file:
        file.write(bytes(1 // 0))
    assert path.read_bytes() == b"onetwo"
    assert [child.name for child in path.parent.iterdir()] == ["a.bin"]


def test_files_that_nobody_writes_any_more(tmp_path: Path) -> None:
    for name in (".1-2.tmp", ".mine.tmp", "1-2.tmp", ".1-2.tmp.png"):
        (tmp_path / name).touch()
    assert partial_files(tmp_path) == [tmp_path / ".1-2.tmp"]


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "labels.png"
    for mode in (0o664, 0o600, 0o444):
        path.touch()
        path.chmod(mode)
        write_bytes(path, b"new")
        assert path.stat().st_mode & 0o7777 == mode
        with new_file(path) as file:
            file.write(b"newer")
        assert path.stat().st_mode & 0o7777 == mode and path.read_bytes() == b"newer"
        path.unlink()


def test_files_and_their_folders_survive_a_power_cut(tmp_path: Path, synced: list[str]) -> None:
    write_bytes(tmp_path / "deep" / "er" / "a", b"data")
    assert synced[:2] == [str(tmp_path / "deep"), str(tmp_path)]  # the names of new folders
    assert synced[2].endswith(".tmp") and synced[3:] == [str(tmp_path / "deep" / "er")]
    synced.clear()
    with new_file(tmp_path / "b") as file:
        file.write(b"data")
        assert not synced
    assert len(synced) == 2 and synced[0].endswith(".tmp") and synced[1] == str(tmp_path)
    synced.clear()
    write_bytes(tmp_path / "c", b"data", durable=False)
    assert not synced
    sync_files([tmp_path / "c", tmp_path / "none"])
    assert synced == [str(tmp_path / "c"), str(tmp_path)]


def test_what_one_file_fails_for_does_not_end_a_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / ("n" * 256), tmp_path / "file" / "below"):
        with pytest.raises(FileOutputError) as failed:
            write_bytes(path, b"data")
        assert not ends_run(failed.value)
    with full_disk(), pytest.raises(OutputError, match="free space there") as failed:
        write_bytes(tmp_path / "other", b"data")
    assert ends_run(failed.value) and not ends_run(InputError("of the input"))
