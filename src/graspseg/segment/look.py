"""What the network says of one window."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from graspseg.crop import View, paste


@dataclass(frozen=True)
class Look:
    """What the network says of one window.

    Attributes:
        view: the window.
        probabilities: of background, hand and object, at the network's size; 0 for all three where the window has no
            measurement or leaves the frame, so that such pixels have no part in what is resampled to the frame.
    """

    view: View
    probabilities: Float32[np.ndarray, "3 s s"]

    def add_to(self, planes: Float32[np.ndarray, "3 h w"], *, origin: tuple[int, int] = (0, 0)) -> None:
        """See `Answer`."""
        _, height, width = planes.shape
        x, y = origin
        view = replace(self.view, center_x=self.view.center_x - x, center_y=self.view.center_y - y)
        x0, y0, x1, y1 = region = view.region(width, height)
        if x0 >= x1 or y0 >= y1:
            return  # that of a find that was dropped may lie elsewhere
        for plane, channel in zip(planes, paste(self.probabilities, view, region), strict=True):
            plane[y0:y1, x0:x1] = channel
