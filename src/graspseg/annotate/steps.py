"""Every intermediate result of annotating a frame, for pictures, evidence and tests."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.annotate.paper.background import Box


class Steps(NamedTuple):
    """Results of the steps in their order, inside the box around what is kept; masks are 255 inside and 0 outside.

    Attributes:
        box: where in the image all the others are.
        nearest_m: distance of the nearest surface; 0 when nothing is measured.
        farthest_m: where the depth range ends.
        depth_m: depth.
        kept: what is within the depth range and on a surface.
        flying_px: pixels left out because they lie on none.
        color: aligned RGB.
        seen: what of it the color camera sees.
        skin: probability of skin by color alone, 0 to 255; only these two where thresholds decide.
        hand_probability: of hand against object, 0 to 1, after what is around has had its say; 0 and 1 alone where
            thresholds decide.
        hand, thing: the two masks after morphology.
        hand_filtered, thing_filtered: what the contour filter leaves of them.
        labels: the result.
    """

    box: Box
    nearest_m: float
    farthest_m: float
    depth_m: Float32[np.ndarray, "h w"]
    kept: UInt8[np.ndarray, "h w"]
    flying_px: int
    color: UInt8[np.ndarray, "h w 3"]
    seen: UInt8[np.ndarray, "h w"]
    skin: UInt8[np.ndarray, "h w"]
    hand_probability: Float32[np.ndarray, "h w"]
    hand: UInt8[np.ndarray, "h w"]
    held: UInt8[np.ndarray, "h w"]
    hand_filtered: UInt8[np.ndarray, "h w"]
    held_filtered: UInt8[np.ndarray, "h w"]
    labels: UInt8[np.ndarray, "h w"]
