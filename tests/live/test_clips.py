"""Tracking and filter with the shipped model: on clips with truth, and on real sequences."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from graspseg import Frame, Segmenter
from graspseg.datasets.open import open_dataset
from graspseg.metrics.confusion import Confusion
from graspseg.metrics.flicker import Flicker
from graspseg.segment.engine import Engine
from graspseg.segment.stream import StreamSegmenter
from graspseg.segment.temporal_filter import TemporalFilter
from graspseg.synth.generate import FrameMaker
from graspseg.synth.recipe import RECIPES

REAL = Path(__file__).parents[3] / "shared" / "real"
Labeled = tuple[Frame, np.ndarray, bool]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(threads=1)


def clips(number: int, length: int, *, still: bool = False) -> list[Labeled]:
    """Frames, labels, and whether one follows the one before."""
    maker = FrameMaker("val", 61, recipe=RECIPES["wild"], clip_length=length, still=still)
    made = (maker.make(index) for index in range(number * length))
    return [(each.frame(), each.labels, index % length > 0) for index, each in enumerate(made)]


def judge(stream: StreamSegmenter, frames: Iterable[Labeled]) -> tuple[float, float]:
    """Mean IoU of hand and object in points, and the share of still pixels whose label changes."""
    confusion, flicker = Confusion(), Flicker()
    for frame, target, follows in frames:
        if not follows:
            stream.reset()
        labels = stream(frame).labels
        confusion.update(labels, target)
        flicker.update(labels, target, frame.depth_m(), follows=follows)
    mean, summary = confusion.iou_dataset["mean"], flicker.summary()
    assert mean is not None and summary is not None and summary["rate"] is not None
    return 100 * mean, summary["rate"]


def test_tracking_is_as_good_as_single_frames_on_moving_clips(segmenter: Segmenter) -> None:
    frames = clips(4, 12)
    tracking = StreamSegmenter(segmenter)
    single_iou, _ = judge(StreamSegmenter(segmenter, track=None), frames)
    tracked_iou, _ = judge(tracking, frames)
    steady_iou, _ = judge(StreamSegmenter(segmenter, smooth=TemporalFilter()), frames)
    assert tracked_iou > single_iou - 1.5 and steady_iou > tracked_iou - 0.5
    assert tracking.passes[None] > 0.6 * len(frames), tracking.passes


def test_a_tracked_clip_needs_at_most_half_of_the_network_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of the network are counted, not seconds: a full pass and a closer window for each group against windows."""
    segmenter = Segmenter(threads=1)
    runs: list[int] = []
    engines = segmenter.predictor._engines  # type: ignore[attr-defined]
    for side, engine in list(engines.items()):

        def counted(depth_m: np.ndarray, angle: float, engine: Engine = engine) -> np.ndarray:
            runs[-1] += 1
            return engine(depth_m, angle)

        monkeypatch.setitem(engines, side, counted)

    def count(stream: StreamSegmenter) -> list[int]:
        runs.clear()
        for frame, _, follows in frames:
            if not follows:
                stream.reset()
            runs.append(0)
            stream(frame)
        return list(runs)

    frames = clips(2, 15)
    tracking = StreamSegmenter(segmenter)
    single, tracked = count(StreamSegmenter(segmenter, track=None)), count(tracking)
    print(f"{np.mean(single):.2f} runs a frame by single frames, {np.mean(tracked):.2f} tracked, {tracking.passes}")
    assert min(single) >= 2, "each of these frames has a hand: a full pass and a closer window"
    followed = [now for now, (_, _, follows) in zip(tracked, frames, strict=True) if follows]
    alone = [now for now, (_, _, follows) in zip(single, frames, strict=True) if follows]
    assert np.median(followed) <= np.median(alone) / 2
    assert sum(followed) <= 0.6 * sum(alone), "with what is looked at again"


def test_the_filter_halves_flicker_where_nothing_moves(segmenter: Segmenter) -> None:
    frames = clips(4, 8, still=True)
    assert np.array_equal(frames[0][1] > 0, frames[1][1] > 0) or (frames[0][1] != frames[1][1]).mean() < 0.02
    single_iou, flickers = judge(StreamSegmenter(segmenter, track=None), frames)
    steady_iou, steady = judge(StreamSegmenter(segmenter, track=None, smooth=TemporalFilter()), frames)
    assert flickers > 0 and steady < 0.5 * flickers and steady_iou > single_iou - 0.5


@pytest.mark.parametrize("name", ["table_two_hands", "zed_pour_water", "sr305_gestures"])
def test_tracking_loses_nothing_on_real_sequences(segmenter: Segmenter, name: str) -> None:
    folder = REAL / name
    if not folder.is_dir():
        pytest.skip(f"NOT TESTED on real frames: {name} is not in ../shared/real")
    dataset = open_dataset(folder)
    frames: list[Labeled] = []
    for index in range(len(dataset)):
        sample = dataset[index]
        assert sample.labels is not None
        frames.append((sample.frame, sample.labels, index > 0))
    ious = []
    for stream in (StreamSegmenter(segmenter, track=None), StreamSegmenter(segmenter)):
        confusion = Confusion()
        for frame, target, _ in frames:
            confusion.update(stream(frame).labels, target)
        ious.append(confusion.iou_dataset["hand"])
    single, tracked = ious
    assert single is not None and tracked is not None
    print(f"{name}: hand IoU {100 * single:.1f} by single frames, {100 * tracked:.1f} tracked, {stream.passes}")
    assert tracked > single - 0.03, "frames here are up to a second apart"
