"""Where closer windows go."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.crop import View
from graspseg.segment.look import Look
from graspseg.segment.windows import contact_view, focus_views

FULL = View(319.5, 239.5, 640.0, 160)


def look(labels: np.ndarray, view: View = FULL) -> Look:
    """A look that is sure of some labels."""
    return Look(view, np.stack([labels == i for i in range(3)]).astype(np.float32))


def boxes(*places: tuple[int, int, int], label: int = 1) -> np.ndarray:
    """Labels with squares, each given as row, column and side."""
    labels = np.zeros((160, 160), np.uint8)
    for row, column, side in places:
        labels[row : row + side, column : column + side] = label
    return labels


def test_a_window_surrounds_hand_and_object() -> None:
    labels = boxes((60, 100, 20))
    labels[70:90, 110:130] = 2
    (view,) = focus_views(look(labels), 160)
    assert view.center_x == pytest.approx(319.5 + (115 - 80) * 4, abs=0.1)
    assert view.center_y == pytest.approx(239.5 + (75 - 80) * 4, abs=0.1)
    assert view.size_px == pytest.approx(30 * 4 * 1.3)


def test_no_window_without_a_find_or_where_the_full_pass_sees_as_well() -> None:
    assert focus_views(look(np.zeros((160, 160), np.uint8)), 160) == []
    assert focus_views(look(np.ones((160, 160), np.uint8)), 160) == []
    finer = View(319.5, 239.5, 640.0, 320)
    labels = np.zeros((320, 320), np.uint8)
    labels[60:100, 60:100] = 1
    (view,) = focus_views(look(labels, finer), 160)
    assert view.side == 160 and view.size_px == pytest.approx(40 * 2 * 1.3)
    labels[20:220, 60:100] = 1  # a window of 160 around 520 frame pixels shows less than the full pass does
    assert focus_views(look(labels, finer), 160) == []


def test_what_is_half_suspected_is_looked_at() -> None:
    suspected = look(boxes((60, 60, 20)))
    suspected.probabilities[:, 60:80, 60:80] = np.array([0.6, 0.2, 0.2], np.float32)[:, None, None]
    assert focus_views(suspected, 160) == []
    suspected.probabilities[:, 60:80, 60:80] = np.array([0.6, 0.4, 0.0], np.float32)[:, None, None]
    assert len(focus_views(suspected, 160)) == 1


def test_hands_apart_get_a_window_each_and_near_ones_share() -> None:
    apart = look(boxes((20, 20, 20), (120, 110, 16)))
    assert len(focus_views(apart, 160, most=1)) == 1
    first, second = focus_views(apart, 160, most=4)
    assert first.size_px == pytest.approx(20 * 4 * 1.3) and second.size_px == pytest.approx(16 * 4 * 1.3)
    assert first.center_x < second.center_x
    # The window of the larger one would cut the smaller one.
    near = look(boxes((20, 20, 20), (20, 41, 12)))
    (shared,) = focus_views(near, 160, most=4)
    assert shared.size_px == pytest.approx(33 * 4 * 1.3)


def test_there_are_never_more_windows_than_allowed() -> None:
    many = look(boxes((5, 5, 20), (5, 130, 20), (130, 5, 20), (130, 130, 20), (65, 65, 20)))
    for most in range(1, 5):
        views = focus_views(many, 160, most=most)
        assert len(views) <= most
        for row, column in ((5, 5), (5, 130), (130, 5), (130, 130), (65, 65)):
            x, y = FULL.matrix() @ np.array([column + 9.5, row + 9.5, 1.0])
            assert any(max(abs(x - v.center_x), abs(y - v.center_y)) < v.size_px / 2 for v in views) or not views


def test_small_pieces_do_not_widen_the_window() -> None:
    (alone,) = focus_views(look(boxes((60, 100, 30))), 160)
    assert focus_views(look(boxes((60, 100, 30), (5, 5, 6))), 160) == [alone]
    (wider,) = focus_views(look(boxes((60, 100, 30), (25, 70, 20))), 160)
    assert wider.size_px > 1.9 * alone.size_px


def test_the_closest_window_surrounds_the_object_alone() -> None:
    labels = np.zeros((160, 160), np.uint8)
    labels[20:140, 60:70], labels[30:60, 70:100] = 1, 2
    view = contact_view(look(labels))
    assert view is not None
    assert view.center_x == pytest.approx(319.5 + (85 - 80) * 4, abs=0.1)
    assert view.center_y == pytest.approx(239.5 + (45 - 80) * 4, abs=0.1)
    assert view.size_px == pytest.approx(30 * 4 * 1.9)
    assert contact_view(look(np.where(labels == 2, 0, labels).astype(np.uint8))) is None
