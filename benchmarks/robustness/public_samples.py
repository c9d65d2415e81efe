"""Every public data set in small, made in code in its own layout and coding, two frames each: for tests and fuzzing."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

# One pixel without measurement, one at the end of 16 bits, one whose low byte is 0 and one whose high byte is 0.
DEPTH = np.array([[0, 500, 512, 255], [700, 65535, 701, 1], [600, 601, 602, 603]], np.uint16)
CAMERA = {"fx": 600.0, "fy": 601.0, "ppx": 320.0, "ppy": 240.0}
MATRIX = np.array([[600.0, 0, 320.0], [0, 601.0, 240.0], [0, 0, 1]])


@dataclass(frozen=True)
class Small:
    """A small data set.

    Attributes:
        root: its folder.
        depth: file with the depth of the first frame.
        labels: file with its labels, None when the data set has none.
    """

    root: Path
    depth: Path
    labels: Path | None


def save(path: Path, image: np.ndarray) -> Path:
    """Write a picture; color is RGB."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)
    return path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def packed(depth: np.ndarray, *, high: int, low: int) -> np.ndarray:
    """Depth in two channels of an RGB picture; the third holds what must be ignored."""
    picture = np.full((*depth.shape, 3), 77, np.uint8)
    picture[..., high] = depth // 256
    picture[..., low] = depth % 256
    return picture


def save_video(path: Path, frames: list[np.ndarray]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames[0].shape
    options = [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U, cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
    video = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 15.0, (width, height), options)
    assert video.isOpened()
    for frame in frames:
        video.write(frame)
    video.release()
    return path


def save_npz(path: Path, **arrays: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, allow_pickle=False, **arrays)
    return path


def video_depths() -> list[np.ndarray]:
    """Two frames that are large enough for a video codec."""
    first = np.arange(32 * 48, dtype=np.uint16).reshape(32, 48) * 41
    return [first, first[::-1].copy()]


def dexycb(root: Path) -> Small:
    serial = "836212060125"
    write(root / "calibration" / "intrinsics" / f"{serial}_640x480.yml", f"color: {json.dumps(CAMERA)}\ndepth: {{}}\n")
    sequence = root / "20200709-subject-01" / "20200709_141754"
    write(sequence / "meta.yml", "serials:\n- '836212060125'\nycb_ids: [1, 11, 12, 20]\nycb_grasp_ind: 1\n")
    seg = np.array([[0, 255, 11, 12], [1, 20, 0, 255], [11, 11, 0, 0]], np.uint8)
    for number in range(2):
        save(sequence / serial / f"aligned_depth_to_color_{number:06d}.png", DEPTH + number)
        save_npz(sequence / serial / f"labels_{number:06d}.npz", seg=seg, pose_m=np.zeros((1, 51), np.float32))
        save(sequence / serial / f"color_{number:06d}.jpg", np.full((3, 4, 3), 90, np.uint8))
    first = sequence / serial
    return Small(root, first / "aligned_depth_to_color_000000.png", first / "labels_000000.npz")


def hand_object_3d(root: Path, masks: str) -> Small:
    tall = np.repeat(np.repeat(DEPTH[:2], 2, 0), 2, 1)  # 4 x 8; the mask has half of it
    mask = np.zeros((2, 4, 3), np.uint8)
    mask[0, 0] = (0, 0, 255)
    mask[0, 1] = (0, 255, 0)
    mask[1, 3] = (255, 0, 0)
    for name in ("0000", "0001"):
        sequence = root / "train" / "ABF10"
        save(sequence / "depth" / f"{name}.png", packed(tall, high=1, low=0))
        save(sequence / masks / f"{name}.png", mask)
        (sequence / "meta").mkdir(exist_ok=True)
        (sequence / "meta" / f"{name}.pkl").write_bytes(
            pickle.dumps({"camMat": MATRIX, "objName": "021_bleach_cleanser", "objLabel": np.int64(3)}, protocol=2)
        )
    return Small(root, sequence / "depth" / "0000.png", sequence / masks / "0000.png")


def ho3d(root: Path) -> Small:
    return hand_object_3d(root, "seg")


def h2o3d(root: Path) -> Small:
    return hand_object_3d(root, "segr")


def hoi4d(root: Path) -> Small:
    sequence = root / "ZY20210800001" / "H1" / "C8" / "N01" / "S71" / "s01" / "T1"
    video = save_video(sequence / "align_depth" / "depth_video.avi", video_depths())
    mask = np.zeros((32, 48, 3), np.uint8)
    mask[0, :5] = [(128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 128, 128), (1, 2, 3)]
    for number in range(2):
        save(sequence / "2Dseg" / "mask" / f"{number:05d}.png", mask)
    (root / "camera_params" / "ZY20210800001").mkdir(parents=True)
    np.save(root / "camera_params" / "ZY20210800001" / "intrin.npy", MATRIX)
    return Small(root, video, sequence / "2Dseg" / "mask" / "00000.png")


def hograspnet(root: Path) -> Small:
    trial = "230905_S01_obj_16_grasp_14/trial_0"
    hand = np.array([[255, 0, 0, 255], [0, 0, 0, 0], [0, 0, 0, 0]], np.uint8)
    held = np.array([[255, 255, 0, 0], [0, 0, 255, 0], [0, 0, 0, 0]], np.uint8)
    joints = [[900.5, 500.0], [1000.0, 600.0]] + [[950.0, 550.0]] * 19
    annotation = {
        "calibration": {"intrinsic": [MATRIX.tolist()]},
        "hand": {"projected_2D_pose_per_cam": [joints]},
    }
    for frame in ("mas_1", "mas_2"):
        save(root / "source_augmented" / trial / "depth_crop" / "mas" / f"{frame}.png", DEPTH)
        save(root / "extra_data" / trial / "hand_mask" / "mas" / f"{frame}.png", hand)
        save(root / "extra_data" / trial / "obj_mask" / "mas" / f"{frame}.png", held)
        # The makers' files begin with a byte order mark.
        write(
            root / "labeling_data" / trial / "annotation" / "mas" / f"{frame}.json", "\ufeff" + json.dumps(annotation)
        )
    return Small(
        root,
        root / "source_augmented" / trial / "depth_crop" / "mas" / "mas_1.png",
        root / "extra_data" / trial / "hand_mask" / "mas" / "mas_1.png",
    )


def taco(root: Path) -> Small:
    sequence = "(brush, brush, box)/20231006_163"
    video = save_video(root / "Egocentric_Depth_Videos" / sequence / "egocentric_depth.avi", video_depths())
    rows = "\n".join(" ".join(str(value) for value in row) for row in MATRIX)
    write(root / "Egocentric_Camera_Parameters" / sequence / "egocentric_intrinsic.txt", rows)
    return Small(root, video, None)


def hocap(root: Path) -> Small:
    folder = root / "subject_1" / "20231022_190534" / "105322251564"
    write(root / "calibration" / "intrinsics" / "105322251564.yaml", f"color: {json.dumps(CAMERA)}\n")
    mask = np.zeros((3, 20), np.uint8)
    mask[0, :6] = [5, 6, 1, 1, 1, 1]
    mask[2, 15] = 2
    for number in range(2):
        save(folder / f"depth_{number:06d}.png", np.tile(DEPTH, 5))
        save_npz(folder / f"label_{number:06d}.npz", seg_mask=mask, obj_class_inds=np.arange(4))
    return Small(root, folder / "depth_000000.png", folder / "label_000000.npz")


def kang_hoi(root: Path) -> Small:
    label = np.array([[0, 1, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]], np.uint8)
    for number in range(2):
        save(root / "HOI_training_data" / "training_data" / "depth" / f"{number:06d}.png", DEPTH)
        save(root / "HOI_training_data" / "training_data" / "label" / f"{number:06d}.png", label)
    part = root / "HOI_training_data" / "training_data"
    return Small(root, part / "depth" / "000000.png", part / "label" / "000000.png")


def handseg(root: Path) -> Small:
    mask = np.array([[0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]], np.uint8)
    for frame in ("00000003", "00000010"):
        save(root / "images" / f"user-4.{frame}.png", DEPTH)
        save(root / "masks" / f"user-4.{frame}.png", mask)
    return Small(root, root / "images" / "user-4.00000003.png", root / "masks" / "user-4.00000003.png")


def nyu(root: Path) -> Small:
    folder = root / "dataset" / "train"
    model = np.array([[400, 530, 0, 0], [0, 0, 800, 0], [0, 0, 0, 0]], np.uint16)
    for name in ("1_0000001", "2_0000001"):
        save(folder / f"depth_{name}.png", packed(DEPTH, high=1, low=2))
        save(folder / f"synthdepth_{name}.png", packed(model, high=1, low=2))
    return Small(root, folder / "depth_1_0000001.png", folder / "synthdepth_1_0000001.png")


MAKERS: dict[str, Callable[[Path], Small]] = {
    "dexycb": dexycb,
    "ho3d": ho3d,
    "h2o3d": h2o3d,
    "hoi4d": hoi4d,
    "hograspnet": hograspnet,
    "taco": taco,
    "hocap": hocap,
    "kang-hoi": kang_hoi,
    "handseg": handseg,
    "nyu": nyu,
}
