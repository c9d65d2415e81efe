"""HO-3D (a hand and an object) and H2O-3D (two hands and an object): packed depth, masks in color at half size."""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.files import read_file
from graspseg.datasets.public.dataset import Card, LabeledDataset, Source
from graspseg.datasets.public.reading import intrinsics_of, read_color_picture, read_packed_depth
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT

_TOOLKIT = "https://github.com/shreyashampali/ho3d/blob/master"
_UNIT_M = 0.00012498664727900177
_RENDERED = "HO3D_v3_segmentations_rendered"
_SPLITS = ("train", "evaluation")
_LICENSE = "Academic research only, non-commercial, no redistribution."
_PAGE = "https://github.com/shreyashampali/ho3d"
_DEPTH = "8-bit color PNG, value = red + 256 x green, unit 0.000124987 m; camMat in meta/<id>.pkl"
_COMMON = (
    Source("layout", f"{_TOOLKIT}/utils/vis_utils.py"),
    Source("depth coding", f"{_TOOLKIT}/utils/vis_utils.py (read_depth_img)"),
    Source("depth unit", f"{_TOOLKIT}/utils/vis_utils.py (depth_scale)"),
    Source("intrinsics", f"{_TOOLKIT}/vis_HO3D.py (camMat)"),
    Source("splits", f"{_TOOLKIT}/README.md"),
    Source("licence", f"{_TOOLKIT}/README.md (Terms of use)"),
)


class HO3D(LabeledDataset):
    """HO-3D version 3; see `card`. A stem is `split/sequence/id`."""

    card = Card(
        name="ho3d",
        title="HO-3D v3",
        frames="103,462",
        sensor="RealSense, 640x480",
        layout="train/ and evaluation/ with <sequence>/{rgb,depth,meta}/<id>, masks of "
        "HO3D_v3_segmentations_rendered.zip in train/<sequence>/seg/",
        depth=_DEPTH,
        classes="hand and object",
        labels="rendered from fitted models, train only: hand blue (it ends at the wrist), object green; at a lower "
        "resolution, enlarged to nearest pixels",
        splits=_SPLITS,
        licence=_LICENSE,
        where=_PAGE,
        citation="Hampali et al., HOnnotate: A Method for 3D Annotation of Hand and Object Poses, CVPR 2020",
        sources=(
            *_COMMON,
            Source("labels", "colors as other people's readers of seg/ take them (blue = hand)", official=False),
        ),
    )

    @classmethod
    def matches(cls, root: Path) -> bool:
        """Whether there are sequences with packed depth, and not those of H2O-3D."""
        sequence = _sequence(root)
        return sequence is not None and not (sequence / "segr").is_dir()

    def _find(self) -> list[str]:
        stems = []
        for split in _SPLITS if self.split is None else (self.split,):
            for depth in sorted(self.path.glob(f"{split}/*/depth")):
                stems += [f"{split}/{depth.parent.name}/{path.stem}" for path in sorted(depth.glob("*.png"))]
        return stems

    def frame(self, stem: str) -> Frame:
        """Read the depth of one frame; without annotation it has no camera."""
        sequence, _, name = stem.rpartition("/")
        depth = read_packed_depth(self.path / sequence / "depth" / f"{name}.png", high="green", low="red")
        return Frame(depth, _UNIT_M, _camera(self.path / sequence / "meta" / f"{name}.pkl"))

    def labels_path(self, stem: str) -> Path:
        """The rendered mask, beside the depth or where its archive was unpacked."""
        sequence, _, name = stem.rpartition("/")
        path = self.path / sequence / "seg" / f"{name}.png"
        return path if path.is_file() else self.path / _RENDERED / sequence / "seg" / f"{name}.png"

    def _read_labels(self, path: Path, stem: str, frame: Frame) -> UInt8[np.ndarray, "_h _w"]:
        picture = read_color_picture(path)
        height, width = frame.depth.shape
        if picture.shape[0] * width != picture.shape[1] * height:
            raise InputError(
                f"{path} is {picture.shape[1]}x{picture.shape[0]} pixels, expected the proportions of its depth "
                f"({width}x{height}): download it again."
            )
        red, green, blue = (picture[..., channel] >= 128 for channel in range(3))
        labels = np.full(picture.shape[:2], BACKGROUND, np.uint8)
        labels[green] = OBJECT
        labels[blue | self._also_hand(red)] = HAND
        return cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)

    def _also_hand(self, red: np.ndarray) -> np.ndarray:
        return np.zeros_like(red)

    def color_path(self, stem: str) -> Path:
        """The aligned picture: JPEG from version 3 on, PNG before."""
        sequence, _, name = stem.rpartition("/")
        path = self.path / sequence / "rgb" / f"{name}.jpg"
        return path if path.is_file() else path.with_suffix(".png")


class H2O3D(HO3D):
    """H2O-3D; see `card`. A stem is `split/sequence/id`."""

    card = Card(
        name="h2o3d",
        title="H2O-3D",
        frames="76,340",
        sensor="RealSense, 640x480",
        layout="train/ and evaluation/ with <sequence>/{rgb,depth,segr,meta}/<id>",
        depth=_DEPTH,
        classes="hand and object",
        labels="masks in color: hands blue and red, object green; at a lower resolution, enlarged to nearest pixels",
        splits=_SPLITS,
        licence=_LICENSE,
        where=_PAGE,
        citation="Hampali et al., Keypoint Transformer, CVPR 2022",
        sources=(*_COMMON, Source("labels", "colors inferred from HO-3D; only segr/ is documented", official=False)),
    )

    @classmethod
    def matches(cls, root: Path) -> bool:
        """Whether there are sequences with packed depth and H2O-3D's masks."""
        sequence = _sequence(root)
        return sequence is not None and (sequence / "segr").is_dir()

    def labels_path(self, stem: str) -> Path:
        """The mask beside the depth."""
        sequence, _, name = stem.rpartition("/")
        return self.path / sequence / "segr" / f"{name}.png"

    def _also_hand(self, red: np.ndarray) -> np.ndarray:
        return red


def _sequence(root: Path) -> Path | None:
    """Some sequence of HO-3D or H2O-3D."""
    found = (path.parent for split in _SPLITS for path in root.glob(f"{split}/*/depth"))
    return next((path for path in found if (path / "meta").is_dir()), None)


class _ArraysOnly(pickle.Unpickler):
    """Numbers, texts and NumPy arrays: a pickle can name any code to run, and this one was downloaded."""

    def find_class(self, module: str, name: str, /) -> Any:
        package = module.replace("numpy.core", "numpy._core")
        if (package, name) == ("numpy._core.multiarray", "_reconstruct"):
            return _empty_array
        if (package, name) in {
            ("numpy._core.multiarray", "scalar"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
        }:
            return super().find_class(package, name)
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes for Python 2
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def _empty_array(*_: object) -> np.ndarray:
    """What NumPy makes before it fills an array, whatever size the file says that it will have."""
    return np.empty(0, np.int8)


def _unpickled(data: bytes) -> Any:
    """Content of a pickle, if it is made of numbers, texts and arrays.

    Raises:
        Exception: anything, of a damaged one.
    """
    for operation, argument, _ in pickletools.genops(data):
        # Python takes memory for as many objects as the number under which one is kept.
        if "PUT" in operation.name and argument is not None and argument > len(data):
            raise pickle.UnpicklingError(f"it keeps an object as number {argument}")
    return _ArraysOnly(io.BytesIO(data), encoding="latin1").load()


def _camera(path: Path) -> Intrinsics | None:
    """The camera of a frame's annotation, None where the annotation has none."""
    try:
        content = _unpickled(read_file(path))
        matrix = content["camMat"]
    except InputError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise InputError(f"{path} is no usable annotation ({error}), expected camMat: download it again.") from error
    return None if matrix is None else intrinsics_of(matrix, path)
