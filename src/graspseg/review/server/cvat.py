"""Labels to and from CVAT, an annotation tool, as its "CVAT for images 1.1".

Format: https://docs.cvat.ai/docs/manual/advanced/xml_format/. A mask is a box and the lengths of the runs in it, row by
row, of pixels outside and inside in turn, beginning with those outside.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from graspseg.datasets.images import MOST_PIXELS
from graspseg.errors import InputError
from graspseg.labels import PALETTE
from graspseg.review.server.shapes import (
    NAMES,
    Drawing,
    DrawnImage,
    NoArea,
    Shape,
    fill_box,
    fill_ellipse,
    fill_line,
    fill_polygon,
    fill_runs,
)

_Attributes = Mapping[str, str]
_NO_SHAPES = ("tag",)  # labels of an image as a whole


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


def read_images(data: bytes, path: Path) -> Drawing:
    """Images with their shapes; where these overlap the higher `z_order` counts, then the later one.

    Args:
        data: the XML.
        path: what messages call it.

    Raises:
        InputError: it is no such file, or not whole.
    """
    reader = _Reader(path)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    try:
        parser.Parse(data, True)
    except InputError:
        raise
    except (expat.ExpatError, ValueError) as error:
        raise InputError(
            f"{path} is no whole XML ({error}), so nothing was read, expected CVAT for images 1.1: export it again."
        ) from error
    return Drawing(reader.images, [])


class _Reader:
    """Takes the images out of the XML as it goes by."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[str] = []
        self._image: _Attributes = {}
        self._shapes: list[tuple[int, Shape]] = []
        self.images: list[DrawnImage] = []

    def doctype(self, *_: object) -> None:
        """Refuse definitions, with which a few letters can stand for gigabytes."""
        raise InputError(f"{self._path} defines a document type, expected none as CVAT writes it: export it again.")

    def start(self, tag: str, attributes: _Attributes) -> None:
        """An element begins."""
        if not self._open and tag != "annotations":
            raise InputError(f"{self._path} begins with <{tag}>, expected CVAT's <annotations>: export it again.")
        if self._open == ["annotations"] and tag == "track":
            raise InputError(
                f"{self._path} is of a video task, expected CVAT for images 1.1: export it as that, nothing was read."
            )
        if self._open == ["annotations"] and tag == "image":
            self._image, self._shapes = attributes, []
        elif self._open == ["annotations", "image"] and tag not in _NO_SHAPES:
            title = f"the {tag} {len(self._shapes) + 1}"
            shape = Shape(attributes.get("label", ""), title, partial(_FILLS.get(tag, _fill_unknown), tag, attributes))
            self._shapes.append((self._number(attributes, "z_order", "0"), shape))
        self._open.append(tag)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._open.pop()
        if self._open == ["annotations"] and tag == "image":
            height, width = (self._number(self._image, key) for key in ("height", "width"))
            name = self._image.get("name", "")
            if not (height > 0 and width > 0 and height * width <= MOST_PIXELS):
                raise InputError(
                    f"{self._path}: the image {name!r:.200} has the size {width}x{height}, expected one of at most "
                    f"{MOST_PIXELS} pixels: correct it, nothing was read."
                )
            shapes = [shape for _, shape in sorted(self._shapes, key=lambda placed: placed[0])]
            self.images.append(DrawnImage(name, height, width, shapes))

    def _number(self, attributes: _Attributes, key: str, default: str = "") -> int:
        text = attributes.get(key, default)
        try:
            return int(text)
        except ValueError as error:
            raise InputError(
                f"{self._path}: the image {self._image.get('name', '')!r:.200} has {key} {text!r:.40}, expected a "
                "whole number: correct it, nothing was read."
            ) from error


def _floats(attributes: _Attributes, *keys: str) -> tuple[float, ...]:
    return tuple(float(attributes.get(key, "")) for key in keys)


def _degrees(attributes: _Attributes) -> float:
    return float(attributes.get("rotation", "0"))


def _points(attributes: _Attributes) -> Float64[np.ndarray, "n 2"]:
    points = [tuple(map(float, point.split(","))) for point in attributes.get("points", "").split(";")]
    return np.array(points, np.float64).reshape(len(points), 2)


def _fill_mask(tag: str, attributes: _Attributes, height: int, width: int) -> Bool[np.ndarray, "h w"]:
    left, top, w, h = (int(attributes.get(key, "")) for key in ("left", "top", "width", "height"))
    if min(left, top, w, h) < 0 or left + w > width or top + h > height:
        raise ValueError(f"a mask at {left},{top} of {w}x{h} pixels, expected it inside")
    inside = np.zeros((height, width), bool)
    runs = [int(run) for run in attributes.get("rle", "").split(",")]
    inside[top : top + h, left : left + w] = fill_runs(runs, h, w)
    return inside


def _fill_box(tag: str, attributes: _Attributes, height: int, width: int) -> Bool[np.ndarray, "h w"]:
    x0, y0, x1, y1 = _floats(attributes, "xtl", "ytl", "xbr", "ybr")
    return fill_box((x0, y0, x1, y1), _degrees(attributes), height, width)


def _fill_ellipse(tag: str, attributes: _Attributes, height: int, width: int) -> Bool[np.ndarray, "h w"]:
    x, y, rx, ry = _floats(attributes, "cx", "cy", "rx", "ry")
    return fill_ellipse((x, y), (rx, ry), _degrees(attributes), height, width)


def _fill_polygon(tag: str, attributes: _Attributes, height: int, width: int) -> Bool[np.ndarray, "h w"]:
    return fill_polygon(_points(attributes), height, width)


def _fill_line(tag: str, attributes: _Attributes, height: int, width: int) -> Bool[np.ndarray, "h w"]:
    return fill_line(_points(attributes), height, width)


def _fill_unknown(tag: str, attributes: _Attributes, height: int, width: int) -> Bool[np.ndarray, "h w"]:
    raise NoArea(f"a shape <{tag}>, expected one with an area ({', '.join(_FILLS)}): draw a mask or polygon")


_FILLS: dict[str, Callable[[str, _Attributes, int, int], Bool[np.ndarray, "h w"]]] = {
    "mask": _fill_mask,
    "polygon": _fill_polygon,
    "box": _fill_box,
    "ellipse": _fill_ellipse,
    "polyline": _fill_line,
}
