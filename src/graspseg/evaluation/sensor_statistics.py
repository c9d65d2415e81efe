"""What depth frames tell about their sensor: losses and raggedness at depth edges, noise, steps.

Everything is read off measured depth alone, so that real frames without any truth and synthetic ones are treated alike.
A surface is a connected patch without jumps; a crossing is where a row or column leaves one surface and
enters a farther one, with pixels in between that no surface owns (the void).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

Side = Literal["left", "right", "vertical"]
SIDES: tuple[Side, ...] = ("left", "right", "vertical")


@dataclass(frozen=True)
class Settings:
    """What counts as an edge, a surface and a smooth patch.

    Attributes:
        jump_m: step between neighbors that separates two surfaces.
        edge_m: least depth step of a crossing.
        widest_px: widest void of a crossing.
        nearest_m, farthest_m: range of the near side of crossings and of smooth patches.
        smallest_px: least area of a surface.
        distances_px: where losses beside an edge are counted.
        patch_px: side of the windows that noise is read from.
        noise_bins_m: bounds of the depth ranges that noise is told for.
        disparity_step: width in 1/m of the classes of 1/near - 1/far in which two sets of crossings are made alike.
        reach_px: how far the near region's gaps are closed.
    """

    jump_m: float = 0.012
    edge_m: float = 0.04
    widest_px: int = 40
    nearest_m: float = 0.3
    farthest_m: float = 0.9
    smallest_px: int = 300
    distances_px: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12)
    patch_px: int = 9
    noise_bins_m: tuple[float, ...] = (0.45, 0.6, 0.7, 0.8)
    disparity_step: float = 0.1
    reach_px: int = 15


class Crossings(NamedTuple):
    """Edges between two surfaces along lines, one entry each.

    Attributes:
        line, near, far: line index, position of the last near pixel and of the first far pixel.
        step: +1 where the far side has the larger position, else -1.
        near_m, far_m: depth of the two pixels.
    """

    line: Int[np.ndarray, " n"]
    near: Int[np.ndarray, " n"]
    far: Int[np.ndarray, " n"]
    step: Int[np.ndarray, " n"]
    near_m: Float[np.ndarray, " n"]
    far_m: Float[np.ndarray, " n"]

    def only(self, chosen: Bool[np.ndarray, " n"]) -> Crossings:
        """The crossings that are `chosen`."""
        return Crossings(*(values[chosen] for values in self))

    @property
    def disparity_step(self) -> Float[np.ndarray, " n"]:
        """1 / near - 1 / far, in 1/m: times focal length and baseline it is the width of a shadow in pixels."""
        return 1 / self.near_m - 1 / self.far_m

    @property
    def void_px(self) -> Int[np.ndarray, " n"]:
        """Number of pixels between the two surfaces."""
        return np.abs(self.far - self.near) - 1


def surfaces(depth_m: Float32[np.ndarray, "h w"], *, jump_m: float, smallest_px: int) -> Bool[np.ndarray, "h w"]:
    """Pixels that belong to a surface: 4-connected by steps below `jump_m`, at least `smallest_px` pixels."""
    height, width = depth_m.shape
    valid = depth_m > 0
    # Pixels at even places, the links between them at odd ones: a usual component search then sees the jumps.
    cells = np.zeros((2 * height - 1, 2 * width - 1), np.uint8)
    cells[::2, ::2] = valid
    cells[::2, 1::2] = valid[:, 1:] & valid[:, :-1] & (np.abs(np.diff(depth_m, axis=1)) < jump_m)
    cells[1::2, ::2] = valid[1:] & valid[:-1] & (np.abs(np.diff(depth_m, axis=0)) < jump_m)
    count, parts = cv2.connectedComponents(cells, connectivity=4, ltype=cv2.CV_32S)
    parts = np.asarray(parts[::2, ::2], np.int32)
    area = np.bincount(parts.ravel(), minlength=count)
    return valid & (area >= smallest_px)[parts]


def crossings(depth_m: Float32[np.ndarray, "h w"], surface: Bool[np.ndarray, "h w"], settings: Settings) -> Crossings:
    """Crossings along the rows."""
    line, at = np.nonzero(surface)
    z = depth_m[line, at].astype(np.float64)
    together = (line[1:] == line[:-1]) & (np.diff(at) <= settings.widest_px + 1)
    together &= np.abs(np.diff(z)) >= settings.edge_m
    first = np.flatnonzero(together)
    nearer_first = z[first] < z[first + 1]
    near, far = np.where(nearer_first, first, first + 1), np.where(nearer_first, first + 1, first)
    found = Crossings(line[near], at[near], at[far], np.where(nearer_first, 1, -1), z[near], z[far])
    return found.only((found.near_m >= settings.nearest_m) & (found.near_m <= settings.farthest_m))


def without_depth(depth_m: Float32[np.ndarray, "h w"], found: Crossings, offset_px: int) -> Bool[np.ndarray, " n"]:
    """Whether the pixel `offset_px` beyond (below 0: before) the last near pixel of each crossing has no depth.

    Pixels outside the image count as measured.
    """
    at = found.near + found.step * offset_px
    inside = (at >= 0) & (at < depth_m.shape[1])
    lost = np.zeros(len(at), bool)
    lost[inside] = depth_m[found.line[inside], at[inside]] <= 0
    return lost


def between(depth_m: Float32[np.ndarray, "h w"], found: Crossings, *, margin_m: float) -> Int[np.ndarray, " n"]:
    """How many pixels of each void hold a depth strictly between the two surfaces, at least `margin_m` from both."""
    counts = np.zeros(len(found.line), np.int64)
    for offset in range(1, int(found.void_px.max(initial=0)) + 1):
        inside = np.flatnonzero(found.void_px >= offset)
        z = depth_m[found.line[inside], found.near[inside] + found.step[inside] * offset]
        counts[inside] += (z > found.near_m[inside] + margin_m) & (z < found.far_m[inside] - margin_m)
    return counts


def raggedness(
    line: Int[np.ndarray, " n"], at: Int[np.ndarray, " n"], *, lines: int = 9, farthest_px: int = 3
) -> Float[np.ndarray, " m"]:
    """Root mean square distance in pixels of an outline from a straight line, over every `lines` consecutive lines.

    Outlines end where they move more than `farthest_px` from one line to the next.

    Args:
        line: Line of each point.
        at: Position along that line.
        lines: Length of a window.
        farthest_px: Largest move that still belongs to the same outline.
    """
    order = np.lexsort((at, line))
    by_line: dict[int, list[int]] = {}
    for index in order:
        by_line.setdefault(int(line[index]), []).append(int(at[index]))
    x = np.arange(lines) - (lines - 1) / 2
    residuals: list[float] = []
    for start in by_line:
        for position in by_line[start]:
            chain = [position]
            while len(chain) < lines:
                options = by_line.get(start + len(chain), [])
                following = min(options, key=lambda p: abs(p - chain[-1]), default=None)
                if following is None or abs(following - chain[-1]) > farthest_px:
                    break
                chain.append(following)
            if len(chain) == lines:
                y = np.array(chain) - np.mean(chain)
                residuals.append(float(np.sqrt(np.mean((y - x * (x @ y) / (x @ x)) ** 2))))
    return np.array(residuals)


class Patches(NamedTuple):
    """Smooth windows: mean depth in meters and what a quadratic surface leaves over, in meters."""

    depth_m: Float[np.ndarray, " n"]
    rest_m: Float[np.ndarray, "n p p"]

    @property
    def rms_m(self) -> Float[np.ndarray, " n"]:
        """Root mean square of what is left over."""
        return np.sqrt((self.rest_m**2).mean(axis=(1, 2)))


def smooth_patches(
    depth_m: Float32[np.ndarray, "h w"], surface: Bool[np.ndarray, "h w"], settings: Settings
) -> Patches:
    """Windows wholly on one surface, less the least-squares quadratic surface through each."""
    size, half = settings.patch_px, settings.patch_px // 2
    eroded = cv2.erode(surface.astype(np.uint8), np.ones((size, size), np.uint8), borderValue=0)
    rows, columns = np.nonzero(eroded[::half, ::half])
    rows, columns = rows * half, columns * half
    grid = np.arange(-half, half + 1)
    windows = depth_m[rows[:, None, None] + grid[:, None], columns[:, None, None] + grid].astype(np.float64)
    center = windows.mean(axis=(1, 2))
    smooth = np.abs(np.diff(windows, axis=2)).max(axis=(1, 2), initial=0) < settings.jump_m
    smooth &= (center >= settings.nearest_m) & (center <= settings.farthest_m)
    y, x = (a.ravel() / half for a in np.meshgrid(grid, grid, indexing="ij"))
    basis = np.linalg.qr(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1))[0]
    flat = windows[smooth].reshape(-1, size * size)
    rest = flat - flat @ basis @ basis.T
    return Patches(center[smooth], rest.reshape(-1, size, size))


def autocorrelation(rest_m: Float[np.ndarray, "n p p"], *, lag_px: int) -> float:
    """Correlation of what is left over with itself `lag_px` pixels on, along rows and columns alike."""
    energy = float((rest_m**2).mean())
    along = float((rest_m[:, :, lag_px:] * rest_m[:, :, :-lag_px]).mean())
    across = float((rest_m[:, lag_px:] * rest_m[:, :-lag_px]).mean())
    return (along + across) / 2 / energy


def holes(depth_m: Float32[np.ndarray, "h w"], surface: Bool[np.ndarray, "h w"], settings: Settings) -> float:
    """Share of the near region without depth: surfaces in range with their gaps closed; 0 where there are none."""
    near = surface & (depth_m >= settings.nearest_m) & (depth_m <= settings.farthest_m)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (settings.reach_px, settings.reach_px))
    region = cv2.morphologyEx(near.astype(np.uint8), cv2.MORPH_CLOSE, disk).astype(bool)
    return float((depth_m[region] <= 0).mean()) if region.any() else 0.0


def quantization_step(depth_m: Float[np.ndarray, " n"], *, least: int = 1) -> float:
    """Median distance in meters between neighboring depths that occur at least `least` times; 0 if there are none."""
    values, counts = np.unique(np.round(depth_m, 7), return_counts=True)
    steps = np.diff(values[counts >= least])
    return float(np.median(steps)) if len(steps) else 0.0
