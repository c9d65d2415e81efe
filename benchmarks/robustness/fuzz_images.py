"""Pictures and arrays of depth, labels and color."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

import ros_samples
from fuzz_kind import Kind, Reading, digest, labels, png, write
from graspseg.datasets.images import read_color, read_depth, read_labels
from ros_samples import HEIGHT, WIDTH, depth_mm


def _npy(array: np.ndarray, *, version: tuple[int, int] | None = None) -> bytes:
    bio = io.BytesIO()
    np.lib.format.write_array(bio, array, version=version)
    return bio.getvalue()


def _again_png(data: bytes, number: int) -> bytes:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return png(pixels, cv2.IMWRITE_PNG_COMPRESSION, number % 10)


def _again_npy(data: bytes, number: int) -> bytes:
    array = np.load(io.BytesIO(data))
    forms = (np.asfortranarray(array), array.astype(array.dtype.newbyteorder(">")), array)
    return _npy(forms[number % 3], version=((1, 0), (2, 0), (3, 0))[number // 3 % 3])


def _frame(path: Path) -> Reading:
    frame = read_depth(path)
    return Reading([digest(frame.depth, frame.depth_unit_m)])


def kinds() -> Iterator[Kind]:
    """All of them."""
    shape = (HEIGHT, WIDTH)
    picture = np.kron(ros_samples.color_rgb(3)[..., ::-1], np.ones((4, 4, 1), np.uint8))
    yield Kind("depth png", write("a.png", lambda: png(depth_mm(0))), _frame, checked=True, variant=_again_png)
    yield Kind("depth npy", write("a.npy", lambda: _npy(depth_mm(0))), _frame, variant=_again_npy)
    meters = (depth_mm(0) / 1000).astype(np.float32)
    yield Kind("depth npy float", write("a.npy", lambda: _npy(meters)), _frame, variant=_again_npy)
    yield Kind(
        "labels png",
        write("a.png", lambda: png(labels(0))),
        lambda path: Reading([digest(read_labels(path, shape))]),
        checked=True,
        variant=_again_png,
    )
    for name, data in (("png", png(picture)), ("jpg", cv2.imencode(".jpg", picture)[1].tobytes())):
        yield Kind(
            f"color {name}",
            write(f"a.{name}", lambda data=data: data),
            lambda path: Reading([digest(read_color(path, None))]),
            checked=name == "png",
        )
