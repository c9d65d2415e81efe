"""The object library: splits, sizes, orientation, grips."""

from __future__ import annotations

import re
from importlib import resources

import numpy as np
import pytest

from graspseg.errors import InputError
from graspseg.synth.objects.objects import GRIPS, SPLITS, ObjectModel, load_objects

OBJECTS = load_objects()
KINDS = ("everyday", "procedural", "blob")
BY_KIND = pytest.mark.parametrize("kind", KINDS)


def _of(kind: str) -> list[ObjectModel]:
    return [model for model in OBJECTS.values() if model.kind == kind]


def _cube(**changes: object) -> ObjectModel:
    corners = np.array([[x, y, z] for x in (-0.05, 0.05) for y in (-0.03, 0.03) for z in (-0.01, 0.01)], np.float32)
    values: dict[str, object] = {
        "name": "brick",
        "category": "box",
        "split": "train",
        "kind": "procedural",
        "vertices": corners,
        "faces": np.array([[0, 1, 2]], np.int32),
        "grip": "body",
        "grip_center": np.zeros(3, np.float32),
        "grip_axis": np.array([1, 0, 0], np.float32),
        "scale_range": np.array([[0.5, 1.0], [1.0, 1.0], [1.0, 3.0]], np.float32),
        "licence": "CC0-1.0",
        "author": "somebody",
    }
    return ObjectModel(**{**values, **changes})  # pyright: ignore[reportArgumentType]


def test_each_split_holds_enough_of_every_kind() -> None:
    counts = {(s, k): 0 for s in SPLITS for k in KINDS}
    for model in OBJECTS.values():
        counts[model.split, model.kind] += 1
    assert all(counts["train", kind] >= 28 for kind in KINDS)
    assert all(counts["val", kind] >= 10 for kind in KINDS)
    assert all(counts["unseen", kind] >= 20 for kind in KINDS)


def test_training_covers_as_many_categories_as_the_paper_has_objects() -> None:
    assert len({m.category for m in load_objects("train").values()}) >= 28


def test_splits_share_no_object_and_add_up() -> None:
    names = [set(load_objects(split)) for split in SPLITS]
    assert sum(len(part) for part in names) == len(set.union(*names)) == len(OBJECTS)


def test_no_two_objects_have_the_same_mesh() -> None:
    assert len({m.vertices.tobytes() for m in OBJECTS.values()}) == len(OBJECTS)


def test_categories_of_unseen_occur_nowhere_else() -> None:
    known = {m.category for m in OBJECTS.values() if m.split != "unseen"}
    assert known & {m.category for m in load_objects("unseen").values()} == {"blob"}


def test_blobs_kept_back_for_exams_are_absent() -> None:
    places = [int(name.removeprefix("blob_")) for name, m in OBJECTS.items() if m.kind == "blob"]
    assert len(places) >= 120
    assert not [place for place in places if place % 9 in (0, 4)]


@BY_KIND
def test_meshes_are_sound(kind: str) -> None:
    for model in _of(kind):
        assert len(model.faces) <= (400 if kind == "blob" else 3000), model.name
        assert np.array_equal(np.unique(model.faces), np.arange(len(model.vertices))), model.name
        a, b, c = (model.faces[:, i] for i in range(3))
        assert not ((a == b) | (b == c) | (a == c)).any(), model.name


@BY_KIND
def test_objects_are_hand_sized_centered_and_longest_along_x(kind: str) -> None:
    for model in _of(kind):
        assert 0.020 <= model.extents[0] <= 0.320, model.name
        assert model.extents[2] >= 0.0005, model.name
        assert np.all(np.diff(model.extents) <= 1e-5), model.name
        np.testing.assert_allclose(model.vertices.max(axis=0) + model.vertices.min(axis=0), 0, atol=2e-5)


@BY_KIND
def test_grips_lie_within_the_object_and_handles_point_to_negative_x(kind: str) -> None:
    for model in _of(kind):
        assert model.grip in GRIPS
        assert np.linalg.norm(model.grip_axis) == pytest.approx(1, abs=1e-5)
        assert np.all(np.abs(model.grip_center) <= model.extents / 2 + 1e-5), model.name
        assert model.grip != "handle" or model.grip_center[0] <= 1e-6, model.name


@BY_KIND
def test_largest_scale_stays_hand_sized(kind: str) -> None:
    for model in _of(kind):
        low, high = model.scale_range.T
        assert np.all((low >= 0.5) & (low <= high) & (high <= 2.0)), model.name
        assert model.extents[0] * high[0] <= 0.321, model.name


def test_every_object_is_credited_and_listed() -> None:
    text = resources.files("graspseg.synth").joinpath("assets/ATTRIBUTION.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([a-z0-9-]+) \| (.+?) \| (\S+) \|", text, flags=re.MULTILINE)
    everyday = {(m.name, m.author, m.licence) for m in OBJECTS.values() if m.kind == "everyday"}
    assert everyday <= set(listed)
    assert {m.licence for m in OBJECTS.values()} == {"CC0-1.0", "CC-BY-3.0", "Zlib", "Apache-2.0"}


def test_closed_procedural_meshes_face_outward() -> None:
    for model in OBJECTS.values():
        if model.kind == "procedural":
            a, b, c = (model.vertices[model.faces[:, i]].astype(np.float64) for i in range(3))
            volume = float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6
            assert 0 < volume <= float(np.prod(model.extents)) * 1.001, model.name


def test_extents_of_a_brick() -> None:
    np.testing.assert_allclose(_cube().extents, [0.10, 0.06, 0.02], atol=1e-7)


def test_sampled_scale_stays_in_range_and_reaches_both_ends() -> None:
    rng = np.random.default_rng(0)
    draws = np.stack([_cube().sample_scale(rng) for _ in range(500)])
    assert draws.dtype == np.float32
    np.testing.assert_array_equal(draws.min(axis=0), [0.5, 1.0, 1.0])
    np.testing.assert_array_equal(draws.max(axis=0), [1.0, 1.0, 3.0])


def test_sampled_scale_couples_the_axes() -> None:
    rng = np.random.default_rng(0)
    draws = np.stack([_cube().sample_scale(rng) for _ in range(2000)])
    assert np.corrcoef(draws[:, 0], draws[:, 2])[0, 1] > 0.6


def test_library_is_shared_and_read_only() -> None:
    first, second = load_objects(), load_objects("train")
    name = next(iter(second))
    assert first[name] is second[name]
    with pytest.raises(ValueError, match="read-only"):
        first[name].vertices[0, 0] = 1


def test_unknown_split_is_refused() -> None:
    with pytest.raises((InputError, TypeError)) as caught:
        load_objects("test")  # pyright: ignore[reportArgumentType]
    assert "test" in str(caught.value)
