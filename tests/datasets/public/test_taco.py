from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from graspseg.datasets.public.registry import open_public
from graspseg.errors import InputError
from graspseg.frame import Intrinsics

Make = Callable[[str], Any]
SEQUENCE = "(brush, brush, box)/20231006_163"


def test_quarters_of_a_millimeter_out_of_the_video(small: Make) -> None:
    dataset = open_public("taco", small("taco").root)
    assert dataset.stems == [f"{SEQUENCE}/00000", f"{SEQUENCE}/00001"]
    frame = dataset[0].frame
    assert frame.depth[0, 1] == 41 and frame.depth_unit_m == 0.00025
    assert frame.depth_m()[0, 1] == pytest.approx(0.01025)
    assert frame.intrinsics == Intrinsics(600.0, 601.0, 320.0, 240.0)
    assert dataset[0].labels is None and dataset.color(0) is None
    assert dataset.unlabeled() == dataset.stems


def test_decoded_frames(small: Make) -> None:
    root: Path = small("taco").root
    folder = root / "Egocentric_Depth_Videos" / SEQUENCE
    cv2.imwrite(str(folder / "00000.png"), np.full((4, 6), 4000, np.uint16))
    dataset = open_public("taco", root)
    assert len(dataset) == 1 and dataset[0].frame.depth_m()[0, 0] == 1.0


def test_splits_are_a_list_the_user_adds(small: Make) -> None:
    root: Path = small("taco").root
    (root / "v1_overall_data_train_test_split.txt").write_text("20231006_163,test_2\n20231019_056,train\n")
    assert len(open_public("taco", root, split="test_2")) == 2
    with pytest.raises(InputError, match="no frames of split train"):
        open_public("taco", root, split="train")


@pytest.mark.parametrize("content", ["", "1 2\n", "a b c\n", "1 2 3\n" * 4])
def test_camera_that_is_gone(small: Make, content: str) -> None:
    root: Path = small("taco").root
    (root / "Egocentric_Camera_Parameters" / SEQUENCE / "egocentric_intrinsic.txt").write_text(content)
    with pytest.raises(InputError, match=r"egocentric_intrinsic\.txt .*: download it again\.$"):
        open_public("taco", root)[0]
