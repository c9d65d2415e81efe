"""What commands that read depth images ask about the camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graspseg.segment.inputs import CameraOptions


@dataclass(frozen=True)
class CameraArguments:
    """Unit and camera of the depth images, where dataset.json does not say or is wrong."""

    depth_unit: float | None = None
    """Meters per stored unit; default: dataset.json, else 0.001; for floats it is 1 unless given here."""
    fx: float | None = None
    """Focal length in pixels; default: dataset.json, else 475 at 640 pixels along the longer side."""
    fy: float | None = None
    """Vertical focal length in pixels; default: --fx."""
    cx: float | None = None
    """Principal point in pixels; default: image center."""
    cy: float | None = None
    """Principal point in pixels; default: image center."""

    def checked(self) -> CameraOptions:
        """The same as the library takes it.

        Raises:
            InputError: values that no camera has, or --fx is missing beside others.
        """
        from graspseg.segment.inputs import CameraOptions

        return CameraOptions(self.depth_unit, self.fx, self.fy, self.cx, self.cy)
