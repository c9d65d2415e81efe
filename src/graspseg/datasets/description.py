"""What a data set says of itself: `dataset.json` of a folder, and the same fields in the manifest of shards."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from graspseg.datasets.fields import unread_fields
from graspseg.datasets.files import LARGEST_TEXT, read_file
from graspseg.errors import InputError
from graspseg.frame import FAR_TOO_COARSE_M, Intrinsics


class Optics(NamedTuple):
    """What is needed to read depth: meters per stored unit and the camera; None where nothing is given."""

    depth_unit_m: float | None = None
    intrinsics: Intrinsics | None = None


_NOTHING = Optics()


@dataclass(frozen=True)
class Description:
    """What is known of all frames: None or empty where nothing is given.

    Attributes:
        depth_unit_m: meters per stored unit.
        intrinsics: the camera.
        splits: stems by name of the split.
        content: every field as it is written, such as `licence` and `provenance`.
        per_frame: unit and camera by stem, for frames that have others.
        notes: oddities that a person should hear of, such as fields that nobody reads.
    """

    depth_unit_m: float | None = None
    intrinsics: Intrinsics | None = None
    splits: Mapping[str, list[str]] | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
    per_frame: Mapping[str, Optics] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def color_is_aligned(self) -> bool:
        """Whether pictures fit the depth pixel by pixel; not where `color` says where their own camera is."""
        return self.content.get("color") is None

    def optics(self, stem: str) -> Optics:
        """Unit and camera of a frame."""
        own = self.per_frame.get(stem, _NOTHING)
        return Optics(own.depth_unit_m or self.depth_unit_m, own.intrinsics or self.intrinsics)


def read_description(folder: Path) -> Description:
    """Read `dataset.json` of a folder; a folder without one has an empty description.

    Raises:
        InputError: the file is no JSON object, or one of its known fields has a wrong form.
    """
    path = folder / "dataset.json"
    if not path.is_file():
        return Description()
    content = read_object(path)
    splits = content.get("splits")
    if splits is not None and not (
        isinstance(splits, dict)
        and all(isinstance(stems, list) and all(isinstance(stem, str) for stem in stems) for stems in splits.values())
    ):
        raise InputError(f"{path} has splits of another form, expected lists of stems by name: correct the file.")
    return Description(
        parse_unit(content, path),
        parse_intrinsics(content, path),
        splits,
        content,
        parse_per_frame(content, path),
        unread_fields(content, path),
    )


def parse_per_frame(content: Mapping[str, Any], path: Path) -> dict[str, Optics]:
    """The field `per_frame`: `depth_unit_m` and `intrinsics` by stem.

    Raises:
        InputError: it has another form.
    """
    rows = content.get("per_frame", {})
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        raise InputError(f"{path} has per_frame of another form, expected an object for each stem: correct the file.")
    return {stem: Optics(parse_unit(row, path), parse_intrinsics(row, path)) for stem, row in rows.items()}


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
        InputError: it cannot be read or holds something else.
    """
    try:
        text = read_file(path, LARGEST_TEXT)
    except InputError as error:
        raise InputError(f"{path} is no readable JSON ({error}), expected one object: correct the file.") from error
    return parse_object(text, path)


def parse_object(text: bytes, path: Path) -> dict[str, Any]:
    """One JSON object in UTF-8, with or without byte-order mark; `path` is what messages call it.

    Raises:
        InputError: the text is something else.
    """
    try:
        content = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no readable JSON ({error}), expected one object: correct the file.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds a {type(content).__name__}, expected one JSON object: correct the file.")
    return content


def encode_facts(facts: Mapping[str, Any], stem: str) -> bytes:
    """What is known of a frame as JSON in UTF-8; equal facts give equal bytes.

    Raises:
        InputError: it is no JSON.
    """
    try:
        return json.dumps(facts, sort_keys=True, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InputError(f"The facts of {stem!r} are no JSON ({error}): correct them.") from error


def parse_unit(content: Mapping[str, Any], path: Path) -> float | None:
    """The field `depth_unit_m`: meters per stored unit, None when missing.

    Raises:
        InputError: it is no positive number.
    """
    unit = content.get("depth_unit_m")
    if unit is not None and not (is_number(unit) and 0 < unit < FAR_TOO_COARSE_M):
        raise InputError(f"{path} has depth_unit_m {unit!r}, expected meters per unit above 0: 0.001 is millimeters.")
    return None if unit is None else float(unit)


def parse_intrinsics(content: Mapping[str, Any], path: Path) -> Intrinsics | None:
    """The field `intrinsics`: fx, fy, cx, cy in pixels, None when missing.

    Raises:
        InputError: a value is missing, no number, or impossible.
    """
    camera = content.get("intrinsics")
    if camera is None:
        return None
    if not isinstance(camera, dict) or not all(is_number(camera.get(key)) for key in ("fx", "fy", "cx", "cy")):
        raise InputError(f"{path} has intrinsics {camera!r}, expected numbers fx, fy, cx, cy in pixels: correct it.")
    try:
        return Intrinsics(*(float(camera[key]) for key in ("fx", "fy", "cx", "cy")))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def is_number(value: object) -> bool:
    """Whether a JSON value is a number that fits a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
