"""Labels as other programs write them: named classes, and shapes with an area."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from graspseg.labels import BACKGROUND, CLASS_NAMES, HAND, IGNORE, OBJECT

NAMES: dict[int, str] = {HAND: CLASS_NAMES[HAND], OBJECT: CLASS_NAMES[OBJECT], IGNORE: "ignore"}
VALUES = {name: value for value, name in NAMES.items()} | {CLASS_NAMES[BACKGROUND]: BACKGROUND}
_FAR = 1e6  # beyond every image, and not so far that numbers run over
_MET_PX = 1.0


class NoArea(ValueError):
    """A shape that cannot become pixels of a class, though the file is whole; says what it is."""


class Shape(NamedTuple):
    """Something drawn on an image.

    Attributes:
        label: the class, as the other program calls it.
        title: what messages call the shape.
        fill: its pixels for a height and a width; raises NoArea where it has none, ValueError where it is damaged.
    """

    label: str
    title: str
    fill: Callable[[int, int], Bool[np.ndarray, "h w"]]


class Painted(NamedTuple):
    """An image's shapes as pixels.

    Attributes:
        labels: 0/1/2/255.
        drawn: where there is a shape.
    """

    labels: UInt8[np.ndarray, "h w"]
    drawn: Bool[np.ndarray, "h w"]


class DrawnImage(NamedTuple):
    """An image that another program drew shapes on.

    Attributes:
        name: its file name there.
        height, width: pixels.
        shapes: the later ones lie on top.
        tells_ignore: whether pixels to ignore can be distinguished from background there.
    """

    name: str
    height: int
    width: int
    shapes: Sequence[Shape]
    tells_ignore: bool = True

    def paint(self) -> Painted:
        """Fill the shapes; those of the class background cut holes into what lies below.

        Raises:
            NoArea: a shape has no pixel, or a class that is not known.
            ValueError: a shape is damaged.
        """
        labels = np.zeros((self.height, self.width), np.uint8)
        drawn = np.zeros(labels.shape, bool)
        for shape in self.shapes:
            value = VALUES.get(shape.label.strip().casefold())
            if value is None:
                raise NoArea(f"{shape.title} with the label {shape.label!r:.80}, expected one of {', '.join(VALUES)}")
            inside = shape.fill(self.height, self.width)
            if not inside.any():
                raise NoArea(f"{shape.title} with the label {shape.label!r:.80} that covers no pixel")
            labels[inside] = value
            drawn |= inside
        return Painted(labels, drawn)


class Drawing(NamedTuple):
    """What a file of another program holds.

    Attributes:
        images: with their shapes.
        strays: a sentence for everything that belongs to no image of the file.
    """

    images: list[DrawnImage]
    strays: list[str]


def fill_runs(runs: Sequence[int], height: int, width: int) -> Bool[np.ndarray, "h w"]:
    """Pixels row by row from the lengths of runs outside and inside in turn, beginning outside.

    Raises:
        ValueError: they do not fill the size exactly.
    """
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(f"runs of {sum(runs)} pixels, expected {height * width}")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)


def fill_polygon(points: Float64[np.ndarray, "n 2"], height: int, width: int) -> Bool[np.ndarray, "h w"]:
    """Pixels whose center is inside, by the even-odd rule; pixel (0, 0) reaches from 0 to 1.

    Args:
        points: x and y of the corners; they may lie outside the image.
        height: of the image.
        width: of the image.

    Raises:
        NoArea: fewer than 3 points.
        ValueError: a point is no number.
    """
    if len(points) < 3 or not np.isfinite(points).all():
        kind = NoArea if len(points) < 3 else ValueError
        raise kind(f"a polygon of {points.size} coordinates, expected at least 3 points of numbers")
    starts = np.clip(points, -_FAR, _FAR)
    ends = np.roll(starts, -1, axis=0)
    crossed = np.zeros((height, width + 1), bool)
    for (x0, y0), (x1, y1) in zip(starts, ends, strict=True):
        first, last = (np.clip(np.ceil(y - 0.5), 0, height) for y in sorted((y0, y1)))
        rows = np.arange(int(first), int(last))
        if rows.size:
            x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            crossed[rows, np.clip(np.ceil(x - 0.5), 0, width).astype(int)] ^= True
    return np.logical_xor.accumulate(crossed, axis=1)[:, :width]


def fill_box(
    corners: tuple[float, float, float, float], degrees: float, height: int, width: int
) -> Bool[np.ndarray, "h w"]:
    """Pixels whose center is inside a box that was turned about its middle.

    Args:
        corners: left, top, right and bottom before it was turned.
        degrees: clockwise, as one sees the image.
        height: of the image.
        width: of the image.

    Raises:
        ValueError: a value is no number.
    """
    x0, y0, x1, y1 = corners
    points = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64)
    middle = points.mean(axis=0)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = points if degrees == 0 else middle + (points - middle) @ np.array([(cos, sin), (-sin, cos)])
    return fill_polygon(turned, height, width)


def fill_ellipse(
    middle: tuple[float, float], radii: tuple[float, float], degrees: float, height: int, width: int
) -> Bool[np.ndarray, "h w"]:
    """Pixels whose center is inside an ellipse.

    Args:
        middle: x and y.
        radii: along x and along y before it was turned.
        degrees: clockwise, as one sees the image.
        height: of the image.
        width: of the image.

    Raises:
        NoArea: a radius is 0.
        ValueError: a value is no number, or a radius below 0.
    """
    if not np.isfinite([*middle, *radii, degrees]).all() or min(radii) < 0:
        raise ValueError(f"an ellipse at {middle} of the radii {radii}, expected numbers, the radii not below 0")
    if min(radii) == 0:
        raise NoArea(f"an ellipse of the radii {radii}")
    x = np.arange(width)[None, :] + 0.5 - middle[0]
    y = np.arange(height)[:, None] + 0.5 - middle[1]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    with np.errstate(over="ignore"):  # far outside is far outside
        return ((x * cos + y * sin) / radii[0]) ** 2 + ((y * cos - x * sin) / radii[1]) ** 2 <= 1


def fill_line(points: Float64[np.ndarray, "n 2"], height: int, width: int) -> Bool[np.ndarray, "h w"]:
    """Pixels inside a line that comes back to where it began.

    Raises:
        NoArea: it does not.
        ValueError: see `fill_polygon`.
    """
    if len(points) < 4 or not np.hypot(*(points[0] - points[-1])) <= _MET_PX:
        raise NoArea("an open line, which has no area")
    return fill_polygon(points, height, width)
