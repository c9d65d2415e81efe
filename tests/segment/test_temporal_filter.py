"""Labels are steady where depth is, and new at once where it is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from graspseg import Frame, Segmentation
from graspseg.crop import View
from graspseg.segment.look import Look
from graspseg.segment.temporal_filter import FilterSettings, TemporalFilter

SIZE = 64


@dataclass(frozen=True)
class Planes:
    """An answer for a whole frame."""

    planes: np.ndarray
    view = None

    def add_to(self, planes: np.ndarray, *, origin: tuple[int, int] = (0, 0)) -> None:
        (x, y), (_, height, width) = origin, planes.shape
        planes[:] = self.planes[:, y : y + height, x : x + width]


def answer(labels: np.ndarray, sure: float = 0.7) -> np.ndarray:
    planes = np.full((3, *labels.shape), (1 - sure) / 2, np.float32)
    for label in range(3):
        planes[label][labels == label] = sure
    return planes


def result(frame: Frame, labels: np.ndarray, sure: float = 0.7) -> Segmentation:
    return Segmentation(labels.copy(), frame, (Planes(answer(labels, sure)),), sure)


def hand(*, swapped: bool = False) -> np.ndarray:
    """A hand; a corner of it is mistaken now and then."""
    labels = np.zeros((SIZE, SIZE), np.uint8)
    labels[16:48, 16:48] = 1
    if swapped:
        labels[20:30, 20:30] = 2
    return labels


def flat(depth_mm: int = 500) -> Frame:
    return Frame(np.full((SIZE, SIZE), depth_mm, np.uint16))


def test_what_flickers_over_still_depth_is_averaged_away() -> None:
    steady = TemporalFilter(FilterSettings(memory=0.7))
    changed = []
    for step in range(12):
        labels = steady(flat(), result(flat(), hand(swapped=step % 3 == 2))).labels
        changed.append(int(np.count_nonzero(labels != hand())))
    assert changed == [0] * 12


def test_what_stays_is_believed_in_the_end() -> None:
    steady = TemporalFilter(FilterSettings(memory=0.7))
    steady(flat(), result(flat(), hand()))
    counts = [np.count_nonzero(steady(flat(), result(flat(), hand(swapped=True))).labels == 2) for _ in range(4)]
    assert counts[0] == 0 and counts[-1] == 100


def test_where_depth_changes_the_newest_counts_alone() -> None:
    steady = TemporalFilter()
    steady(flat(500), result(flat(500), hand()))
    found = steady(flat(540), result(flat(540), hand(swapped=True)))
    assert np.array_equal(found.labels, hand(swapped=True))


def test_near_what_moves_nothing_trails_behind() -> None:
    steady = TemporalFilter(FilterSettings(memory=0.9))
    steady(flat(), result(flat(), hand()))
    depth = np.full((SIZE, SIZE), 500, np.uint16)
    depth[16:48, 10:16] = 400  # something moves beside the corner that is swapped
    moving = Frame(depth)
    found = steady(moving, result(moving, hand(swapped=True)))
    assert (found.labels[22:28, 20:22] == 2).all(), "beside it"
    assert (found.labels[44:48, 44:48] == 1).all()


def test_gate_grows_with_distance() -> None:
    for depth_mm, kept in ((500, False), (1500, True)):
        steady = TemporalFilter()
        steady(flat(depth_mm), result(flat(depth_mm), hand()))
        found = steady(flat(depth_mm + 20), result(flat(depth_mm + 20), hand(swapped=True)))
        assert bool(found.labels[24, 24] == 1) is kept


def test_probabilities_fit_labels_and_sum_to_one() -> None:
    steady = TemporalFilter()
    for _ in range(2):
        steady(flat(), result(flat(), hand()))
    found = steady(flat(), result(flat(), hand(swapped=True)))
    assert found.probabilities.sum(axis=0) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(found.probabilities.argmax(axis=0), found.labels)
    assert found.confidence is not None and 0.5 < found.confidence < 0.71


def test_pixels_without_depth_and_what_was_dropped_stay_background() -> None:
    steady = TemporalFilter()
    steady(flat(), result(flat(), hand()))
    depth = np.full((SIZE, SIZE), 500, np.uint16)
    depth[16:20] = 0
    holed = Frame(depth)
    labels = hand()
    labels[16:20] = 0
    assert not steady(holed, result(holed, labels)).labels[16:20].any()
    bare = Segmentation(np.zeros_like(labels), holed, (Planes(answer(hand())),), None)
    for _ in range(7):
        steady(holed, bare)
    found = steady(holed, bare)
    assert not found.labels.any() and found.confidence is None, "hardly a hand, though the model's answer says so"


def test_memory_of_zero_changes_nothing_and_reset_forgets() -> None:
    off = TemporalFilter(FilterSettings(memory=0.0))
    steady = TemporalFilter(FilterSettings(memory=0.9))
    for step in range(4):
        labels = hand(swapped=step % 2 == 1)
        assert np.array_equal(off(flat(), result(flat(), labels)).labels, labels)
        steady.reset()
        assert np.array_equal(steady(flat(), result(flat(), labels)).labels, labels)


def test_another_size_or_unit_begins_anew() -> None:
    steady = TemporalFilter(FilterSettings(memory=0.9))
    steady(flat(), result(flat(), hand()))
    fine = Frame(flat().depth, 0.0005)
    assert np.array_equal(steady(fine, result(fine, hand(swapped=True))).labels, hand(swapped=True))
    small = Frame(flat().depth[:50])
    assert np.array_equal(steady(small, result(small, hand()[:50])).labels, hand()[:50])


def test_windows_are_read_in_their_box_as_in_the_whole_frame() -> None:
    frame, rng = flat(), np.random.default_rng(3)
    planes = rng.dirichlet((1, 1, 1), (20, 20)).transpose(2, 0, 1).astype(np.float32)
    look = Look(View(30.3, 33.8, 41.0, 20), planes)
    whole = np.zeros((3, SIZE, SIZE), np.float32)
    look.add_to(whole)
    labels = whole.argmax(axis=0).astype(np.uint8)
    found = TemporalFilter()(frame, Segmentation(labels, frame, (look,), None))
    assert np.array_equal(found.labels, labels) and (labels == 2).sum() > 100


@pytest.mark.parametrize(("center_x", "center_y"), [(12.0, 50.0), (50.0, 12.0), (12.0, 12.0), (52.0, 52.0)])
def test_a_window_beside_what_was_kept_counts_for_nothing(center_x: float, center_y: float) -> None:
    frame = flat()
    found, dropped = (np.full((3, 10, 10), 0.1, np.float32) for _ in range(2))
    found[1], dropped[2] = 0.8, 0.8
    here, beside = Look(View(32.0, 32.0, 10.0, 10), found), Look(View(center_x, center_y, 10.0, 10), dropped)
    labels = np.zeros((SIZE, SIZE), np.uint8)
    labels[28:37, 28:37] = 1
    steady = TemporalFilter()
    for _ in range(3):
        kept = steady(frame, Segmentation(labels, frame, (here, beside), None))
        assert np.array_equal(kept.labels, labels)
