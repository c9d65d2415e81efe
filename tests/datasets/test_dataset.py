"""What holds for everything that gives labeled frames, wherever they come from."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graspseg.compare.frames import Size, cache_frames
from graspseg.datasets.combined import ConcatDataset, Subset
from graspseg.datasets.convert import Conversion
from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.decisions import AcceptedFrames, Decisions
from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.datasets.public.registry import open_named
from graspseg.datasets.shards import ShardDataset
from graspseg.datasets.statistics import collect
from graspseg.errors import InputError
from graspseg.evaluation.samples import open_samples
from graspseg.frame import Frame, Intrinsics
from graspseg.synth.dataset import SyntheticDataset

COUNT = 5
_CAMERA = {"fx": 20.0, "fy": 20.0, "cx": 7.5, "cy": 5.5}


class Own(Dataset):
    """As a user writes one: nothing but names and frames."""

    @property
    def stems(self) -> list[str]:
        return [f"own/{index}" for index in range(COUNT)]

    def read(self, index: int) -> Sample:
        frame = Frame(np.full((12, 16), 500 + index, np.uint16), 0.001, Intrinsics(**_CAMERA))
        return Sample(self.stems[index], frame, np.tile(np.arange(16, dtype=np.uint8) % 3, (12, 1)))


def _folder(where: Path) -> FolderDataset:
    path = where / "folder"
    if not path.is_dir():
        splits = {"val": ["own/1", "own/3"], "train": ["own/0", "own/2", "own/4"]}
        writer = FolderWriter(path, {"intrinsics": _CAMERA, "splits": splits})
        for sample in Own():
            writer.write(sample.stem, sample.frame, sample.labels)
    return FolderDataset(path)


def _shards(where: Path) -> ShardDataset:
    Conversion(_folder(where), where / "shards", "shards", shard_size=2).run()
    return ShardDataset(where / "shards")


def _accepted(where: Path) -> AcceptedFrames:
    return AcceptedFrames(_folder(where).path, Decisions(frozenset({"own/0", "own/4"}), frozenset(), {}))


def _public(where: Path) -> Dataset:
    for number in range(3):
        (where / "nyu" / "train").mkdir(parents=True, exist_ok=True)
        depth = np.full((480, 640), 700 + number, np.uint16)
        (where / "nyu" / "train" / f"depth_1_{number + 1:07d}.png").write_bytes(_nyu(depth))
    found = open_named(f"nyu:{where / 'nyu'}", labeled=False)
    assert found is not None
    return found


def _nyu(depth: np.ndarray) -> bytes:
    """As the makers store it: the high byte in green, the low one in blue."""
    import cv2

    channels = [(depth & 255).astype(np.uint8), (depth >> 8).astype(np.uint8), np.zeros(depth.shape, np.uint8)]
    return cv2.imencode(".png", np.dstack(channels))[1].tobytes()


KINDS: dict[str, Callable[[Path], Dataset]] = {
    "own": lambda where: Own(),
    "folder": _folder,
    "split": lambda where: FolderDataset(_folder(where).path, split="val"),
    "shards": _shards,
    "accepted": _accepted,
    "public": _public,
    "cached": lambda where: cache_frames(Own(), where / "cached", size=Size(16, 12), described={}),
    "several": lambda where: ConcatDataset([_folder(where), Own(), _shards(where)]),
    "part": lambda where: Subset(_shards(where), range(1, 4)),
    "part of several": lambda where: Subset(ConcatDataset([_folder(where), Own()]), range(3, 8)),
    "named": lambda where: open_samples(str(_folder(where).path), skip=1, limit=3),
    "made": lambda where: SyntheticDataset("val", 5, recipes=("exam1", "wild"), count=3),
    "judged": lambda where: open_samples("synth:val:3", skip=1),
}


@pytest.fixture(params=KINDS)
def dataset(request: pytest.FixtureRequest, tmp_path: Path) -> Dataset:
    """One of each kind."""
    if request.param in ("made", "judged"):
        pytest.importorskip("numba")
    return KINDS[request.param](tmp_path)


def test_frames_are_named_counted_and_end(dataset: Dataset) -> None:
    samples = list(dataset)
    assert len(samples) == len(dataset) == len(dataset.stems) > 0
    assert [sample.stem for sample in samples] == list(dataset.stems)
    for index in (len(dataset), len(dataset) + 7, -len(dataset) - 1):
        with pytest.raises(IndexError, match=f"has {len(dataset)} frames"):
            dataset[index]
    for index, sample in enumerate(samples):
        _assert_same(dataset[index], sample)
    _assert_same(dataset[-1], samples[-1])
    assert dataset.name and set(dataset.unlabeled()) <= set(dataset.stems)
    assert all(dataset.has_color(index) == (dataset.color(index) is not None) for index in range(len(dataset)))


def test_copies_give_the_same_frames(dataset: Dataset) -> None:
    _assert_same(pickle.loads(pickle.dumps(dataset))[len(dataset) - 1], dataset[len(dataset) - 1])


def test_blocks_ascend_from_the_first_frame(dataset: Dataset) -> None:
    starts = dataset.block_starts()
    assert starts[0] == 0 and (np.diff(starts) > 0).all() and starts[-1] < len(dataset)


def test_statistics_count_every_frame(dataset: Dataset) -> None:
    assert collect(dataset).frames == len(dataset)


def test_a_data_set_without_end_has_names_and_frames_far_away() -> None:
    pytest.importorskip("numba")
    endless = SyntheticDataset("train", 0, recipes=("exam1",))
    assert endless.stems[10**9] == endless[10**9].stem == "train-1000000000"
    assert list(Subset(endless, range(7, 9)).stems) == ["train-00007", "train-00008"]


def test_parts_and_rows_keep_blocks_splits_and_missing_labels(tmp_path: Path) -> None:
    shards, folder = _shards(tmp_path), _folder(tmp_path)
    assert shards.block_starts().tolist() == [0, 2, 3]
    both = ConcatDataset([shards, folder])
    assert both.block_starts().tolist() == [0, 2, 3, 5, 6, 7, 8, 9]
    assert Subset(both, range(1, 6)).block_starts().tolist() == [0, 1, 2, 4]
    assert set(both.split_names) == {"val", "train"}
    assert [Subset(both, range(4, 7)).splits_of(index) for index in range(3)] == [
        both.splits_of(4), folder.splits_of(0), folder.splits_of(1),
    ]  # fmt: skip
    (folder.path / "labels" / "own" / "1.png").unlink()
    assert both.unlabeled() == ["own/1"] == Subset(both, range(5, 7)).unlabeled()
    assert Subset(both, range(8, 10)).unlabeled() == []


def test_labels_that_must_be_there() -> None:
    sample = Own()[2]
    assert sample.target() is sample.labels
    with pytest.raises(InputError, match=r"^own/2 has no label image, expected one: label the frame"):
        Sample(sample.stem, sample.frame, None).target()


def _assert_same(one: Sample, other: Sample) -> None:
    assert one.stem == other.stem and one.frame.intrinsics == other.frame.intrinsics and one.facts == other.facts
    assert one.frame.depth_unit_m == other.frame.depth_unit_m
    np.testing.assert_array_equal(one.frame.depth, other.frame.depth)
    np.testing.assert_array_equal(one.labels, other.labels)
