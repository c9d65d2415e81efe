"""One frame from the recording to what the data set keeps of it: depth, aligned picture, labels, and their evidence."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8, UInt16

from graspseg.annotate.annotator import Annotator
from graspseg.annotate.contrast import weigh_colors
from graspseg.annotate.paper.align import align, rays
from graspseg.annotate.paper.background import Box
from graspseg.cameras.rgbd import RgbdFrame
from graspseg.frame import Frame

StoredDepth = Literal["range", "all"]


class AnnotatedFrame(NamedTuple):
    """A frame as it is stored with its labels.

    Attributes:
        frame: the depth that is stored, with the whole picture aligned.
        labels: 0 background, 1 hand, 2 object.
        row: the numbers that speak for and against the labels.
        full_depth: the whole depth as recorded, where `frame` holds only a part of it.
    """

    frame: Frame
    labels: UInt8[np.ndarray, "h w"]
    row: dict[str, float]
    full_depth: Frame | None = None


def annotate_frame(annotator: Annotator, rgbd: RgbdFrame, *, depth: StoredDepth) -> AnnotatedFrame:
    """Annotate a frame; without a hand all is background, because an object is what a hand holds.

    Args:
        annotator: of the recording.
        rgbd: depth with a picture.
        depth: `range` stores only what the annotation looked at, as the paper's data set does: there, what is called
            background is no skin. `all` stores everything, and an arm that leaves the range is called background there.
    """
    settings = annotator.settings
    annotation = annotator.annotate(rgbd)
    labels = annotation.labels if annotation.evidence.hand_px else np.zeros_like(annotation.labels)
    picture = aligned_picture(rgbd, occlusion_m=settings.occlusion_m)
    kept = (
        in_range(rgbd.frame, annotation.evidence.nearest_m + settings.depth_range_m)
        if depth == "range"
        else rgbd.frame.depth
    )
    row = {**asdict(annotation.evidence), **asdict(weigh_colors(labels, picture))}
    full_depth = rgbd.frame if depth == "range" else None
    return AnnotatedFrame(replace(rgbd.frame, depth=kept, color=picture), labels, row, full_depth)


def in_range(frame: Frame, end_m: float) -> UInt16[np.ndarray, "h w"]:
    """Stored depth up to a distance, 0 beyond."""
    return np.where(frame.depth <= round(end_m / frame.depth_unit_m), frame.depth, np.uint16(0))


def aligned_picture(rgbd: RgbdFrame, *, occlusion_m: float) -> UInt8[np.ndarray, "h w 3"]:
    """The color of every depth pixel, black where the color camera does not see it or depth is missing.

    Args:
        rgbd: depth with a picture; one that is aligned already stays as it is.
        occlusion_m: a surface hides what is farther from the color camera by more than this.
    """
    camera = rgbd.color_camera
    if camera is None:
        return rgbd.color
    height, width = rgbd.frame.depth.shape
    measured = (rgbd.frame.depth > 0).astype(np.uint8) * np.uint8(255)
    lines = rays((height, width), rgbd.frame.intrinsics_or_default(), camera, Box(0, 0, width, height))
    found = align(rgbd.color, rgbd.frame.depth_m(), measured, lines, camera, tolerance_m=occlusion_m)
    return np.where(found.seen[..., None] > 0, found.color, np.uint8(0))
