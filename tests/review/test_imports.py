"""Labels other programs wrote: whatever cannot become pixels is said, and no frame loses what it has."""

from __future__ import annotations

import errno
import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets import atomic
from graspseg.datasets.atomic import OutputError
from graspseg.datasets.files import read_file
from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.datasets.images import read_labels
from graspseg.errors import InputError
from graspseg.frame import Frame
from graspseg.review.server import coco, import_files
from graspseg.review.server.imports import import_labels
from graspseg.review.server.serve import open_store
from graspseg.review.server.store import Store

from .conftest import SHAPE, labels_of

CVAT = '<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>{}</annotations>'
IMAGE = '<image id="0" name="{}" width="30" height="20">{}</image>'
GOOD = '<mask label="hand" rle="0, 4" left="0" top="0" width="2" height="2"></mask>'
SQUARE = [[5, 5, 9, 5, 9, 8, 5, 8]]


def labels_in(folder: Path, stem: str) -> np.ndarray:
    return read_labels(folder / "labels" / f"{stem}.png", SHAPE)


def cvat(folder: Path, *images: tuple[str, str], name: str = "a.xml") -> Path:
    path = folder / name
    path.write_text(CVAT.format("".join(IMAGE.format(*image) for image in images)))
    return path


def content(*annotations: dict[str, Any], names: tuple[str, ...] = ("hand", "object")) -> dict[str, Any]:
    return {
        "images": [{"id": n, "file_name": f"take/{n}.png", "height": 20, "width": 30} for n in range(3)],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, 1)],
        "annotations": [{"id": n, "category_id": 1, "image_id": 0, **a} for n, a in enumerate(annotations, 1)],
    }


def as_json(folder: Path, *annotations: dict[str, Any], **options: Any) -> Path:
    path = folder / "a.json"
    path.write_text(json.dumps(content(*annotations, **options)))
    return path


@pytest.mark.parametrize(
    "annotation",
    [
        {"segmentation": [], "bbox": [1, 1, 9, 9]},
        {"segmentation": [[]]},
        {"segmentation": None},
        {"bbox": [1, 1, 9, 9]},
        {"keypoints": [3, 3, 2], "num_keypoints": 1},
        {"segmentation": {}},
        {"segmentation": [[1, 1, 5, 5]]},
        {"segmentation": [[400, 400, 500, 400, 500, 500]]},
        {"segmentation": [[0.1, 0.1, 0.4, 0.1, 0.4, 0.4]]},
        {"segmentation": {"size": list(SHAPE), "counts": [600]}},
        {"segmentation": SQUARE, "category_id": 9},
    ],
)
def test_a_coco_annotation_without_area_or_class_leaves_its_frame_alone(
    store: Store, folder: Path, tmp_path: Path, annotation: dict[str, Any]
) -> None:
    before = labels_in(folder, "take/0")
    file = as_json(tmp_path, {"segmentation": SQUARE}, annotation)
    with pytest.raises(InputError, match=r"take/0.*Nothing was changed"):
        import_labels(store, file)
    said: list[str] = []
    file = as_json(tmp_path, annotation, {"segmentation": SQUARE, "image_id": 1})
    done = import_labels(store, file, say=said.append)
    assert (done.changed, done.failed, done.empty) == (1, 1, 1) and "'take/0.png' has " in said[0]
    np.testing.assert_array_equal(labels_in(folder, "take/0"), before)
    assert (labels_in(folder, "take/1") == 1).sum() == 12


def test_an_annotation_of_an_unknown_image_is_said(store: Store, folder: Path, tmp_path: Path) -> None:
    file = as_json(tmp_path, {"segmentation": SQUARE, "image_id": 7}, {"segmentation": SQUARE, "image_id": "1"})
    with pytest.raises(InputError, match=r"has 1 annotations of the image 7, which it does not list"):
        import_labels(store, file)
    for number in range(3):
        np.testing.assert_array_equal(labels_in(folder, f"take/{number}"), labels_of(number))


@pytest.mark.parametrize("part", ["images", "categories"])
def test_what_coco_lists_twice_is_not_guessed(store: Store, tmp_path: Path, part: str) -> None:
    twice = content({"segmentation": SQUARE})
    twice[part].append({**twice[part][0], "name": "object"})
    (tmp_path / "a.json").write_text(json.dumps(twice))
    with pytest.raises(InputError, match="twice"):
        import_labels(store, tmp_path / "a.json")


@pytest.mark.parametrize(
    "shape",
    [
        '<polyline label="hand" points="0,0;9,0;9,9"/>',
        '<points label="hand" points="3,3"/>',
        '<cuboid label="hand" xtl1="1" ytl1="1"/>',
        '<skeleton label="hand"><points label="hand" points="3,3"/></skeleton>',
        '<box label="cup" xtl="0" ytl="0" xbr="4" ybr="4"/>',
        '<box label="hand" xtl="4" ytl="0" xbr="4" ybr="4"/>',
        '<box label="hand" xtl="40" ytl="0" xbr="50" ybr="4"/>',
        '<ellipse label="hand" cx="9" cy="9" rx="0" ry="4"/>',
        '<polygon label="hand" points="1,1;2,2"/>',
        '<wand label="hand" points="1,1;2,2;3,1"/>',
    ],
)
def test_a_cvat_shape_without_area_or_class_leaves_its_frame_alone(
    store: Store, folder: Path, tmp_path: Path, shape: str
) -> None:
    file = cvat(tmp_path, ("take/0", GOOD + shape), ("take/1", GOOD))
    said: list[str] = []
    done = import_labels(store, file, say=said.append)
    assert (done.changed, done.failed) == (1, 1) and "'take/0' has " in said[0]
    np.testing.assert_array_equal(labels_in(folder, "take/0"), labels_of(0))
    assert (labels_in(folder, "take/1") == 1).sum() == 4


def drawn(store: Store, folder: Path, tmp_path: Path, shapes: str) -> np.ndarray:
    done = import_labels(store, cvat(tmp_path, ("take/0", shapes)), say=pytest.fail)
    assert done.changed + done.same == 1
    return labels_in(folder, "take/0")


def test_ellipses_are_filled(store: Store, folder: Path, tmp_path: Path) -> None:
    """Of a circle of radius 2 about a corner of pixels, the 12 whose centers are nearer than 2; and one turned."""
    found = drawn(store, folder, tmp_path, '<ellipse label="hand" cx="5" cy="4" rx="2" ry="2"/>')
    expected = np.zeros(SHAPE, np.uint8)
    expected[2:6, 4:6] = expected[3:5, 3:7] = 1
    np.testing.assert_array_equal(found, expected)
    turned = drawn(store, folder, tmp_path, '<ellipse label="hand" cx="9.5" cy="9.5" rx="6" ry="1" rotation="45"/>')
    rows, columns = np.nonzero(turned)
    assert {tuple(map(int, place)) for place in zip(rows, columns, strict=True)} >= {(6, 6), (9, 9), (12, 12)}
    assert not turned[6, 12] and not turned[12, 6]  # clockwise: down to the right


def test_turned_boxes_are_filled_turned(store: Store, folder: Path, tmp_path: Path) -> None:
    upright = drawn(store, folder, tmp_path, '<box label="hand" xtl="8" ytl="4" xbr="12" ybr="12"/>')
    quarter = drawn(store, folder, tmp_path, '<box label="hand" xtl="6" ytl="6" xbr="14" ybr="10" rotation="90.0"/>')
    np.testing.assert_array_equal(quarter, upright)
    diamond = drawn(store, folder, tmp_path, '<box label="hand" xtl="6" ytl="6" xbr="12" ybr="12" rotation="45"/>')
    assert diamond[9, 5] and diamond[5, 9] and not diamond[6, 6] and not diamond[11, 11]


def test_closed_lines_are_filled_and_background_cuts_holes(store: Store, folder: Path, tmp_path: Path) -> None:
    shapes = (
        '<polygon label="background" points="4,4;6,4;6,6;4,6" z_order="2"/>'
        '<polyline label="Hand" points="2,2;8,2;8,8;2,8;2,2" z_order="1"/>'
        '<mask label="background" rle="0, 1" left="3" top="2" width="1" height="1"/>'
        '<tag label="blurred"/>'
    )
    expected = np.zeros(SHAPE, np.uint8)
    expected[2:8, 2:8] = 1
    expected[4:6, 4:6] = 0
    np.testing.assert_array_equal(drawn(store, folder, tmp_path, shapes), expected)


def test_background_of_coco_cuts_holes_also_into_what_is_ignored(store: Store, folder: Path, tmp_path: Path) -> None:
    strip = [[0, 19, 30, 19, 30, 20, 0, 20]]
    file = as_json(
        tmp_path,
        {"segmentation": [[2, 2, 8, 2, 8, 8, 2, 8]]},
        {"segmentation": [[4, 4, 6, 4, 6, 6, 4, 6]], "category_id": 2},
        {"segmentation": strip, "category_id": 2},
        names=("hand", "background"),
    )
    assert import_labels(store, file, say=pytest.fail).changed == 1
    expected = np.zeros(SHAPE, np.uint8)
    expected[2:8, 2:8] = 1
    expected[4:6, 4:6] = 0
    np.testing.assert_array_equal(labels_in(folder, "take/0"), expected)


BROKEN = [
    '<mask label="hand" rle="0, 3" left="0" top="0" width="2" height="2"/>',
    '<polygon label="hand" points="1,1;2,nan;3,3"/>',
    '<box label="hand" xtl="1" ytl="1"/>',
    '<ellipse label="hand" cx="5" cy="5" rx="-2" ry="2"/>',
    '<mask label="hand" rle="0, 4" left="29" top="0" width="2" height="2"/>',
    '<box label="hand" xtl="0" ytl="0" xbr="4" ybr="4" rotation="much"/>',
    '<box label="hand" xtl="0" ytl="0" xbr="4" ybr="4" z_order="top"/>',
    "<mask",
]


@pytest.mark.parametrize("shape", BROKEN)
def test_nothing_is_saved_of_a_damaged_file(store: Store, folder: Path, tmp_path: Path, shape: str) -> None:
    with pytest.raises(InputError, match="nothing was"):
        import_labels(store, cvat(tmp_path, ("take/0", GOOD), ("take/1", shape)))
    for number in range(2):
        np.testing.assert_array_equal(labels_in(folder, f"take/{number}"), labels_of(number))


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": list(SHAPE), "counts": [599]},
        {"size": [20, 31], "counts": [10, 610]},
        {"size": list(SHAPE), "counts": [10.5, 589.5]},
        {"size": list(SHAPE), "counts": "PPPPPP"},
        [[1, 2, 3]],
        [[1, 1, 5, 1, 5, None]],
        [[1, 1, 5, 1, 5, 10**400]],
        [1, 1, 5, 1, 5, 5],
        "mask",
    ],
)
def test_nothing_is_saved_of_a_damaged_coco_file(
    store: Store, folder: Path, tmp_path: Path, segmentation: object
) -> None:
    file = as_json(tmp_path, {"segmentation": SQUARE}, {"segmentation": segmentation, "image_id": 1})
    with pytest.raises(InputError, match=r"take/1.* nothing was changed"):
        import_labels(store, file)
    for number in range(2):
        np.testing.assert_array_equal(labels_in(folder, f"take/{number}"), labels_of(number))


def test_two_images_that_are_one_frame_are_said(store: Store, folder: Path, tmp_path: Path) -> None:
    box = '<box label="object" xtl="0" ytl="0" xbr="4" ybr="4"/>'
    said: list[str] = []
    file = cvat(tmp_path, ("take/0", GOOD), ("images/take/0.jpg", box), ("take/1", GOOD))
    done = import_labels(store, file, say=said.append)
    assert (done.changed, done.failed) == (1, 1) and "are all the frame 'take/0'" in said[0]
    np.testing.assert_array_equal(labels_in(folder, "take/0"), labels_of(0))


def test_zips_of_coco_and_byte_order_marks_are_read(store: Store, folder: Path, tmp_path: Path) -> None:
    texts = [json.dumps(content({"segmentation": SQUARE, "image_id": number})) for number in range(2)]
    with zipfile.ZipFile(tmp_path / "coco.zip", "w") as archive:
        for number, text in enumerate(texts):
            archive.writestr(f"annotations/instances_{number}.json", text.encode("utf-8-sig"))
        archive.writestr("notes.json", "[]")
        archive.writestr("__MACOSX/annotations/._instances_0.json", b"\0\5\x16\7")
    assert import_labels(store, tmp_path / "coco.zip", say=pytest.fail).changed == 2
    with zipfile.ZipFile(tmp_path / "one.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("result.json", texts[0].encode("utf-8-sig"))
    assert import_labels(store, tmp_path / "one.zip", say=pytest.fail).same == 1
    (tmp_path / "mark.xml").write_bytes(b"\xef\xbb\xbf" + CVAT.format(IMAGE.format("take/1", GOOD)).encode())
    assert import_labels(store, tmp_path / "mark.xml", say=pytest.fail).changed == 1
    assert (labels_in(folder, "take/0") == 1).sum() == 12 and (labels_in(folder, "take/1") == 1).sum() == 4


def test_files_that_unpack_to_more_than_sane_are_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_files, "LARGEST_TEXT", 5000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotations.xml", b" " * 5001)
    with pytest.raises(InputError, match=r"'annotations.xml' of 5001 bytes, expected at most 5000"):
        import_labels(store, tmp_path / "a.zip")
    (tmp_path / "a.xml").write_bytes(b" " * 5001)
    with pytest.raises(InputError, match="has 5001 bytes, expected at most 5000"):
        import_labels(store, tmp_path / "a.xml")


def test_xml_that_defines_what_stands_for_more_is_refused(store: Store, tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    text = f'<?xml version="1.0"?><!DOCTYPE annotations [<!ENTITY l0 "lol">{laughs}]><annotations>&l8;</annotations>'
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(InputError, match="defines a document type"):
        import_labels(store, tmp_path / "a.xml")


def test_a_run_of_any_length_takes_no_time() -> None:
    start = time.perf_counter()
    with pytest.raises(ValueError, match="no such letter"):
        coco._unpack("o" * 4_000_000)
    assert time.perf_counter() - start < 1


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is a folder"):
        read_file(tmp_path)
    with pytest.raises(InputError, match="it is a pipe or device"):
        read_file(Path("/dev/zero"))


def test_boxes_of_coco_by_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = as_json(tmp_path, {"segmentation": [], "bbox": [1, 1, 9, 9]})
    assert main(["review", "import", str(folder), str(file)]) == 2
    assert "expected a mask or polygon" in capsys.readouterr().err
    np.testing.assert_array_equal(labels_in(folder, "take/0"), labels_of(0))


def ten_frames(folder: Path) -> tuple[Path, Path]:
    """Frames of which the last has no labels in a folder that is not there yet, and a file with new ones for all."""
    writer = FolderWriter(folder / "ten", {})
    for number in range(10):
        labels = labels_of(number % 4) if number < 9 else None
        writer.write(f"new/{number}" if labels is None else f"{number}", Frame(np.full(SHAPE, 700, np.uint16)), labels)
    names = [*map(str, range(9)), "new/9"]
    return folder / "ten", cvat(folder, *((f"{name}.png", GOOD) for name in names))


def state_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")}


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_midway_leaves_all_frames_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    folder, file = ten_frames(tmp_path)
    before, calls = state_of(folder), 0
    system = getattr(os, call)

    def third_fails(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return system(*arguments)

    with open_store(folder) as store:
        with monkeypatch.context() as patch:
            patch.setattr(atomic.os, call, third_fails)
            with pytest.raises(OutputError, match=r"No space left.*None of the 10 frames of .* was changed\.$"):
                import_labels(store, file)
        assert calls >= 3
        assert state_of(folder) == before and not list(folder.rglob("*.tmp"))
        assert not (folder / "labels" / "new").exists()
        assert not any(frame.edited or frame.pending for frame in store.frames())
    with open_store(folder, say=pytest.fail) as store:
        assert state_of(folder) == before
        assert import_labels(store, file).changed == 10
    assert all(np.count_nonzero(sample.labels == 1) == 4 for sample in FolderDataset(folder))


def test_an_import_that_was_killed_before_its_files_took_their_places_is_finished_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, file = ten_frames(tmp_path)

    def killed(*_: object) -> None:
        raise SystemExit

    with open_store(folder) as store:
        monkeypatch.setattr(store.images, "put", killed)
        monkeypatch.setattr(store, "_take_back", killed)
        with pytest.raises(SystemExit):
            import_labels(store, file)
    with open_store(folder, say=pytest.fail):
        pass
    assert all(np.count_nonzero(sample.labels == 1) == 4 for sample in FolderDataset(folder))
