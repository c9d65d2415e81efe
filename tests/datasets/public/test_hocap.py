import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graspseg.datasets.public.registry import open_public
from graspseg.errors import InputError
from graspseg.frame import Intrinsics

Make = Callable[[str], Any]


def test_millimeters_camera_and_touched_objects(small: Make) -> None:
    dataset = open_public("hocap", small("hocap").root)
    assert dataset.stems == [f"subject_1/20231022_190534/105322251564/00000{n}" for n in range(2)]
    sample = dataset[0]
    assert sample.frame.depth[1, 1] == 65535 and sample.frame.depth_unit_m == 0.001
    assert sample.frame.intrinsics == Intrinsics(600.0, 601.0, 320.0, 240.0)
    expected = np.zeros((3, 20), np.uint8)
    expected[0, :6] = [1, 1, 2, 2, 2, 2]
    expected[2, 15] = 255  # 14 pixels away from the next hand
    np.testing.assert_array_equal(sample.labels, expected)


def test_splits_by_places_in_lists_of_names(small: Make) -> None:
    root: Path = small("hocap").root
    (root / "hocap_info.yaml").write_text(
        "subject_ids: [subject_1]\nsequence_ids: ['20231022_190534']\n"
        "device_serials: ['043422252387', '105322251564']\n"
    )
    (root / "hocap_hpe.json").write_text(json.dumps({"train": [[0, 0, 1, 1]], "valid": [], "test": [[5, 0, 0, 0]]}))
    dataset = open_public("hocap", root, split="train")
    assert dataset.stems == ["subject_1/20231022_190534/105322251564/000001"]
    with pytest.raises(InputError, match="no frames of split valid"):
        open_public("hocap", root, split="valid")
    with pytest.raises(InputError, match=r"hocap_hpe\.json does not fit hocap_info\.yaml \(IndexError\)"):
        open_public("hocap", root, split="test")
    (root / "hocap_info.yaml").unlink()
    with pytest.raises(InputError, match=r"hocap_info\.yaml could not be read"):
        open_public("hocap", root, split="train")


def test_labels_of_another_size(small: Make) -> None:
    made = small("hocap")
    np.savez(made.labels, seg_mask=np.zeros((3, 3), np.uint8))
    with pytest.raises(InputError, match=r"label_000000\.npz is 3x3 pixels, expected 20x3 like its depth"):
        open_public("hocap", made.root)[0]


def test_labels_without_the_segmentation(small: Make) -> None:
    made = small("hocap")
    np.savez(made.labels, cam_K=np.eye(3))
    with pytest.raises(InputError, match=r"label_000000\.npz holds no such array as 'seg_mask'"):
        open_public("hocap", made.root)[0]


def test_a_camera_with_numbers_of_any_length(small: Make) -> None:
    root: Path = small("hocap").root
    path = root / "calibration" / "intrinsics" / "105322251564.yaml"
    path.write_text(path.read_text().replace("600.0", "1" * 400))
    with pytest.raises(InputError, match="has intrinsics of another form"):
        open_public("hocap", root)[0]
