"""What a conversion writes as files of each frame: a folder, COCO, YOLO, pictures of the masks, Croissant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.atomic import write_json
from graspseg.datasets.chunked_writer import DESCRIPTION
from graspseg.datasets.croissant import CROISSANT, write_croissant
from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.folder import FACTS_FOLDER, FolderWriter, facts_file, in_unit
from graspseg.datasets.frame_cameras import FrameCameras
from graspseg.datasets.ledger import Ledger
from graspseg.datasets.shard_writer import make_keys
from graspseg.datasets.yolo import FOLDERS, YAML, preview, write_yaml, yolo_files, yolo_rows
from graspseg.errors import InputError
from graspseg.labels import CLASS_NAMES, PALETTE, colorize

_ANNOTATIONS = "annotations.json"
RESULTS = (_ANNOTATIONS, YAML, CROISSANT)
"""Files about all frames, beside the description."""


class Read(NamedTuple):
    """A frame to convert, and its RGB picture if there is one."""

    sample: Sample
    color: UInt8[np.ndarray, "_h _w 3"] | None


@dataclass(frozen=True)
class Output:
    """Where to, and what is known before the first frame.

    Attributes:
        dataset: what is converted.
        out: the folder to write to.
        description: what holds for all frames.
        ledger: knows what earlier runs wrote.
        own_units: depth of a folder stays in the unit of its frame.
        say: called with warnings.
    """

    dataset: Dataset
    out: Path
    description: dict[str, Any]
    ledger: Ledger
    own_units: bool
    say: Callable[[str], None]


Write = Callable[[str, int, Read], set[Path]]
"""Writes the frame of a name and an index; gives its files. Raises InputError where it cannot be stored this way."""


class Way(NamedTuple):
    """A way to store frames as files.

    Attributes:
        opened: begins an output with its description; leaving it without an error writes what is about all frames.
        folders: below the output, that hold files of single frames.
    """

    opened: Callable[[Output], AbstractContextManager[Write]]
    folders: tuple[str, ...]


@contextmanager
def _folder(output: Output) -> Iterator[Write]:
    out, own_units = output.out, output.own_units
    writer = FolderWriter(out, output.description, ledger=output.ledger, own_units=own_units)
    cameras = FrameCameras(output.description, own_units=own_units)
    splits: dict[str, list[str]] = {}

    def write(name: str, index: int, found: Read) -> set[Path]:
        sample, color = found
        facts = {key: value for key, value in sample.facts.items() if key != "stem"}
        writer.write(name, sample.frame, sample.labels, color=color, facts=facts)
        cameras.add(name, sample.frame)
        for split in output.dataset.splits_of(index):
            splits.setdefault(split, []).append(name)
        kinds = {"depth": sample.frame.depth, "color": color, "labels": sample.labels}
        files = {out / kind / f"{name}.png" for kind, image in kinds.items() if image is not None}
        return files | ({facts_file(out, name)} if facts else set())

    yield write
    write_json(out / DESCRIPTION, cameras.described({"splits": splits} if splits else {}))


@contextmanager
def _croissant(output: Output) -> Iterator[Write]:
    count = 0
    with _folder(output) as write_files:

        def write(name: str, index: int, found: Read) -> set[Path]:
            nonlocal count
            files = write_files(name, index, found)
            count += 1
            return files

        yield write
    if count:
        write_croissant(output.out)


@contextmanager
def _coco(output: Output) -> Iterator[Write]:
    from graspseg.datasets.coco import new_annotations

    out, description = output.out, output.description
    write_json(out / DESCRIPTION, description)
    cameras = FrameCameras(description)
    with new_annotations(out / _ANNOTATIONS, description) as annotations:

        def write(name: str, index: int, found: Read) -> set[Path]:
            sample = found.sample
            image = out / "depth" / f"{name}.png"
            output.ledger.put(image, in_unit(sample.frame, description["depth_unit_m"], name))
            annotations.add(f"depth/{name}.png", sample, camera=cameras.add(name, sample.frame))
            return {image}

        yield write
        description |= cameras.described()  # the annotations end with it
    write_json(out / DESCRIPTION, description)


@contextmanager
def _yolo(output: Output) -> Iterator[Write]:
    lossy = "images are 8-bit previews of the depth, from which it cannot be had back"
    write_json(output.out / DESCRIPTION, {**output.description, "lossy": lossy})
    keys = make_keys(output.dataset.stems)
    splits: set[str] = set()

    def write(name: str, index: int, found: Read) -> set[Path]:
        split = (output.dataset.splits_of(index) or ("train",))[0]
        image, text = yolo_files(output.out, split, keys[index])
        rows = yolo_rows(found.sample.target())
        output.ledger.check_text(text, rows)
        output.ledger.put(image, preview(found.sample.frame.depth))
        output.ledger.put_text(text, rows)
        splits.add(split)
        return {image, text}

    yield write
    for sentence in write_yaml(output.out, splits):
        output.say(sentence)


@contextmanager
def _png(output: Output) -> Iterator[Write]:
    legend = {CLASS_NAMES[label] if label < len(CLASS_NAMES) else "ignore": PALETTE[label] for label in PALETTE}
    write_json(output.out / DESCRIPTION, {**output.description, "colors": legend})

    def write(name: str, index: int, found: Read) -> set[Path]:
        sample = found.sample
        if sample.labels is None:
            raise InputError(f"{sample.stem} has no label image, expected one to draw: label it or leave it out.")
        image = output.out / "masks" / f"{name}.png"
        output.ledger.put(image, colorize(sample.labels))
        return {image}

    yield write


_OF_A_FOLDER = ("depth", "color", "labels", FACTS_FOLDER)
WAYS: dict[Literal["folder", "coco", "png", "yolo", "croissant"], Way] = {
    "folder": Way(_folder, _OF_A_FOLDER),
    "coco": Way(_coco, ("depth",)),
    "png": Way(_png, ("masks",)),
    "yolo": Way(_yolo, FOLDERS),
    "croissant": Way(_croissant, _OF_A_FOLDER),
}
"""By the name of the target."""
