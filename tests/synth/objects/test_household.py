"""Household things: one split each, metric, sound meshes, upright, credited, and never what hands hold elsewhere."""

from __future__ import annotations

import inspect
import re
import time
from importlib import resources

import numpy as np
import pytest

from graspseg.synth.objects.household import Place, load_household, sample_furniture, sample_small
from graspseg.synth.objects.objects import SPLITS, load_objects

MODELS = load_household()
ASSETS = resources.files("graspseg.synth").joinpath("assets")


def test_every_split_has_furniture_and_small_things_of_its_own() -> None:
    parts = [load_household(split, place) for split in SPLITS for place in ("floor", "surface")]
    assert sum(len(part) for part in parts) == len(MODELS) == len(set().union(*parts))
    assert all(len(part) >= 10 for part in parts)
    assert len(load_household("train")) >= 140


def test_no_two_models_share_a_mesh() -> None:
    assert len({m.vertices.tobytes() for m in MODELS.values()}) == len(MODELS)


def test_meshes_are_sound_and_metric() -> None:
    for model in MODELS.values():
        assert np.isfinite(model.vertices).all(), model.name
        assert np.array_equal(np.unique(model.faces), np.arange(len(model.vertices))), model.name
        assert (np.sort(model.faces, axis=1)[:, 1:] != np.sort(model.faces, axis=1)[:, :-1]).all(), model.name
        size = np.ptp(model.vertices, axis=0)
        low, high = (0.3, 2.75) if model.place == "floor" else (0.08, 1.05)
        assert low < size.max() < high, (model.name, size)
        assert len(model.faces) <= 3200, model.name
        assert model.vertices.min(axis=0) + model.vertices.max(axis=0) == pytest.approx(np.zeros(3), abs=2e-3)


def test_chairs_and_tables_stand_upright() -> None:
    """A table's widest level is its top; a chair is taller than wide."""
    table = MODELS["BlendSwap-CC-0/oakTable"].vertices
    high = table[table[:, 2] > table[:, 2].max() - 0.05]
    assert np.ptp(high[:, 0]) == pytest.approx(np.ptp(table[:, 0]), rel=0.02)
    chair = MODELS["Scopia/chair4"].vertices
    assert np.ptp(chair[:, 2]) > 1.5 * np.ptp(chair[:, 0])
    # The front of a chair is toward -y: its back stands at +y.
    assert chair[chair[:, 2] > 0.3 * chair[:, 2].max()][:, 1].mean() > 0


def test_draws_are_of_their_split_and_repeat() -> None:
    places: tuple[Place, ...] = ("floor", "surface")
    for sample, place in zip((sample_furniture, sample_small), places, strict=True):
        for split in SPLITS:
            counts = {len(m.vertices) for m in load_household(split, place).values()}
            rng = np.random.default_rng(0)
            assert all(len(sample(rng, split)[0]) in counts for _ in range(20))
            first, second = (sample(np.random.default_rng(7), split)[0] for _ in range(2))
            assert np.array_equal(first, second)


def test_the_file_is_small_and_everyone_is_credited() -> None:
    with resources.as_file(ASSETS / "household.npz") as path:
        assert path.stat().st_size <= 2_500_000
    section = (ASSETS / "ATTRIBUTION.md").read_text(encoding="utf-8").split("## Household")[1].split("\n## ")[0]
    named = re.findall(r"^\| (\S+) \| ([^|]+) \| (CC0-1\.0|CC-BY-3\.0) \| (\S+):", section, flags=re.MULTILINE)
    assert {f"{library}/{model}" for model, _, _, library in named} == set(MODELS)


def test_nothing_is_an_object_that_hands_hold() -> None:
    text = (ASSETS / "ATTRIBUTION.md").read_text(encoding="utf-8").split("## Objects")[1].split("\n## ")[0]
    held = {f"{library}/{model}" for library, model in re.findall(r"\| (\S+): ([\w-]+)", text)}
    assert len(held) >= 60 and len(load_objects()) > 100
    assert held.isdisjoint(MODELS)


def test_a_draw_costs_next_to_nothing() -> None:
    rng = np.random.default_rng(0)
    sample_small(rng, "train")
    taken = []
    for _ in range(50):
        start = time.process_time()
        inspect.unwrap(sample_small)(rng, "train")
        taken.append(time.process_time() - start)
    assert min(taken) < 0.001
