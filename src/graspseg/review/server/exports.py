"""Accepted frames with their corrected labels, for other programs and for training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from graspseg.datasets.atomic import new_file, write_png
from graspseg.datasets.convert import Conversion
from graspseg.datasets.decisions import AcceptedFrames, read_decisions
from graspseg.datasets.output_folder import contents, working_in
from graspseg.datasets.read_ahead import read_ahead
from graspseg.errors import InputError, print_escaped
from graspseg.labels import shade_depth
from graspseg.review.server.cvat import write_footer, write_header, write_image

Form = Literal["folder", "shards", "coco", "png", "cvat"]


@dataclass(frozen=True)
class Exported:
    """What came of an export.

    Attributes:
        frames: frames that were accepted.
        written: those of them that are in the export.
    """

    frames: int
    written: int


def open_accepted(path: Path) -> AcceptedFrames:
    """The accepted frames of a folder.

    Raises:
        InputError: nothing was decided, or nothing accepted.
    """
    decisions = read_decisions(path)
    if decisions is None:
        raise InputError(f"{path} has not been reviewed, expected accepted frames: run graspseg review {path} first.")
    return AcceptedFrames(path, decisions)


def export(
    accepted: AcceptedFrames,
    out: Path,
    form: Form,
    *,
    threads: int = 1,
    say: Callable[[str], None] = print_escaped,
    advance: Callable[[int], None] = lambda count: None,
) -> Exported:
    """Write accepted frames.

    Args:
        accepted: the frames.
        out: a new or empty folder; one from before could hold labels that were corrected since.
        form: `cvat` has pictures and `annotations.xml`; the others as in `graspseg dataset convert`.
        threads: frames read at once.
        say: called with a sentence for every frame that could not be written.
        advance: called with a number of frames that are done.

    Raises:
        InputError: `out` holds something, or no frame could be written.
        OutputError: the disk is full or not writable.
    """
    if out.exists() and (not out.is_dir() or contents(out)):
        raise InputError(f"{out} is there already, expected a new or empty folder: choose another --out.")
    if form == "cvat":
        return Exported(len(accepted), _to_cvat(accepted, out, threads=threads, say=say, advance=advance))
    conversion = Conversion(accepted, out, form, threads=threads, say=say, advance=advance)
    conversion.run()
    return Exported(len(accepted), conversion.written)


def _to_cvat(
    accepted: AcceptedFrames, out: Path, *, threads: int, say: Callable[[str], None], advance: Callable[[int], None]
) -> int:
    """Pictures people can look at, color where there is any, and their masks."""

    def read(index: int) -> tuple[np.ndarray, np.ndarray]:
        sample = accepted[index]
        if sample.labels is None:
            raise InputError(f"{sample.stem} has no label image, expected one: correct the frame in the review.")
        color = accepted.color(index)
        return shade_depth(sample.frame.depth) if color is None else color, sample.labels

    written = 0
    with working_in(out), new_file(out / "annotations.xml") as file:
        write_header(file, name=accepted.path.name, count=len(accepted))
        for index, found in read_ahead(read, range(len(accepted)), threads=threads):
            if isinstance(found, InputError):
                say(str(found))
            else:
                picture, labels = found
                name = f"{accepted.stems[index]}.png"
                write_png(out / "images" / name, picture)
                write_image(file, index, name=name, labels=labels)
                written += 1
            advance(1)
        write_footer(file)
    if not written:
        raise InputError(f"None of the {len(accepted)} accepted frames of {accepted.path} could be written.")
    return written
