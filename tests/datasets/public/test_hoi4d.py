from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from graspseg.datasets.public.hoi4d import voc_colors
from graspseg.datasets.public.registry import open_public
from graspseg.errors import InputError
from graspseg.frame import Intrinsics

Make = Callable[[str], Any]
SEQUENCE = "ZY20210800001/H1/C8/N01/S71/s01/T1"


def test_video_is_read_bit_by_bit_in_any_order(small: Make) -> None:
    dataset = open_public("hoi4d", small("hoi4d").root)
    assert dataset.stems == [f"{SEQUENCE}/00000", f"{SEQUENCE}/00001"]
    expected = np.arange(32 * 48, dtype=np.uint16).reshape(32, 48) * 41
    np.testing.assert_array_equal(dataset[1].frame.depth, expected[::-1])
    frame = dataset[0].frame
    np.testing.assert_array_equal(frame.depth, expected)
    assert frame.depth_unit_m == 0.001 and frame.intrinsics == Intrinsics(600.0, 601.0, 320.0, 240.0)


def test_decoded_depth_comes_before_the_video(small: Make) -> None:
    root: Path = small("hoi4d").root
    cv2.imwrite(str(root / SEQUENCE / "align_depth" / "00000.png"), np.full((32, 48), 4321, np.uint16))
    assert open_public("hoi4d", root)[0].frame.depth[0, 0] == 4321


def test_colors_of_class_numbers() -> None:
    expected = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128)]
    np.testing.assert_array_equal(voc_colors(7), expected)
    np.testing.assert_array_equal(voc_colors(11)[[8, 10]], [(64, 0, 0), (64, 128, 0)])


# Colors 1, 2, 3, 6 and one that means nothing: C8 (bucket) has the left hand as number 6, C20 (chair) as 3.
@pytest.mark.parametrize(
    ("category", "expected"),
    [("C8", [2, 1, 2, 1, 255, 0]), ("C20", [2, 1, 1, 2, 255, 0]), ("C1", [2, 1, 2, 2, 255, 0])],
)
def test_hands_of_a_category(small: Make, category: str, expected: list[int]) -> None:
    root: Path = small("hoi4d").root
    (root / "ZY20210800001" / "H1" / "C8").rename(root / "ZY20210800001" / "H1" / category)
    labels = open_public("hoi4d", root)[0].labels
    assert labels is not None
    np.testing.assert_array_equal(labels[0, :6], expected)


def test_two_trees_shifted_masks_and_no_camera(small: Make) -> None:
    root: Path = small("hoi4d").root
    (root / SEQUENCE / "2Dseg" / "mask").rename(root / SEQUENCE / "2Dseg" / "shift_mask")
    annotations = root / "HOI4D_annotations" / SEQUENCE
    annotations.mkdir(parents=True)
    (root / SEQUENCE / "2Dseg").rename(annotations / "2Dseg")
    (root / "HOI4D_release").mkdir()
    (root / "ZY20210800001").rename(root / "HOI4D_release" / "ZY20210800001")
    (root / "camera_params").rename(root / "unused")
    sample = open_public("hoi4d", root)[1]
    assert sample.labels is not None and sample.frame.intrinsics is None


def test_splits_are_lists_the_user_adds(small: Make) -> None:
    root: Path = small("hoi4d").root
    with pytest.raises(InputError, match=r"release\.txt could not be read .*HOI4D-Instructions.*: put it there"):
        open_public("hoi4d", root, split="release")
    (root / "release.txt").write_text(f"ZY20210800004/H4/C8/N14/S71/s03/T2\n{SEQUENCE}\n")
    assert len(open_public("hoi4d", root, split="release")) == 2
    (root / "testset.txt").write_text("ZY20210800004/H4/C8/N14/S71/s03/T2\n")
    with pytest.raises(InputError, match="no frames of split testset"):
        open_public("hoi4d", root, split="testset")


def test_frames_of_a_video_without_masks(small: Make) -> None:
    root: Path = small("hoi4d").root
    (root / SEQUENCE / "2Dseg").rename(root / "masks")
    dataset = open_public("hoi4d", root)
    assert len(dataset) == 2 and dataset.unlabeled() == dataset.stems


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'shape': (3, 3", b"1 2 3"])
def test_a_damaged_camera(small: Make, content: bytes) -> None:
    root: Path = small("hoi4d").root
    (root / "camera_params" / "ZY20210800001" / "intrin.npy").write_bytes(content.ljust(200))
    with pytest.raises(InputError, match=r"intrin\.npy is no whole NPY array, expected 3 x 3 numbers: download"):
        open_public("hoi4d", root)[0]
