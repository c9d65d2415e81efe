from __future__ import annotations

import json
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from graspseg.datasets.images import read_labels
from graspseg.datasets.open import open_dataset
from graspseg.errors import InputError
from graspseg.labels import colorize
from graspseg.review.server.exports import Form, export, open_accepted
from graspseg.review.server.imports import import_labels
from graspseg.review.server.state import Reviewer
from graspseg.review.server.store import Store

from .conftest import SHAPE, labels_of

ANNA = Reviewer("Anna", "tab")


@pytest.fixture
def reviewed(store: Store) -> Store:
    """Frames 0 and 1 accepted, 1 with the labels of 3; frame 2 rejected."""
    by_stem = {frame.stem: frame.id for frame in store.frames()}
    store.save_labels(by_stem["take/1"], labels_of(3), expected_revision=0, who=ANNA)
    store.images.write(by_stem["take/1"])
    store.decide(by_stem["take/0"], "accepted", expected_revision=0, who=ANNA)
    store.decide(by_stem["take/1"], "accepted", expected_revision=1, who=ANNA)
    store.decide(by_stem["take/2"], "rejected", expected_revision=0, who=ANNA)
    return store


def labels_in(folder: Path, stem: str) -> np.ndarray:
    return read_labels(folder / "labels" / f"{stem}.png", SHAPE)


@pytest.mark.parametrize("form", ["folder", "shards"])
def test_accepted_frames_with_corrected_labels(reviewed: Store, folder: Path, tmp_path: Path, form: Form) -> None:
    done = export(open_accepted(folder), tmp_path / "out", form)
    assert (done.frames, done.written) == (2, 2)
    exported = open_dataset(tmp_path / "out")
    assert len(exported) == 2
    for index, number in ((0, 0), (1, 3)):
        np.testing.assert_array_equal(exported[index].labels, labels_of(number))
        assert exported.has_color(index)
    assert exported.description.content["licence"] == "CC0-1.0"


def test_colored_masks(reviewed: Store, folder: Path, tmp_path: Path) -> None:
    export(open_accepted(folder), tmp_path / "out", "png")
    mask = cv2.imread(str(tmp_path / "out" / "masks" / "take" / "1.png"))
    assert mask is not None
    np.testing.assert_array_equal(mask[:, :, ::-1], colorize(labels_of(3)))
    assert not (tmp_path / "out" / "masks" / "take" / "2.png").exists()


def test_a_mask_of_cvat_by_hand(store: Store, folder: Path, tmp_path: Path) -> None:
    """A hand of 3 x 2 pixels at (4, 1) with a hole: runs outside, inside, ... row by row of its box."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:3, 4:7] = 1
    labels[1, 5] = 0
    store.save_labels(1, labels, expected_revision=0, who=ANNA)
    store.decide(1, "accepted", expected_revision=1, who=ANNA)
    export(open_accepted(folder), tmp_path / "out", "cvat")
    root = ET.parse(tmp_path / "out" / "annotations.xml").getroot()
    (mask,) = root.findall("image/mask")
    box = {key: mask.get(key) for key in ("label", "left", "top", "width", "height", "rle")}
    assert box == {"label": "hand", "left": "4", "top": "1", "width": "3", "height": "2", "rle": "0, 1, 1, 4"}
    assert [label.text for label in root.findall("meta/task/labels/label/name")] == ["hand", "object", "ignore"]
    image = root.find("image")
    assert image is not None and (image.get("name"), image.get("width"), image.get("height")) == (
        "take/0.png",
        "30",
        "20",
    )
    picture = cv2.imread(str(tmp_path / "out" / "images" / "take" / "0.png"))
    assert picture is not None and picture.shape == (*SHAPE, 3)


Way = Callable[[Path], Path]


def xml_of(out: Path) -> Path:
    return out / "annotations.xml"


def zip_of(out: Path) -> Path:
    with zipfile.ZipFile(out / "task.zip", "w") as archive:
        archive.write(out / "annotations.xml", "annotations.xml")
    return out / "task.zip"


def json_of(out: Path) -> Path:
    return out / "annotations.json"


@pytest.mark.parametrize(("form", "way"), [("cvat", xml_of), ("cvat", zip_of), ("coco", json_of)])
def test_there_and_back(reviewed: Store, folder: Path, tmp_path: Path, form: Form, way: Way) -> None:
    export(open_accepted(folder), tmp_path / "out", form)
    file = way(tmp_path / "out")
    done = import_labels(reviewed, file, say=pytest.fail)
    assert (done.changed, done.same, done.failed) == (0, 2, 0)
    for frame in reviewed.frames()[:2]:
        reviewed.save_labels(frame.id, np.zeros(SHAPE, np.uint8), expected_revision=frame.revision, who=ANNA)
        reviewed.images.write(frame.id)
    done = import_labels(reviewed, file, say=pytest.fail)
    assert (done.changed, done.same) == (2, 0)
    for stem, number in (("take/0", 0), ("take/1", 3)):
        expected = labels_of(number)
        if form == "coco":  # which does not know pixels to ignore
            expected[expected == 255] = 0
        np.testing.assert_array_equal(labels_in(folder, stem), expected)
    frame = reviewed.frames()[1]
    assert frame.decision == "accepted" and frame.edited
    last = reviewed.last(frame)
    assert last is not None and (last["action"], last["reviewer"]) == ("import", f"import of {file.name}")


def test_coco_leaves_pixels_to_ignore_alone(reviewed: Store, folder: Path, tmp_path: Path) -> None:
    export(open_accepted(folder), tmp_path / "out", "coco")
    content = json.loads(json_of(tmp_path / "out").read_text())
    content["annotations"] = [
        {"image_id": 1, "category_id": 2, "segmentation": [[5, 5, 9, 5, 9, 8, 5, 8]]},
        {"image_id": 1, "category_id": 1, "segmentation": {"size": list(SHAPE), "counts": [41, 3, 556]}},
    ]
    (tmp_path / "c.json").write_text(json.dumps(content))
    done = import_labels(reviewed, tmp_path / "c.json", say=pytest.fail)
    assert (done.changed, done.empty) == (1, 1)
    expected = np.zeros(SHAPE, np.uint8)
    expected[5:8, 5:9] = 2
    expected[1:4, 2] = 1  # runs go down the columns: 41 is the second pixel of the third
    expected[-1, 0] = 255
    np.testing.assert_array_equal(labels_in(folder, "take/0"), expected)


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><name>t</name></task></meta>{}</annotations>"""
IMAGE = '<image id="0" name="{}" width="30" height="20">{}</image>'


def test_polygons_boxes_and_what_lies_on_top(reviewed: Store, folder: Path, tmp_path: Path) -> None:
    shapes = (
        '<polygon label="object" points="2.0,2.0;6.0,2.0;6.0,5.0;2.0,5.0" z_order="1"></polygon>'
        '<box label="hand" xtl="0" ytl="0" xbr="4" ybr="4" z_order="0"></box>'
        '<tag label="sharp" source="manual"></tag>'
        '<polygon label="ignore" points="-9e9,18;9e9,18;9e9,9e9;-9e9,9e9" z_order="2"></polygon>'
    )
    (tmp_path / "a.xml").write_text(CVAT.format(IMAGE.format("images/take/0.PNG", shapes)))
    assert import_labels(reviewed, tmp_path / "a.xml", say=pytest.fail).changed == 1
    expected = np.zeros(SHAPE, np.uint8)
    expected[:4, :4] = 1
    expected[2:5, 2:6] = 2
    expected[18:] = 255
    np.testing.assert_array_equal(labels_in(folder, "take/0"), expected)


@pytest.mark.parametrize("name", ["take/1.png", "color\\take\\1.jpg", "1.png", "elsewhere/1"])
def test_names_other_programs_give_a_frame(reviewed: Store, folder: Path, tmp_path: Path, name: str) -> None:
    mask = '<mask label="hand" rle="0, 600" left="0" top="0" width="30" height="20"></mask>'
    (tmp_path / "a.xml").write_text(CVAT.format(IMAGE.format(name, mask)))
    assert import_labels(reviewed, tmp_path / "a.xml", say=pytest.fail).changed == 1
    assert (labels_in(folder, "take/1") == 1).all()


def test_images_that_cannot_be_taken_over_are_said(reviewed: Store, folder: Path, tmp_path: Path) -> None:
    mask = '<mask label="hand" rle="0, 4" left="0" top="0" width="2" height="2"></mask>'
    small = '<image id="1" name="take/1.png" width="3" height="2">' + mask + "</image>"
    images = IMAGE.format("nobody.png", mask) + small + IMAGE.format("take/3.png", "") + IMAGE.format("take/2", mask)
    (tmp_path / "a.xml").write_text(CVAT.format(images))
    reported: list[str] = []
    before = labels_in(folder, "take/3")
    done = import_labels(reviewed, tmp_path / "a.xml", say=reported.append)
    assert (done.changed, done.empty, done.failed) == (1, 1, 2)
    assert "'nobody.png' is no frame of" in reported[0] and "is 3x2 pixels, expected 30x20" in reported[1]
    np.testing.assert_array_equal(labels_in(folder, "take/3"), before)


BAD_MASK = '<mask label="hand" rle="{}" left="{}" top="0" width="2" height="2"></mask>'


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.xml", "<annotations><image", "is no whole XML"),
        ("a.xml", "", "is no whole XML"),
        ("a.xml", "<dataset></dataset>", "begins with <dataset>"),
        ("a.xml", CVAT.format('<track id="0"></track>'), "a.xml is of a video task"),
        ("a.xml", CVAT.format(IMAGE.format("take/0", '<mask label="cup"/>')), "the label 'cup', expected one of hand"),
        ("a.xml", CVAT.format(IMAGE.format("take/0", BAD_MASK.format("0, 3", 0))), "runs of 3 pixels, expected 4"),
        ("a.xml", CVAT.format(IMAGE.format("take/0", BAD_MASK.format("5, -1", 0))), "runs of 4 pixels"),
        ("a.xml", CVAT.format(IMAGE.format("take/0", BAD_MASK.format("0, 4", 29))), "a mask at 29,0 of 2x2"),
        (
            "a.xml",
            CVAT.format(IMAGE.format("take/0", '<polygon label="hand" points="1,1;2,2"/>')),
            "4 coordinates, expected",
        ),
        (
            "a.xml",
            CVAT.format(IMAGE.format("take/0", '<polygon label="hand" points="1,1;2,nan;3,3"/>')),
            "6 coordinates",
        ),
        ("a.xml", CVAT.format('<image name="take/0" width="99999" height="99999"></image>'), "the size 99999x99999"),
        ("a.json", "[]", "holds a list"),
        ("a.json", "{}", "has no images, annotations and categories"),
        ("a.txt", "", "is a .txt file"),
        ("a.zip", "x", "could not be read"),
    ],
)
def test_files_that_cannot_be_imported(reviewed: Store, tmp_path: Path, name: str, content: str, sentence: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as raised:
        import_labels(reviewed, tmp_path / name)
    assert sentence in str(raised.value) and str(tmp_path / name) in str(raised.value)
    with pytest.raises(InputError, match=r"could not be read|is no readable JSON"):
        import_labels(reviewed, tmp_path / f"no-{name}".replace(".txt", ".xml"))


@pytest.mark.parametrize("counts", ["", "0", "PPPP1", [600, 1], [-1, 601], ["x"], None])
def test_masks_of_coco_that_cannot_be_used(reviewed: Store, tmp_path: Path, counts: object) -> None:
    content = {
        "images": [{"id": 1, "file_name": "take/0.png", "height": 20, "width": 30}],
        "categories": [{"id": 7, "name": "hand"}],
        "annotations": [
            {"image_id": 1, "category_id": 7, "segmentation": {"size": list(SHAPE), "counts": counts}},
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="has a mask that cannot be used"):
        import_labels(reviewed, tmp_path / "a.json")


def test_exports_that_cannot_be(store: Store, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has not been reviewed"):
        open_accepted(folder)
    store.decide(1, "rejected", expected_revision=0, who=ANNA)
    with pytest.raises(InputError, match=r"1 frames rejected\) but none of its 5 frames here is accepted"):
        open_accepted(folder)
    store.decide(1, "accepted", expected_revision=1, who=ANNA)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").touch()
    forms: tuple[Form, ...] = get_args(Form)
    for form in forms:
        with pytest.raises(InputError, match="is there already"):
            export(open_accepted(folder), tmp_path / "out", form)


def test_an_accepted_frame_without_labels_is_said(store: Store, folder: Path, tmp_path: Path) -> None:
    for frame in store.frames()[2:4]:
        store.decide(frame.id, "accepted", expected_revision=0, who=ANNA)
    (folder / "labels" / "take" / "3.png").unlink()
    reported: list[str] = []
    done = export(open_accepted(folder), tmp_path / "out", "cvat", say=reported.append)
    assert (done.frames, done.written) == (2, 1)
    assert len(reported) == 1 and "take/3 has no label image" in reported[0]
