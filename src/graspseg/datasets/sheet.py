"""Contact sheets: many frames with their labels in one picture."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.sample import Dataset, Sample
from graspseg.frame import InputError
from graspseg.labels import contact_sheet, overlay, shade_depth

_CAPTION_PX = 14


def draw_sheet(
    dataset: Dataset, *, count: int, columns: int, width: int
) -> tuple[UInt8[np.ndarray, "h w 3"], int, list[str]]:
    """Draw frames spread evenly over a data set, tinted by their labels, with their stems below.

    Args:
        dataset: where the frames are.
        count: most frames to draw.
        columns: frames in a row.
        width: width of a drawn frame in pixels.

    Returns:
        The picture, how many frames it shows, and why others could not be read.

    Raises:
        InputError: no frame can be drawn.
    """
    count = min(count, len(dataset))
    pictures, failures = [], []
    for index in (number * len(dataset) // count for number in range(count)):
        try:
            pictures.append(_draw(dataset[index], width))
        except InputError as error:
            failures.append(str(error))
    if not pictures:
        raise InputError(f"{dataset.path} has no frame that can be drawn, the first because: {failures[0]}")
    return contact_sheet(pictures, columns), len(pictures), failures


def _draw(sample: Sample, width: int) -> np.ndarray:
    """One cell: the frame, tinted by its labels, with its stem below."""
    depth = sample.frame.depth
    picture = shade_depth(depth) if sample.labels is None else overlay(depth, sample.labels)
    height = max(1, round(depth.shape[0] * width / depth.shape[1]))
    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    caption = np.full((_CAPTION_PX, width, 3), 24, np.uint8)
    cv2.putText(caption, sample.stem[-width // 6 :], (2, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (200, 200, 200), 1)
    return np.vstack([picture, caption])
