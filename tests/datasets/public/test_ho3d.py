import pickle
import resource
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


def test_depth_is_unpacked_exactly(small: Make) -> None:
    frame = open_public("ho3d", small("ho3d").root)[0].frame
    # Red + 256 green: (500 = 244 + 256, 65535 = 255 + 65280), each pixel doubled.
    np.testing.assert_array_equal(frame.depth[0], [0, 0, 500, 500, 512, 512, 255, 255])
    np.testing.assert_array_equal(frame.depth[3], [700, 700, 65535, 65535, 701, 701, 1, 1])
    assert frame.depth_unit_m == 0.00012498664727900177
    assert frame.depth_m()[0, 2] == pytest.approx(0.0624933, abs=1e-7)
    assert frame.intrinsics == Intrinsics(600.0, 601.0, 320.0, 240.0)


def test_masks_of_half_the_size(small: Make) -> None:
    expected = np.zeros((4, 8), np.uint8)
    expected[:2, :2] = 1
    expected[:2, 2:4] = 2
    np.testing.assert_array_equal(open_public("ho3d", small("ho3d").root)[0].labels, expected)
    expected[2:, 6:] = 1  # H2O-3D's other hand
    np.testing.assert_array_equal(open_public("h2o3d", small("h2o3d").root)[0].labels, expected)


def test_masks_left_where_their_archive_was_unpacked(small: Make) -> None:
    root: Path = small("ho3d").root
    masks = root / "HO3D_v3_segmentations_rendered" / "train" / "ABF10"
    masks.mkdir(parents=True)
    (root / "train" / "ABF10" / "seg").rename(masks / "seg")
    dataset = open_public("ho3d", root)
    assert dataset.unlabeled() == [] and dataset[0].labels is not None


def test_gray_picture_is_no_packed_depth(small: Make) -> None:
    made = small("ho3d")
    cv2.imwrite(str(made.depth), np.zeros((4, 8), np.uint8))
    with pytest.raises(InputError, match=r"0000\.png is a gray PNG, expected depth packed in green and red"):
        open_public("ho3d", made.root)[0]


def test_annotation_without_camera(small: Make) -> None:
    root: Path = small("ho3d").root
    (root / "train" / "ABF10" / "meta" / "0000.pkl").write_bytes(pickle.dumps({"camMat": None}, protocol=2))
    assert open_public("ho3d", root)[0].frame.intrinsics is None


def test_annotation_written_by_an_older_numpy(small: Make) -> None:
    root: Path = small("ho3d").root
    path = root / "train" / "ABF10" / "meta" / "0000.pkl"
    data = path.read_bytes()
    assert b"numpy._core" in data
    path.write_bytes(data.replace(b"numpy._core", b"numpy.core"))
    assert open_public("ho3d", root)[0].frame.intrinsics == Intrinsics(600.0, 601.0, 320.0, 240.0)


def test_annotation_that_would_run_code(small: Make, tmp_path: Path) -> None:
    root: Path = small("ho3d").root

    class Harmful:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    (root / "train" / "ABF10" / "meta" / "0000.pkl").write_bytes(pickle.dumps({"camMat": Harmful()}, protocol=2))
    with pytest.raises(InputError, match=r"0000\.pkl is no usable annotation \(it names"):
        open_public("ho3d", root)[0]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("data", [b"", b"garbage", pickle.dumps({"other": 1}), pickle.dumps({"camMat": [1, 2]})])
def test_damaged_annotation(small: Make, data: bytes) -> None:
    root: Path = small("ho3d").root
    (root / "train" / "ABF10" / "meta" / "0000.pkl").write_bytes(data)
    with pytest.raises(InputError, match=r"0000\.pkl "):
        open_public("ho3d", root)[0]


def test_annotation_that_would_take_gigabytes(small: Make) -> None:
    root: Path = small("ho3d").root
    path = root / "train" / "ABF10" / "meta" / "0000.pkl"
    keeps = b"\x80\x02N" + b"r" + (1 << 27).to_bytes(4, "little") + b"."  # an object kept as number 2^27
    grows = pickle.dumps({"camMat": np.eye(3)}, protocol=2).replace(b"K\x00\x85", b"J\x00\x00\x00\x40\x85")
    assert grows != pickle.dumps({"camMat": np.eye(3)}, protocol=2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path.write_bytes(keeps)
    with pytest.raises(InputError, match="it keeps an object as number 134217728"):
        open_public("ho3d", root)[0]
    path.write_bytes(grows)  # an array made with 2^30 bytes before it is filled with nine numbers
    assert open_public("ho3d", root)[0].frame.intrinsics == Intrinsics(1.0, 1.0, 0.0, 0.0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10
