"""A data set as a folder: `depth/`, `labels/`, optional `color/` and `facts/` by stem, and `dataset.json`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import UInt8, UInt16

from graspseg.datasets.atomic import make_folder, sync_files, write_bytes, write_json, write_png
from graspseg.datasets.dataset import Sample, StoredDataset
from graspseg.datasets.description import Description, encode_facts, read_description, read_object
from graspseg.datasets.images import DEFAULT_UNIT_M, DEPTH_SUFFIXES, read_color, read_depth, read_labels
from graspseg.datasets.ledger import Ledger
from graspseg.datasets.listing import find_beside_depth, is_beside_depth, is_read, list_frames
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics

COLOR_SUFFIXES = (".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".JPEG")
_LIKE_LABELS = frozenset((*DEPTH_SUFFIXES, ".bmp", ".jpg", ".jpeg", ".gif", ".webp"))
FULL_DEPTH = "full_depth"  # beside depth/ where that was cut: what the camera measured
FACTS_FOLDER = "facts"
_MOST_UNSYNCED = 256

__all__ = ["FolderDataset", "FolderWriter", "Sample", "list_frames", "read_depth", "read_description", "read_labels"]


class FolderDataset(StoredDataset):
    """Frames and labels of a folder, in natural order of their stems.

    Args:
        path: folder with `depth/` (and `labels/`), or a folder of depth images without labels.
        depth_unit_m: meters per stored unit, of floats too; None takes `dataset.json`, else 0.001 (floats: meters).
        intrinsics: the camera; None takes `dataset.json`, else the frames have none.
        split: only the frames that `dataset.json` lists under this name.
        description: what is known of the frames where that is not in `dataset.json`.

    Raises:
        InputError: no folder, no frames, labels without `depth/`, an unusable `dataset.json` or an unknown split.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        depth_unit_m: float | None = None,
        intrinsics: Intrinsics | None = None,
        split: str | None = None,
        description: Description | None = None,
    ) -> None:
        self.path = Path(path)
        if (self.path / "labels").is_dir() and not (self.path / "depth").is_dir():
            raise InputError(
                f"{self.path} has labels/ but no depth/, expected both: put the depth images into {self.path}/depth/."
            )
        self._description = description or (read_description(self.path) if self.path.is_dir() else Description())
        self._given_unit_m, self._given_camera = depth_unit_m, intrinsics
        self._files = {stem: file for stem, file, _ in list_frames(self.path)}
        self._split_sets = {name: frozenset(stems) for name, stems in (self.description.splits or {}).items()}
        self._stems = list(self._files) if split is None else self._split(split)
        self._has_facts = (self.path / FACTS_FOLDER).is_dir()

    def _split(self, name: str) -> list[str]:
        splits = self.description.splits or {}
        if name not in splits:
            raise InputError(
                f"{self.path} has no split {name!r}, expected one of {sorted(splits)}: check dataset.json."
            )
        missing = [stem for stem in splits[name] if stem not in self._files]
        if missing:
            raise InputError(
                f"{self.path} lacks {len(missing)} frames of split {name!r}, the first is {missing[0]!r}: "
                "restore them or correct dataset.json."
            )
        return list(splits[name])

    @property
    def description(self) -> Description:
        """What `dataset.json` says, or what was said in its place."""
        return self._description

    @property
    def stems(self) -> list[str]:
        """Name of every frame: its path below `depth/` without suffix."""
        return self._stems

    @property
    def intrinsics(self) -> Intrinsics | None:
        """The camera of all frames that name none of their own."""
        return self._given_camera or self.description.intrinsics

    @property
    def split_names(self) -> tuple[str, ...]:
        """Splits that `dataset.json` lists."""
        return tuple(self.description.splits or ())

    def read(self, index: int) -> Sample:
        """Read one frame, its labels and its facts; see `Dataset`."""
        stem = self.stems[index]
        frame = self._frame(stem)
        labels = self._labels(stem)
        target = read_labels(labels, frame.depth.shape) if labels.is_file() else None
        return Sample(stem, frame, target, self._facts(stem))

    def facts(self, index: int) -> Mapping[str, Any]:
        """What `facts/<stem>.json` says of a frame; see `Dataset`."""
        return self._facts(self.stems[self.place(index)])

    def _facts(self, stem: str) -> Mapping[str, Any]:
        path = facts_file(self.path, stem)
        return read_object(path) if self._has_facts and path.is_file() else {}

    def beside(self) -> list[str]:
        """A sentence for what lies beside `depth/` and is left out, see `find_beside_depth`, or in `labels/`."""
        found = [is_beside_depth(path) for _, path in find_beside_depth(self.path)]
        for path in sorted((self.path / "labels").rglob("[!.]*")):
            if path.suffix.lower() in _LIKE_LABELS and path.suffix != ".png":
                found.append(f"{path} is not read, expected labels as .png in 8 bits: convert or rename it.")
        return found

    def unlabeled(self) -> list[str]:
        """Stems of the frames without label image."""
        return [stem for stem in self.stems if is_read(self._files[stem]) and not self._labels(stem).is_file()]

    def _frame(self, stem: str) -> Frame:
        said = self.description.optics(stem)
        return read_depth(
            self._files[stem],
            depth_unit_m=said.depth_unit_m if self._given_unit_m is None else self._given_unit_m,
            float_unit_m=1.0 if self._given_unit_m is None else self._given_unit_m,
            intrinsics=self._given_camera or said.intrinsics,
        )

    def _labels(self, stem: str) -> Path:
        return self.path / "labels" / f"{stem}.png"

    def color(self, index: int) -> UInt8[np.ndarray, "_h _w 3"] | None:
        """The RGB picture of a frame, see `Dataset.color`.

        Raises:
            InputError: it cannot be read, or is aligned with the depth but has another size.
        """
        path = self.color_path(index)
        if path is None:
            return None
        return read_color(path, self[index].frame.depth.shape if self.description.color_is_aligned else None)

    def has_color(self, index: int) -> bool:
        """Whether a frame has an RGB picture."""
        return self.color_path(index) is not None

    def color_path(self, index: int) -> Path | None:
        """The RGB picture of a frame, None when there is none."""
        paths = (self.path / "color" / f"{self.stems[index]}{suffix}" for suffix in COLOR_SUFFIXES)
        return next((path for path in paths if path.is_file()), None)

    def colors_alone(self) -> list[str]:
        """Names of the pictures in `color/` that no depth image has the stem of."""
        folder, known = self.path / "color", set(self._files)
        names = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.suffix in COLOR_SUFFIXES)
        return [str(name) for name in names if name.with_suffix("").as_posix() not in known and name.name[0] != "."]

    def splits_of(self, index: int) -> tuple[str, ...]:
        """The splits that `dataset.json` lists a frame under."""
        return tuple(name for name, stems in self._split_sets.items() if self.stems[index] in stems)


class FolderWriter:
    """Writes a folder data set; every file appears whole or not at all.

    Args:
        path: the folder, created when missing.
        dataset_json: content of `dataset.json`; `depth_unit_m` (default 0.001) is the unit depth is stored with.
        ledger: knows what earlier runs wrote: with it, pictures that are the same stay, and those that somebody
            corrected are not written over.
        own_units: depth stays in the unit of its frame, which `per_frame` of `dataset.json` then has to name.

    Raises:
        OutputError: the folder cannot be written to.
    """

    def __init__(
        self,
        path: str | Path,
        dataset_json: Mapping[str, Any],
        *,
        ledger: Ledger | None = None,
        own_units: bool = False,
    ) -> None:
        self.path = make_folder(Path(path))
        self.depth_unit_m = float(dataset_json.get("depth_unit_m", DEFAULT_UNIT_M))
        self._ledger = ledger
        self._own_units = own_units
        self._aligned = dataset_json.get("color") is None
        self._unsynced: list[Path] = []
        content = {"depth_unit_m": self.depth_unit_m, **dataset_json}
        if not (self.path / "dataset.json").is_file() or read_object(self.path / "dataset.json") != content:
            write_json(self.path / "dataset.json", content)

    def write(
        self,
        stem: str,
        frame: Frame,
        labels: UInt8[np.ndarray, "_h _w"] | None = None,
        *,
        color: UInt8[np.ndarray, "_h _w 3"] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Write one frame; the labels come last, so that a frame with labels is a complete one.

        Args:
            stem: its name, a path below `depth/` without suffix.
            frame: depth in any unit.
            labels: 0/1/2/255, None when there are none.
            color: RGB picture; None takes the frame's own, which is aligned.
            facts: what else is known of it, as JSON; nothing is written where that is nothing.

        Raises:
            InputError: the stem leaves the folder, sizes differ, depth does not fit the data set's unit, facts are no
                JSON, or a file that is there was corrected by somebody.
            OutputError: the disk is full or not writable.
        """
        parts = PurePosixPath(stem)
        if not stem or parts.is_absolute() or ".." in parts.parts:
            raise InputError(f"The stem {stem!r} leaves {self.path}, expected a relative path: rename the frame.")
        for name, image in (("Labels", labels), ("Color", color if self._aligned else None)):
            if image is not None and image.shape[:2] != frame.depth.shape:
                raise InputError(
                    f"{name} of {stem!r} are {image.shape[:2]}, expected {frame.depth.shape} like the depth."
                )
        color = frame.color if color is None else color
        pictures = {"depth": self._stored(frame, stem), "color": color, "labels": labels}
        paths = {self.path / kind / f"{stem}.png": image for kind, image in pictures.items() if image is not None}
        known = facts_file(self.path, stem)
        text = encode_facts(facts, stem) if facts else None
        if self._ledger is not None:
            for path, image in paths.items():
                self._ledger.check(path, image)
            if text is not None:
                self._ledger.check_text(known, text)
                self._ledger.put_text(known, text)
            for path, image in paths.items():
                self._ledger.put(path, image)
            return
        if text is not None:
            write_bytes(known, text, durable=False)
            self._unsynced.append(known)
        for path, image in paths.items():
            write_png(path, image, durable=False)
        self._unsynced += paths
        if len(self._unsynced) > _MOST_UNSYNCED:
            self.sync()

    def sync(self) -> None:
        """Return when a power cut would take nothing away of what was written.

        Raises:
            OutputError: the disk refuses.
        """
        sync_files(self._unsynced)
        self._unsynced.clear()
        if self._ledger is not None:
            self._ledger.sync()

    def _stored(self, frame: Frame, stem: str) -> np.ndarray:
        return frame.depth if self._own_units else in_unit(frame, self.depth_unit_m, stem)


def facts_file(folder: Path, stem: str) -> Path:
    """Where a folder keeps what is known of a frame beside its pictures."""
    return folder / FACTS_FOLDER / f"{stem}.json"


def in_unit(frame: Frame, depth_unit_m: float, stem: str) -> UInt16[np.ndarray, "h w"]:
    """Depth in another unit; what is not measured stays so, and what is measured does not become that.

    Args:
        frame: the depth.
        depth_unit_m: meters per stored unit of what is made.
        stem: what messages call the frame.

    Raises:
        InputError: it does not fit 16 bits.
    """
    if math.isclose(frame.depth_unit_m, depth_unit_m):
        return frame.depth
    values = np.rint(frame.depth * (frame.depth_unit_m / depth_unit_m))
    values[(values == 0) & (frame.depth > 0)] = 1
    if values.max() > np.iinfo(np.uint16).max:
        raise InputError(
            f"Depth of {stem!r} reaches {frame.depth.max() * frame.depth_unit_m:.1f} m, too far for 16 bits of "
            f"{depth_unit_m:g} m: give the data set a coarser depth_unit_m."
        )
    return values.astype(np.uint16)
