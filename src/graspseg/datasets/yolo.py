"""Labels as the polygons of YOLO's segmentation format, beside 8-bit pictures of the depth.

Format: https://docs.ultralytics.com/datasets/segment/. A polygon cannot have a hole: each hole is joined to the outline
by a line there and back, so that filling by the even-odd rule leaves it empty.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Int32, UInt8, UInt16

from graspseg.datasets.atomic import write_bytes
from graspseg.labels import CLASS_NAMES, HAND, OBJECT, shade_depth

YAML = "data.yaml"
FOLDERS = ("images", "labels")
_CLASSES = (HAND, OBJECT)
_FEWEST_POINTS = 3
_AT_ONCE = 256
_NEEDED = ("train", "val")


def preview(depth: UInt16[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Depth as gray of 8 bits: near is bright, no measurement is black. The depth cannot be had back from it."""
    return np.ascontiguousarray(shade_depth(depth)[..., 0])


def yolo_files(out: Path, split: str, key: str) -> tuple[Path, Path]:
    """Where picture and labels of a frame are.

    Args:
        out: the folder.
        split: its split.
        key: its name, without folders in it: readers replace `images` by `labels` in a path.
    """
    images, labels = FOLDERS
    split = re.sub(r"[^A-Za-z0-9_-]", "_", split)
    return out / images / split / f"{key}.png", out / labels / split / f"{key}.txt"


def yolo_rows(labels: UInt8[np.ndarray, "h w"]) -> bytes:
    """A line for every connected part of hand (class 0) and object (class 1): class, then x and y of each corner.

    Corners are at pixel centers, as shares of width and height. Pixels to ignore get no polygon.
    """
    height, width = labels.shape
    lines = []
    for number, label in enumerate(_CLASSES):
        for polygon in polygons_of(labels == label):
            shares = (polygon + 0.5) / (width, height)
            lines.append(f"{number} " + " ".join(f"{value:.7f}" for value in shares.ravel()))
    return "".join(f"{line}\n" for line in lines).encode()


def polygons_of(mask: Bool[np.ndarray, "h w"]) -> list[Int32[np.ndarray, "_n 2"]]:
    """Outline of every 8-connected part of a mask, with its holes joined to it; x and y of pixels."""
    contours, tree = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    parts: dict[int, list[np.ndarray]] = {}
    for number, contour in enumerate(contours):
        parent = int(tree[0, number, 3])
        parts.setdefault(number if parent < 0 else parent, []).append(contour[:, 0, :])
        if parent < 0:
            own = parts[number]
            own.insert(0, own.pop())  # a hole may come before its outline
    return [_joined(outline, holes) for outline, *holes in parts.values()]


def _joined(outline: Int32[np.ndarray, "_n 2"], holes: list[np.ndarray]) -> Int32[np.ndarray, "_m 2"]:
    """One line around a part and its holes; the nearest hole comes first, so that no joint crosses another."""
    polygon, left = _all_points(outline), [_all_points(hole) for hole in holes]
    found = [_nearest(polygon, hole) for hole in left]
    while left:
        chosen = min(range(len(left)), key=lambda number: found[number].squared_px)
        joint = found.pop(chosen)
        hole = np.roll(left.pop(chosen), -joint.start, axis=0)
        at = int(np.flatnonzero((polygon == joint.point).all(axis=1))[0])
        polygon = np.concatenate([polygon[: at + 1], hole, hole[:1], polygon[at:]])
        pairs = zip(found, left, strict=True)
        found = [min(old, _nearest(hole, other), key=lambda each: each.squared_px) for old, other in pairs]
    corners = _corners(polygon)
    return np.concatenate([corners, np.repeat(corners[-1:], max(0, _FEWEST_POINTS - len(corners)), axis=0)])


def _all_points(contour: Int32[np.ndarray, "_n 2"]) -> Int32[np.ndarray, "_m 2"]:
    """A closed contour with every pixel on its way: steps of eight directions between corners."""
    steps = np.roll(contour, -1, axis=0) - contour
    counts = np.maximum(np.abs(steps).max(axis=1), 1)
    within = np.concatenate([np.arange(count) for count in counts])
    unit = np.repeat(np.sign(steps), counts, axis=0)
    return np.repeat(contour, counts, axis=0) + unit * within[:, None].astype(np.int32)


def _corners(polygon: Int32[np.ndarray, "_n 2"]) -> Int32[np.ndarray, "_m 2"]:
    """A closed polygon without the points inside straight stretches."""
    before, after = polygon - np.roll(polygon, 1, axis=0), np.roll(polygon, -1, axis=0) - polygon
    return polygon[(before != after).any(axis=1)] if len(polygon) > _FEWEST_POINTS else polygon


class _Joint(NamedTuple):
    """Where a hole is nearest to a line.

    Attributes:
        squared_px: distance of the two points, squared.
        point: of the line.
        start: index of the point of the hole.
    """

    squared_px: int
    point: Int32[np.ndarray, "2"]
    start: int


def _nearest(line: Int32[np.ndarray, "_n 2"], hole: Int32[np.ndarray, "_m 2"]) -> _Joint:
    found: list[_Joint] = []
    for first in range(0, len(hole), _AT_ONCE):
        steps = line[:, None] - hole[None, first : first + _AT_ONCE]
        squared = (steps * steps).sum(axis=2)
        at, start = divmod(int(squared.argmin()), squared.shape[1])
        found.append(_Joint(int(squared[at, start]), line[at], first + start))
    return min(found, key=lambda each: each.squared_px)


def write_yaml(out: Path, splits: Collection[str]) -> list[str]:
    """Write what the trainer is given.

    Args:
        out: the folder.
        splits: those that have frames.

    Returns:
        A sentence where it cannot be trained on as it is.

    Raises:
        OutputError: the disk is full or not writable.
    """
    folders = {name: yolo_files(out, name, "x")[0].parent.relative_to(out).as_posix() for name in sorted(splits)}
    lines = ["# 8-bit previews of depth images; polygons of graspseg dataset convert", "path: ."]
    lines += [f"{_quoted(name)}: {folder}" for name, folder in folders.items()]
    lines += ["names:", *(f"  {number}: {CLASS_NAMES[label]}" for number, label in enumerate(_CLASSES))]
    write_bytes(out / YAML, ("\n".join(lines) + "\n").encode())
    missing = [name for name in _NEEDED if name not in splits]
    if not splits or not missing:
        return []
    return [
        f"{out} has no split {missing[0]!r}, expected {' and '.join(_NEEDED)} to train on: give the data set splits "
        "with graspseg dataset split before it is converted."
    ]


def _quoted(name: str) -> str:
    """A key of YAML."""
    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) else "'" + name.replace("'", "''") + "'"
