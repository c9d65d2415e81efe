"""HOI4D: egocentric video of a person with objects of 16 kinds, depth and masks at 1920 x 1080."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Int32, UInt8

from graspseg.datasets.arrays import load_npy
from graspseg.datasets.files import read_file
from graspseg.datasets.images import read_depth
from graspseg.datasets.public.dataset import Card, LabeledDataset, Source
from graspseg.datasets.public.reading import (
    intrinsics_of,
    read_color_picture,
    read_lines,
    read_video_frame,
    video_length,
)
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT

_TOOLKIT = "https://github.com/leolyliu/HOI4D-Instructions/blob/main"
_SEQUENCE = "ZY*/H*/C*/N*/S*/s*/T*"
_LISTS = {"release": "release.txt", "testset": "testset.txt"}
_UNIT_M = 0.001
# Color number of the right hand, and of the left one where a category has it.
_HANDS = {"C8": (2, 6), "C17": (2, 6), "C20": (2, 3)}
_RIGHT_HAND = (2,)
_COLORS = 11
_MOST_NUMBERS = 9  # of a matrix of the camera


def voc_colors(count: int) -> UInt8[np.ndarray, "count 3"]:
    """RGB colors of class numbers as Pascal VOC and HOI4D count them.

    Bits 0, 1 and 2 of a number are the highest bits of red, green and blue, its next three bits the next lower ones.
    """
    places = np.arange(8)[:, None]
    bits = (np.arange(count)[:, None, None] >> (3 * places + np.arange(3))) & 1
    return (bits << (7 - places)).sum(axis=1).astype(np.uint8)


class HOI4D(LabeledDataset):
    """HOI4D; see `card`. A stem is `camera/human/category/object/room/layout/task/frame`."""

    card = Card(
        name="hoi4d",
        title="HOI4D",
        frames="2.4 million",
        sensor="head-mounted depth camera, 1920x1080 after alignment",
        layout="ZY*/H*/C*/N*/S*/s*/T*/ with align_depth/ and 2Dseg/mask/ (or both trees HOI4D_release/ and "
        "HOI4D_annotations/), beside camera_params/",
        depth="align_depth/depth_video.avi (16-bit FFV1) or the PNG files utils/decode.py makes of it, millimeters; "
        "camera_params/ZY*/intrin.npy",
        classes="hand and object",
        labels="masks in VOC colors (2Dseg/mask, or shift_mask of later cameras): hands; what takes part in the "
        "interaction, furniture included, is object; other colors are ignored",
        splits=tuple(_LISTS),
        licence="CC BY-NC 4.0, non-commercial.",
        where="https://hoi4d.github.io",
        citation="Liu et al., HOI4D: A 4D Egocentric Dataset for Category-Level Human-Object Interaction, CVPR 2022",
        sources=(
            Source("layout", f"{_TOOLKIT}/README.md (Data Organization)"),
            Source("depth coding", f"{_TOOLKIT}/utils/decode.py"),
            Source("depth unit", "https://github.com/leolyliu/HOI4D-Instructions/issues/20 (maintainer: scale 1000)"),
            Source(
                "intrinsics",
                "file name as other people's readers take it; the maintainer gives only a link "
                "(https://github.com/leolyliu/HOI4D-Instructions/issues/23)",
                official=False,
            ),
            Source(
                "labels",
                f"{_TOOLKIT}/utils/color_map.py, prepare_4Dseg/utils.py (47 = hand), "
                "definitions/motion segmentation/label.csv",
            ),
            Source("splits", f"{_TOOLKIT}/release.txt, testset.txt"),
            Source("licence", "remembered, not read; the home page decides", official=False),
        ),
    )

    @classmethod
    def matches(cls, root: Path) -> bool:
        """Whether there are sequences of recordings."""
        return any((path / "align_depth").is_dir() for path in _recordings(root).glob(_SEQUENCE))

    def _find(self) -> list[str]:
        base = _recordings(self.path)
        if self.split is None:
            found = sorted(path.relative_to(base).as_posix() for path in base.glob(_SEQUENCE))
        else:
            lines = read_lines(self.path / _LISTS[self.split], f"{_TOOLKIT}/{_LISTS[self.split]}")
            found = sorted(line.strip() for line in lines if line.strip() and (base / line.strip()).is_dir())
        return [f"{sequence}/{number}" for sequence in found for number in self._numbers(sequence)]

    def _numbers(self, sequence: str) -> list[str]:
        """Frames of a sequence: those with a mask; without any masks those with depth."""
        depth = _recordings(self.path) / sequence / "align_depth"
        named = sorted(path.stem for path in self._masks(sequence).glob("*.png"))
        named = named or sorted(path.stem for path in depth.glob("*.png"))
        video = depth / "depth_video.avi"
        return named or ([f"{index:05d}" for index in range(video_length(video))] if video.is_file() else [])

    def _masks(self, sequence: str) -> Path:
        annotations = self.path / "HOI4D_annotations"
        folder = (annotations if annotations.is_dir() else self.path) / sequence / "2Dseg"
        return folder / "mask" if (folder / "mask").is_dir() else folder / "shift_mask"

    def frame(self, stem: str) -> Frame:
        """Read the depth of one frame: a PNG where the video was decoded, else out of the video."""
        sequence, _, number = stem.rpartition("/")
        camera = _camera(self.path, sequence.partition("/")[0])
        depth = _recordings(self.path) / sequence / "align_depth"
        if (depth / f"{number}.png").is_file():
            return read_depth(depth / f"{number}.png", depth_unit_m=_UNIT_M, intrinsics=camera)
        return Frame(read_video_frame(depth / "depth_video.avi", int(number)), _UNIT_M, camera)

    def labels_path(self, stem: str) -> Path:
        """The mask in color."""
        sequence, _, number = stem.rpartition("/")
        return self._masks(sequence) / f"{number}.png"

    def _read_labels(self, path: Path, stem: str, frame: Frame) -> UInt8[np.ndarray, "_h _w"]:
        category = stem.split("/")[2]
        hands = _HANDS.get(category, _RIGHT_HAND)
        colors = _as_numbers(read_color_picture(path, frame.depth.shape))
        labels = np.full(colors.shape, IGNORE, np.uint8)
        for number, color in enumerate(_as_numbers(voc_colors(_COLORS))):
            of = BACKGROUND if number == 0 else HAND if number in hands else OBJECT
            labels[colors == color] = of
        return labels

    def color_path(self, stem: str) -> Path:
        """The picture that utils/decode.py makes of the video."""
        sequence, _, number = stem.rpartition("/")
        return _recordings(self.path) / sequence / "align_rgb" / f"{number}.jpg"


def _as_numbers(colors: UInt8[np.ndarray, "*n 3"]) -> Int32[np.ndarray, "*n"]:
    """One number for each color."""
    wide = colors.astype(np.int32)
    return wide[..., 0] | wide[..., 1] << 8 | wide[..., 2] << 16


def _recordings(root: Path) -> Path:
    return root / "HOI4D_release" if (root / "HOI4D_release").is_dir() else root


@lru_cache(maxsize=16)
def _camera(root: Path, name: str) -> Intrinsics | None:
    """The camera of a name, None where its file was not downloaded."""
    for path in (root / "camera_params" / name / "intrin.npy", root / name / "intrin.npy"):
        if path.is_file():
            try:
                matrix = load_npy(read_file(path), path, most=_MOST_NUMBERS)
            except InputError as error:
                raise InputError(f"{path} is no whole NPY array, expected 3 x 3 numbers: download it again.") from error
            return intrinsics_of(matrix, path)
    return None
