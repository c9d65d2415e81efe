"""Frames with exact labels, each a pure function of (split, seed, index)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.frame import Frame, Intrinsics
from graspseg.labels import HAND
from graspseg.synth.objects import SPLITS, Split
from graspseg.synth.render import Canvas
from graspseg.synth.scene import SceneMaker
from graspseg.synth.sensor import measure
from graspseg.synth.sensor_profiles import SENSORS, SensorName

WIDTH, HEIGHT = 640, 480
DEPTH_UNIT_M = 0.0001
EXAM_SEED = 20_261_122
SMALLEST_HAND_PX = 400


class SynthFrame(NamedTuple):
    """A rendered frame: depth in metres (0 = no measurement), labels (BACKGROUND where depth is 0) and camera."""

    depth_m: Float32[np.ndarray, "h w"]
    labels: UInt8[np.ndarray, "h w"]
    intrinsics: Intrinsics

    def frame(self) -> Frame:
        """The frame as a sensor would hand it over: 16 bits, 0.1 mm."""
        return Frame.from_metres(self.depth_m, depth_unit_m=DEPTH_UNIT_M, intrinsics=self.intrinsics)


class FrameMaker:
    """Makes the frames of one split.

    Args:
        split: `train` and `val` share the hand but no object; `unseen` has another hand and other objects.
        seed: every seed is another data set.
        intrinsics: the camera of all frames; None draws another one for every frame.
        sensor: what kind of sensor measures; every frame another unit.
    """

    def __init__(
        self, split: Split, seed: int, *, intrinsics: Intrinsics | None = None, sensor: SensorName = "mixed"
    ) -> None:
        self.split: Split = split
        self.seed = seed
        self.sensor: SensorName = sensor
        self._scenes = SceneMaker(split, intrinsics)
        self._canvas = Canvas(WIDTH, HEIGHT)

    def make(self, index: int) -> SynthFrame:
        """Make frame `index`: the same arrays on every call, in any order, in any process."""
        rng = np.random.default_rng([self.seed, SPLITS.index(self.split), index])
        while True:
            scene = self._scenes.make(rng)
            self._canvas.clear()
            scene.draw(self._canvas)
            depth_m, labels = self._canvas.finish()
            if np.count_nonzero(labels == HAND) >= SMALLEST_HAND_PX:
                break
        if rng.uniform() < 0.2:
            depth_m, labels = _paper_crop(depth_m, labels, rng.uniform(0.16, 0.3))
        noisy, labels = measure(depth_m, labels, scene.intrinsics, rng, SENSORS[self.sensor].draw(rng))
        return SynthFrame(noisy, labels, scene.intrinsics)


def _paper_crop(depth_m: np.ndarray, labels: np.ndarray, range_m: float) -> tuple[np.ndarray, np.ndarray]:
    """The paper's background elimination (section 3): a fixed range behind the nearest surface of hand or object."""
    kept = (depth_m > 0) & (depth_m < depth_m[labels > 0].min() + range_m)
    return np.where(kept, depth_m, np.float32(0)), np.where(kept, labels, np.uint8(0))
