"""One depth image by its path, with what the data set around it says of unit and camera."""

from __future__ import annotations

import os
from pathlib import Path

from graspseg.datasets.description import read_description
from graspseg.datasets.images import read_depth
from graspseg.datasets.listing import stem_of
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics


def read_frame(
    path: str | os.PathLike[str], *, depth_unit_m: float | None = None, intrinsics: Intrinsics | None = None
) -> Frame:
    """Read one depth image, as `graspseg segment` does.

    Args:
        path: 16-bit gray .png, .tif, .pgm or .exr, or .npy or .npz of shape (height, width), of integers or of floats
            in meters; 0, NaN and infinities mean no measurement.
        depth_unit_m: meters per stored unit; None takes what dataset.json beside the image says, else 0.001
            (millimeters) for integers and 1 for floats.
        intrinsics: the camera; None takes what dataset.json says, else it is unknown.

    Raises:
        InputError: it is missing, a folder, damaged, 8-bit, colored, empty or negative.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"The path is a {type(path).__name__}, expected text or a pathlib.Path: name the file.")
    file = Path(path)
    if file.is_dir():
        raise InputError(f"{file} is a folder, expected one depth image: use graspseg.open_dataset for a folder.")
    home = home_of(file)
    optics = read_description(home).optics(stem_of(file.absolute().relative_to(home.absolute())))
    return read_depth(
        file,
        depth_unit_m=optics.depth_unit_m if depth_unit_m is None else depth_unit_m,
        float_unit_m=1.0 if depth_unit_m is None else depth_unit_m,
        intrinsics=optics.intrinsics if intrinsics is None else intrinsics,
    )


def home_of(path: Path) -> Path:
    """The folder whose `dataset.json` describes a single file: its own, or the one that holds its `depth/`."""
    for parent in path.absolute().parents:
        if (parent / "dataset.json").is_file():
            return parent
        if parent.name == "depth":
            return parent.parent
    return path.parent
