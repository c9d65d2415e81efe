"""Hashes by which a model file proves that its weights are those it was written with."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from pathlib import Path

from graspseg.errors import InputError

PREFIX = "graspseg."
"""Of the names of all our fields in a model file's header."""
DIGEST_KEY = f"{PREFIX}sha256"


def digest_of(parts: Iterable[bytes | memoryview]) -> str:
    """SHA-256 of bytes in order, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def safetensors_digest(data: bytes) -> str:
    """SHA-256 of the tensors in the bytes of a safetensors file: all that follows the header and its length."""
    (length,) = struct.unpack_from("<Q", data)
    return digest_of([memoryview(data)[8 + length :]])


def check_digest(path: Path, recorded: object, found: str) -> None:
    """See that weights are those a file was written with; files of before this was recorded pass.

    Args:
        path: the file.
        recorded: what it says, None where it says nothing.
        found: see `digest_of`.

    Raises:
        InputError: they differ.
    """
    if recorded is not None and recorded != found:
        raise InputError(
            f"{path} is damaged: its weights have the SHA-256 {found[:12]}..., expected {str(recorded)[:12]}... as "
            "recorded in it: copy or make it again."
        )
