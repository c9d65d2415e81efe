"""Draw the contact sheet of docs/data/color.md.

    python tools/docs/color_picture.py

Writes docs/images/color.jpg: three rows of aligned frames with outlines of hand and object, then a row of frames of the
first one again as the color camera of a rig sees them. The frames are those of
`graspseg synth --preset wild --split val --seed 11 --color aligned` (or `rig --color-error-px 3`).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from graspseg.datasets.atomic import write_bytes
from graspseg.frame import Intrinsics
from graspseg.labels import contact_sheet, outline
from graspseg.synth.color.picture import ColorSettings
from graspseg.synth.colored import ColoredFrame, ColorMaker, color_settings
from graspseg.synth.generate import HEIGHT, WIDTH, FrameMaker
from graspseg.synth.recipe import RECIPES

SEED, COLUMNS, SIZE = 11, 6, (200, 150)
PATH = Path(__file__).parents[2] / "docs" / "images" / "color.jpg"


def _maker(settings: ColorSettings) -> ColorMaker:
    camera = Intrinsics.default(WIDTH, HEIGHT)
    return ColorMaker(FrameMaker("val", SEED, intrinsics=camera, recipe=RECIPES["wild"]), settings)


def _drawn(made: ColoredFrame) -> np.ndarray:
    picture = cv2.resize(made.color.rgb, SIZE, interpolation=cv2.INTER_AREA)
    if not made.is_aligned:
        return picture
    return outline(picture, cv2.resize(made.labels, SIZE, interpolation=cv2.INTER_NEAREST))


def main() -> None:
    aligned = _maker(color_settings("aligned", SEED, error_px=0.0))
    rig = _maker(color_settings("rig", SEED, error_px=3.0))
    pictures = [_drawn(aligned.make(index)) for index in range(3 * COLUMNS)]
    pictures += [_drawn(rig.make(index)) for index in range(COLUMNS)]
    sheet = cv2.cvtColor(contact_sheet(pictures, COLUMNS), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])
    write_bytes(PATH, data.data)
    print(PATH)


if __name__ == "__main__":
    main()
