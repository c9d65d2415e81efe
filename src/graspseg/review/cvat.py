"""Labels to and from CVAT, an annotation tool, as its "CVAT for images 1.1".

Format: https://docs.cvat.ai/docs/manual/advanced/xml_format/. A mask is a box and the lengths of the runs in it, row by
row, of pixels outside and inside in turn, beginning with those outside.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

import numpy as np
from jaxtyping import Bool, UInt8

from graspseg.datasets.images import MOST_PIXELS
from graspseg.frame import InputError
from graspseg.labels import PALETTE
from graspseg.review.shapes import NAMES, VALUES, LabelledImage, fill_polygon, fill_runs

_SHAPES = ("mask", "polygon", "box")


def write_header(file: BinaryIO, *, name: str, count: int) -> None:
    """Begin a file of annotations.

    Args:
        file: where to.
        name: what CVAT calls the task.
        count: number of images.
    """
    labels = "".join(
        f"<label><name>{label}</name><color>#{''.join(f'{part:02x}' for part in PALETTE[value])}</color>"
        "<type>mask</type><attributes></attributes></label>"
        for value, label in NAMES.items()
    )
    task = ET.Element("name")
    task.text = name
    title = ET.tostring(task, encoding="unicode")
    file.write(
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta><task>{title}'
        f"<size>{count}</size><mode>annotation</mode><labels>{labels}</labels></task></meta>\n".encode()
    )


def write_image(file: BinaryIO, number: int, *, name: str, labels: UInt8[np.ndarray, "h w"]) -> None:
    """Add an image with a mask for every class it shows."""
    height, width = labels.shape
    file.write(f'<image id="{number}" name={quoteattr(name)} width="{width}" height="{height}">\n'.encode())
    for value, label in NAMES.items():
        inside = labels == value
        if inside.any():
            file.write(_mask(label, inside).encode())
    file.write(b"</image>\n")


def write_footer(file: BinaryIO) -> None:
    """End a file of annotations."""
    file.write(b"</annotations>\n")


def _mask(label: str, inside: Bool[np.ndarray, "h w"]) -> str:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    top, left = rows[0], columns[0]
    box = inside[top : rows[-1] + 1, left : columns[-1] + 1]
    flat = np.concatenate([[False], box.ravel()])  # runs begin with pixels outside, of which there may be none
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[1], ends, [flat.size]]))
    return (
        f'<mask label="{label}" source="manual" occluded="0" rle="{", ".join(map(str, runs))}" left="{left}" '
        f'top="{top}" width="{box.shape[1]}" height="{box.shape[0]}" z_order="0"></mask>\n'
    )


def read_images(file: BufferedIOBase, path: Path) -> Iterator[LabelledImage]:
    """Labels of every image; where shapes overlap the higher `z_order` counts, then the later one.

    Args:
        file: the XML.
        path: what messages call it.

    Raises:
        InputError: it is no such file, or has a label or shape that cannot be used.
    """
    try:
        found = ET.iterparse(file, events=("start", "end"))
        _, root = next(found)
        if root.tag != "annotations":
            raise InputError(f"{path} begins with <{root.tag}>, expected CVAT's <annotations>: export it again.")
        for event, element in found:
            if event == "end" and element.tag == "track":
                raise InputError(f"{path} is of a video task, expected CVAT for images 1.1: export it as that.")
            if event == "end" and element.tag == "image":
                yield _labels(element, path)
                root.clear()  # else the whole file stays in memory
    except ET.ParseError as error:
        raise InputError(f"{path} is no whole XML ({error}), expected CVAT for images 1.1: export it again.") from error


def _labels(image: ET.Element, path: Path) -> LabelledImage:
    name = image.get("name", "")
    try:
        height, width = int(image.get("height", "")), int(image.get("width", ""))
        if not 0 < height * width <= MOST_PIXELS:
            raise ValueError(f"the size {width}x{height}")
        shapes = [shape for shape in image if shape.tag in _SHAPES]
        labels = np.zeros((height, width), np.uint8)
        for shape in sorted(shapes, key=lambda shape: int(shape.get("z_order", "0"))):
            label = shape.get("label", "")
            if label not in VALUES:
                raise ValueError(f"the label {label!r}, expected one of {', '.join(VALUES)}")
            labels[_inside(shape, height, width)] = VALUES[label]
    except ValueError as error:
        raise InputError(f"{path}: the image {name!r} has {error}, so nothing more was read: correct it.") from error
    return LabelledImage(name, labels if shapes else None)


def _inside(shape: ET.Element, height: int, width: int) -> Bool[np.ndarray, "h w"]:
    """The pixels of a shape.

    Raises:
        ValueError: it cannot be used; says what it is.
    """
    if shape.tag == "mask":
        left, top, w, h = (int(shape.get(key, "")) for key in ("left", "top", "width", "height"))
        if min(left, top, w, h) < 0 or left + w > width or top + h > height:
            raise ValueError(f"a mask at {left},{top} of {w}x{h} pixels, expected it inside")
        inside = np.zeros((height, width), bool)
        inside[top : top + h, left : left + w] = fill_runs([int(run) for run in shape.get("rle", "").split(",")], h, w)
        return inside
    if shape.tag == "box":
        x0, y0, x1, y1 = (float(shape.get(key, "")) for key in ("xtl", "ytl", "xbr", "ybr"))
        points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    else:
        points = [tuple(map(float, point.split(","))) for point in shape.get("points", "").split(";")]
    return fill_polygon(np.array(points, np.float64).reshape(-1, 2), height, width)
