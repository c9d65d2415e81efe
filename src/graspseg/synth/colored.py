"""Frames with color: those of `generate.py`, the same to the bit, and a picture from a random stream of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.frame import Frame, Intrinsics
from graspseg.synth.color.camera import ColorRig
from graspseg.synth.color.picture import ColorImage, ColorSettings, render_color
from graspseg.synth.generate import HEIGHT, WIDTH, FrameMaker
from graspseg.synth.objects.objects import SPLITS
from graspseg.synth.preset_names import DEPTH_UNIT_M

ColorMode = Literal["none", "aligned", "rig"]

_COLOR_STREAM, _RIG_STREAM = 1, 2  # the stream of depth and labels has no fourth number


def color_settings(mode: Literal["aligned", "rig"], seed: int, *, error_px: float) -> ColorSettings:
    """Settings of a data set: in the depth camera's place, or from one rig that all its frames share.

    Args:
        mode: where the color camera is.
        seed: of the data set; draws the rig.
        error_px: most by which a picture misses what its calibration promises.

    Raises:
        InputError: the error is below 0.
    """
    rig = None
    if mode == "rig":
        rig = ColorRig.sample(np.random.default_rng([seed, 0, 0, _RIG_STREAM]), width=WIDTH, height=HEIGHT)
    return ColorSettings(width=WIDTH, height=HEIGHT, rig=rig, residual_px=(0.0, error_px))


class ColoredFrame(NamedTuple):
    """A rendered frame with color: see `SynthFrame`.

    `color` is what the color camera sees at that moment, from the depth camera's place where it `is_aligned`.
    """

    depth_m: Float32[np.ndarray, "h w"]
    labels: UInt8[np.ndarray, "h w"]
    intrinsics: Intrinsics
    color: ColorImage
    is_aligned: bool
    facts: Mapping[str, Any]
    timestamp_s: float | None = None

    def frame(self) -> Frame:
        """The frame as a rig would hand it over: depth of 16 bits, 0.1 mm, with the color picture if it is aligned."""
        return Frame.from_meters(
            self.depth_m,
            depth_unit_m=DEPTH_UNIT_M,
            intrinsics=self.intrinsics,
            color=self.color.rgb if self.is_aligned else None,
            timestamp_s=self.timestamp_s,
        )


class ColorMaker:
    """Adds color to the frames of a maker.

    Args:
        frames: makes depth and labels.
        settings: how color is made.
        clip_length: frames `k * clip_length` and following have the same materials and light; 0 is 1.
    """

    def __init__(self, frames: FrameMaker, settings: ColorSettings, *, clip_length: int = 0) -> None:
        self.settings = settings
        self._frames = frames
        self._clip_length = max(clip_length, 1)

    def make(self, index: int) -> ColoredFrame:
        """Make frame `index`: depth and labels as without color."""
        made = self._frames.make(index)
        scene = self._frames.scene
        assert scene is not None
        clip, number = divmod(index, self._clip_length)
        rng = np.random.default_rng([self._frames.seed, SPLITS.index(self._frames.split), clip, _COLOR_STREAM])
        color = render_color(scene, rng, self.settings, noise_seed=number)
        is_aligned = self.settings.rig is None
        return ColoredFrame(made.depth_m, made.labels, made.intrinsics, color, is_aligned, made.facts, made.timestamp_s)
