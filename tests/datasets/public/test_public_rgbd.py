from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graspseg.cameras.open import open_rgbd
from graspseg.datasets.public.registry import open_public
from graspseg.errors import InputError


def test_depth_comes_with_the_color_of_the_set(small: Callable[[str], Any], capsys: pytest.CaptureFixture[str]) -> None:
    root = small("dexycb").root
    source, dataset = open_rgbd(f"dexycb:{root}"), open_public("dexycb", root)
    assert source.names == dataset.stems and len(source) == 2
    frame = source[1]
    assert frame.color_camera is None and frame.frame.intrinsics == dataset[1].frame.intrinsics
    np.testing.assert_array_equal(frame.color, dataset.color(1))
    np.testing.assert_array_equal(frame.frame.depth, dataset[1].frame.depth)
    assert "CC BY-NC" in capsys.readouterr().err


def test_frames_without_labels_count_too(small: Callable[[str], Any]) -> None:
    each = small("dexycb")
    assert each.labels is not None
    each.labels.unlink()
    assert len(open_rgbd(f"dexycb:{each.root}")) == 2


def test_a_set_without_color_is_named(small: Callable[[str], Any]) -> None:
    with pytest.raises(InputError, match=r"no color for them"):
        open_rgbd(f"handseg:{small('handseg').root}")
