"""Labels that were corrected in CVAT or any program that writes COCO, back into the review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.atomic import OutputError, encode_png
from graspseg.errors import InputError, print_escaped
from graspseg.labels import BACKGROUND, IGNORE
from graspseg.review.server.database import ReadOnly
from graspseg.review.server.import_files import read_drawing
from graspseg.review.server.shapes import DrawnImage, NoArea
from graspseg.review.server.state import FrameState, Reviewer
from graspseg.review.server.store import Store

_FOLDERS = ("depth", "color", "images", "labels")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".npy", ".npz", ".tif", ".tiff", ".pgm", ".exr")


@dataclass
class Imported:
    """What came of an import.

    Attributes:
        changed: frames that have new labels.
        same: frames whose labels were so before.
        empty: images without any shape, whose frames were left as they are.
        failed: images that could not be used, whose frames were left as they are, and shapes of no image.
    """

    changed: int = 0
    same: int = 0
    empty: int = 0
    failed: int = 0


class _Planned(NamedTuple):
    frame: FrameState
    image: DrawnImage


def import_labels(store: Store, path: Path, *, say: Callable[[str], None] = print_escaped) -> Imported:
    """Take labels over; decisions stay, and the history keeps the labels of before.

    Nothing is saved before the whole file was read and every mask of it could be drawn, and then all of it or, when a
    label image cannot be written, nothing. An image with a shape that has
    no area, an unknown class, another size or no frame of its own is reported, and its frame keeps its labels.

    Images are matched by name: with or without the folder they were exported to, or by file name alone where only one
    frame has it.

    Args:
        store: the review.
        path: CVAT for images 1.1 (.xml), COCO (.json), or a .zip that holds either.
        say: called with a sentence for every image that could not be used.

    Raises:
        InputError: the file is damaged, none of its images can be used, or the folder cannot be written to.
    """
    if store.database.read_only:
        raise ReadOnly(store.database.read_only)
    images, reasons = read_drawing(path)
    done = Imported(empty=sum(not image.shapes for image in images))
    planned = _plan(store, images, path, reasons)
    done.failed = len(reasons)
    if reasons and not planned:
        more = f" ({len(reasons) - 1} more reasons like this)" if len(reasons) > 1 else ""
        raise InputError(f"{reasons[0]} Nothing was changed{more}.")
    for reason in reasons:
        say(reason)
    who = Reviewer(f"import of {path.name}"[:80], "import")
    changes: list[tuple[FrameState, bytes]] = []
    for frame, image in planned:
        try:
            labels = _new_labels(store, frame, image)
        except InputError as error:
            done.failed += 1
            say(str(error))
            continue
        if labels is None:
            done.same += 1
        else:
            changes.append((frame, bytes(encode_png(labels))))
    try:
        store.save_all(changes, who=who)
    except OutputError as error:
        raise OutputError(f"{error} None of the {len(planned)} frames of {path} was changed.") from error
    done.changed = len(changes)
    return done


def _plan(store: Store, images: Iterable[DrawnImage], path: Path, reasons: list[str]) -> list[_Planned]:
    """The images that can be taken over; why others cannot is added to `reasons`.

    Raises:
        InputError: a mask is damaged, so that nothing of the file is to be believed.
    """
    frames = _Names(store.frames())
    planned: list[_Planned] = []
    for image in images:
        if not image.shapes:
            continue
        found = frames.find(image.name)
        try:
            if found is None:
                raise NoArea(f"is no frame of {store.folder.root}: correct its name")
            _check(store, found, image)
        except NoArea as error:
            reasons.append(f"{path}: the image {image.name!r:.200} {error}.")
        except (ValueError, TypeError, OverflowError) as error:
            if isinstance(error, InputError):  # of the frame
                reasons.append(f"{path}: the image {image.name!r:.200} cannot be used: {error}")
                continue
            raise InputError(
                f"{path}: the image {image.name!r:.200} has a mask that cannot be used ({error}), so nothing was "
                "changed: correct it."
            ) from error
        else:
            planned.append(_Planned(found, image))
    return _without_twins(planned, path, reasons)


def _check(store: Store, frame: FrameState, image: DrawnImage) -> None:
    """See that an image's shapes can become the labels of a frame.

    Raises:
        NoArea: they cannot; completes a sentence about the image.
        InputError: the frame's depth cannot be read.
        ValueError: a mask is damaged.
    """
    height, width = store.folder.depth(frame.depth).depth.shape
    if (image.height, image.width) != (height, width):
        raise NoArea(
            f"is {image.width}x{image.height} pixels, expected {width}x{height} like its depth image: use the labels "
            "that belong to it, not resized ones"
        )
    try:
        image.paint()
    except NoArea as error:
        raise NoArea(f"has {error}; its frame keeps the labels it has") from None


def _without_twins(planned: list[_Planned], path: Path, reasons: list[str]) -> list[_Planned]:
    """Leave out frames that several images stand for: none of them is the right one for sure."""
    counts = Counter(frame.id for frame, _ in planned)
    for frame in {frame.id: frame for frame, _ in planned if counts[frame.id] > 1}.values():
        names = ", ".join(repr(image.name)[:200] for other, image in planned if other.id == frame.id)
        reasons.append(f"{path}: the images {names} are all the frame {frame.stem!r:.200}, expected one: remove one.")
    return [each for each in planned if counts[each.frame.id] == 1]


def _new_labels(store: Store, frame: FrameState, image: DrawnImage) -> UInt8[np.ndarray, "_h _w"] | None:
    """What an image makes of a frame's labels, None when they are so already.

    Raises:
        InputError: the labels it has cannot be read.
    """
    labels, drawn = image.paint()
    now = store.images.present(frame, labels.shape) if store.images.exist(frame) else None
    if now is not None and not image.tells_ignore:
        labels = _keep_ignored(labels, drawn, now)
    return None if now is not None and np.array_equal(labels, now) else labels


def _keep_ignored(labels: np.ndarray, drawn: np.ndarray, now: np.ndarray) -> UInt8[np.ndarray, "h w"]:
    """Pixels to ignore stay so where the other program, which does not know them, says nothing."""
    return np.where(~drawn & (labels == BACKGROUND) & (now == IGNORE), np.uint8(IGNORE), labels)


class _Names:
    """Frames by what other programs call them."""

    def __init__(self, frames: Iterable[FrameState]) -> None:
        self._by_stem = {frame.stem: frame for frame in frames}
        counts = Counter(PurePosixPath(stem).name for stem in self._by_stem)
        self._by_name = {
            PurePosixPath(stem).name: frame
            for stem, frame in self._by_stem.items()
            if counts[PurePosixPath(stem).name] == 1
        }

    def find(self, name: str) -> FrameState | None:
        """The frame of an image."""
        path = PurePosixPath(name.replace("\\", "/"))
        stem = path.with_suffix("") if path.suffix.lower() in _SUFFIXES else path
        inner = PurePosixPath(*stem.parts[1:]) if stem.parts and stem.parts[0] in _FOLDERS else stem
        return self._by_stem.get(str(stem)) or self._by_stem.get(str(inner)) or self._by_name.get(stem.name)
