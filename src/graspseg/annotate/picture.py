"""The whole color picture as the depth camera would see it, for the data set and the person who checks it."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from graspseg.annotate.align import align, rays
from graspseg.annotate.background import Box
from graspseg.sources.rgbd import RgbdFrame


def aligned_picture(rgbd: RgbdFrame, *, occlusion_m: float) -> UInt8[np.ndarray, "h w 3"]:
    """The color of every depth pixel, black where the color camera does not see it or depth is missing.

    Args:
        rgbd: depth with a picture; one that is aligned already stays as it is.
        occlusion_m: a surface hides what is farther from the color camera by more than this.
    """
    if rgbd.color_camera is None:
        return rgbd.color
    height, width = rgbd.frame.depth.shape
    measured = (rgbd.frame.depth > 0).astype(np.uint8) * np.uint8(255)
    directions = rays((height, width), rgbd.frame.intrinsics_or_default(), rgbd.color_camera, Box(0, 0, width, height))
    found = align(rgbd.color, rgbd.frame.depth_m(), measured, directions, rgbd.color_camera, tolerance_m=occlusion_m)
    return np.where(found.seen[..., None] > 0, found.color, np.uint8(0))
