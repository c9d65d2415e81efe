"""What a model file says about itself, read without loading a model library."""

from __future__ import annotations

import contextlib
import json
import math
import operator
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from graspseg.errors import InputError
from graspseg.forest.archive import read_header
from graspseg.models.digest import DIGEST_KEY, PREFIX, check_digest, digest_of, safetensors_digest
from graspseg.models.presence import Presence

FORMAT = "1"
FOREST = "forest"
FOREST_SUFFIX = ".npz"

PASSES_KEY, PRESENCE_KEY = f"{PREFIX}passes", f"{PREFIX}presence"
MOST_HANDS = 4
QUANTIZED_KEY = f"{PREFIX}quantized_from"
ADMITTED_KEY = f"{PREFIX}admitted"
_GRAPH_FIELD, _METADATA_FIELD = 7, 14  # ModelProto.graph, ModelProto.metadata_props
_KEY_FIELD, _VALUE_FIELD = 1, 2  # StringStringEntryProto


@dataclass(frozen=True)
class ModelInfo:
    """The parts of a model's metadata that the runtime needs.

    Attributes:
        network: name in the table of networks.
        side: side length of the square window the network sees, in network pixels; 0 for a forest, which sees all.
        looks: most windows looked at: everything, closer at hand and object, closer at the object and the hand on it.
        full_side: side length of the first window, which shows everything; 0 as `side`.
        hands: most groups of hand and object that get a closer window of their own; with 1 all share one.
        mirror: whether closer windows are looked at a second time, mirrored.
        presence: how sure a hand is, None in files of before this was measured.
        digest: SHA-256 of its graph and weights, None in files of before this was recorded.
        quantized_from: `digest` of the file that this one is the int8 version of, None for others.
        admitted: coarser arithmetics that this very file was judged to be as good in, such as `bf16`.
    """

    network: str
    side: int
    looks: int
    full_side: int = 0
    hands: int = 1
    mirror: bool = True
    presence: Presence | None = None
    digest: str | None = None
    quantized_from: str | None = None
    admitted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.full_side:
            object.__setattr__(self, "full_side", self.side)


def read_model_info(path: Path) -> ModelInfo:
    """Read what the runtime needs to know of an exported model or a forest.

    Raises:
        InputError: it is neither an ONNX file that graspseg exported nor a whole forest.
    """
    if path.suffix.lower() == FOREST_SUFFIX:
        read_header(path)
        return ModelInfo(FOREST, 0, 1)
    if path.suffix.lower() == ".safetensors":
        raise InputError(f"{path} holds weights to train from, expected an exported .onnx: run graspseg export first.")
    properties = read_openvino_properties(path) if path.suffix.lower() == ".xml" else read_onnx_properties(path)
    remedy = "use a file made by graspseg export"
    if not any(key.startswith(PREFIX) for key in properties):
        raise InputError(f"{path} was not exported by graspseg, expected an ONNX file with its metadata: {remedy}.")
    if properties.get(f"{PREFIX}format") != FORMAT:
        found = properties.get(f"{PREFIX}format")
        raise InputError(f"{path} has format {found!r}, expected {FORMAT!r}: export it with this version of graspseg.")
    side, looks = properties.get(f"{PREFIX}side", ""), properties.get(f"{PREFIX}looks", "1")
    if not side.isdecimal() or len(side) > 5 or int(side) < 1 or looks not in ("1", "2", "3"):
        raise InputError(f"{path} has side {side[:9]!r} and looks {looks[:9]!r}, expected a size and 1 to 3: {remedy}.")
    return ModelInfo(
        properties.get(f"{PREFIX}network", "unknown"),
        int(side),
        int(looks),
        **_passes(properties.get(PASSES_KEY, "{}"), path),
        presence=_presence(properties.get(PRESENCE_KEY), path),
        digest=properties.get(DIGEST_KEY),
        quantized_from=properties.get(QUANTIZED_KEY),
        admitted=_admitted(properties.get(ADMITTED_KEY, "{}"), path),
    )


def _passes(text: str, path: Path) -> dict[str, Any]:
    """What `graspseg.passes` says of the windows beyond `side` and `looks`: JSON with keys of `ModelInfo`."""
    with contextlib.suppress(ValueError):
        passes = json.loads(text)
        if (
            isinstance(passes, dict)
            and set(passes) <= {"full_side", "hands", "mirror"}
            and type(passes.get("full_side", 16)) is int
            and 16 <= passes.get("full_side", 16) < 10_000
            and passes.get("hands", 1) in range(1, MOST_HANDS + 1)
            and isinstance(passes.get("mirror", True), bool)
        ):
            return passes
    raise InputError(
        f"{path} has passes {text[:80]!r}, expected JSON with full_side of at least 16, hands from 1 to {MOST_HANDS} "
        "and mirror: use a file made by graspseg export."
    )


def _admitted(text: str, path: Path) -> tuple[str, ...]:
    """Names of precisions, keys of what `evaluation.quantization` recorded about them."""
    with contextlib.suppress(ValueError, RecursionError):
        judged = json.loads(text)
        if isinstance(judged, dict):
            return tuple(judged)
    raise InputError(
        f"{path} has admitted {text[:80]!r}, expected JSON with judgments by precision: use a file made by graspseg "
        "export."
    )


def _presence(text: str | None, path: Path) -> Presence | None:
    if text is None:
        return None
    try:
        return Presence.parse(text)
    except ValueError as error:
        raise InputError(f"{path} has a presence that cannot be used ({error}): fit it again.") from error


def read_onnx_properties(path: Path) -> dict[str, str]:
    """Read the `metadata_props` of an ONNX file.

    Raises:
        InputError: missing, no ONNX file, or its graph and weights are not those it was exported with.
    """
    data = _read(path)
    properties = {}
    graph = []
    try:
        if not data:
            raise ValueError("an empty file")
        for field, value in _fields(memoryview(data)):
            if field == _GRAPH_FIELD:
                graph.append(value)
            if field == _METADATA_FIELD:
                entry = dict(_fields(value))
                properties[bytes(entry.get(_KEY_FIELD, b"")).decode()] = bytes(entry.get(_VALUE_FIELD, b"")).decode()
    except (IndexError, ValueError) as error:
        raise InputError(
            f"{path} is no whole ONNX file, expected a model made by graspseg export: export or copy it again."
        ) from error
    check_digest(path, properties.get(DIGEST_KEY), digest_of(graph))
    return properties


def read_openvino_properties(path: Path) -> dict[str, str]:
    """Read what `graspseg export --format openvino` wrote into an `.xml` about itself; keys as in ONNX files.

    Raises:
        InputError: missing, no XML, or the `.bin` beside it is missing or holds other weights.
    """
    try:
        root = ElementTree.fromstring(_read(path))
    except ElementTree.ParseError as error:
        raise InputError(
            f"{path} is no whole XML file, expected a model made by graspseg export: export or copy it again."
        ) from error
    told = root.find("rt_info/graspseg")
    properties = {f"{PREFIX}{entry.tag}": entry.get("value", "") for entry in (() if told is None else told)}
    if properties:
        check_digest(path, properties.get(DIGEST_KEY), digest_of([_read(path.with_suffix(".bin"))]))
    return properties


def read_safetensors_header(path: Path) -> dict[str, Any]:
    """Read the JSON header of a safetensors file: tensors by name, and `__metadata__`.

    Raises:
        InputError: missing, no safetensors file, or its weights are not those that were saved.
    """
    data = _read(path)
    try:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length].decode())
        recorded = dict(header.get("__metadata__", {})).get(DIGEST_KEY)
        ends = [0]
        for name, tensor in header.items():
            if name != "__metadata__":
                ends.append(tensor["data_offsets"][1])
                operator.index(math.prod(tensor["shape"]))
        whole = max(ends) == len(data) - 8 - length
    except (struct.error, ValueError, RecursionError, TypeError, LookupError, AttributeError) as error:
        raise InputError(
            f"{path} is no whole safetensors file, expected weights saved by graspseg train: copy them again."
        ) from error
    if not whole:
        raise InputError(
            f"{path} is a truncated safetensors file, expected weights saved by graspseg train: copy them again."
        )
    check_digest(path, recorded, safetensors_digest(data))
    return header


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror}): check name and permissions.") from error


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Fields of one protobuf message: number and bytes of those that have a length, the others are skipped.

    The format is a few lines, the library that reads it is larger than everything else at run time.
    """
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        field, kind = tag >> 3, tag & 7
        if field == 0 or kind not in (0, 1, 2, 5):
            raise ValueError("no protobuf message")
        if kind == 0:
            _, position = _varint(message, position)
            continue
        length, position = (8, position) if kind == 1 else (4, position) if kind == 5 else _varint(message, position)
        if position + length > len(message):
            raise ValueError("truncated protobuf message")
        if kind == 2:
            yield field, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position
        if shift > 63:
            raise ValueError("no protobuf number")
