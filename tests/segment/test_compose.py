"""Labels of a frame from answers for windows, against the plain way: every plane at the frame's size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from graspseg.crop import View
from graspseg.segment.compose import MARGIN_PX, compose
from graspseg.segment.look import Look
from graspseg.segment.pieces import number_pieces

HEIGHT, WIDTH = 120, 160


def _look(rng: np.random.Generator, view: View) -> Look:
    """Random blobs of hand and object, with some pixels that were not measured."""
    raw = rng.normal(size=(3, view.side, view.side)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(plane, (0, 0), 4) for plane in raw]) * 20
    smooth[0] += 1.5
    odds = np.exp(smooth)
    measured = rng.random((view.side, view.side)) > 0.1
    return Look(view, (odds / odds.sum(axis=0) * measured).astype(np.float32))


def _plain(looks: list[Look], measured: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    planes = np.zeros((3, HEIGHT, WIDTH), np.float32)
    for look in looks:
        look.add_to(planes)
    labels = planes.argmax(axis=0).astype(np.uint8)
    # Where two are equal, background comes before hand and hand before object.
    labels[~measured] = 0
    total = np.maximum(planes.sum(axis=0), 1e-12)
    return labels, planes / total


@pytest.mark.parametrize("seed", range(12))
def test_labels_and_beliefs_are_those_of_whole_planes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    views = [View((WIDTH - 1) / 2, (HEIGHT - 1) / 2, 160.0, 48)]
    for _ in range(seed % 4):
        views.append(View(rng.uniform(20, 140), rng.uniform(20, 100), rng.uniform(30, 150), 48))
    looks = [_look(rng, view) for view in views]
    depth = (rng.random((HEIGHT, WIDTH)) > 0.05).astype(np.uint16)
    found = compose(looks, depth)
    labels, beliefs = _plain(looks, depth > 0)
    np.testing.assert_array_equal(found.labels, labels)
    inside, hand_or_object = found.labels[found.inside], labels > 0
    assert hand_or_object.sum() == np.count_nonzero(inside) > 0
    np.testing.assert_allclose(found.chosen[inside > 0], beliefs.max(axis=0)[hand_or_object], rtol=1e-5)
    np.testing.assert_allclose(found.either[inside > 0], beliefs[1:].sum(axis=0)[hand_or_object], rtol=1e-5)
    ys, xs = np.nonzero(labels)
    x0, y0, x1, y1 = found.box
    assert x0 <= max(xs.min() - MARGIN_PX, 0) and y0 <= max(ys.min() - MARGIN_PX, 0)
    assert x1 >= min(xs.max() + 1 + MARGIN_PX, WIDTH) and y1 >= min(ys.max() + 1 + MARGIN_PX, HEIGHT)


def test_a_closer_window_that_refutes_the_first_leaves_nothing() -> None:
    first, closer = View(79.5, 59.5, 160.0, 48), View(79.5, 59.5, 130.0, 48)
    hand, nothing = np.zeros((3, 48, 48), np.float32), np.zeros((3, 48, 48), np.float32)
    hand[0], hand[1, 20:28, 20:28], nothing[0] = 0.5, 0.9, 1
    depth = np.ones((HEIGHT, WIDTH), np.uint16)
    assert compose([Look(first, hand)], depth).labels.any()
    found = compose([Look(first, hand), Look(closer, nothing)], depth)
    assert not found.labels.any() and found.box == (0, 0, 0, 0) and not found.chosen.size


def test_more_pieces_than_short_numbers_are_counted() -> None:
    dots = np.zeros((600, 600), np.uint8)
    dots[::2, ::2] = 1
    count, numbers = number_pieces(dots)
    assert count == 90_000 and numbers.max() == 90_000
    count, numbers = number_pieces(dots[:100, :101])
    assert count == 50 * 51 and numbers.max() == count and numbers.dtype == np.uint16
    assert number_pieces(dots[:0])[0] == 0
