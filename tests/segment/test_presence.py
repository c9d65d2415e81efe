"""Is it a hand at all?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from graspseg import Segmenter
from graspseg.crop import View
from graspseg.frame import Intrinsics
from graspseg.labels import HAND, OBJECT
from graspseg.models.header import PRESENCE_KEY, read_model_info
from graspseg.models.presence import FEATURES, Presence
from graspseg.models.properties import write_properties
from graspseg.segment.look import Look
from graspseg.segment.presence import find_groups, group_features, keep_hands

CAMERA = Intrinsics(500.0, 500.0, 319.5, 239.5)
FULL = View(319.5, 239.5, 640.0, 160)


def presence(weights: Mapping[str, float], bias: float = 0.0, *, threshold: float = 0.5) -> Presence:
    """Coefficients that look at a few features, as they are."""
    return Presence(
        mean=dict.fromkeys(FEATURES, 0.0),
        scale=dict.fromkeys(FEATURES, 1.0),
        weights={name: float(weights.get(name, 0.0)) for name in FEATURES},
        bias=bias,
        frame_scale=1.0,
        frame_bias=0.0,
        nothing=0.03,
        threshold=threshold,
    )


LARGE = presence({"log_area_cm2": 10.0}, -10.0)  # a hand has more than 10 square centimeters


def scene(*squares: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels with squares (row, column, side, label) at 0.5 m before a wall at 1 m, sure to 0.9, and the depth."""
    labels, depth_m = np.zeros((480, 640), np.uint8), np.ones((480, 640), np.float32)
    for row, column, side, label in squares:
        labels[row : row + side, column : column + side] = label
        depth_m[row : row + side, column : column + side] = 0.5
    return labels, np.where(labels > 0, np.float32(0.9), np.float32(0)), depth_m


def seen(squares: tuple[tuple[int, int, int, int], ...]) -> tuple[np.ndarray, dict[str, float]]:
    labels, chosen, depth_m = scene(*squares)
    hand = np.full((160, 160), 0.4, np.float32)
    looks = (Look(FULL, np.stack([1 - hand - 0.1, hand, np.full_like(hand, 0.1)])),)
    features = group_features(find_groups(labels), labels, chosen, depth_m, CAMERA, looks)
    return features, dict(zip(FEATURES, features[0], strict=True))


def keep(labels: np.ndarray, chosen: np.ndarray, depth_m: np.ndarray, how: Presence) -> float:
    look = Look(FULL, np.full((3, 160, 160), 1 / 3, np.float32))
    return keep_hands(labels, chosen, depth_m, CAMERA, (look,), how)


def test_features_of_a_square_before_a_wall() -> None:
    _, found = seen(((100, 200, 50, HAND),))
    assert 10 ** found["log_area_cm2"] == pytest.approx((50 * 0.5 / 500 * 100) ** 2, rel=1e-3)
    assert found["log_area_cm2_squared"] == pytest.approx(found["log_area_cm2"] ** 2)
    assert found["hand_probability"] == pytest.approx(0.9)
    assert found["full_pass_hand"] == pytest.approx(0.4) and found["full_pass_found"] == pytest.approx(0.5)
    assert found["outline_before_farther"] == 1
    assert found["log_relief_mm"] == -1  # flat


def test_outlines_before_a_wall_before_nothing_and_on_a_surface() -> None:
    labels, chosen, depth_m = scene((0, 200, 40, HAND), (200, 200, 40, HAND), (400, 400, 40, HAND))
    depth_m[195:245, 190:250][labels[195:245, 190:250] == 0] = 0
    depth_m[390:450, 390:450] = 0.5
    look = Look(FULL, np.full((3, 160, 160), 1 / 3, np.float32))
    rows = group_features(find_groups(labels), labels, chosen, depth_m, CAMERA, (look,))
    at = {name: rows[:, FEATURES.index(name)] for name in FEATURES}
    np.testing.assert_allclose(at["outline_before_farther"], [0.75, 0, 0], atol=0.06)


def test_relief_is_what_leaves_the_plane() -> None:
    labels, chosen, depth_m = scene((100, 200, 60, HAND))
    tilted = depth_m + np.linspace(0, 0.1, 640, dtype=np.float32)
    bent = tilted + (np.arange(640) // 5 % 2).astype(np.float32) * 0.02  # 1 cm to either side
    look = Look(FULL, np.full((3, 160, 160), 1 / 3, np.float32))
    flat, rough = (
        group_features(find_groups(labels), labels, chosen, depth, CAMERA, (look,))[0][FEATURES.index("log_relief_mm")]
        for depth in (tilted, bent)
    )
    assert flat < 0 and 10**rough == pytest.approx(10, rel=0.05)


def test_pieces_a_few_pixels_apart_are_one_group_and_an_object_alone_has_no_features() -> None:
    features, _ = seen(((100, 200, 40, HAND), (100, 243, 40, OBJECT), (300, 400, 30, OBJECT)))
    assert len(features) == 2 and np.isfinite(features[0]).all()
    assert np.isnan(features[1]).all()


def test_what_is_too_small_for_a_hand_goes_with_the_object_beside_it_and_the_hand_stays() -> None:
    labels, chosen, depth_m = scene((100, 100, 60, HAND), (300, 300, 20, HAND), (300, 320, 30, OBJECT))
    assert keep(labels, chosen, depth_m, LARGE) > 0.99
    assert (labels[100:160, 100:160] == HAND).all() and not labels[300:350, 300:350].any()


def test_a_piece_of_skin_beside_a_hand_stays_though_it_is_small() -> None:
    labels, chosen, depth_m = scene((100, 100, 60, HAND), (100, 175, 20, HAND), (300, 300, 20, HAND))
    keep(labels, chosen, depth_m, LARGE)
    assert (labels[100:120, 175:195] == HAND).all() and not labels[300:].any()


def test_objects_stay_only_near_a_hand() -> None:
    near, far = (100, 200, 30, OBJECT), (100, 400, 30, OBJECT)  # 4 and 24 cm from the hand
    labels, chosen, depth_m = scene((100, 100, 60, HAND), near, far)
    keep(labels, chosen, depth_m, LARGE)
    assert (labels[100:130, 200:230] == OBJECT).all() and not labels[:, 400:].any()


def test_without_a_hand_the_mask_is_empty_and_the_probability_low() -> None:
    labels, chosen, depth_m = scene((300, 300, 20, HAND), (100, 100, 60, OBJECT))
    assert keep(labels, chosen, depth_m, LARGE) < 0.1
    assert not labels.any()
    assert keep(labels, chosen, depth_m, LARGE) == LARGE.nothing


def test_coefficients_travel_as_text() -> None:
    assert Presence.parse(LARGE.as_json()) == LARGE
    text = LARGE.as_json()
    damaged = (text.replace("10.0", "NaN"), text.replace("0.03", '"a"'), text.replace("0.5", "1.5"))
    for wrong in ("{}", "[1]", "nothing", text.replace("hand_probability", "other"), *damaged):
        with pytest.raises(ValueError, match=r"expected|finite|threshold|features|Expecting"):
            Presence.parse(wrong)


def test_a_segmenter_tells_it_where_the_file_says_how(depth_rule_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(depth_rule_model.read_bytes())
    write_properties(path, {PRESENCE_KEY: LARGE.as_json()})
    assert read_model_info(path).presence == LARGE
    depth = np.full((480, 640), 1000, np.uint16)
    empty = Segmenter(path)(depth)
    assert empty.hand_present == LARGE.nothing and not empty.labels.any()
    depth[200:300, 300:380] = 400
    found = Segmenter(path)(depth)
    assert found.hand_present is not None and found.hand_present > 0.99
    assert (found.labels[205:295, 305:375] == HAND).all()
    depth[200:300, 300:380] = 1000
    depth[200:230, 300:330] = 400  # 2 by 2 cm
    small = Segmenter(path)(depth)
    assert small.hand_present is not None and small.hand_present < 0.5
    assert not small.labels.any() and small.confidence is None
    assert Segmenter(path, presence=False)(depth).labels.any()
    nothing = Segmenter(path)(np.zeros((40, 40), np.uint16))
    assert nothing.hand_present == LARGE.nothing
    assert Segmenter(depth_rule_model)(depth).hand_present is None
