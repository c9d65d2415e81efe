"""The trees of one stage: as they are stored, and as they are walked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int32, Int64, UInt8
from numba import njit

from graspseg.forest.features import EDGES, Grid, difference, offset_scale


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees one after the other, each breadth-first, so that the place of a node says where its children are.

    Attributes:
        splits: nodes that ask; the others are leaves. The k-th node of a tree that asks has its children at 2k + 1
            and 2k + 2 of that tree, counted from 0.
        sizes: nodes of each tree.
        offsets: of every node that asks, `u_x, u_y, v_x, v_y` in parts of the reach (1/127).
        edges: number of the edge, below which a difference leads to the first child.
        leaves: probabilities of hand and object in each leaf, of 255 in all; background has the rest.
        reach_m: length the offsets are relative to.
    """

    splits: Bool[np.ndarray, "nodes"]
    sizes: Int32[np.ndarray, "trees"]
    offsets: Int8[np.ndarray, "asking 4"]
    edges: UInt8[np.ndarray, "asking"]
    leaves: UInt8[np.ndarray, "leaves 2"]
    reach_m: float

    @staticmethod
    def join(trees: list[Trees]) -> Trees:
        """All trees of several collections."""
        names = [field.name for field in fields(Trees) if field.name != "reach_m"]
        arrays = {name: np.concatenate([getattr(each, name) for each in trees]) for name in names}
        return Trees(**arrays, reach_m=trees[0].reach_m)

    def problem(self) -> str | None:
        """What keeps these from being trees, None when nothing does."""
        if len(self.sizes) == 0 or self.sizes.min() < 1 or self.sizes.sum(dtype=np.int64) != len(self.splits):
            return "sizes of trees that do not add up"
        asking = int(self.splits.sum())
        if len(self.offsets) != asking or len(self.edges) != asking or len(self.leaves) != len(self.splits) - asking:
            return "another number of questions or leaves than of nodes"
        if asking and self.edges.max() >= len(EDGES):
            return "a threshold that does not exist"
        if (self.leaves.sum(axis=1, dtype=np.int64) > 255).any():
            return "probabilities above 1"
        for tree in np.split(self.splits, np.cumsum(self.sizes)[:-1]):
            before = np.cumsum(tree) - tree  # asking nodes before each one
            if len(tree) != 2 * int(tree.sum()) + 1 or (2 * before + 1 <= np.arange(len(tree)))[tree].any():
                return "nodes that are no tree"
        return None

    @cached_property
    def nodes(self) -> Int32[np.ndarray, "nodes 6"]:
        """Of every node the offsets, the threshold and the place of its first child; of leaves -1 - their number."""
        starts = np.repeat(np.cumsum(self.sizes) - self.sizes, self.sizes)
        before = np.cumsum(self.splits) - self.splits
        child = starts + 2 * (before - before[starts]) + 1
        nodes = np.zeros((len(self.splits), 6), np.int32)
        nodes[self.splits, :4] = self.offsets
        nodes[self.splits, 4] = EDGES[self.edges]
        nodes[:, 5] = np.where(self.splits, child, -1 - (np.cumsum(~self.splits) - 1))
        return nodes

    @cached_property
    def roots(self) -> Int64[np.ndarray, "trees"]:
        """Place of the first node of each tree."""
        return np.cumsum(self.sizes, dtype=np.int64) - self.sizes

    @cached_property
    def distributions(self) -> Float32[np.ndarray, "leaves 3"]:
        """Share of one tree in the probabilities of background, hand and object, for each leaf."""
        background = 255 - self.leaves.sum(axis=1, dtype=np.int64)
        shares = np.column_stack([background, self.leaves]) / (255 * len(self.sizes))
        return shares.astype(np.float32)

    def probabilities(self, grid: Grid, wanted: Bool[np.ndarray, "gh gw"]) -> Float32[np.ndarray, "gh gw 3"]:
        """Mean of the leaves' probabilities at the wanted pixels, which have a depth; background at others."""
        focal = (float(grid.fx), float(grid.fy))
        return _walk(self.nodes, self.roots, self.distributions, self.reach_m, grid.surface, focal, wanted)


@njit(cache=True)
@no_type_check
def _walk(nodes, roots, distributions, reach_m, image, focal, wanted):
    height, width = image.shape
    surface = image.ravel()
    out = np.zeros((height, width, 3), np.float32)
    for y in range(height):
        for x in range(width):
            if not wanted[y, x]:
                out[y, x, 0] = 1.0
                continue
            scale_x = offset_scale(image[y, x], focal[0], reach_m)
            scale_y = offset_scale(image[y, x], focal[1], reach_m)
            for root in roots:
                node = root
                child = nodes[node, 5]
                while child >= 0:
                    u_x, u_y, v_x, v_y = nodes[node, 0], nodes[node, 1], nodes[node, 2], nodes[node, 3]
                    value = difference(surface, 0, height, width, y, x, u_x, u_y, v_x, v_y, scale_x, scale_y)
                    node = child if value < nodes[node, 4] else child + 1
                    child = nodes[node, 5]
                leaf = -1 - child
                for label in range(3):
                    out[y, x, label] += distributions[leaf, label]
    return out
