"""Jumps within a sequence, and the score, worked by hand."""

import math

import pytest

from graspseg.annotate.confidence import Row, Term, Weights, add_jumps, load_weights, score
from graspseg.annotate.opinion import Opinion


def row(hand: float, x: float, thing: float = 0.0) -> dict[str, float]:
    places = {"hand_x": x, "hand_y": 0.5, "object_x": 0.5, "object_y": 0.5}
    return {"hand_px": hand, "object_px": thing, **places}


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


def test_what_is_absent_does_not_move() -> None:
    rows: list[Row | None] = [row(150.0, 0.0), row(0.0, 0.0), row(150.0, 0.0)]
    assert jumps(rows, [range(3)], "hand_position_jump") == [0, 0, 0]
    assert jumps(rows, [range(3)], "hand_area_jump") == pytest.approx([0, math.log(200 / 50), 0])
    assert jumps(rows, [range(3)], "object_area_jump") == [0, 0, 0]


def test_terms_are_bounded_and_add_up() -> None:
    weights = Weights(1.0, (Term("a", "linear", 0.0, 4.0, 2.0), Term("b", "log", 0.01, 1.0, -3.0)))
    assert weights.score({"a": 1.0, "b": 0.1}) == pytest.approx(1 / (1 + math.exp(-(1 + 0.5 - 1.5))))
    assert weights.score({"a": 9.0, "b": 0.0}) == pytest.approx(1 / (1 + math.exp(-3)))


def test_a_frame_without_hand_is_not_believed() -> None:
    named = {term.name: (term.low + term.high) / 2 for kind in ("alone", "with_model") for term in terms(kind)}
    seen, empty = {**named, "hand_px": 5000.0}, {**named, "hand_px": 0.0}
    assert score([seen, empty], "alone").tolist() == [pytest.approx(load_weights("alone").score(seen)), 0.0]


def test_jumps_leaks_and_disagreement_lower_the_confidence() -> None:
    assert all(term.low < term.high and (term.scale == "linear" or term.low > 0) for term in terms("with_model"))
    asked = {term.name: term.weight for term in terms("with_model")}
    assert set(Opinion.__dataclass_fields__) & set(asked)
    assert all(asked[name] >= 0 for name in ("model_hand_iou", "model_object_iou") if name in asked)
    assert all(term.weight <= 0 for kind in ("alone", "with_model") for term in terms(kind) if "jump" in term.name)


def terms(kind: str) -> tuple[Term, ...]:
    return load_weights("with_model" if kind == "with_model" else "alone").terms
