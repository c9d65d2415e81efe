"""What a user writes: only names of `graspseg` itself. Runs as a script, and pyright checks it in strict mode."""

from __future__ import annotations

import sys

import numpy as np

import graspseg
from graspseg import Frame, InputError, Intrinsics, Segmentation, Segmenter, open_dataset, read_frame


def clouds(found: Segmentation) -> tuple[int, int]:
    return len(found.hand_cloud()), len(found.object_cloud())


def main(model: str, folder: str) -> None:
    segment = Segmenter(model, engine="auto", threads=1)

    depth_mm = np.full((48, 64), 900, np.uint16)
    depth_mm[:, :24] = 400
    camera = Intrinsics(fx=60.0, fy=60.0, cx=31.5, cy=23.5)
    found = segment(Frame(depth_mm, 0.001, camera))
    hand_px = int((found.labels == 1).sum())
    print(graspseg.__version__, found, hand_px, clouds(found))

    picture = found.overlay(alpha=0.5)
    likely = found.probabilities[1] > 0.5
    empty = found.without_hand()
    print(picture.shape, picture.dtype, likely.sum() == hand_px, int((empty.depth == 0).sum()) == hand_px)
    if found.confidence is not None:
        print(f"confidence {found.confidence:.3f}")
    if found.hand_present is not None and found.hand_present < 0.5:
        print("no hand")

    data = open_dataset(folder)
    for index in range(len(data)):
        sample = data[index]
        labels = segment(sample.frame).labels
        if sample.labels is not None:
            print(sample.stem, float((labels == sample.labels).mean()))

    first = f"{folder}/depth/{data.stems[0]}.png"
    print((segment(first).labels == segment(read_frame(first)).labels).all(), segment(depth_mm).labels.shape)
    print(Frame.from_meters(depth_mm / 1000.0, intrinsics=camera).depth_m().max())
    try:
        read_frame("no/such/file.png")
    except InputError as error:
        print("refused:", error)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
