"""Masks in the format of COCO: one annotation a class and frame, as compressed RLE (exact, unlike polygons).

Format: https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from pycocotools import mask as rle

from graspseg.datasets.atomic import new_file
from graspseg.datasets.dataset import Sample
from graspseg.labels import CLASS_NAMES, HAND, OBJECT

_LABELS = (HAND, OBJECT)
_INFO = ("licence", "provenance", "depth_unit_m", "intrinsics")


@contextlib.contextmanager
def new_annotations(path: Path, description: Mapping[str, Any]) -> Iterator[Annotations]:
    """Write `annotations.json` frame by frame; it appears when the block ends without error.

    Args:
        path: the file.
        description: what holds for all frames; license, provenance, unit and camera go into `info`.

    Raises:
        OutputError: the disk is full or not writable.
    """
    with new_file(path) as file:
        annotations = Annotations(file)
        yield annotations
        annotations.finish({key: description.get(key) for key in _INFO})


class Annotations:
    """What is written to an open file for every frame; see `new_annotations`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._images: list[dict[str, Any]] = []
        self._count = 0
        file.write(b'{"annotations": [')

    def add(self, file_name: str, sample: Sample, *, camera: Mapping[str, float] | None = None) -> None:
        """Add a frame; classes that it does not show, and pixels to ignore, get no annotation.

        Args:
            file_name: of its depth image.
            sample: the frame.
            camera: the intrinsics of this frame, None where they are not known.
        """
        height, width = sample.frame.depth.shape
        number = len(self._images) + 1
        row = {"id": number, "file_name": file_name, "width": width, "height": height}
        self._images.append(row if camera is None else {**row, "intrinsics": dict(camera)})
        for label in _LABELS if sample.labels is not None else ():
            mask = rle.encode(np.asfortranarray(sample.labels == label, np.uint8))
            area = int(rle.area(mask))
            if not area:
                continue
            self._count += 1
            annotation = {
                "id": self._count,
                "image_id": number,
                "category_id": label,
                "segmentation": {"size": [height, width], "counts": cast(bytes, mask["counts"]).decode("ascii")},
                "area": area,
                "bbox": [float(value) for value in rle.toBbox(mask)],
                "iscrowd": 0,
            }
            self._file.write((",\n" if self._count > 1 else "\n").encode() + json.dumps(annotation).encode())

    def finish(self, info: Mapping[str, Any]) -> None:
        """Write what comes after the annotations."""
        rest = {
            "info": {"description": "made by graspseg dataset convert", **info},
            "images": self._images,
            "categories": [{"id": label, "name": CLASS_NAMES[label]} for label in _LABELS],
        }
        self._file.write(b"\n], " + json.dumps(rest).encode()[1:] + b"\n")
