"""`graspseg sheet`: a contact sheet of a folder, so that a person can look at many frames at once."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from graspseg.frame import InputError

if TYPE_CHECKING:
    import numpy as np

    from graspseg.datasets.folder import Sample


@dataclass(frozen=True)
class Options:
    """Draw frames of a folder data set, spread evenly over it, with their labels if there are any."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Folder with depth/ (and labels/), or of depth images."""
    out: Path
    """PNG file to write."""
    count: int = 48
    """Most frames to draw."""
    columns: int = 8
    """Frames in a row."""
    width: int = 240
    """Width of a drawn frame in pixels."""


def main(argv: list[str]) -> int:
    """Run the command; frames that cannot be read are reported and left out.

    Raises:
        InputError: nothing to draw, or the file cannot be written.
    """
    options = tyro.cli(Options, args=argv, prog="graspseg sheet")
    if min(options.count, options.columns, options.width) < 1 or options.out.suffix.lower() != ".png":
        raise InputError(f"--count, --columns, --width below 1, or {options.out} no .png: correct the options.")
    from graspseg.datasets.atomic import write_png
    from graspseg.datasets.folder import FolderDataset
    from graspseg.labels import contact_sheet

    dataset = FolderDataset(options.folder)
    count = min(options.count, len(dataset))
    pictures, failed = [], 0
    for index in (number * len(dataset) // count for number in range(count)):
        try:
            pictures.append(_draw(dataset[index], options.width))
        except InputError as error:
            failed += 1
            print(f"graspseg: {error}", file=sys.stderr)
    if not pictures:
        raise InputError(f"{options.folder} has no frame that can be drawn, see above: correct its files.")
    write_png(options.out, contact_sheet(pictures, options.columns))
    print(f"{len(pictures)} of {len(dataset)} frames drawn to {options.out}", file=sys.stderr)
    return 1 if failed else 0


def _draw(sample: Sample, width: int) -> np.ndarray:
    """One cell: the frame, tinted by its labels, with its stem below."""
    import cv2
    import numpy as np

    from graspseg.labels import overlay, shade_depth

    depth = sample.frame.depth
    picture = shade_depth(depth) if sample.labels is None else overlay(depth, sample.labels)
    height = max(1, round(depth.shape[0] * width / depth.shape[1]))
    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    caption = np.full((14, width, 3), 24, np.uint8)
    cv2.putText(caption, sample.stem[-width // 6 :], (2, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (200, 200, 200), 1)
    return np.vstack([picture, caption])
