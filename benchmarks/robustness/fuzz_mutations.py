"""Damage to a file as data: each change is drawn at random, or by hypothesis, and can be repeated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

Operation = Literal["cut", "flip", "fill", "drop", "repeat", "insert", "number", "token"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb'"[^"]{0,80}"|-?\d[\d.eE+-]*|[][{}<>/:,=]|true|false|null')
_EXTREMES = (0, 1, 2, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1)
_TOKENS = (
    b"", b"-1", b"0", b"1e999", b"-1e999", b"NaN", b"Infinity", b"null", b"true", b"[]", b"{}", b'""', b'"\\u0000"',
    b'"../../x"', b"1" * 400, b"[" * 3000, b"1.5", b"4294967296", b"-0.0", b'"\\ud800"', b"<a>", b"&a;",
    b"%s%n", b"\xff",
)  # fmt: skip


class Change(NamedTuple):
    """One change.

    Attributes:
        operation: what is done.
        place: where, as a share of the file from 0 to below 1.
        size: about how much, 0 to 255.
        value: which of several values, 0 to 255.
    """

    operation: Operation
    place: float
    size: int
    value: int


def draw(rng: np.random.Generator) -> list[Change]:
    """Changes at random: mostly one, and a cut stands alone."""
    first = _draw(rng, OPERATIONS)
    if first.operation == "cut":
        return [first]
    return [first, *(_draw(rng, OPERATIONS[1:]) for _ in range(int(rng.choice([0, 0, 1, 2]))))]


def _draw(rng: np.random.Generator, operations: Sequence[Operation]) -> Change:
    size, value = (int(number) for number in rng.integers(256, size=2))
    return Change(operations[int(rng.integers(len(operations)))], rng.random(), size, value)


def is_cut(changes: Sequence[Change]) -> bool:
    """Whether only the end is missing."""
    return all(change.operation == "cut" for change in changes)


def damaged(data: bytes, changes: Sequence[Change]) -> bytes:
    """The file after all changes."""
    for change in changes:
        data = _changed(data, change)
    return data


def _changed(data: bytes, change: Change) -> bytes:
    operation, _, size, value = change
    at = int(change.place * len(data))
    length = 1 + size * size // 16  # up to 4 KiB, mostly little
    part = data[at : at + length]
    match operation:
        case "cut":
            return data[:at]
        case "flip":
            return data[:at] + bytes([data[at] ^ (1 << value % 8)]) + data[at + 1 :] if data else data
        case "fill":
            return data[:at] + bytes([(0, 255, value)[value % 3]]) * len(part) + data[at + length :]
        case "drop":
            return data[:at] + data[at + length :]
        case "repeat":
            return data[:at] + part * (1 + value % 4) + data[at:]
        case "insert":
            return data[:at] + np.random.default_rng(value).bytes(length) + data[at:]
        case "number":
            width = (1, 2, 4, 8)[size % 4]
            number = _EXTREMES[value % len(_EXTREMES)] % (1 << 8 * width)
            return data[:at] + number.to_bytes(width, "big" if size & 4 else "little") + data[at + width :]
        case "token":
            pattern = _NUMBER if size % 2 else _WORD
            found = pattern.search(data, at) or pattern.search(data)
            start, end = found.span() if found else (at, at)
            return data[:start] + _TOKENS[value % len(_TOKENS)] + data[end:]
