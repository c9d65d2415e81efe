"""Windows follow hands from frame to frame, and everything is looked at when there is a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graspseg import Frame, InputError, Segmenter
from graspseg.segment.stream import StreamSegmenter, TrackSettings
from graspseg.segment.windows import follow_boxes, follow_view

WIDTH, HEIGHT = 320, 240


def scene(*hands: tuple[int, int], side: int = 40, unit_m: float = 0.001) -> tuple[Frame, np.ndarray]:
    """Hands of a size at 0.4 m (left upper corner `x, y`), each with an object below it, before a wall; and labels."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for x, y in hands:
        labels[y : y + side, x : x + side] = 1
        labels[y + side : y + side + side // 2, x : x + side] = 2
    depth = np.array([1000, 400, 600], np.uint16)[labels]
    return Frame((depth * (0.001 / unit_m)).astype(np.uint16), unit_m), labels


def iou(found: np.ndarray, target: np.ndarray) -> float:
    """The worse one of hand and object."""
    return min(
        np.count_nonzero((found == label) & (target == label)) / np.count_nonzero((found == label) | (target == label))
        for label in (1, 2)
    )


@pytest.fixture(scope="module")
def segmenter(depth_rule_model: Path) -> Segmenter:
    return Segmenter(depth_rule_model, threads=1, hands=2)


def test_windows_follow_a_hand_and_see_what_a_full_pass_sees(segmenter: Segmenter) -> None:
    stream, result = StreamSegmenter(segmenter), None
    for step in range(12):
        frame, target = scene((40 + 6 * step, 60 + 3 * step))
        result = stream(frame)
        assert stream.reason == ("start" if step == 0 else None)
        assert iou(result.labels, target) > 0.93
        assert iou(result.labels, target) > iou(segmenter(frame).labels, target) - 0.03
    assert stream.passes == {"start": 1, None: 11}
    assert result is not None and len(result.looks) == 1, "one run of the network a frame"


def test_two_hands_are_followed_at_once(segmenter: Segmenter) -> None:
    stream, result = StreamSegmenter(segmenter), None
    for step in range(8):
        frame, target = scene((20 + 5 * step, 40), (250 - 5 * step, 150))
        result = stream(frame)
        assert iou(result.labels[:, : WIDTH // 2], target[:, : WIDTH // 2]) > 0.9
        assert iou(result.labels[:, WIDTH // 2 :], target[:, WIDTH // 2 :]) > 0.9
    assert result is not None and len(result.looks) == 2 and stream.passes == {"start": 1, None: 7}


def test_a_hand_that_jumps_is_found_in_the_same_frame(segmenter: Segmenter) -> None:
    stream = StreamSegmenter(segmenter)
    stream(scene((20, 20))[0])
    frame, target = scene((220, 140))
    assert iou(stream(frame).labels, target) > 0.9 and stream.reason == "presence"
    near, target = scene((220 - 30, 140))  # half of it is left in the window
    assert iou(stream(near).labels, target) > 0.9 and stream.reason == "overlap"
    stream(scene((220 - 60, 140))[0])
    assert stream.reason == "overlap", "while it is that fast, no window is tried first"
    stream(scene((220 - 62, 140))[0])
    assert stream.reason == "overlap"
    stream(scene((220 - 64, 140))[0])
    assert stream.reason is None, "slow again"


def test_a_hand_that_leaves_and_comes_back(segmenter: Segmenter) -> None:
    stream = StreamSegmenter(segmenter)
    empty, _ = scene()
    stream(scene((100, 100))[0])
    assert not stream(empty).labels.any() and stream.reason == "presence"
    assert not stream(empty).labels.any() and stream.reason == "start"
    frame, target = scene((180, 60))
    assert iou(stream(frame).labels, target) > 0.9 and stream.reason == "start"
    stream(frame)
    assert stream.reason is None


def test_a_second_hand_is_seen_within_the_gap(segmenter: Segmenter) -> None:
    stream = StreamSegmenter(segmenter, track=TrackSettings(surface_gap=4))
    stream(scene((40, 60))[0])
    frame, target = scene((40, 60), (240, 120))
    reasons = []
    for _ in range(6):
        stream(frame)
        reasons.append(stream.reason)
    assert reasons == [None, None, None, "new_surface", None, None]
    assert iou(stream(frame).labels, target) > 0.9


def test_everything_is_looked_at_after_the_interval(segmenter: Segmenter) -> None:
    stream = StreamSegmenter(segmenter, track=TrackSettings(interval=3))
    reasons = []
    for _ in range(7):
        stream(scene((40, 60))[0])
        reasons.append(stream.reason)
    assert reasons == ["start", None, None, "interval", None, None, "interval"]


def test_hands_that_fill_the_frame_need_no_window(segmenter: Segmenter) -> None:
    stream = StreamSegmenter(segmenter)
    frame, _ = scene((0, 20), (180, 20), side=140)
    for _ in range(3):
        stream(frame)
    assert stream.passes == {"start": 1, "close": 2}


@pytest.mark.parametrize("change", ["size", "unit"])
def test_another_size_or_unit_begins_anew(segmenter: Segmenter, change: str) -> None:
    stream = StreamSegmenter(segmenter)
    frame, target = scene((40, 60))
    stream(frame)
    stream(frame)
    if change == "size":
        other, target = Frame(frame.depth[:, :300]), target[:, :300]
    else:
        other = scene((40, 60), unit_m=0.0005)[0]
    assert iou(stream(other).labels, target) > 0.85 and stream.reason == "start"


def test_without_tracking_every_frame_is_looked_at_as_a_whole(segmenter: Segmenter) -> None:
    stream = StreamSegmenter(segmenter, track=None)
    for _ in range(3):
        frame, _ = scene((40, 60))
        assert np.array_equal(stream(frame).labels, segmenter(frame).labels)
    assert None not in stream.passes


def test_what_is_no_frame_is_refused_and_changes_nothing(segmenter: Segmenter) -> None:
    stream = StreamSegmenter(segmenter)
    stream(scene((40, 60))[0])
    with pytest.raises(InputError):
        stream(np.zeros((HEIGHT, 0), np.uint16))
    stream(scene((40, 60))[0].depth)
    assert stream.reason is None, "millimeters in an array are a frame"


@pytest.mark.parametrize("settings", [{"interval": 0}, {"overlap": 1.0}, {"surface_gap": 0}])
def test_settings_that_cannot_be(settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match="leave them out"):
        TrackSettings(**settings)  # pyright: ignore[reportArgumentType]


def test_boxes_and_windows_of_groups() -> None:
    labels = np.zeros((100, 200), np.uint8)
    labels[10:30, 20:60], labels[30:40, 20:60], labels[80:95, 150:180] = 1, 2, 1
    labels[50, 100] = 1  # a speck
    first, second = follow_boxes(labels, most=2)
    assert first.tolist() == [20, 10, 60, 40] and second.tolist() == [150, 80, 180, 95]
    (shared,) = follow_boxes(labels, most=1)
    assert shared.tolist() == [20, 10, 180, 95]
    view = follow_view(shared, 160)
    assert (view.center_x, view.center_y) == pytest.approx((99.5, 52.0))
    assert view.size_px == pytest.approx(160 * 1.3) and view.side == 160
    assert follow_boxes(np.zeros((9, 9), np.uint8)) == []
