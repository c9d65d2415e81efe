"""The order of frames: each once a pass, and shards few at a time."""

from __future__ import annotations

import numpy as np
import pytest
from jaxtyping import Int64

from graspseg.datasets.combined import Subset
from graspseg.datasets.dataset import Dataset, Sample
from graspseg.synth.dataset import SyntheticDataset
from graspseg.training import order
from graspseg.training.order import FrameOrder


class Blocks(Dataset):
    """Frames in blocks of given sizes; none is ever read."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = sizes

    @property
    def stems(self) -> list[str]:
        return [str(index) for index in range(sum(self.sizes))]

    def read(self, index: int) -> Sample:
        raise AssertionError(index)

    def block_starts(self) -> Int64[np.ndarray, "blocks"]:
        return np.cumsum([0, *self.sizes[:-1]]).astype(np.int64)


def _pass(source: Blocks | Subset, turn: int, *, seed: int = 0) -> list[int]:
    frames = FrameOrder(source, seed)
    return [frames.frame_index(turn, place) for place in range(len(source))]


@pytest.mark.parametrize("sizes", [(10,) * 5, (7, 1, 30, 12), (0, 25, 0, 25, 0), (1,) * 50, (50,)])
def test_every_pass_has_each_frame_once_in_an_order_of_its_own(monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...]):
    monkeypatch.setattr(order, "WINDOW", 16)
    first, second, other = _pass(Blocks(*sizes), 0), _pass(Blocks(*sizes), 1), _pass(Blocks(*sizes), 0, seed=1)
    assert sorted(first) == sorted(second) == sorted(other) == list(range(50))
    assert first not in (second, other, sorted(first)) and second != other


def test_a_window_of_shards_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(order, "WINDOW", 20)
    shards = np.array(_pass(Blocks(*[10] * 8), 0)) // 10
    windows = [set(part.tolist()) for part in np.split(shards, 4)]
    assert [len(window) for window in windows] == [2] * 4
    assert set.union(*windows) == set(range(8))
    assert windows != [{0, 1}, {2, 3}, {4, 5}, {6, 7}]
    mixed = shards[:20].tolist()
    assert mixed not in (sorted(mixed), sorted(mixed, reverse=True))


def test_few_frames_and_single_ones_are_shuffled_freely(monkeypatch: pytest.MonkeyPatch):
    few = _pass(Blocks(10, 10), 3)
    assert few == np.random.default_rng((0, 1, 3)).permutation(20).tolist()
    monkeypatch.setattr(order, "WINDOW", 4)
    assert _pass(Blocks(*[1] * 20), 3) == few
    assert _pass(Blocks(10, 10), 3) != few


def test_an_order_is_found_from_any_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(order, "WINDOW", 8)
    source = Blocks(10, 20, 3)
    whole = [_pass(source, 0), _pass(source, 1)]
    frames = FrameOrder(source, 0)
    for turn, place in ((1, 32), (0, 0), (0, 9), (1, 1), (0, 31)):
        assert frames.frame_index(turn, place) == whole[turn][place]


def test_a_range_keeps_the_blocks_it_has():
    assert Subset(Blocks(10, 20, 3), range(5, 31)).block_starts().tolist() == [0, 5, 25]
    assert Subset(Blocks(10, 20, 3), range(10)).block_starts().tolist() == [0]
    plain = Subset(SyntheticDataset("train", 0, recipes=["exam1"], count=9), range(2, 6))
    assert plain.block_starts().tolist() == [0, 1, 2, 3]
