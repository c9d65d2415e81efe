from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graspseg.datasets.public.registry import open_public
from graspseg.errors import InputError
from graspseg.frame import Intrinsics

Make = Callable[[str], Any]


def test_millimeters_camera_and_grasped_object(small: Make) -> None:
    dataset = open_public("dexycb", small("dexycb").root)
    assert dataset.stems == [f"20200709-subject-01/20200709_141754/836212060125/00000{n}" for n in range(2)]
    sample = dataset[0]
    assert sample.frame.depth[1, 1] == 65535 and sample.frame.depth_unit_m == 0.001
    assert sample.frame.intrinsics == Intrinsics(600.0, 601.0, 320.0, 240.0)
    # Object 11 is grasped; 1, 12 and 20 only lie there.
    np.testing.assert_array_equal(sample.labels, [[0, 1, 2, 0], [0, 0, 0, 1], [2, 2, 0, 0]])


def test_color_of_a_frame(small: Make) -> None:
    color = open_public("dexycb", small("dexycb").root).color(0)
    assert color is not None and color.shape == (3, 4, 3) and abs(int(color[0, 0, 0]) - 90) <= 2


def test_splits_by_subject_and_camera(small: Make) -> None:
    root = small("dexycb").root
    assert len(open_public("dexycb", root, split="s1_train")) == 2
    assert len(open_public("dexycb", root, split="s2_train")) == 2
    for split in ("s1_test", "s2_val"):
        with pytest.raises(InputError, match=f"no frames of split {split}"):
            open_public("dexycb", root, split=split)


def test_splits_by_sequence_count_all_hundred(small: Make) -> None:
    root = small("dexycb").root
    subject = root / "20200709-subject-01"
    with pytest.raises(InputError, match="holds 1 sequences, expected all 100"):
        open_public("dexycb", root, split="train")
    for index in range(99):
        (subject / f"20200710_{index:06d}").mkdir()
    # The one sequence with frames comes first: train of s0, s1, s2 and s3.
    assert len(open_public("dexycb", root, split="train")) == 2
    assert len(open_public("dexycb", root, split="s3_train")) == 2
    with pytest.raises(InputError, match="no frames of split val"):
        open_public("dexycb", root, split="val")
    (subject / "20200709_141754").rename(subject / "20200710_000003_last")  # now the fifth
    assert len(open_public("dexycb", root, split="val")) == 2


@pytest.mark.parametrize(
    ("meta", "reported"),
    [("ycb_ids: [1]\nycb_grasp_ind: 3\n", "names no grasped object"), ("- 1\n", "holds list"), ("{", "is damaged")],
)
def test_sequence_description_that_cannot_be_used(small: Make, meta: str, reported: str) -> None:
    root: Path = small("dexycb").root
    (root / "20200709-subject-01" / "20200709_141754" / "meta.yml").write_text(meta)
    with pytest.raises(InputError, match=rf"meta\.yml {reported}"):
        open_public("dexycb", root)[0]


def test_missing_calibration_of_a_camera(small: Make) -> None:
    root: Path = small("dexycb").root
    (root / "calibration" / "intrinsics" / "836212060125_640x480.yml").unlink()
    with pytest.raises(InputError, match=r"836212060125_640x480\.yml could not be read"):
        open_public("dexycb", root)[0]
