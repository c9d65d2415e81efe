"""The paper's background elimination (section 3), as one compiled loop.

The function is marked `no_type_check` because the tests' shape checks cannot wrap compiled functions.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit

from graspseg.labels import HAND, OBJECT


@njit(cache=True)
@no_type_check
def keep_near(depth, labels, range_m):
    """Copies of depth and labels, 0 from `range_m` behind the nearest surface of hand or object on."""
    height, width = depth.shape
    nearest = np.float32(np.inf)
    for y in range(height):
        for x in range(width):
            shown = labels[y, x] == HAND or labels[y, x] == OBJECT
            nearest = min(nearest, depth[y, x]) if shown else nearest
    limit = nearest + np.float32(range_m)
    near_depth, near_labels = np.empty_like(depth), np.empty_like(labels)
    for y in range(height):
        for x in range(width):
            kept = depth[y, x] < limit
            near_depth[y, x] = depth[y, x] if kept else np.float32(0)
            near_labels[y, x] = labels[y, x] if kept else np.uint8(0)
    return near_depth, near_labels
