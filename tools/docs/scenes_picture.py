"""Draw docs/images/scenes.jpg: synthetic frames with labels, a row each of `wild`, `rooms`, `workplace`, `frontal`.

python tools/docs/scenes_picture.py
"""

from __future__ import annotations

from pathlib import Path

import cv2

from graspseg.datasets.atomic import write_bytes
from graspseg.labels import contact_sheet, overlay
from graspseg.synth.generate import FrameMaker
from graspseg.synth.recipe import RECIPES

PATH = Path(__file__).parents[2] / "docs" / "images" / "scenes.jpg"
SEED, COLUMNS, SIZE, QUALITY = 0, 6, (320, 240), 85


def main() -> None:
    pictures = []
    for preset in ("wild", "rooms", "workplace", "frontal"):
        maker = FrameMaker("unseen", SEED, recipe=RECIPES[preset])
        for made in map(maker.make, range(COLUMNS)):
            picture = overlay(made.frame().depth, made.labels)
            pictures.append(cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA))
    done, packed = cv2.imencode(
        ".jpg", contact_sheet(pictures, COLUMNS)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    assert done
    write_bytes(PATH, packed.tobytes())
    print(PATH)


if __name__ == "__main__":
    main()
