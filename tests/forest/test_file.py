import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from graspseg.errors import InputError
from graspseg.forest.archive import FORMAT, read_header
from graspseg.forest.file import read_forest, write_forest
from graspseg.forest.forest import Forest
from graspseg.forest.trees import Trees
from graspseg.frame import Intrinsics

CAMERA = Intrinsics(119.0, 119.0, 79.5, 59.5)


@pytest.fixture
def saved(tiny_forest: Forest, tmp_path: Path) -> Path:
    write_forest(tmp_path / "forest.npz", tiny_forest)
    return tmp_path / "forest.npz"


def contents(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def with_header(arrays: dict[str, np.ndarray], **changes: object) -> dict[str, np.ndarray]:
    header = json.loads(arrays["header"].tobytes()) | changes
    return arrays | {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)}


def test_a_forest_comes_back_as_it_was_saved(tiny_forest: Forest, saved: Path) -> None:
    again = read_forest(saved)
    assert again.settings == tiny_forest.settings
    assert again.weights == tiny_forest.weights
    assert again.trained == tiny_forest.trained
    for stage in ("find", "segment"):
        ours, theirs = getattr(tiny_forest, stage), getattr(again, stage)
        assert ours.reach_m == theirs.reach_m
        for name in ("splits", "sizes", "offsets", "edges", "leaves", "nodes", "distributions"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    depth_m = np.random.default_rng(0).uniform(0.3, 0.6, (120, 160)).astype(np.float32)
    np.testing.assert_array_equal(again.probabilities(depth_m, CAMERA), tiny_forest.probabilities(depth_m, CAMERA))


def test_the_header_says_what_it_is(saved: Path) -> None:
    header = read_header(saved)
    assert header["format"] == FORMAT
    assert header["trained"]["seed"] == 3 and header["trained"]["frames"] == 90
    assert header["settings"]["segment"]["trees"] == 3
    assert len(header["sha256"]) == 64


def test_equal_forests_make_equal_files(tiny_forest: Forest, saved: Path, tmp_path: Path) -> None:
    write_forest(tmp_path / "again.npz", read_forest(saved))
    assert contents(saved).keys() == contents(tmp_path / "again.npz").keys()
    assert read_header(saved) == read_header(tmp_path / "again.npz")


@pytest.mark.parametrize("kept", [0, 1, 100, -1, -200])
def test_a_file_cut_short_is_refused(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"forest\.npz is no forest that can be used: .* train"):
        read_forest(saved)


def test_a_flipped_byte_is_found_or_changes_nothing(saved: Path) -> None:
    """Some bytes of a zip archive, such as times, mean nothing."""
    whole, refused = saved.read_bytes(), 0
    positions = range(0, len(whole), max(1, len(whole) // 200))
    expected = read_forest(saved)
    for position in positions:
        data = bytearray(whole)
        data[position] ^= 64
        saved.write_bytes(data)
        try:
            found = read_forest(saved)
        except InputError:
            refused += 1
        else:
            np.testing.assert_array_equal(found.segment.nodes, expected.segment.nodes)
            np.testing.assert_array_equal(found.find.distributions, expected.find.distributions)
    assert refused > 0.8 * len(positions)


def test_arrays_changed_after_saving_are_found(saved: Path) -> None:
    arrays = contents(saved)
    arrays["find_edges"] = arrays["find_edges"][::-1].copy()
    np.savez(saved, allow_pickle=False, **arrays)
    with pytest.raises(InputError, match="another SHA-256"):
        read_forest(saved)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"format": "graspseg-forest 2"}, "format 'graspseg-forest 2'"),
        ({"extra": 1}, "format"),
        ({"weights": [1, 1]}, "weights"),
        ({"weights": [1, -1, 1]}, "weights"),
        ({"weights": "abc"}, "could not convert"),
        ({"settings": {}}, "settings"),
        ({"settings": 3}, "settings of type int"),
        ({"trained": None}, "SHA-256"),
    ],
)
def test_headers_that_are_not_ours(saved: Path, changes: dict[str, object], found: str) -> None:
    np.savez(saved, allow_pickle=False, **with_header(contents(saved), **changes))
    with pytest.raises(InputError, match=found):
        read_forest(saved)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be read"):
        read_forest(tmp_path / "none.npz")
    np.savez(tmp_path / "theirs.npz", depth=np.zeros(3))
    with pytest.raises(InputError, match="no forest"):
        read_forest(tmp_path / "theirs.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(InputError, match="no forest"):
        read_forest(tmp_path / "array.npy")
    (tmp_path / "list.npz").write_bytes(pickle.dumps([print]))
    with pytest.raises(InputError, match="no forest"):
        read_forest(tmp_path / "list.npz")


def two_leaves(**changes: object) -> Trees:
    values = {
        "splits": np.array([True, False, False]),
        "sizes": np.array([3], np.int32),
        "offsets": np.array([[1, 2, 0, 0]], np.int8),
        "edges": np.array([31], np.uint8),
        "leaves": np.array([[255, 0], [0, 100]], np.uint8),
        "reach_m": 0.3,
    }
    return Trees(**(values | changes))  # pyright: ignore[reportArgumentType]


def test_nodes_are_laid_out_breadth_first() -> None:
    both = Trees.join([two_leaves(), two_leaves()])
    np.testing.assert_array_equal(both.nodes[:, 5], [1, -1, -2, 4, -3, -4])
    np.testing.assert_array_equal(both.nodes[0], [1, 2, 0, 0, 0, 1])
    np.testing.assert_allclose(both.distributions[1], np.array([155, 0, 100]) / 510)
    np.testing.assert_array_equal(both.roots, [0, 3])


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, None),
        ({"sizes": np.array([2], np.int32)}, "add up"),
        ({"sizes": np.zeros(0, np.int32)}, "add up"),
        ({"edges": np.array([63], np.uint8)}, "threshold"),
        ({"leaves": np.array([[255, 1], [0, 0]], np.uint8)}, "above 1"),
        ({"leaves": np.zeros((3, 2), np.uint8)}, "number of questions or leaves"),
        ({"splits": np.array([False, True, False])}, "no tree"),
    ],
)
def test_what_keeps_arrays_from_being_trees(changes: dict[str, object], found: str | None) -> None:
    problem = two_leaves(**changes).problem()
    assert problem is None if found is None else problem is not None and found in problem
