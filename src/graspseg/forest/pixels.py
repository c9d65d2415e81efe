"""What trees are trained on: reduced frames in one array, and labeled pixels drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8, UInt16

from graspseg.forest.features import FAR, Grid, reduce_frame
from graspseg.forest.settings import ForestSettings
from graspseg.frame import Intrinsics

_SHARES = (0.5, 0.25, 0.25)  # of background, hand and object among the pixels drawn from a frame


class LabeledGrid(NamedTuple):
    """A reduced frame and its labels (0/1/2, 255 = of no class)."""

    grid: Grid
    labels: UInt8[np.ndarray, "gh gw"]

    def mirrored(self) -> LabeledGrid:
        """The same scene as a mirror shows it, which makes right hands of left ones."""
        surface = np.ascontiguousarray(self.grid.surface[:, ::-1])
        return LabeledGrid(self.grid._replace(surface=surface), np.ascontiguousarray(self.labels[:, ::-1]))


def reduce_labeled(
    depth_m: np.ndarray, labels: np.ndarray, intrinsics: Intrinsics, settings: ForestSettings
) -> LabeledGrid:
    """Reduce a frame and its labels alike."""
    grid = reduce_frame(depth_m, intrinsics, settings)
    return LabeledGrid(grid, np.ascontiguousarray(labels[grid.first_y :: grid.step, grid.first_x :: grid.step]))


@dataclass(frozen=True, eq=False)
class FrameStore:
    """Reduced frames of any sizes, one after the other.

    Attributes:
        surface: their depths; see `Grid`.
        table: of every frame where it begins, height and width.
        focal: of every frame fx and fy in grid pixels.
    """

    surface: UInt16[np.ndarray, "pixels"]
    table: Int64[np.ndarray, "frames 3"]
    focal: Float64[np.ndarray, "frames 2"]

    @classmethod
    def of(cls, grids: Sequence[Grid]) -> FrameStore:
        """Put frames into one array."""
        sizes = np.array([grid.surface.shape for grid in grids], np.int64)
        ends = np.cumsum(sizes.prod(axis=1))
        table = np.column_stack([ends - sizes.prod(axis=1), sizes])
        focal = np.array([(grid.fx, grid.fy) for grid in grids], np.float64)
        return cls(np.concatenate([grid.surface.ravel() for grid in grids]), table, focal)


@dataclass(frozen=True, eq=False)
class Pixels:
    """Labeled pixels of a store, frame by frame: `places` holds frame, row and column."""

    places: Int64[np.ndarray, "n 3"]
    labels: UInt8[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.labels)


def draw_pixels(
    frames: Sequence[LabeledGrid],
    count: int,
    rng: np.random.Generator,
    *,
    within: Sequence[Bool[np.ndarray, "_gh _gw"]] | None = None,
) -> Pixels:
    """Draw up to `count` pixels of every frame: half of background, a quarter of hand and of object.

    Args:
        frames: what to draw from; pixels without depth or of no class are never drawn.
        count: for one frame.
        rng: decides which.
        within: of every frame the pixels that may be drawn, None = all.
    """
    places, labels = [], []
    for number, (grid, target) in enumerate(frames):
        allowed = grid.surface < FAR if within is None else within[number] & (grid.surface < FAR)
        for label, part in enumerate(_SHARES):
            found = np.flatnonzero(allowed & (target == label))
            share = min(len(found), round(count * part))
            chosen = np.sort(rng.choice(found, share, replace=False))
            rows, columns = np.divmod(chosen, target.shape[1])
            places.append(np.column_stack([np.full(share, number), rows, columns]))
            labels.append(np.full(share, label, np.uint8))
    if not labels:
        return Pixels(np.zeros((0, 3), np.int64), np.zeros(0, np.uint8))
    return Pixels(np.concatenate(places).astype(np.int64), np.concatenate(labels))
