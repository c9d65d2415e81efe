"""Shards, folders and what describes them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import ros_samples
from fuzz_kind import Kind, Reading, again_json, again_marked, all_of, labels
from graspseg.datasets.atomic import write_json, write_png
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.datasets.shards import ShardDataset
from graspseg.frame import Frame
from ros_samples import depth_mm


def _again_tar(data: bytes, number: int) -> bytes:
    target = io.BytesIO()
    form = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)[number % 3]
    with tarfile.open(fileobj=io.BytesIO(data)) as source, tarfile.open(fileobj=target, mode="w", format=form) as tar:
        for member in source:
            member.mtime = number
            tar.addfile(member, source.extractfile(member))
    return target.getvalue()


def _make_shard(folder: Path) -> Path:
    samples = [ShardSample(f"frame-{n}", Frame(depth_mm(n)), labels(n), None, {"stem": f"take/{n}"}) for n in range(3)]
    write_shard(folder / "shard-000000.tar", samples)
    return folder / "shard-000000.tar"


def _read_shard(path: Path) -> Reading:
    dataset = ShardDataset(path)
    return all_of(len(dataset), lambda index: (dataset.frame(index).depth, dataset[index].labels))


def _make_folder(folder: Path) -> Path:
    for number in range(3):
        write_png(folder / f"depth/{number}.png", depth_mm(number))
        write_png(folder / f"labels/{number}.png", labels(number))
        write_png(folder / f"color/{number}.png", ros_samples.color_rgb(number)[..., ::-1])
    camera = {"fx": 25.0, "fy": 26.0, "cx": 15.0, "cy": 12.0}
    color = {"intrinsics": camera, "color_from_depth": np.eye(4).tolist(), "distortion": [0.1, 0.0, 0.0, 0.0, 0.0]}
    said = {"depth_unit_m": 0.001, "intrinsics": camera, "distortion": [0.01] * 5, "color": color}
    write_json(folder / "dataset.json", said | {"splits": {"val": ["0"]}})
    return folder / "dataset.json"


def _read_folder(path: Path) -> Reading:
    from graspseg.cameras.open import open_rgbd

    dataset = FolderDataset(path.parent)
    source = open_rgbd(path.parent)

    def read(index: int) -> tuple[object, ...]:
        taken = source[index]
        return taken.frame.depth, taken.frame.depth_unit_m, taken.frame.intrinsics, taken.color, dataset[index].labels

    return all_of(len(dataset), read)


def _calibration(folder: Path) -> Path:
    path = _make_folder(folder)
    return path.rename(path.with_name("calibration.json"))


def _read_calibration(path: Path) -> Reading:
    from graspseg.cameras.open import open_rgbd

    source = open_rgbd(path.parent)
    return all_of(len(source), lambda index: (source[index].frame.depth, source[index].frame.intrinsics))


def _make_manifest(folder: Path) -> Path:
    from graspseg.datasets.manifest import write_manifest

    samples = [ShardSample(f"frame-{n}", Frame(depth_mm(n)), labels(n), None, {}) for n in range(3)]
    entry = write_shard(folder / "shard-000000.tar", samples)
    write_manifest(folder, {"depth_unit_m": 0.001}, [entry])
    return folder / "manifest.json"


def _read_manifest(path: Path) -> Reading:
    return _read_shard(path.parent)


def kinds() -> Iterator[Kind]:
    """All of them."""
    yield Kind("shard tar", _make_shard, _read_shard, checked=True, variant=_again_tar)
    yield Kind("manifest.json", _make_manifest, _read_manifest, variant=again_json)
    yield Kind("dataset.json", _make_folder, _read_folder, variant=again_marked)
    yield Kind("calibration.json", _calibration, _read_calibration, variant=again_marked)
