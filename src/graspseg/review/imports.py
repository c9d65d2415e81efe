"""Labels that were corrected in CVAT or any program that writes COCO, back into the review."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import cast

import numpy as np

from graspseg.datasets.atomic import OutputError
from graspseg.datasets.images import check_labels
from graspseg.frame import InputError
from graspseg.labels import BACKGROUND, IGNORE
from graspseg.review.coco import read_annotations
from graspseg.review.cvat import read_images
from graspseg.review.database import ReadOnly
from graspseg.review.shapes import LabelledImage
from graspseg.review.state import FrameState, Reviewer
from graspseg.review.store import Store

_FOLDERS = ("depth", "color", "images", "labels")
_ANNOTATIONS = "annotations.xml"
_SUFFIXES = (".png", ".jpg", ".jpeg", ".npy")


@dataclass
class Imported:
    """What came of an import.

    Attributes:
        changed: frames that have new labels.
        same: frames whose labels were so before.
        empty: images without any shape, whose frames were left as they are.
        failed: images that could not be used.
    """

    changed: int = 0
    same: int = 0
    empty: int = 0
    failed: int = 0


def import_labels(store: Store, path: Path, *, say: Callable[[str], None] = print) -> Imported:
    """Take labels over; decisions stay, and the history keeps the labels of before.

    Images are matched by name: with or without the folder they were exported to, or by file name alone where only one
    frame has it.

    Args:
        store: the review.
        path: CVAT for images 1.1 (.xml, or .zip that holds it) or COCO (.json).
        say: called with a sentence for every image that could not be used.

    Raises:
        InputError: the file cannot be used, or the folder cannot be written to.
    """
    if store.database.read_only:
        raise ReadOnly(store.database.read_only)
    frames = _Names(store.frames())
    who = Reviewer(f"import of {path.name}"[:80], "import")
    done = Imported()
    for image in _read(path):
        try:
            frame = frames.find(image.name)
            if frame is None:
                raise InputError(f"{path}: {image.name!r:.200} is no frame of {store.folder.root}: correct its name.")
            if image.labels is None:
                done.empty += 1
            elif _take(store, frame, image=image, who=who):
                done.changed += 1
            else:
                done.same += 1
        except OutputError:
            raise
        except InputError as error:
            done.failed += 1
            say(str(error))
    return done


def _take(store: Store, frame: FrameState, *, image: LabelledImage, who: Reviewer) -> bool:
    """Save labels unless the frame has them."""
    assert image.labels is not None
    labels = check_labels(image.labels, image.name, store.folder.depth(frame.depth).depth.shape)
    now = store.images.present(frame, labels.shape) if store.images.exist(frame) else None
    if now is not None and not image.tells_ignore:
        labels = np.where((labels == BACKGROUND) & (now == IGNORE), np.uint8(IGNORE), labels)
    if now is not None and np.array_equal(labels, now):
        return False
    store.save_labels(frame.id, labels, expected_revision=frame.revision, who=who, action="import")
    store.images.write(frame.id)
    return True


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


def _read(path: Path) -> Iterator[LabelledImage]:
    try:
        if path.suffix.lower() == ".json":
            yield from read_annotations(path)
        elif path.suffix.lower() == ".xml":
            with path.open("rb") as file:
                yield from read_images(file, path)
        elif path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_ANNOTATIONS) as file:
                yield from read_images(cast(BufferedIOBase, file), path)
        else:
            raise InputError(
                f"{path} is a {path.suffix} file, expected .xml or .zip of CVAT or .json of COCO: export it."
            )
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} could not be read ({error}), expected labels of CVAT or COCO: check it.") from error
