"""Recorded depth frames without a hand, as surroundings of synthetic ones.

In: folders of depth frames. Out: one varied frame with its camera, its holes filled for occlusion, and a surface that
things may rest on. Begin with `Backgrounds.draw`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from graspseg.datasets.collection import data_sets_in
from graspseg.datasets.dataset import Dataset
from graspseg.datasets.description import Description
from graspseg.datasets.open import open_dataset
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.synth.objects.objects import Split
from graspseg.synth.sensor.profiles import Principle

WIDTH, HEIGHT = 640, 480
_TURN_SIGMA_RAD = 0.06
_LETTERBOX_SHARE = 0.3
_ZOOM = (1.0, 1.4)
_SCALE = (0.8, 1.25)
_STRIDE = 16
_HYPOTHESES = 48
_PLANE_SHARE = 0.15
_REACH_M = (0.2, 3.0)


@dataclass(frozen=True, eq=False)
class Plane:
    """A flat surface in the camera frame: `normal @ point = offset_m`; the unit normal points to the camera's side."""

    normal: Float64[np.ndarray, "3"]
    offset_m: float

    def height_m(self, point: np.ndarray) -> float:
        """How far a point [3] stands above the surface, meters."""
        return float(point @ self.normal) - self.offset_m


@dataclass(frozen=True, eq=False)
class Background:
    """A recorded frame at the generator's size.

    Attributes:
        depth_m: meters, 0 = not measured.
        intrinsics: the camera.
        cell_px: pixels that one pixel of the recording covers, 1 unless it was enlarged.
        name: where it comes from.
        principle: how its sensor measures, None where nobody said.
    """

    depth_m: Float32[np.ndarray, "h w"]
    intrinsics: Intrinsics
    cell_px: float
    name: str
    principle: Principle | None = None

    @cached_property
    def filled_m(self) -> Float32[np.ndarray, "h w"]:
        """Depth with the nearest measured pixel's value where nothing was measured."""
        holes = (self.depth_m <= 0).astype(np.uint8)
        if not holes.any() or holes.all():
            return self.depth_m
        _, place = cv2.distanceTransformWithLabels(holes, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
        measured = holes == 0
        values = np.zeros(int(place.max()) + 1, np.float32)
        values[np.asarray(place, np.int64)[measured]] = self.depth_m[measured]
        return values[np.asarray(place, np.int64)]

    def plane(self, rng: np.random.Generator) -> Plane | None:
        """The largest flat surface within reach, None where there is none to speak of (RANSAC)."""
        rows, columns = np.mgrid[_STRIDE // 2 : HEIGHT : _STRIDE, _STRIDE // 2 : WIDTH : _STRIDE]
        depth = self.depth_m[rows, columns].astype(np.float64)
        near = (depth > _REACH_M[0]) & (depth < _REACH_M[1])
        if np.count_nonzero(near) < 60:
            return None
        lens, z = self.intrinsics, depth[near]
        points = np.stack([(columns[near] - lens.cx) / lens.fx * z, (rows[near] - lens.cy) / lens.fy * z, z], axis=-1)
        corners = points[rng.integers(len(points), size=(_HYPOTHESES, 3))]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        size = np.linalg.norm(normals, axis=1)
        good = size > 1e-4
        if not good.any():
            return None
        normals = normals[good] / size[good, None]
        offsets = (normals * corners[good, 0]).sum(axis=1)
        away = np.abs(points @ normals.T - offsets)
        inside = away < 0.006 + 0.006 * points[:, 2:] ** 2
        best = int(inside.sum(axis=0).argmax())
        chosen = points[inside[:, best]]
        if len(chosen) < _PLANE_SHARE * depth.size:
            return None
        center = chosen.mean(axis=0)
        normal = np.linalg.svd(chosen - center, full_matrices=False)[2][2]
        normal = normal if normal @ center < 0 else -normal
        return Plane(normal, float(normal @ center))


class Backgrounds:
    """Hand-free frames to draw from; a set of many frames of one scene counts less a frame.

    Args:
        folders: data sets, or folders of them.
        left_out: frames that are not used, by name (`SET/STEM`).

    Attributes:
        folders: see above.
        sets: the data sets in them.

    Raises:
        InputError: there is no frame, or none is left.
    """

    def __init__(self, folders: Sequence[Path], *, left_out: Sequence[str] = ()) -> None:
        self.folders = tuple(folders)
        self.sets = [each for folder in folders for each in _sets(folder)]
        unused = set(left_out)
        self._used = [
            [i for i, stem in enumerate(each.stems) if f"{Path(each.name).name}/{stem}" not in unused]
            for each in self.sets
        ]
        if not any(self._used):
            raise InputError(
                f"{', '.join(str(folder) for folder in folders)} holds no depth frames that can be used"
                f"{f' ({len(unused)} were left out)' if unused else ''}, expected a recording without hands: a folder "
                "of 16-bit depth images, or folders of them."
            )
        weights = np.sqrt([len(each) for each in self._used])
        self._share = np.cumsum(weights / weights.sum())

    def __len__(self) -> int:
        return sum(len(each) for each in self._used)

    def names(self) -> list[str]:
        """Every frame that is used, as `SET/STEM`."""
        pairs = zip(self.sets, self._used, strict=True)
        return [f"{Path(each.name).name}/{each.stems[index]}" for each, used in pairs for index in used]

    def frame(self, name: str) -> Frame:
        """One frame as it was recorded.

        Raises:
            InputError: it cannot be read, or is not of the size its set's camera was given for.
        """
        for each, used in zip(self.sets, self._used, strict=True):
            for index in used:
                if f"{Path(each.name).name}/{each.stems[index]}" == name:
                    return _checked(each, index)
        raise KeyError(name)

    def draw(self, rng: np.random.Generator) -> Background:
        """One frame: mirrored, turned a little, cut out and resized, at another distance."""
        place = min(int(np.searchsorted(self._share, rng.uniform())), len(self.sets) - 1)
        chosen, used = self.sets[place], self._used[place]
        index = used[rng.integers(len(used))]
        frame = _checked(chosen, index)
        lens = frame.intrinsics_or_default()
        height, width = frame.depth.shape
        fit = min if rng.uniform() < _LETTERBOX_SHARE else max
        scale = fit(WIDTH / width, HEIGHT / height) * float(rng.uniform(*_ZOOM))
        angle = float(rng.normal(0, _TURN_SIGMA_RAD))
        if rng.uniform() < 0.15:
            angle += float(rng.uniform(-np.pi, np.pi))
        mirror = -1.0 if rng.uniform() < 0.5 else 1.0
        cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
        # About the principal point, so that the result is a pinhole camera's again.
        turn = np.array([[cos, -sin], [sin, cos]]) * [mirror, 1.0]
        room = np.maximum(np.array([width, height]) * scale - [WIDTH, HEIGHT], 0) / 2
        shift = rng.uniform(-room, room)
        middle = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2]) + shift
        away = turn @ (np.array([lens.cx, lens.cy]) - np.array([(width - 1) / 2, (height - 1) / 2]))
        center = middle + away
        matrix = np.column_stack([turn, center - turn @ np.array([lens.cx, lens.cy])])
        depth = cv2.warpAffine(frame.depth, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_NEAREST)
        depth_m = depth * np.float32(frame.depth_unit_m * rng.uniform(*_SCALE))
        focal = float(np.sqrt(lens.fx * lens.fy)) * scale
        camera = Intrinsics(focal, focal, float(center[0]), float(center[1]))
        name = f"{Path(chosen.name).name}/{chosen.stems[index]}"
        return Background(depth_m, camera, max(scale, 1.0), name, _principle(chosen.description))


def _checked(chosen: Dataset, index: int) -> Frame:
    """A frame of a set, which has one camera and so one size."""
    frame, lens = chosen[index].frame, chosen.description.intrinsics
    height, width = frame.depth.shape
    if lens is not None and not (0.2 * width < lens.cx < 0.8 * width and 0.2 * height < lens.cy < 0.8 * height):
        raise InputError(
            f"{chosen.name}: {chosen.stems[index]} has {width} x {height} pixels, of which the camera of dataset.json "
            f"has its center at ({lens.cx:.0f}, {lens.cy:.0f}), expected frames of one camera: keep each camera's "
            "frames in a folder of their own."
        )
    return frame


def _sets(folder: Path) -> list[Dataset]:
    """The data set a folder is, or those in it."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder, expected recorded depth frames without hands: check the path.")
    inner = data_sets_in(folder)
    return [open_dataset(each) for each in inner] if inner else [open_dataset(folder)]


@cache
def shipped_backgrounds(split: Split) -> Backgrounds:
    """The recorded frames that ship with the package, other scenes for every split."""
    return Backgrounds([Path(str(resources.files("graspseg.synth").joinpath("assets/backgrounds", split)))])


def _principle(about: Description) -> Principle | None:
    """How the sensor of a data set measures, as its `dataset.json` says under `provenance`, `sensor_kind`."""
    provenance = about.content.get("provenance")
    kind = str(provenance.get("sensor_kind", "")) if isinstance(provenance, dict) else ""
    if "LiDAR" in kind or "ToF" in kind:
        return "time of flight"
    known: tuple[Principle, ...] = ("structured light", "active stereo", "passive stereo", "time of flight")
    return next((name for name in known if name in kind), None)
