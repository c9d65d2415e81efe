"""A conversion that is run again after its source, or its result, has changed."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.atomic import held
from graspseg.datasets.convert import LEDGER, Target
from graspseg.datasets.images import read_labels
from graspseg.datasets.open import open_dataset
from graspseg.datasets.output_folder import LOCK
from graspseg.labels import HAND, OBJECT, PALETTE

SIZE = (6, 8)
TARGETS: tuple[Target, ...] = get_args(Target)


def plain_png(image: np.ndarray) -> bytes:
    """A file whose size depends on that of the picture alone."""
    return cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for kind in ("depth", "labels"):
        (tmp_path / "s" / kind).mkdir(parents=True)
    for number, name in enumerate("abc"):
        (tmp_path / "s" / "depth" / f"{name}.png").write_bytes(plain_png(np.full(SIZE, 700 + number, np.uint16)))
        (tmp_path / "s" / "labels" / f"{name}.png").write_bytes(plain_png(np.full(SIZE, HAND, np.uint8)))
    return tmp_path / "s"


@pytest.fixture
def convert(source: Path) -> Callable[[str], int]:
    def run(to: str) -> int:
        options = ["--out", str(source.parent / "out"), "--to", to, "--shard-size", "2"]
        return main(["dataset", "convert", str(source), *options])

    return run


def replace_unnoticed(path: Path, image: np.ndarray) -> None:
    """Put another picture in the place of one, with its size and its time."""
    before = path.stat()
    path.write_bytes(plain_png(image))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def labels_of(out: Path, to: str, name: str) -> np.ndarray:
    """Labels of a frame as a conversion shows them."""
    if to == "png":
        picture = cv2.imread(str(out / "masks" / f"{name}.png"))
        return (picture == PALETTE[OBJECT][::-1]).all(axis=2) * np.uint8(OBJECT)
    if to == "yolo":
        text = next(iter(out.glob(f"labels/*/{name}.txt"))).read_text()
        return np.full(SIZE, {int(line.split()[0]) + 1 for line in text.splitlines()}.pop(), np.uint8)
    if to == "coco":
        content = json.loads((out / "annotations.json").read_text())
        number = next(image["id"] for image in content["images"] if image["file_name"] == f"depth/{name}.png")
        found = {a["category_id"] for a in content["annotations"] if a["image_id"] == number and a["area"] == 48}
        return np.full(SIZE, found.pop(), np.uint8)
    dataset = open_dataset(out)
    labels = dataset[list(dataset.stems).index(name)].labels
    assert labels is not None
    return labels


@pytest.mark.parametrize("to", TARGETS)
def test_corrected_labels_are_followed(source: Path, convert, to: Target, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(to) == 0
    replace_unnoticed(source / "labels" / "a.png", np.full(SIZE, OBJECT, np.uint8))
    assert convert(to) == 0
    assert (labels_of(source.parent / "out", to, "a") == OBJECT).all()
    error = capsys.readouterr().err
    assert to == "coco" or "has changed since the last run: 1 written anew" in error


@pytest.mark.parametrize("to", ["folder", "shards", "coco"])
def test_corrected_depth_is_followed(source: Path, convert, to: Target) -> None:
    assert convert(to) == 0
    replace_unnoticed(source / "depth" / "b.png", np.full(SIZE, 950, np.uint16))
    assert convert(to) == 0
    out = source.parent / "out"
    depth = cv2.imread(str(out / "depth" / "b.png"), -1) if to == "coco" else open_dataset(out)[1].frame.depth
    assert (depth == 950).all()


@pytest.mark.parametrize("to", TARGETS)
def test_frames_that_fail_now_leave_no_earlier_result(source: Path, convert, to: Target) -> None:
    assert convert(to) == 0
    out, bad = source.parent / "out", source / "depth" / "b.png"
    bad.write_bytes(bad.read_bytes()[:50])
    assert convert(to) == 1
    if to == "shards":
        assert list(open_dataset(out).stems) == ["a", "c"]
    else:
        assert not list(out.rglob("b.png")) and len(list(out.rglob("a.png"))) == (
            2 if to in ("folder", "croissant") else 1
        )
        assert not list(out.rglob("b.txt"))


def test_a_shard_without_a_good_frame_goes(source: Path, convert) -> None:
    assert convert("shards") == 0
    (source / "depth" / "c.png").write_bytes(b"")
    assert convert("shards") == 1
    assert [path.name for path in sorted((source.parent / "out").iterdir())] == ["frames-000000.tar", "manifest.json"]


def test_labels_and_frames_that_are_gone(source: Path, convert, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert("folder") == 0
    (source / "labels" / "a.png").unlink()
    (source / "depth" / "b.png").rename(source / "depth" / "z.png")
    assert convert("folder") == 0
    out = source.parent / "out"
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.png")) == [
        "depth/a.png",
        "depth/c.png",
        "depth/z.png",
        "labels/c.png",
    ]
    assert "3 removed" in capsys.readouterr().err
    (source / "depth" / "z.png").unlink()
    assert convert("folder") == 2 and "frames is 3, now it would be 2" in capsys.readouterr().err


def test_what_a_person_corrected_in_the_result_stays(source: Path, convert, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert("folder") == 0
    corrected = source.parent / "out" / "labels" / "a.png"
    cv2.imwrite(str(corrected), np.full(SIZE, OBJECT, np.uint8))
    replace_unnoticed(source / "depth" / "a.png", np.full(SIZE, 950, np.uint16))
    assert convert("folder") == 1
    assert "labels/a.png was changed since it was written" in capsys.readouterr().err
    assert (read_labels(corrected, SIZE) == OBJECT).all()
    depth = cv2.imread(str(source.parent / "out" / "depth" / "a.png"), -1)
    assert depth is not None and (depth == 700).all()
    (source / "depth" / "a.png").write_bytes(b"")
    assert convert("folder") == 1 and corrected.is_file()


def test_a_shard_that_somebody_changed_is_not_written_over(source: Path, convert, capsys) -> None:
    assert convert("shards") == 0
    out = source.parent / "out"
    changed = (out / "frames-000001.tar").read_bytes()
    (out / "frames-000000.tar").write_bytes(changed)
    assert convert("shards") == 2
    assert "frames-000000.tar was changed since it was written" in capsys.readouterr().err
    assert (out / "frames-000000.tar").read_bytes() == changed
    (out / "frames-000000.tar").write_bytes(changed[:700])
    assert convert("shards") == 0 and list(open_dataset(out).stems) == ["a", "b", "c"]


@pytest.mark.parametrize("remains", [b"", bytes(100), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_what_a_power_cut_left_is_written_again(source: Path, convert, remains: bytes) -> None:
    assert convert("folder") == 0
    path = source.parent / "out" / "labels" / "a.png"
    whole = path.read_bytes()
    path.write_bytes(remains)
    (source.parent / "out" / LEDGER).write_bytes(b"")
    assert convert("folder") == 0 and path.read_bytes() == whole


def test_one_process_at_a_time(source: Path, convert, capsys: pytest.CaptureFixture[str]) -> None:
    out = source.parent / "out"
    with held(out / LOCK):
        assert convert("folder") == 2
    assert "out is being worked on by another process" in capsys.readouterr().err
    assert convert("folder") == 0 and not (out / LOCK).exists()
    (out / LOCK).touch()  # of a process that was killed
    (out / "labels" / ".1-2.tmp").write_bytes(b"half")
    assert convert("folder") == 0 and not list(out.rglob(".*.tmp"))
