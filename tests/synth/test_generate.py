"""Frames: pure functions of split, seed and index, with exact labels."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.generate import HEIGHT, WIDTH, FrameMaker
from graspseg.synth.objects.objects import SPLITS
from graspseg.synth.scene.floating import SceneMaker


@pytest.fixture(scope="module")
def maker() -> FrameMaker:
    return FrameMaker("train", 3)


def test_a_frame_depends_on_seed_and_index_alone(maker: FrameMaker) -> None:
    first = [maker.make(index) for index in (4, 5)]
    again = FrameMaker("train", 3)
    for index, frame in ((5, first[1]), (4, first[0])):
        other = again.make(index)
        np.testing.assert_array_equal(other.depth_m, frame.depth_m)
        np.testing.assert_array_equal(other.labels, frame.labels)
        assert other.intrinsics == frame.intrinsics
    assert not np.array_equal(first[0].depth_m, first[1].depth_m)
    assert not np.array_equal(FrameMaker("train", 4).make(4).depth_m, first[0].depth_m)


@pytest.mark.parametrize("split", SPLITS)
def test_labels_are_on_measured_pixels_only(split) -> None:
    maker = FrameMaker(split, 0)
    holding = 0
    for index in range(12):
        made = maker.make(index)
        depth_m, labels = made.depth_m, made.labels
        assert depth_m.shape == labels.shape == (HEIGHT, WIDTH)
        assert set(np.unique(labels)) <= {BACKGROUND, HAND, OBJECT}
        assert not labels[depth_m == 0].any()
        assert depth_m.min() >= 0 and depth_m[depth_m > 0].min() > 0.1
        assert np.count_nonzero(labels == HAND) > maker.recipe.smallest_hand_px / 2
        holding += bool((labels == OBJECT).any())
    assert holding >= 6


def test_a_given_camera_is_kept() -> None:
    camera = Intrinsics.default(WIDTH, HEIGHT)
    assert FrameMaker("val", 0, intrinsics=camera).make(1).intrinsics == camera


def test_frame_is_what_a_sensor_hands_over(maker: FrameMaker) -> None:
    made = maker.make(0)
    frame = made.frame()
    assert frame.depth.dtype == np.uint16
    np.testing.assert_allclose(frame.depth_m(), made.depth_m, atol=0.00006)


def test_splits_share_no_object_and_unseen_has_another_hand() -> None:
    makers = {split: SceneMaker(split) for split in SPLITS}
    names = [set(makers[split].cast.names) for split in SPLITS]
    assert not names[0] & names[1] and not names[0] & names[2] and not names[1] & names[2]
    assert makers["train"].cast.hand_name == makers["val"].cast.hand_name != makers["unseen"].cast.hand_name


def test_what_stands_behind_never_cuts_the_hand() -> None:
    """Table, wall and body are placed behind: at most a sleeve or clutter may hide a piece of hand or object."""
    from graspseg.synth.render.canvas import Canvas

    scenes, hidden = SceneMaker("val", Intrinsics.default(WIDTH, HEIGHT)), []
    for seed in range(30):
        scene = scenes.make(np.random.default_rng(seed))
        whole, alone = Canvas(WIDTH, HEIGHT), Canvas(WIDTH, HEIGHT)
        scene.draw(whole)
        scene.planes, scene.ellipsoids = [], []
        scene.draw(alone)
        shown = alone.labels > 0
        hidden.append(np.count_nonzero(shown & (whole.labels == 0)) / max(np.count_nonzero(shown), 1))
    assert np.mean(hidden) < 0.03
