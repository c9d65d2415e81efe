"""Jumps within a sequence, and the score, worked by hand."""

import math
from typing import get_args

import pytest

from graspseg.annotate.quality.confidence import (
    Kind,
    Row,
    Term,
    Weights,
    add_jumps,
    add_ratios,
    add_take,
    load_weights,
    score,
)
from graspseg.annotate.settings import SkinMethod


def row(hand: float, x: float, held: float = 0.0) -> dict[str, float]:
    places = {"hand_x": x, "hand_y": 0.5, "object_x": 0.5, "object_y": 0.5}
    return {"hand_px": hand, "object_px": held, **places}


CERTAIN = {"expected_hand_iou": 1.0, "expected_object_iou": 1.0}


def jumps(rows: list[Row | None], sequences: list[range], name: str) -> list[float | None]:
    return [None if added is None else added[name] for added in add_jumps(rows, sequences)]


def test_one_frame_that_jumps_stands_out() -> None:
    rows: list[Row | None] = [row(350.0, 0.5), row(350.0, 0.5), row(3950.0, 0.6), row(350.0, 0.5), row(350.0, 0.5)]
    areas = jumps(rows, [range(5)], "hand_area_jump")
    assert areas == pytest.approx([0, 0, math.log(4000 / 400), 0, 0])
    positions = jumps(rows, [range(5)], "hand_position_jump")
    assert positions == pytest.approx([0, 0, 0.1, 0, 0])


def test_sequences_do_not_know_each_other_and_missing_frames_are_stepped_over() -> None:
    rows: list[Row | None] = [row(150.0, 0.0), None, row(150.0, 0.0), row(950.0, 0.0), row(950.0, 0.0)]
    assert jumps(rows, [range(3), range(3, 5)], "hand_area_jump") == pytest.approx([0, None, 0, 0, 0])
    # Without the cut, areas 150 150 950 950 have the median 550 in the middle.
    expected = [0, None, math.log(600 / 200), math.log(1000 / 600), 0]
    assert jumps(rows, [range(5)], "hand_area_jump") == pytest.approx(expected)


def test_doubt_is_measured_by_the_smaller_class() -> None:
    uncertain_pixels = {
        "unseen_share": 0.1,
        "unsure_share": 0.2,
        "overruled_share": 0.0,
        "filtered_share": 0.3,
        "flying_share": 0.05,
    }
    found = add_ratios(
        {**row(900.0, 0.5, 100.0), **uncertain_pixels, **CERTAIN, "border_px": 60.0, "border_on_depth": 0.75}
    )
    assert found["unseen_ratio"] == pytest.approx(100 / 150) and found["unsure_ratio"] == pytest.approx(200 / 150)
    assert found["overruled_ratio"] == 0 and found["flying_ratio"] == pytest.approx(50 / 150)
    assert found["filtered_ratio"] == pytest.approx(300 / 150) and found["border_ratio"] == pytest.approx(60 / 150)
    assert found["blind_border_ratio"] == pytest.approx(15 / 150) and "model_hand_gap" not in found
    requested = add_ratios({**found, "model_hand_iou": 0.75, "model_object_iou": 1.0})
    assert (requested["model_hand_gap"], requested["model_object_gap"]) == (0.25, 0.005)
    uncertain = add_ratios({**found, "expected_hand_iou": 0.9, "expected_object_iou": 0.6})
    assert (found["expected_gap"], uncertain["expected_gap"]) == (0.001, pytest.approx(0.25))


def test_what_is_absent_does_not_move() -> None:
    rows: list[Row | None] = [row(150.0, 0.0), row(0.0, 0.0), row(150.0, 0.0)]
    assert jumps(rows, [range(3)], "hand_position_jump") == [0, 0, 0]
    assert jumps(rows, [range(3)], "hand_area_jump") == pytest.approx([0, math.log(200 / 50), 0])
    assert jumps(rows, [range(3)], "object_area_jump") == [0, 0, 0]


def test_terms_are_bounded_and_add_up() -> None:
    weights = Weights(1.0, (Term("a", "linear", 0.0, 4.0, 2.0), Term("b", "log", 0.01, 1.0, -3.0)))
    assert weights.score({"a": 1.0, "b": 0.1}) == pytest.approx(1 / (1 + math.exp(-(1 + 0.5 - 1.5))))
    assert weights.score({"a": 9.0, "b": 0.0}) == pytest.approx(1 / (1 + math.exp(-3)))


KINDS: list[tuple[SkinMethod, Kind]] = [(skin, kind) for skin in get_args(SkinMethod) for kind in get_args(Kind)]


@pytest.mark.parametrize(("skin", "kind"), KINDS)
def test_a_frame_without_hand_is_not_believed(skin: SkinMethod, kind: Kind) -> None:
    weights = load_weights(skin, kind)
    seen = {"hand_px": 5000.0, **{term.name: term.high for term in weights.terms}}
    empty = {**seen, "hand_px": 0.0}
    assert score([seen, empty], skin=skin, kind=kind).tolist() == [weights.score(seen), 0.0]


@pytest.mark.parametrize(("skin", "kind"), KINDS)
def test_no_fault_raises_the_confidence(skin: SkinMethod, kind: Kind) -> None:
    """Jumps, leaks and disagreement may only lower it."""
    terms = load_weights(skin, kind).terms
    assert 4 < len(terms) <= 16 and all(term.low < term.high for term in terms)
    assert all(term.low > 0 for term in terms if term.scale == "log")
    weights = {term.name: term.weight for term in terms}
    assert any(name.startswith("model_") for name in weights) == (kind == "with_model")
    assert all(weight >= 0 for name, weight in weights.items() if name.endswith(("_iou", "_certainty")))
    assert all(weight <= 0 for name, weight in weights.items() if name.endswith(("_jump", "_ratio", "_gap", "_pieces")))


def test_a_hand_that_has_swallowed_a_thing_stands_out_among_its_frames() -> None:
    """A frame without object, whose hand is as large as hand and a bottle of 7 x 20 cm in the others."""
    holding = {"hand_px": 3000.0, "object_px": 1800.0, "hand_cm2": 230.0, "object_cm2": 140.0}
    bare = {"hand_px": 3000.0, "object_px": 0.0, "hand_cm2": 230.0, "object_cm2": 0.0}
    swallowed = {"hand_px": 4800.0, "object_px": 0.0, "hand_cm2": 370.0, "object_cm2": 0.0}
    rows = add_take([holding, holding, None, holding, bare, swallowed], agreement=0.9)
    assert [None if row is None else round(row["swallowed"], 3) for row in rows] == [0, 0, None, 0, 0, 0.475]
    weights = Weights(2.0, ())
    usual, empty, lost = (weights.score(row) for row in (rows[0], rows[4], rows[5]) if row is not None)
    assert usual == empty and lost < usual - 0.15


def test_a_recording_whose_labels_disagree_with_depth_and_color_is_doubted() -> None:
    row = {"hand_px": 3000.0, "object_px": 0.0, "hand_cm2": 230.0, "object_cm2": 0.0}
    weights = Weights(2.0, ())
    known = [add_take([row], agreement=agreement)[0] for agreement in (None, 0.9, 0.4)]
    unknown, good, bad = (weights.score(one) for one in known if one is not None)
    assert unknown == good and bad < good - 0.2
