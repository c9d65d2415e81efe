"""What is written for other programs: polygons of YOLO, and Croissant."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.croissant import CONFORMS_TO, CROISSANT
from graspseg.datasets.folder import FolderWriter
from graspseg.datasets.manifest import hash_file
from graspseg.datasets.open import open_dataset
from graspseg.datasets.yolo import polygons_of, preview, yolo_rows
from graspseg.frame import Frame
from graspseg.synth.dataset import SyntheticDataset


def drawn(rows: bytes, shape: tuple[int, int]) -> np.ndarray:
    """Labels from the lines of a file, filled as the trainer fills polygons: scaled, cut to whole pixels."""
    labels = np.zeros(shape, np.uint8)
    for line in rows.decode().splitlines():
        number, *values = line.split()
        corners = np.array(values, float).reshape(-1, 2) * shape[::-1]
        assert len(corners) >= 3
        mask = np.zeros(shape, np.uint8)
        cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
        assert not (labels[mask > 0] > 0).any(), "two parts overlap"
        labels[mask > 0] = int(number) + 1
    return labels


def test_polygons_fill_to_the_labels_they_are_made_from() -> None:
    frames = SyntheticDataset("val", 5, recipes=("exam1",), count=4)
    for sample in frames:
        labels = sample.target()
        expected = np.where(labels == 255, 0, labels)
        np.testing.assert_array_equal(drawn(yolo_rows(labels), labels.shape), expected)


def test_holes_and_islands_in_them() -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[2:38, 3:57] = 1
    labels[5:30, 6:30] = 0
    labels[10:20, 10:20] = 1  # an island
    labels[13:16, 12:17] = 0  # with a hole
    labels[8:20, 40:50] = 2  # the object in the hand
    labels[12:14, 43:46] = 255
    labels[33, 40] = 0  # a hole of one pixel
    rows = yolo_rows(labels)
    assert [line[:2] for line in rows.decode().splitlines()] == ["0 ", "0 ", "1 "]
    np.testing.assert_array_equal(drawn(rows, labels.shape), np.where(labels == 255, 0, labels))


def test_specks_have_three_corners() -> None:
    mask = np.zeros((5, 9), np.uint8)
    mask[1, 1] = mask[3, 4] = mask[3, 5] = 1
    found = polygons_of(mask > 0)
    assert sorted(len(polygon) for polygon in found) == [3, 3]
    filled = np.zeros_like(mask)
    cv2.fillPoly(filled, found, 1)
    np.testing.assert_array_equal(filled, mask)


def test_random_masks() -> None:
    rng = np.random.default_rng(2)
    for _ in range(60):
        noise = cv2.GaussianBlur(rng.random((48, 64)).astype(np.float32), (0, 0), 2)
        labels = (noise > 0.48).astype(np.uint8)
        np.testing.assert_array_equal(drawn(yolo_rows(labels), labels.shape), labels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    described = {"licence": "CC-BY-4.0", "provenance": "made up", "splits": {"train": ["a/images/0"], "val": ["a/1"]}}
    writer = FolderWriter(tmp_path / "in", described)
    labels = np.zeros((30, 40), np.uint8)
    labels[5:20, 8:30] = 1
    labels[8:12, 10:20] = 2
    depth = np.linspace(400, 900, 1200).reshape(30, 40).astype(np.uint16)
    for stem in ("a/images/0", "a/1"):
        writer.write(stem, Frame(depth), labels, facts={"objects": ["mug"]})
    return tmp_path / "in"


def test_yolo_on_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "yolo"
    command = ["dataset", "convert", str(folder), "--out", str(out), "--to", "yolo"]
    assert main(command) == 0
    assert "no split" not in capsys.readouterr().err
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert [name for name in files if "/" in name] == [
        "images/train/a_images_0.png",
        "images/val/a_1.png",
        "labels/train/a_images_0.txt",
        "labels/val/a_1.txt",
    ]
    picture = cv2.imread(str(out / "images" / "val" / "a_1.png"), cv2.IMREAD_UNCHANGED)
    assert picture is not None and picture.dtype == np.uint8 and picture.ndim == 2
    sample = open_dataset(folder)[0]
    np.testing.assert_array_equal(picture, preview(sample.frame.depth))
    rows = (out / "labels" / "val" / "a_1.txt").read_bytes()
    np.testing.assert_array_equal(drawn(rows, (30, 40)), sample.labels)
    lines = (out / "data.yaml").read_text().splitlines()
    assert lines[1:] == ["path: .", "train: images/train", "val: images/val", "names:", "  0: hand", "  1: object"]
    assert "8-bit previews" in json.loads((out / "dataset.json").read_text())["lossy"]
    (out / "labels" / "val" / "a_1.txt").write_text("0 0 0 1 0 1 1\n")
    assert main(command) == 1 and "a_1.txt was changed" in capsys.readouterr().err


def test_a_set_without_splits_cannot_be_trained_on(folder: Path, tmp_path: Path, capsys) -> None:
    (folder / "dataset.json").unlink()
    assert main(["dataset", "convert", str(folder), "--out", str(tmp_path / "yolo"), "--to", "yolo"]) == 0
    assert "has no split 'val'" in capsys.readouterr().err


def test_croissant_describes_what_is_there(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "croissant"
    assert main(["dataset", "convert", str(folder), "--out", str(out), "--to", "croissant"]) == 0
    said = json.loads((out / CROISSANT).read_text())
    assert said["conformsTo"] == CONFORMS_TO and said["license"] == "https://creativecommons.org/licenses/by/4.0/"
    about, *sets = said["distribution"]
    assert about["sha256"] == hash_file(out / about["contentUrl"])
    assert [each["includes"] for each in sets] == ["depth/**/*.png", "labels/**/*.png", "facts/**/*.json"]
    for each in sets:
        assert len(list(out.glob(each["includes"]))) == 2
    ids = {each["@id"] for each in said["distribution"]}
    fields = [field for records in said["recordSet"] for field in records["field"]]
    assert all(field["source"]["fileSet"]["@id"] in ids for field in fields)
    assert len(open_dataset(out)) == 2
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    assert main(["dataset", "convert", str(folder), "--out", str(out), "--to", "croissant"]) == 0
    assert {path: path.read_bytes() for path in out.rglob("*.*")} == before


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its reader of JSON-LD
def test_croissant_loads_with_its_own_library(folder: Path, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    out = tmp_path / "croissant"
    assert main(["dataset", "convert", str(folder), "--out", str(out), "--to", "croissant"]) == 0
    dataset = mlcroissant.Dataset(jsonld=out / CROISSANT)
    issues = dataset.metadata.ctx.issues
    assert not issues.errors, issues.report()
    found = {record["labels/stem"]: np.asarray(record["labels/content"]) for record in dataset.records("labels")}
    assert {stem.decode() if isinstance(stem, bytes) else stem for stem in found} == {"a/images/0", "a/1"}
    for picture in found.values():
        np.testing.assert_array_equal(picture.reshape(30, 40, -1)[..., 0], open_dataset(folder)[0].labels)
