"""The forest: both stages, the region between them, and the adjusted decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from graspseg.forest.answer import Answer
from graspseg.forest.features import FAR, UNIT_M, Grid, reduce_frame
from graspseg.forest.settings import ForestSettings
from graspseg.forest.smoothing import absorb_small_pieces, bilateral
from graspseg.forest.trees import Trees
from graspseg.frame import Intrinsics

_SMALLEST_PIECE = 0.1  # of the largest one, by pixels of stage 1
FIND_EVERY = 2


class Region(NamedTuple):
    """The part of a grid that stage 2 looks at.

    Attributes:
        x0, y0, x1, y1: its box in grid pixels, ends excluded.
        farthest: tenths of a millimeter; what is behind is background.
        every: stage 2 looks at every so many pixels across and down.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    farthest: int
    every: int

    def cut(self) -> tuple[slice, slice]:
        """Rows and columns of the grid pixels looked at."""
        return slice(self.y0, self.y1, self.every), slice(self.x0, self.x1, self.every)

    def wanted(self, grid: Grid) -> Bool[np.ndarray, "gh gw"]:
        """The grid pixels looked at that have a depth in the region."""
        mask = np.zeros(grid.surface.shape, bool)
        cut = self.cut()
        mask[cut] = grid.surface[cut] <= self.farthest
        return mask


class GridAnswer(NamedTuple):
    """Filtered probabilities at the region's grid pixels and their depths, before the decision."""

    probabilities: Float32[np.ndarray, "rows columns 3"]
    depth_m: Float32[np.ndarray, "rows columns"]


@dataclass(frozen=True, eq=False)
class Forest:
    """A trained forest; see the package for the paper.

    Attributes:
        settings: what it was trained with.
        find: trees of stage 1.
        segment: trees of stage 2.
        weights: of background, hand and object in the decision.
        trained: how it was trained: data, seed and so on, as JSON takes it.
    """

    settings: ForestSettings
    find: Trees
    segment: Trees
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    trained: Mapping[str, Any] = field(default_factory=dict)

    def probabilities(
        self, depth_m: Float32[np.ndarray, "h w"], intrinsics: Intrinsics
    ) -> Float32[np.ndarray, "3 h w"]:
        """Probabilities of background, hand and object; background for certain where there is no measurement.

        Args:
            depth_m: meters, 0 = no measurement.
            intrinsics: the camera.
        """
        planes = np.zeros((3, *depth_m.shape), np.float32)
        planes[0] = 1
        answer = self.look(depth_m, intrinsics)
        if answer is not None:
            answer.add_to(planes)
        return planes

    def look(self, depth_m: Float32[np.ndarray, "h w"], intrinsics: Intrinsics) -> Answer | None:
        """The answer for one frame, None when no hand and no object was found. Arguments as in `probabilities`."""
        grid = reduce_frame(depth_m, intrinsics, self.settings)
        region = self.region(grid)
        return None if region is None else self._answer(depth_m, grid, region)

    def _answer(self, depth_m: Float32[np.ndarray, "h w"], grid: Grid, region: Region) -> Answer:
        filtered, grid_depth_m = self.segmented(grid, region)
        weighted = filtered * np.array(self.weights, np.float32)
        weighted /= weighted.sum(axis=2, keepdims=True)
        classes = absorb_small_pieces(weighted, self.settings.smallest_piece)
        first = (grid.first_y + region.y0 * grid.step, grid.first_x + region.x0 * grid.step)
        half = grid.step * region.every // 2
        height, width = depth_m.shape
        box = (
            0 if region.x0 == 0 else first[1] - half,
            0 if region.y0 == 0 else first[0] - half,
            width if region.x1 == grid.surface.shape[1] else grid.first_x + region.x1 * grid.step - half,
            height if region.y1 == grid.surface.shape[0] else grid.first_y + region.y1 * grid.step - half,
        )
        box = (max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height))
        cell = grid.step * region.every
        return Answer(depth_m, weighted, grid_depth_m, classes, first, cell, box, self.settings.filter_depth_m)

    def warm_up(self) -> None:
        """Compile everything, which the first call on a machine does for a few seconds."""
        region = Region(0, 0, 2, 2, FAR, 1)
        grid = Grid(np.full((2, 2), 4000, np.uint16), 1, 0, 0, 100.0, 100.0)
        self.region(grid)
        answer = self._answer(np.full((2, 2), 0.4, np.float32), grid, region)
        answer.labels()
        answer.add_to(np.zeros((3, 2, 2), np.float32))

    def region(self, grid: Grid) -> Region | None:
        """Stage 1: where hands and what they hold are, None when there is none.

        Differs: the paper's first stage knows hands only; here it knows objects too, which the region must hold.
        """
        wanted = np.zeros(grid.surface.shape, bool)
        wanted[::FIND_EVERY, ::FIND_EVERY] = True
        wanted &= grid.surface <= self.settings.farthest_m / UNIT_M
        background = self.find.probabilities(grid, wanted)[::FIND_EVERY, ::FIND_EVERY, 0]
        found = (background < 0.5).astype(np.uint8)
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(found)
        if count == 1:
            return None
        areas = stats[:, cv2.CC_STAT_AREA].copy()
        areas[0] = 0
        kept = np.flatnonzero(areas >= max(_SMALLEST_PIECE * areas.max(), 1))
        depths = grid.surface[::FIND_EVERY, ::FIND_EVERY][np.isin(pieces, kept)]
        margin_rad = self.settings.margin_m / (float(np.median(depths)) * UNIT_M)
        left, top = stats[kept, cv2.CC_STAT_LEFT], stats[kept, cv2.CC_STAT_TOP]
        right, bottom = left + stats[kept, cv2.CC_STAT_WIDTH], top + stats[kept, cv2.CC_STAT_HEIGHT]
        across, down = int(margin_rad * grid.fx) + 1, int(margin_rad * grid.fy) + 1
        height, width = grid.surface.shape
        box = (
            max(FIND_EVERY * int(left.min()) - across, 0),
            max(FIND_EVERY * int(top.min()) - down, 0),
            min(FIND_EVERY * int(right.max()) + across, width),
            min(FIND_EVERY * int(bottom.max()) + down, height),
        )
        behind = float(np.percentile(depths, 98)) + self.settings.depth_margin_m / UNIT_M
        region = Region(*box, int(min(behind, self.settings.farthest_m / UNIT_M)), 1)
        pixels = np.count_nonzero(region.wanted(grid))
        return region._replace(every=max(1, int(np.ceil(np.sqrt(pixels / self.settings.most_pixels)))))

    def segmented(self, grid: Grid, region: Region) -> GridAnswer:
        """Stage 2: probabilities in the region after the bilateral filter."""
        cut = region.cut()
        probabilities = self.segment.probabilities(grid, region.wanted(grid))[cut]
        depth_m = np.where(grid.measured[cut], grid.surface[cut] * np.float32(UNIT_M), np.float32(0))
        half_m = np.float32(self.settings.filter_depth_m)
        for _ in range(self.settings.filter_passes - 1):
            probabilities, _ = bilateral(probabilities, depth_m, half_m, False)
        return GridAnswer(*bilateral(probabilities, depth_m, half_m, True))
