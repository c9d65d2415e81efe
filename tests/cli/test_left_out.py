"""What lies beside the frames of an input, looks like depth and is not read: every command that opens it says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graspseg.cli.backgrounds import frames_with_hands
from graspseg.cli.main import main
from graspseg.datasets.atomic import write_json
from graspseg.datasets.combined import ConcatDataset, Subset
from graspseg.datasets.open import open_dataset
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.frame import Frame
from graspseg.training.sources import Skipped, check_frames


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Four labeled and colored frames in a tar, and a file beside it that may hold more."""
    labels = np.zeros((48, 64), np.uint8)
    labels[10:30, 10:30], labels[30:40, 12:20] = 1, 2
    color = np.full((48, 64, 3), 120, np.uint8)
    color[labels == 1], color[labels == 2] = (224, 172, 138), (30, 60, 200)
    frames = [
        ShardSample(f"f{index}", Frame(np.full((48, 64), 400 + 2 * index, np.uint16)), labels=labels, color=color)
        for index in range(4)
    ]
    write_shard(tmp_path / "set" / "a-000000.tar", frames)
    (tmp_path / "set" / "later.tar.gz").write_bytes(b"x")
    return tmp_path / "set"


@pytest.fixture
def folder(shards: Path) -> Path:
    """The same frames as a folder, and beside its `depth/` a frame that is not read."""
    (shards / "later.tar.gz").unlink()
    assert main(["dataset", "convert", str(shards), "--out", str(shards / "../take"), "--to", "folder"]) == 0
    take = shards.parent / "take"
    (take / "later.png").write_bytes((take / "depth" / "f1.png").read_bytes())
    (take / "picture.png").write_bytes((take / "color" / "f1.png").read_bytes())
    return take


COMMANDS = pytest.mark.parametrize(
    "command",
    [
        ("dataset", "stats", "{}"),
        ("dataset", "sheet", "{}", "--out", "{}/../s.png"),
        ("dataset", "convert", "{}", "--out", "{}/../c", "--to", "folder"),
        ("evaluate", "{}", "--model", "{model}", "--threads", "1"),
        ("annotate", "{}", "--out", "{}/../a", "--skin", "hsv", "--workers", "1"),
        ("segment", "{}", "--out", "{}/../l", "--model", "{model}"),
        ("dataset", "check", "{}"),
        ("dataset", "split", "{}", "--out", "{}/../p", "--shares", "train=0.5", "val=0.5", "--by", "frame"),
        ("dataset", "merge", "{}", "--out", "{}/../m"),
        ("dataset", "filter", "{}", "--out", "{}/../f", "--where", "hand_px>=1"),
    ],
    ids=lambda command: " ".join(command[: 2 if command[0] == "dataset" else 1]),
)


@COMMANDS
def test_beside_depth_it_is_named_and_the_exit_code_is_1(
    folder: Path, depth_rule_model: Path, command: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    argv = [part.replace("{}", str(folder)).replace("{model}", str(depth_rule_model)) for part in command]
    assert main(argv) == 1
    said = capfd.readouterr()
    assert f"{folder / 'later.png'} lies beside depth/" in said.err + said.out and "picture.png" not in said.err


@COMMANDS
def test_it_is_named_and_the_exit_code_is_1(
    shards: Path, depth_rule_model: Path, command: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    argv = [part.replace("{}", str(shards)).replace("{model}", str(depth_rule_model)) for part in command]
    assert main(argv) == 1
    assert f"{shards / 'later.tar.gz'} lies in {shards} beside shards" in capfd.readouterr().err


@pytest.mark.parametrize("place", ["more/depth/a.png", "b.NPY", "c.tiff", "take.bag", "depth2.7z"])
def test_what_lies_beside_depth_and_may_be_frames_is_found(folder: Path, place: str) -> None:
    (folder / "later.png").unlink()
    assert open_dataset(folder).beside() == []
    (folder / "itself").symlink_to(folder)
    write_json(folder / "made" / "dataset.json", {"converted": {"from": "take"}})
    (folder / "made" / "depth").mkdir()
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_bytes(b"x")
    (found,) = open_dataset(folder).beside()
    assert str(folder / place.split("/")[0]) in found


@pytest.mark.parametrize("name", ["f1.PNG", "f1.npy", "f1.tif", "f1.jpg"])
def test_labels_of_another_kind_are_found(
    folder: Path, depth_rule_model: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "later.png").unlink()
    (folder / "labels" / "f1.png").rename(folder / "labels" / name)
    assert main(["dataset", "stats", str(folder)]) == 1
    assert f"{folder / 'labels' / name} is not read" in capsys.readouterr().err


def test_commands_that_draw_from_frames_warn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames_with_hands((folder,))
    assert f"graspseg: warning: {folder / 'later.png'} lies beside" in capsys.readouterr().err


def test_training_counts_it_as_skipped(shards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skipped = Skipped()
    frames = ConcatDataset([Subset(open_dataset(shards), range(1, 3)), open_dataset(shards)])
    check_frames(frames, "mine", same_size=False, skipped=skipped)
    assert len(skipped.reasons) == 1 and "later.tar.gz lies in" in skipped.reasons[0]
    assert "graspseg: skipped: " in capsys.readouterr().err
