"""Hand-shaped things: legal meshes of plausible sizes, the same from the same seed, some kept for `unseen`."""

from __future__ import annotations

import inspect
import time

import numpy as np
import pytest

from graspseg.synth.objects.cast import Cast
from graspseg.synth.scene.lookalikes import LOOKALIKES, UNSEEN_LOOKALIKES, lookalike, lookalike_kinds

CASTS = {split: Cast(split) for split in ("train", "unseen")}
# Largest extent, meters.
SIZES = {
    "glove": (0.1, 0.4),
    "bust": (0.03, 0.9),
    "figure": (0.08, 0.5),
    "animal": (0.05, 0.36),
    "foot": (0.12, 0.85),
    "bundle": (0.02, 0.6),
    "paper_ball": (0.03, 0.32),
    "cloth_heap": (0.1, 0.95),
    "garment": (0.13, 0.85),
}
KINDS = [*((kind, "train") for kind in LOOKALIKES), *((kind, "unseen") for kind in ("glove", *UNSEEN_LOOKALIKES))]


@pytest.mark.parametrize(("kind", "split"), KINDS)
def test_every_kind_is_a_legal_mesh_of_plausible_size(kind, split) -> None:
    low, high = SIZES.get(kind, (0.05, 1.3))
    for seed in range(12):
        vertices, faces = lookalike(np.random.default_rng(seed), CASTS[split], kind)
        assert np.isfinite(vertices).all()
        assert faces.min() == 0 and faces.max() == len(vertices) - 1
        assert low < np.ptp(vertices, axis=0).max() < high
        assert vertices.min(axis=0) + vertices.max(axis=0) == pytest.approx(np.zeros(3), abs=1e-5)
        assert len(faces) < 16_000
        assert np.ptp(vertices, axis=0).min() > 0.001


@pytest.mark.parametrize(("kind", "split"), KINDS)
def test_the_same_seed_gives_the_same_thing_and_another_seed_another(kind, split) -> None:
    first, second, third = (lookalike(np.random.default_rng(s), CASTS[split], kind)[0] for s in (1, 1, 2))
    assert np.array_equal(first, second)
    assert first.shape != third.shape or not np.allclose(first, third)


def test_a_glove_is_too_flat_for_a_hand() -> None:
    """A hand is 25 mm thick at the palm; what lies flatter than half of it is empty."""
    for seed in range(30):
        vertices, _ = lookalike(np.random.default_rng(seed), CASTS["train"], "glove")
        x, y, z = vertices.T
        near = np.hypot(x - np.median(x), y - np.median(y)) < 0.012
        assert np.ptp(z[near]) < 0.018


def test_some_kinds_are_kept_for_unseen() -> None:
    assert set(lookalike_kinds(CASTS["train"])).isdisjoint(UNSEEN_LOOKALIKES)
    assert set(lookalike_kinds(CASTS["unseen"])) == {*LOOKALIKES, *UNSEEN_LOOKALIKES}
    with pytest.raises(ValueError, match="prongs"):
        # Unwrapped, because the tests' own type checks come first otherwise.
        inspect.unwrap(lookalike)(np.random.default_rng(0), CASTS["train"], "prongs")


def test_a_thing_costs_a_few_milliseconds() -> None:
    rng = np.random.default_rng(0)
    lookalike(rng, CASTS["train"])
    taken = []
    for _ in range(40):
        start = time.process_time()
        inspect.unwrap(lookalike)(rng, CASTS["train"])
        taken.append(time.process_time() - start)
    assert np.median(taken) < 0.02
