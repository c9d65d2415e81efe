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
SEQUENCE = "230905_S01_obj_16_grasp_14"


def test_depth_masks_and_moved_camera(small: Make) -> None:
    dataset = open_public("hograspnet", small("hograspnet").root)
    assert dataset.stems == [f"{SEQUENCE}/trial_0/mas/mas_1", f"{SEQUENCE}/trial_0/mas/mas_2"]
    sample = dataset[0]
    assert sample.frame.depth[1, 1] == 65535 and sample.frame.depth_unit_m == 0.001
    # Where both masks mark, it is the hand.
    np.testing.assert_array_equal(sample.labels, [[1, 2, 0, 1], [0, 0, 2, 0], [0, 0, 0, 0]])
    # Joints from 900.5 to 1000 and 500 to 600: middle 950.25, 550; corner 630.25, 310, cut to 630, 310.
    assert sample.frame.intrinsics == Intrinsics(600.0, 601.0, 320.0 - 630, 240.0 - 310)


@pytest.mark.parametrize(
    ("joints", "corner"), [([[1800, 1000], [1900, 1070]], (1280, 600)), ([[10, 20], [30, 40]], (0, 0))]
)
def test_a_crop_stays_inside_the_image(small: Make, joints: list[list[int]], corner: tuple[int, int]) -> None:
    root: Path = small("hograspnet").root
    path = root / "labeling_data" / SEQUENCE / "trial_0" / "annotation" / "mas" / "mas_1.json"
    annotation = json.loads(path.read_text(encoding="utf-8-sig"))
    annotation["hand"]["projected_2D_pose_per_cam"] = [joints]
    path.write_text(json.dumps(annotation))
    camera = open_public("hograspnet", root)[0].frame.intrinsics
    assert camera is not None and (camera.cx, camera.cy) == (320.0 - corner[0], 240.0 - corner[1])


def test_folders_spelled_as_the_makers_script_unpacks_them(small: Make) -> None:
    root: Path = small("hograspnet").root
    for name in ("source_augmented", "labeling_data"):
        (root / name).rename(root / name.capitalize())
    assert len(open_public("hograspnet", root)) == 2


def test_splits(small: Make) -> None:
    root: Path = small("hograspnet").root
    for split in ("s0_test", "s2_train", "s3_train", "s4_train"):  # trial 0, first camera, object 16, grasp 14
        assert len(open_public("hograspnet", root, split=split)) == 2
    for split in ("s0_train", "s2_test", "s3_test", "s4_test"):
        with pytest.raises(InputError, match="holds no frames"):
            open_public("hograspnet", root, split=split)


def test_object_mask_that_is_gone(small: Make) -> None:
    root: Path = small("hograspnet").root
    (root / "extra_data" / SEQUENCE / "trial_0" / "obj_mask" / "mas" / "mas_1.png").unlink()
    with pytest.raises(InputError, match=r"obj_mask/mas/mas_1\.png could not be read"):
        open_public("hograspnet", root)[0]


@pytest.mark.parametrize("content", ["{}", '{"calibration": {"intrinsic": [1, 2]}}', "[1]", "{"])
def test_annotation_that_cannot_be_used(small: Make, content: str) -> None:
    root: Path = small("hograspnet").root
    (root / "labeling_data" / SEQUENCE / "trial_0" / "annotation" / "mas" / "mas_1.json").write_text(content)
    with pytest.raises(InputError, match=r"mas_1\.json "):
        open_public("hograspnet", root)[0]
