"""Recorded frames without hands, as `--backgrounds` takes them: looked at before anything is put into them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from graspseg.errors import printable

_SURE = 0.9
_MOST_LOOKED_AT = 300
_MOST_NAMED = 5


def frames_with_hands(folders: Sequence[Path]) -> tuple[str, ...]:
    """Find the frames in which the shipped model is sure of a hand, and say which they are.

    Of a long recording, frames are looked at that lie evenly in it; beside one with a hand, those up to the next
    looked at are left out as well.

    Args:
        folders: data sets, or folders of them.

    Returns:
        Names of frames, `SET/STEM`, that are not to be used.

    Raises:
        InputError: a folder holds no frames, a frame cannot be read, or frames of one set have several sizes.
    """
    from rich.console import Console
    from rich.progress import track

    from graspseg.datasets.frame_warnings import warn_beside
    from graspseg.segment.segmenter import Segmenter
    from graspseg.synth.scene.backgrounds import Backgrounds

    recorded, segment = Backgrounds(folders), Segmenter(precision="float32")
    for dataset in recorded.sets:
        warn_beside(dataset)
    step = -(-len(recorded) // _MOST_LOOKED_AT)
    names = recorded.names()
    shown: list[str] = []
    tried = track(
        range(0, len(names), step), "looking for hands in the backgrounds", console=Console(stderr=True), transient=True
    )
    for first in tried:
        present = segment(recorded.frame(names[first])).hand_present
        if present is not None and present >= _SURE:
            shown += names[max(first - step + 1, 0) : first + step]
    left_out = tuple(dict.fromkeys(shown))
    if left_out:
        more = f" and {len(left_out) - _MOST_NAMED} more" if len(left_out) > _MOST_NAMED else ""
        print(
            f"graspseg: {len(left_out)} of {len(names)} background frames show a hand and are left out: "
            f"{printable(', '.join(left_out[:_MOST_NAMED]))}{more}",
            file=sys.stderr,
        )
    if step > 1:
        print(f"graspseg: looked for hands in every {step}th background frame", file=sys.stderr)
    # That something is left is found before any frame is made.
    Backgrounds(folders, left_out=left_out)
    return left_out
