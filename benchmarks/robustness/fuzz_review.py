"""What a review imports and keeps."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fuzz_kind import Kind, Reading, again_marked, digest, labels
from graspseg.datasets.atomic import write_json, write_png
from graspseg.errors import InputError
from ros_samples import HEIGHT, WIDTH, depth_mm

_SHAPES = """
  <polygon label="hand" source="manual" occluded="0" points="3.0,4.0;20.0,4.0;18.0,12.0;3.0,12.0" z_order="0"/>
  <mask label="object" source="manual" rle="2, 3, 3, 2" left="15" top="8" width="5" height="2" z_order="1"/>
"""


def _review_folder(folder: Path) -> None:
    for number in range(3):
        write_png(folder / f"depth/{number}.png", depth_mm(number))
        write_png(folder / f"labels/{number}.png", labels(0))
    write_json(folder / "dataset.json", {"depth_unit_m": 0.001})


def _coco(folder: Path) -> Path:
    _review_folder(folder / "review")
    rows: list[dict[str, Any]] = []
    for image in range(3):
        runs = {"size": [HEIGHT, WIDTH], "counts": [100, 40, HEIGHT * WIDTH - 140]}
        for category, mask in ((1, [[3.0, 4.0, 20.0, 4.0, 18.0, 12.0, 3.0, 12.0]]), (2, runs)):
            rows.append({"id": len(rows) + 1, "image_id": image, "category_id": category, "iscrowd": 0})
            rows[-1] |= {"segmentation": mask, "bbox": [3, 4, 17, 8], "area": 100}
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "height": HEIGHT, "width": WIDTH} for n in range(3)],
        "annotations": rows,
        "categories": [{"id": 1, "name": "hand"}, {"id": 2, "name": "object"}],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(content))
    return path


def _cvat(folder: Path) -> Path:
    _review_folder(folder / "review")
    images = "".join(
        f'<image id="{n}" name="{n}.png" width="{WIDTH}" height="{HEIGHT}">{_SHAPES}</image>\n' for n in range(3)
    )
    path = folder / "annotations.xml"
    path.write_text(f"<annotations><version>1.1</version>\n{images}</annotations>\n")
    return path


def _cvat_zip(folder: Path) -> Path:
    path = _cvat(folder)
    shutil.make_archive(str(folder / "cvat"), "zip", folder, path.name)
    path.unlink()
    return folder / "cvat.zip"


def _read_import(path: Path) -> Reading:
    """Labels of all frames after an import; one that is refused must leave them alone."""
    from graspseg.review.server.imports import import_labels
    from graspseg.review.server.serve import open_store

    review, said = path.parent / "review", []
    before = _labels_in(review)
    try:
        with open_store(review, say=said.append) as store:
            import_labels(store, path, say=said.append)
    except InputError:
        if _labels_in(review) != before:
            raise AssertionError("a refused import changed labels") from None
        raise
    return Reading(_labels_in(review), said_loss=bool(said))


def _labels_in(folder: Path) -> list[str]:
    return [digest(path.name, path.read_bytes()) for path in sorted((folder / "labels").glob("*.png"))]


def _confidence(folder: Path) -> Path:
    _review_folder(folder)
    path = folder / "confidence.csv"
    path.write_text("stem,confidence,iou,skin\n" + "".join(f"{n},0.{n}5,0.{n},1e-3\n" for n in range(3)))
    return path


def _read_confidence(path: Path) -> Reading:
    from graspseg.review.server.serve import open_store

    with open_store(path.parent, say=lambda _: None) as store:
        return Reading([digest(repr(frame)) for frame in store.frames()])


def _review_database(folder: Path) -> Path:
    _read_confidence(_confidence(folder))
    return folder / "review.sqlite"


def kinds() -> Iterator[Kind]:
    """All of them."""
    yield Kind("coco", _coco, _read_import, share=6, variant=again_marked)
    yield Kind("cvat xml", _cvat, _read_import, share=6)
    yield Kind("cvat zip", _cvat_zip, _read_import, checked=True, share=4)
    yield Kind("confidence.csv", _confidence, _read_confidence, has_end=False, share=5)
    yield Kind("review.sqlite", _review_database, _read_confidence, has_end=False, share=5)
