"""Files of strangers: read whole, unless they are larger than what they claim to be can be."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from graspseg.errors import InputError

LARGEST_TEXT = 1 << 28
LARGEST_IMAGE = 1 << 30


def read_file(path: Path, most: int = LARGEST_IMAGE) -> bytes:
    """Content of a file of at most `most` bytes.

    Raises:
        InputError: it cannot be read, is larger, or is a pipe or device, which may have no end.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or device"
            raise InputError(f"{path} could not be read (it is {kind}), expected a file: check the name.")
        if status.st_size > most:
            raise InputError(
                f"{path} has {status.st_size} bytes, expected at most {most}: it is damaged, or to be split."
            )
        with path.open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise InputError(
            f"{path} could not be read ({reason}), expected a readable file: check name and permissions."
        ) from error
    if len(data) > most:
        raise InputError(f"{path} has more than {most} bytes, expected no more: it is damaged, or to be split.")
    return data
