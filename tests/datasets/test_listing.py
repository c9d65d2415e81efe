"""No file that looks like depth is left out without a word; links are followed, and loops end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.atomic import write_png
from graspseg.datasets.check import check
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.listing import list_frames
from graspseg.errors import InputError

IMAGE = np.full((40, 60), 500, np.uint16)


def make(folder: Path, *names: str) -> Path:
    for name in names:
        write_png(folder / name, IMAGE)
    return folder


def names_in(folder: Path) -> list[str]:
    return [stem for stem, _, _ in list_frames(folder)]


UNREAD = ["b.mkv", "c.AVI", "d.pfm", "e.raw", "f.h5", "g.mat", "h.bag", "i.tar", "j.zip", "k.png.gz", "l_depth.jpg"]


def test_files_that_look_like_depth_and_are_not_read_are_named(tmp_path: Path) -> None:
    take = make(tmp_path / "take", "a.png")
    for name in [*UNREAD, "notes.txt", "rgb.jpg", "calibration.json", ".hidden.mkv"]:
        (take / name).touch()
    dataset = FolderDataset(take)
    assert dataset.stems == ["a", *UNREAD]
    for index in range(1, len(dataset)):
        with pytest.raises(InputError, match=rf"{dataset.stems[index]} is a .*, expected depth as"):
            dataset[index]
    assert dataset.unlabeled() == ["a"]
    reported: list[str] = []
    findings = check(take, say=reported.append)
    assert (findings.frames, findings.faults) == (1, len(UNREAD)) and "take the depth track out" in reported[0]


def test_pictures_inside_depth_look_like_depth(tmp_path: Path) -> None:
    take = make(tmp_path, "depth/a.png", "color/a.png")
    (take / "depth" / "b.jpg").touch()
    (take / "color" / "b.jpg").touch()
    assert names_in(take) == names_in(take / "depth") == ["a", "b.jpg"]


def test_what_is_left_out_is_counted_by_segment(
    tmp_path: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take = make(tmp_path / "take", "a.png")
    (take / "b.mkv").touch()
    np.savez(take / "c.npz", depth=IMAGE)
    argv = ["segment", str(take), "--out", str(tmp_path / "out"), "--model", str(depth_rule_model), "--no-overlays"]
    assert main(argv) == 1
    reported = capsys.readouterr().err
    assert "b.mkv is a .mkv file" in reported and "2 of 3 frames segmented" in reported
    assert sorted(path.name for path in (tmp_path / "out" / "labels").iterdir()) == ["a.png", "c.png"]


def test_linked_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere", "depth/1.png")
    take = make(tmp_path / "take", "2.png", "inner/3.png")
    (take / "linked").symlink_to(tmp_path / "elsewhere")
    (take / "again").symlink_to(take / "inner")
    (take / "up").symlink_to("..")
    (take / "self").symlink_to(take)
    (take / "inner" / "root").symlink_to("/")
    (tmp_path / "elsewhere" / "depth" / "back").symlink_to(take)
    assert names_in(take) == ["2", "inner/3", "linked/1"]


def test_links_to_single_files_and_to_nowhere(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere", "1.png")
    take = make(tmp_path / "take", "2.png")
    (take / "1.png").symlink_to(tmp_path / "elsewhere" / "1.png")
    (take / "gone").symlink_to(tmp_path / "nowhere")
    dataset = FolderDataset(take)
    assert dataset.stems == ["1", "2", "gone"]
    with pytest.raises(InputError, match="leads nowhere"):
        dataset[2]


def test_a_depth_folder_that_is_a_link(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere", "1.png")
    (tmp_path / "take").mkdir()
    (tmp_path / "take" / "depth").symlink_to(tmp_path / "elsewhere")
    assert names_in(tmp_path / "take") == ["1"]
    loop = make(tmp_path / "loop", "1.png")
    (loop / "depth").symlink_to(".")
    assert names_in(loop) == ["1"]


def test_many_folders_that_all_link_to_each_other(tmp_path: Path) -> None:
    for name in "abcdefghij":
        make(tmp_path / name, "1.png")
        for other in "abcdefghij":
            (tmp_path / name / other).symlink_to(tmp_path / other)
    assert len(names_in(tmp_path)) == 10


def test_two_depth_files_of_one_stem_are_not_guessed(tmp_path: Path) -> None:
    make(tmp_path, "a.png")
    np.save(tmp_path / "a.npy", IMAGE)
    with pytest.raises(InputError, match="share the stem 'a'"):
        list_frames(tmp_path)
