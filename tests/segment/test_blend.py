"""Windows that agree."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.crop import View
from graspseg.segment.blend import blended
from graspseg.segment.compose import compose
from graspseg.segment.look import Look

SIZE = (640, 480)
FULL = View(319.5, 239.5, 640.0, 160)
CLOSER = View(300.0, 240.0, 160.0, 160)


def sure(view: View, hand: float, held: float = 0.0) -> Look:
    """A look that says the same everywhere."""
    values = np.array([1 - hand - held, hand, held], np.float32)
    return Look(view, np.ones((3, view.side, view.side), np.float32) * values[:, None, None])


def test_answers_that_agree_stay() -> None:
    found = blended(sure(CLOSER, 0.7, 0.2), [sure(FULL, 0.7, 0.2)], SIZE)
    np.testing.assert_allclose(found.probabilities, sure(CLOSER, 0.7, 0.2).probabilities, atol=1e-6)


def test_the_closer_answer_counts_in_the_middle_and_the_wider_at_the_border() -> None:
    hand = blended(sure(CLOSER, 0.0), [sure(FULL, 0.9)], SIZE).probabilities[1]
    assert hand[80, 80] < 0.1  # it resolves four times as much
    assert hand[[0, -1]].min() > 0.89 and hand[:, [0, -1]].min() > 0.89
    along = hand[80, :80]
    assert (np.diff(along) <= 1e-6).all() and np.abs(np.diff(along)).max() < 0.1


def test_a_window_that_is_hardly_closer_hardly_counts_more() -> None:
    slightly = View(319.5, 239.5, 560.0, 160)
    hand = blended(sure(slightly, 0.0), [sure(FULL, 0.9)], SIZE).probabilities[1]
    assert 0.3 < hand[80, 80] < 0.45


def test_a_resolution_beyond_the_frames_own_counts_for_nothing() -> None:
    tiny, small = View(300.0, 240.0, 40.0, 160), View(300.0, 240.0, 160.0, 160)
    first, second = (blended(sure(view, 0.0), [sure(FULL, 0.9)], SIZE) for view in (tiny, small))
    np.testing.assert_allclose(first.probabilities[:, 80, 80], second.probabilities[:, 80, 80], atol=1e-5)


def test_the_frames_border_is_no_border() -> None:
    corner = View(60.0, 60.0, 160.0, 160)
    hand = blended(sure(corner, 0.9), [sure(FULL, 0.0)], SIZE).probabilities[1]
    assert hand[25, 25] > 0.8 and hand[80, 25] > 0.8 and hand[-1, -1] < 0.01


def test_pixels_without_measurement_or_outside_the_wider_window_take_the_closer_answer_alone() -> None:
    wide = sure(View(200.0, 240.0, 200.0, 160), 0.9)
    wide.probabilities[:, :, :80] = 0
    closer = sure(CLOSER, 0.2)
    closer.probabilities[:, 40:50, 100:110] = 0
    found = blended(closer, [wide], SIZE).probabilities
    np.testing.assert_allclose(found[1, 10, 120], 0.2, atol=1e-6)  # beyond the wider window
    assert (found[:, 40:50, 100:110] == 0).all()


def test_a_third_window_meets_what_the_second_made_of_the_first() -> None:
    second = blended(sure(CLOSER, 0.0), [sure(FULL, 0.9)], SIZE)
    third = blended(sure(View(300.0, 240.0, 80.0, 160), 0.0), [sure(FULL, 0.9), second], SIZE)
    assert third.probabilities[1].max() < 0.1
    beside = blended(sure(View(380.0, 240.0, 80.0, 160), 0.0), [sure(FULL, 0.9), second], SIZE)
    edge = beside.probabilities[1][:, [0, -1]]  # inside the second window, and outside of it
    assert edge[80, 0] < 0.1 and edge[80, 1] > 0.85


@pytest.mark.parametrize("refuted", [True, False])
def test_a_find_across_the_border_leaves_no_step(refuted: bool) -> None:
    """Whatever the closer window says, next to its border labels are those of the wider one."""
    wide, closer = sure(FULL, 0.9), sure(CLOSER, 0.0 if refuted else 1.0)
    found = compose([wide, blended(closer, [wide], SIZE)], np.ones((480, 640), np.uint16))
    labels, chosen = found.labels, np.zeros((480, 640), np.float32)
    chosen[found.inside] = found.chosen
    x0, y0, x1, y1 = CLOSER.region(*SIZE)
    assert (labels[y0:y1, x0 : x0 + 4] == 1).all() and (labels[y0 : y0 + 4, x0:x1] == 1).all()
    assert np.abs(np.diff(chosen[240, x0 - 3 : x0 + 4])).max() < 0.05
    assert labels[240, 300] == (0 if refuted else 1)
