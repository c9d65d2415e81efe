"""Contact sheets: many frames with their labels in one picture."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.dataset import Dataset, Sample
from graspseg.errors import InputError
from graspseg.labels import contact_sheet, outline, overlay, shade_depth

_CAPTION_PX = 14


def draw_sheet(
    dataset: Dataset, *, count: int, columns: int, width: int, color: bool = False
) -> tuple[UInt8[np.ndarray, "h w 3"], int, list[str]]:
    """Draw frames spread evenly over a data set, tinted by their labels, with their stems below.

    Args:
        dataset: where the frames are.
        count: most frames to draw.
        columns: frames in a row.
        width: width of a drawn frame in pixels.
        color: draw the RGB pictures, with outlines of hand and object if they are aligned with the depth.

    Returns:
        The picture, how many frames it shows, and why others could not be read.

    Raises:
        InputError: no frame can be drawn; or color is requested and no frame has any.
    """
    count = min(count, len(dataset))
    pictures, failures = [], []
    for index in (number * len(dataset) // count for number in range(count)):
        try:
            sample = dataset[index]
            picture = _colored(dataset, index, sample, width) if color else _shaded(sample, width)
            pictures.append(np.vstack([picture, _caption(sample.stem, width)]))
        except InputError as error:
            failures.append(str(error))
    if not pictures:
        raise InputError(f"{dataset.name} has no frame that can be drawn, the first because: {failures[0]}")
    return contact_sheet(pictures, columns), len(pictures), failures


def _shaded(sample: Sample, width: int) -> np.ndarray:
    """The depth, tinted by its labels."""
    depth = sample.frame.depth
    return _shrunk(shade_depth(depth) if sample.labels is None else overlay(depth, sample.labels), width)


def _colored(dataset: Dataset, index: int, sample: Sample, width: int) -> np.ndarray:
    """The color of a frame; labels that another camera saw would not fit it."""
    picture = dataset.color(index)
    if picture is None:
        raise InputError(f"{sample.stem} of {dataset.name} has no color, expected a picture: draw it without --color.")
    picture = _shrunk(picture, width)
    if sample.labels is None or not dataset.description.color_is_aligned:
        return picture
    return outline(picture, cv2.resize(sample.labels, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST))


def _shrunk(picture: np.ndarray, width: int) -> np.ndarray:
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _caption(stem: str, width: int) -> np.ndarray:
    caption = np.full((_CAPTION_PX, width, 3), 24, np.uint8)
    cv2.putText(caption, stem[-width // 6 :], (2, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (200, 200, 200), 1)
    return caption
