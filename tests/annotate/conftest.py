"""A recording whose hand has the color of skin and whose object has not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graspseg.datasets.atomic import write_png

SKIN, BLUE, GRAY = (224, 172, 138), (30, 60, 200), (120, 120, 120)


@pytest.fixture
def make_recording(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of frames: hand at 0.40 m on the left, object at 0.42 m beside it, wall at 1 m."""

    def make(
        count: int, name: str = "recording", *, bare_wall: tuple[int, ...] = (), empty: tuple[int, ...] = ()
    ) -> Path:
        folder = tmp_path / name
        for index in range(count):
            depth = np.full((120, 160), 1000, np.uint16)
            color = np.full((120, 160, 3), GRAY, np.uint8)
            if index not in bare_wall:
                left = 20 + index % 3
                depth[30:90, left : left + 50], color[30:90, left : left + 50] = 400, SKIN
                if index not in empty:
                    depth[40:80, left + 50 : left + 90], color[40:80, left + 50 : left + 90] = 420, BLUE
            write_png(folder / "depth" / f"{index}.png", depth)
            write_png(folder / "color" / f"{index}.png", color)
        camera = '{"fx": 119, "fy": 119, "cx": 79.5, "cy": 59.5}'
        (folder / "dataset.json").write_text(f'{{"depth_unit_m": 0.001, "intrinsics": {camera}}}')
        return folder

    return make
