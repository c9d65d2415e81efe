"""What is wrong with a value that is given as depth, and what its owner can do about it."""

from __future__ import annotations

import os

import numpy as np

_LARGEST = 65535
_LARGEST_LIKELY_M = 50.0  # of floats: larger ones are millimeters


def depth_fault(value: object) -> str | None:
    """Why a value cannot be stored depth, as the end of a sentence: what it is, what was expected, what to do.

    Returns:
        None for a non-empty uint16 array of shape (height, width), whose numbers all count: no masked one.
    """
    expected = "expected uint16 depth of shape (height, width)"
    if not isinstance(value, np.ndarray):
        return f"{kind_of(value)}, {expected}, a graspseg.Frame or a path: {_remedy_for_no_array(value)}"
    if isinstance(value, np.ma.MaskedArray):
        return f"{kind_of(value)}, {expected}: its mask would not count, so give array.filled(0)"
    if value.dtype == np.uint16 and value.ndim == 2 and value.size:
        return None
    return f"{kind_of(value)}, {expected}: {_remedy_for_array(value)}"


def kind_of(value: object) -> str:
    """What a value is, in a few words: dtype and shape of an array, the type of anything else."""
    if isinstance(value, np.ndarray):
        masked = "a masked" if isinstance(value, np.ma.MaskedArray) else "an"
        return f"{masked} array of {value.dtype} of shape {value.shape}"
    return "None" if value is None else f"a {type(value).__name__}"


def _remedy_for_no_array(value: object) -> str:
    if value is None:
        return "a reader such as cv2.imread gives None for a file it cannot read, so check the path"
    if isinstance(value, str | os.PathLike):
        return "read it with graspseg.read_frame"
    if isinstance(value, list | tuple):
        return "one frame a call, and numbers as np.array(numbers, np.uint16)"
    if isinstance(value, bytes):
        return "write the bytes to a file, or decode them with cv2.imdecode(..., cv2.IMREAD_UNCHANGED)"
    return "convert it with np.asarray, a torch tensor with tensor.cpu().numpy()"


def _remedy_for_array(array: np.ndarray) -> str:
    """What to do with an array that is no stored depth; its shape comes before its numbers."""
    kind = array.dtype
    if not array.size:
        return "give an image with at least one pixel"
    if array.ndim == 3 and array.shape[2] == 1:
        return "take the only channel, array[..., 0]"
    if array.ndim == 3 and (array.shape[2] == 3 or (array.shape[2] == 4 and kind == np.uint8)):
        return "this is a color picture (RGB or BGR), so give the depth image, read with cv2.IMREAD_UNCHANGED"
    if array.ndim > 2:
        return "this is a batch, so give one frame a call"
    if array.ndim < 2:
        return "bring it into the shape of the image with reshape(height, width)"
    if kind == np.uint8:
        return "8 bits are too coarse for depth, so read the 16-bit file with cv2.IMREAD_UNCHANGED or read_frame"
    if kind == np.bool_:
        return "this is a mask, so give the depth image"
    if np.issubdtype(kind, np.integer):
        low, high = int(array.min()), int(array.max())
        if low >= 0 and high <= _LARGEST:
            return "its values fit, so give array.astype(np.uint16)"
        return f"its values go from {low} to {high}, so set those outside 0 to {_LARGEST} to 0, then astype(np.uint16)"
    if np.issubdtype(kind, np.floating):
        finite = array[np.isfinite(array)]
        if finite.size and finite.max() > _LARGEST_LIKELY_M:
            return "its values look like millimeters, so give Frame.from_meters(array / 1000)"
        return "use Frame.from_meters(array) for depth in meters"
    return "give numbers"
