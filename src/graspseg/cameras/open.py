"""Depth with color, wherever it is kept: opened by what lies there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from graspseg.cameras.recording import RecordedRgbd
from graspseg.cameras.recordings import is_recording, open_recording, refuse_topics
from graspseg.cameras.rgbd import RgbdSource
from graspseg.cameras.stored import open_stored
from graspseg.errors import InputError
from graspseg.frame import Intrinsics


def open_rgbd(
    data: str | Path,
    *,
    depth_unit_m: float | None = None,
    intrinsics: Intrinsics | None = None,
    topics: Sequence[str] = (),
) -> RgbdSource:
    """Open whatever holds depth with color.

    Args:
        data: a folder with `depth/` and `color/` by equal stem, shards, a recording, or a public data set with color as
            `NAME:PATH` or `NAME/SPLIT:PATH`.
        depth_unit_m: meters per stored unit; None takes what the data says, else 0.001.
        intrinsics: the depth camera; None takes what the data says. Not for recordings.
        topics: of depth and color in a recording of ROS; none = found by themselves.

    Raises:
        InputError: nothing is there, it has no color, or it cannot be used.
    """
    if not is_recording(Path(data)):
        refuse_topics(topics, data)
        return open_stored(data, depth_unit_m=depth_unit_m, intrinsics=intrinsics)
    if intrinsics is not None:
        raise InputError(f"{data} has cameras of its own, expected no others: leave the options out.")
    return RecordedRgbd(open_recording(Path(data), topics=topics), depth_unit_m=depth_unit_m)
