"""Points of a depth image in the camera's axes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32

from graspseg.frame import Frame


def cloud(frame: Frame, mask: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "n 3"]:
    """Points of the masked pixels that have a depth: x right, y down, z forward, in meters."""
    camera = frame.intrinsics_or_default()
    rows, columns = np.nonzero(mask & (frame.depth > 0))
    z = frame.depth[rows, columns] * np.float64(frame.depth_unit_m)
    x, y = (columns - camera.cx) / camera.fx * z, (rows - camera.cy) / camera.fy * z
    return np.stack([x, y, z], axis=1).astype(np.float32)
