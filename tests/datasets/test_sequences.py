from pathlib import Path

import numpy as np
import pytest

from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.datasets.sequences import clips_of, sequences_by_name
from graspseg.frame import Frame


def dataset(path: Path, stems: list[str], **described: object) -> FolderDataset:
    writer = FolderWriter(path, described)
    for stem in stems:
        writer.write(stem, Frame(np.ones((2, 3), np.uint16)))
    return FolderDataset(path)


def test_stems_that_differ_in_the_last_number_are_one_sequence() -> None:
    stems = ["a/1", "a/2", "b/1", "x-12.5", "x-12.7", "y"]
    assert sequences_by_name(stems) == [range(2), range(2, 3), range(3, 5), range(5, 6)]


def test_clips_are_those_of_data_sets_with_a_rate(tmp_path: Path) -> None:
    stems = [f"val-clip-{clip:05d}-frame-{number:05d}" for clip in range(2) for number in range(3)]
    assert clips_of(dataset(tmp_path / "clips", stems, rate_hz=30.0)) == [range(3), range(3, 6)]
    assert clips_of(dataset(tmp_path / "frames", stems)) == []


@pytest.mark.parametrize(
    ("stems", "clips"),
    [
        (["f1", "f2", "f4", "f5"], [range(2), range(2, 4)]),
        (["f1.5", "f1.6"], [range(1), range(1, 2)]),
        (["a", "b"], [range(1), range(1, 2)]),
    ],
)
def test_a_gap_ends_a_clip(stems: list[str], clips: list[range], tmp_path: Path) -> None:
    assert clips_of(dataset(tmp_path, stems, rate_hz=30.0)) == clips
