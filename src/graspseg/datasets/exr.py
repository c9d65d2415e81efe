"""Depth images in OpenEXR files, as renderers write them: one channel, half or single precision."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from graspseg.errors import InputError, not_installed

_DEPTH = ("z", "depth")
_COLORS = ("R", "G", "B", "A")
_MOST_CHANNELS = 64


def decode_exr(data: bytes, path: Path, *, most: int) -> np.ndarray:
    """The depth channel of an EXR file: the only one, or that whose last name is Z or depth.

    Args:
        data: the file.
        path: what messages call it.
        most: pixels it may have, all channels together.

    Raises:
        InputError: damaged, too large, a crop, of several parts, or without such a channel; or the package that reads
            it is missing.
    """
    try:
        import OpenEXR
    except ImportError:
        raise InputError(not_installed(f"{path} is an EXR file: reading it", "OpenEXR", "exr")) from None
    try:
        with OpenEXR.File(io.BytesIO(data), header_only=True) as file:
            name = _chosen(file, path, most)
        with OpenEXR.File(io.BytesIO(data), separate_channels=True) as file:
            pixels: Any = np.array(file.channels()[name].pixels)
    except InputError:
        raise
    except Exception as error:  # the library's bindings raise errors of many types
        raise _unusable(path, f"no whole EXR file ({type(error).__name__})") from error
    if pixels.ndim != 2:
        raise _unusable(path, f"an EXR file with {name} of shape {pixels.shape}")
    return pixels


def _chosen(file: Any, path: Path, most: int) -> str:
    """Name of the channel, after a look at what the header promises."""
    if len(file.parts) != 1:
        raise _unusable(path, f"an EXR file of {len(file.parts)} parts")
    header = file.header()
    low, high = (np.asarray(corner, np.int64) for corner in header["dataWindow"])
    width, height = (high - low + 1).tolist()
    channels = [channel.name for channel in header["channels"]]
    if not (width > 0 and height > 0 and 0 < len(channels) <= _MOST_CHANNELS and width * height <= most):
        raise _unusable(path, f"an EXR file of {width}x{height} pixels and {len(channels)} channels")
    if width * height * len(channels) > most:
        raise _unusable(path, f"an EXR file of {width}x{height} pixels and {len(channels)} channels")
    if any(not np.array_equal(a, b) for a, b in zip(header["dataWindow"], header["displayWindow"], strict=True)):
        raise _unusable(path, "a crop (its data window is not its display window)")
    named = [name for name in channels if name.split(".")[-1].casefold() in _DEPTH]
    found = named or [name for name in channels if name not in _COLORS]
    if len(channels) == 1:
        return channels[0]
    if len(found) != 1:
        raise _unusable(path, f"an EXR file of the channels {', '.join(channels)[:200]}")
    return found[0]


def _unusable(path: Path, found: str) -> InputError:
    return InputError(f"{path} is {found}, expected depth as one whole channel (Z): export it so.")
