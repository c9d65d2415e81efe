import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graspseg.compare.frames import CachedFrames, Size, cache_frames, reduced
from graspseg.datasets.dataset import Dataset, Sample
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.synth.dataset import SyntheticDataset

SIZE = Size(32, 24)
CAMERA = Intrinsics(80.0, 80.0, 31.5, 23.5)


class Numbered(Dataset):
    """Frames of 64 x 48 whose depth is the number of the frame, all but one in labels of three classes."""

    def __init__(self, count: int, *, bad: tuple[int, ...] = (), unlabeled: tuple[int, ...] = ()) -> None:
        self.count, self.bad, self.missing = count, bad, unlabeled
        self.been_read: list[int] = []

    @property
    def stems(self) -> list[str]:
        return [f"frame {index}" for index in range(self.count)]

    def read(self, index: int) -> Sample:
        self.been_read.append(index)
        if index in self.bad:
            raise InputError(f"{index} is truncated")
        labels = np.tile(np.arange(64, dtype=np.uint8) % 3, (48, 1))
        frame = Frame(np.full((48, 64), index + 1, np.uint16), 0.0005, CAMERA)
        return Sample(f"frame {index}", frame, None if index in self.missing else labels)


@pytest.fixture
def cache(tmp_path: Path) -> Callable[..., CachedFrames]:
    def make(samples: Numbered, **options) -> CachedFrames:
        return cache_frames(samples, tmp_path / "cache", size=SIZE, **{"described": {"data": "mine"}, **options})

    return make


def test_every_fourth_pixel_is_kept_and_the_camera_looks_through_its_center() -> None:
    depth = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
    frame, labels = reduced(Frame(depth, 0.001, CAMERA), (depth % 3).astype(np.uint8), size=Size(16, 16 * 3 // 4))
    # Of the pixels 0 to 3 the left one of the middle two, 1, stands for all: the first kept pixel is (1, 1).
    assert frame.depth[0, 0] == 65
    assert frame.depth[2, 3] == depth[9, 13]
    assert labels[2, 3] == depth[9, 13] % 3
    assert frame.depth.shape == (12, 16)
    assert frame.intrinsics == Intrinsics(20.0, 20.0, (31.5 - 1) / 4, (23.5 - 1) / 4)
    kept, whole = frame.intrinsics, CAMERA
    assert kept is not None
    assert (3 - kept.cx) / kept.fx == pytest.approx((13 - whole.cx) / whole.fx)
    assert (2 - kept.cy) / kept.fy == pytest.approx((9 - whole.cy) / whole.fy)


def test_frames_of_the_size_stay_as_they_are() -> None:
    sample = Numbered(1)[0]
    assert sample.labels is not None
    frame, labels = reduced(sample.frame, sample.labels, size=Size(64, 48))
    assert np.array_equal(frame.depth, sample.frame.depth) and np.array_equal(labels, sample.labels)
    assert frame.intrinsics == CAMERA


@pytest.mark.parametrize("size", [Size(20, 15), Size(32, 48), Size(128, 96)])
def test_other_sizes_are_refused_with_one_that_goes(size: Size) -> None:
    sample = Numbered(1)[0]
    assert sample.labels is not None
    with pytest.raises(InputError, match=rf"64x48 pixels, expected a whole multiple of {size}: .* such as 16x12"):
        reduced(sample.frame, sample.labels, size=size)


@pytest.mark.parametrize("text", ["160", "160x", "x120", "-160x120", "160x120x3", "4x4"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="is no size of frames"):
        Size.parse(text)


def test_a_cache_gives_back_what_went_in(cache) -> None:
    frames = cache(Numbered(5))
    assert len(frames) == 5
    sample = frames[3]
    assert list(frames.stems) == [each.stem for each in frames] == [f"frame {index}" for index in range(5)]
    assert sample.stem == "frame 3"
    assert np.all(sample.frame.depth == 4) and sample.frame.depth_unit_m == 0.0005
    assert sample.labels is not None and sample.labels.shape == (24, 32)
    assert list(sample.labels[0, :3]) == [0, 2, 1]
    assert sample.frame.depth_m()[0, 0] == np.float32(0.002)
    assert sample.frame.intrinsics == Intrinsics(40.0, 40.0, 15.75, 11.75)


def test_what_is_there_is_not_made_again(cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graspseg.compare.frames.PART_FRAMES", 2)
    cache(Numbered(5))
    again = Numbered(5)
    parts = sorted(cache(again).path.glob("part-*.npy"))
    assert again.been_read == []
    assert len(parts) == 3
    parts[1].unlink()
    (parts[1].parent / ".1-1.tmp").write_bytes(b"of a process that was killed")
    reported: list[tuple[int, int]] = []
    assert len(cache(again, progress=lambda done, total: reported.append((done, total)))) == 5
    assert again.been_read == [2, 3]
    assert reported == [(3, 5), (5, 5)]
    assert not (parts[1].parent / ".1-1.tmp").exists()


def test_other_frames_do_not_mix_with_those_that_are_there(cache) -> None:
    cache(Numbered(5))
    with pytest.raises(InputError, match="holds frames of count 5, expected 6: choose another --out"):
        cache(Numbered(6))
    with pytest.raises(InputError, match="holds frames of data 'mine', expected 'yours'"):
        cache(Numbered(5), described={"data": "yours"})


def test_frames_that_cannot_be_used_are_left_out_and_named(cache) -> None:
    frames = cache(Numbered(6, bad=(1,), unlabeled=(4,)))
    assert [frames[index].stem for index in range(len(frames))] == ["frame 0", "frame 2", "frame 3", "frame 5"]
    unlabeled = "frame 4 has no label image, expected one: label the frame or take it out."
    assert frames.failures == ["1 is truncated", unlabeled]


def test_mostly_unusable_frames_are_an_error(cache) -> None:
    with pytest.raises(InputError, match="mine: 3 of 5 frames tried cannot be used"):
        cache(Numbered(5, bad=(0, 1, 2)))


def test_frames_travel_to_other_processes(cache) -> None:
    made = SyntheticDataset("train", 0, recipes=("interseghands",), count=9)
    assert len(pickle.loads(pickle.dumps(made))) == 9
    frames = pickle.loads(pickle.dumps(cache(Numbered(5))))
    assert frames[3].stem == "frame 3"
