"""Public data sets as they are downloaded: depth, labels, and the file that names camera or objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from fuzz_kind import Kind, Reading, all_of
from public_samples import MAKERS

_HOME = "set"
_FACTS = {
    "dexycb": ("calibration/intrinsics/*.yml", "*/*/meta.yml"),
    "ho3d": ("train/*/meta/0000.pkl",),
    "h2o3d": ("train/*/meta/0000.pkl",),
    "hoi4d": ("camera_params/*/intrin.npy",),
    "hograspnet": ("labeling_data/*/*/annotation/*/mas_1.json",),
    "taco": ("Egocentric_Camera_Parameters/*/*/egocentric_intrinsic.txt",),
    "hocap": ("calibration/intrinsics/*.yaml",),
}
_VIDEOS = ("hoi4d", "taco")  # of depth, without checksums
_UNLABELED = ("taco",)
_WITH_END = (".json", ".pkl", ".npy")


def _make(name: str, part: str) -> Callable[[Path], Path]:
    """Writes the data set into a folder; gives the file of its first frame, or one by pattern."""

    def make(folder: Path) -> Path:
        home = folder / _HOME
        home.mkdir()
        small = MAKERS[name](home)
        found = {"depth": small.depth, "labels": small.labels}.get(part) or next(home.glob(part))
        assert found.is_file()
        return found

    return make


def _read(name: str) -> Callable[[Path], Reading]:
    def read(path: Path) -> Reading:
        from graspseg.datasets.public.registry import open_public

        dataset = open_public(name, next(parent for parent in path.parents if parent.name == _HOME))

        def one(index: int) -> tuple[object, ...]:
            sample = dataset[index]
            return sample.frame.depth, sample.frame.depth_unit_m, sample.frame.intrinsics, sample.labels

        return all_of(len(dataset), one)

    return read


def kinds() -> Iterator[Kind]:
    """One for each part of each data set."""
    for name in MAKERS:
        read = _read(name)
        yield Kind(f"public {name} depth", _make(name, "depth"), read, checked=name not in _VIDEOS, share=3)
        if name not in _UNLABELED:
            yield Kind(f"public {name} labels", _make(name, "labels"), read, checked=True, share=3)
        for pattern in _FACTS.get(name, ()):
            title = f"public {name} {pattern.rpartition('/')[2]}"
            yield Kind(title, _make(name, pattern), read, has_end=pattern.endswith(_WITH_END), share=3)
