"""Kang HOI, HandSeg and NYU: hands are marked, and nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from graspseg.datasets.public.registry import open_public
from graspseg.frame import Intrinsics

Make = Callable[[str], Any]
# The fixtures' depth: [[0, 500, 512, 255], [700, 65535, 701, 1], [600, 601, 602, 603]]


def test_kang_ignores_what_may_be_held(small: Make) -> None:
    dataset = open_public("kang-hoi", small("kang-hoi").root)
    assert dataset.stems == ["training_data/000000", "training_data/000001"]
    sample = dataset[0]
    assert sample.frame.depth_unit_m == 0.001 and sample.frame.intrinsics is None
    # The hand is at 500 and 601 mm: from 350 to 751 mm may be held.
    np.testing.assert_array_equal(sample.labels, [[0, 1, 255, 0], [255, 0, 255, 0], [255, 1, 255, 255]])


def test_kang_splits(small: Make) -> None:
    root: Path = small("kang-hoi").root
    assert len(open_public("kang-hoi", root, split="train")) == 2
    (root / "HOI_training_data" / "training_data").rename(root / "validation_data")
    assert open_public("kang-hoi", root, split="val").stems == ["validation_data/000000", "validation_data/000001"]


def test_handseg_has_two_hands_and_eighths_of_a_millimeter(small: Make) -> None:
    dataset = open_public("handseg", small("handseg").root)
    assert dataset.stems == ["user-4.00000003", "user-4.00000010"]
    sample = dataset[0]
    assert sample.frame.depth_unit_m == 0.000125 and sample.frame.intrinsics is None
    # Hands at 62.5 and 87.5 mm: all but what is not measured and what is 8 m away may be forearm.
    np.testing.assert_array_equal(sample.labels, [[0, 1, 255, 255], [1, 0, 255, 255], [255, 255, 255, 255]])


def test_nyu_unpacks_green_and_blue(small: Make) -> None:
    dataset = open_public("nyu", small("nyu").root)
    assert dataset.stems == ["train/1_0000001", "train/2_0000001"]
    frame = dataset[0].frame
    np.testing.assert_array_equal(frame.depth, [[0, 500, 512, 255], [700, 65535, 701, 1], [600, 601, 602, 603]])
    assert frame.depth_unit_m == 0.001 and frame.intrinsics == Intrinsics(588.036865, 587.075073, 320.0, 240.0)


def test_nyu_hand_is_where_model_and_measurement_agree(small: Make) -> None:
    # The model is at 400 (nothing measured), 530 (measured 500: hand) and 800 mm (measured 701: occluded).
    labels = open_public("nyu", small("nyu").root)[0].labels
    np.testing.assert_array_equal(labels, [[255, 1, 255, 0], [0, 0, 255, 0], [255, 255, 255, 255]])
