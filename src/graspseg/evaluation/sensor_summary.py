"""All statistics of a set of depth frames in one table, for comparing one sensor with another."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float32

from graspseg.evaluation.sensor_statistics import (
    SIDES,
    Patches,
    Settings,
    Side,
    autocorrelation,
    between,
    crossings,
    holes,
    quantization_step,
    raggedness,
    smooth_patches,
    surfaces,
    without_depth,
)

QUARTILES = (0.25, 0.5, 0.75)
LAGS_PX = (1, 2)


class SensorSummary:
    """Statistics of some frames of one camera.

    Args:
        frames_m: Depth images in meters, 0 = no measurement.
        settings: What counts as an edge, a surface and a smooth patch.
    """

    def __init__(self, frames_m: Iterable[Float32[np.ndarray, "h w"]], settings: Settings) -> None:
        self.settings = settings
        self._sides: dict[Side, dict[str, list[np.ndarray]]] = {side: defaultdict(list) for side in SIDES}
        self._ragged: dict[str, list[np.ndarray]] = defaultdict(list)
        self._patches: list[Patches] = []
        self._holes: list[float] = []
        self._depths: list[np.ndarray] = []
        for depth_m in frames_m:
            self._add(depth_m)

    def _add(self, depth_m: np.ndarray) -> None:
        s = self.settings
        surface = surfaces(depth_m, jump_m=s.jump_m, smallest_px=s.smallest_px)
        self._add_lines(depth_m, surface, {1: "right", -1: "left"})
        turned = np.ascontiguousarray(depth_m.T), np.ascontiguousarray(surface.T)
        self._add_lines(*turned, {1: "vertical", -1: "vertical"})
        self._patches.append(smooth_patches(depth_m, surface, s))
        self._holes.append(holes(depth_m, surface, s))
        self._depths.append(depth_m[(depth_m >= s.nearest_m) & (depth_m <= s.farthest_m)])

    def _add_lines(self, depth_m: np.ndarray, surface: np.ndarray, sides: dict[int, Side]) -> None:
        everything = crossings(depth_m, surface, self.settings)
        for step, side in sides.items():
            found = everything.only(everything.step == step)
            lists = self._sides[side]
            lists["disparity"].append(found.disparity_step)
            lists["void"].append(found.void_px)
            lists["between"].append(between(depth_m, found, margin_m=self.settings.jump_m))
            for distance in self.settings.distances_px:
                lists[f"far {distance}"].append(without_depth(depth_m, found, distance))
                lists[f"near {distance}"].append(without_depth(depth_m, found, -distance))
            self._ragged["near"].append(raggedness(found.line, found.near))
            self._ragged["far"].append(raggedness(found.line, found.far))

    def table(self, *, like: SensorSummary | None = None) -> dict[str, float]:
        """Statistic by name; lengths in pixels or millimeters.

        Args:
            like: Other frames: crossings are weighted so that their steps of inverse depth, on which shadows depend,
                are distributed as there.

        Raises:
            ValueError: There is no crossing in these frames, or none like those of the others.
        """
        table: dict[str, float] = {}
        weights: dict[Side, np.ndarray] = {side: self._weights(side, like or self) for side in SIDES}
        if not any(w.sum() for w in weights.values()):
            raise ValueError("These frames show no edge between two surfaces: take others, or more of them.")
        for side in SIDES:
            void = self.voids(side)[0]
            for share in QUARTILES:
                table[f"void {side}, {share:.0%} quantile, px"] = weighted_quantile(void, weights[side], share)
        for where in ("far", "near"):
            for distance in self.settings.distances_px:
                table[f"invalid {distance} px {where}"] = self._mean(f"{where} {distance}", weights)
        table["pixels between two surfaces"] = self._mean("between", weights)
        for where, values in self._ragged.items():
            table[f"raggedness {where}, px"] = float(np.median(np.concatenate(values)))
        table |= self._noise()
        table["quantization step, mm"] = 1e3 * quantization_step(np.concatenate(self._depths), least=20)
        table["invalid in near region"] = float(np.mean(self._holes))
        return table

    def voids(self, side: Side, *, like: SensorSummary | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Widths in pixels and weights (as in `table`) of the voids on one side of near surfaces."""
        return np.concatenate(self._sides[side]["void"]), self._weights(side, like or self)

    def _weights(self, side: Side, like: SensorSummary) -> np.ndarray:
        own, other = (np.concatenate(s._sides[side]["disparity"]) for s in (self, like))
        classes, wanted = ((d / self.settings.disparity_step).astype(int) for d in (own, other))
        size = max(classes.max(initial=0), wanted.max(initial=0)) + 1
        have, want = np.bincount(classes, minlength=size), np.bincount(wanted, minlength=size)
        return (want / np.maximum(have, 1))[classes]

    def _mean(self, name: str, weights: dict[Side, np.ndarray]) -> float:
        values = np.concatenate([np.concatenate(self._sides[side][name]) for side in SIDES]).astype(float)
        return float(np.average(values, weights=np.concatenate([weights[side] for side in SIDES])))

    def _noise(self) -> dict[str, float]:
        """Noise by depth from the smoothest quarter of patches (cloth and skin have folds of their own)."""
        depth_m = np.concatenate([p.depth_m for p in self._patches])
        rest_m = np.concatenate([p.rest_m for p in self._patches])
        rms_m = np.sqrt((rest_m**2).mean(axis=(1, 2)))
        table, smoothest = {}, np.zeros(len(rms_m), bool)
        for low, high in pairwise(self.settings.noise_bins_m):
            chosen = (depth_m >= low) & (depth_m < high)
            limit = float(np.quantile(rms_m[chosen], 0.25)) if chosen.any() else math.nan
            smoothest |= chosen & (rms_m <= limit)
            table[f"noise at {low:g}-{high:g} m, mm"] = 1e3 * limit
        for lag in LAGS_PX:
            table[f"noise correlation at {lag} px"] = autocorrelation(rest_m[smoothest], lag_px=lag)
        return table


def weighted_quantile(values: np.ndarray, weights: Float[np.ndarray, " n"], share: float) -> float:
    """The value below which `share` of the weight lies, NaN without any; each whole number is spread over +-0.5."""
    if not weights.sum():
        return math.nan
    height = np.bincount(values, weights)
    total = np.concatenate([[0.0], np.cumsum(height)])
    return float(np.interp(share * total[-1], total, np.arange(len(total)) - 0.5))
