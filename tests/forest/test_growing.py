import numpy as np
import pytest

from graspseg.forest.features import BIN_OF, EDGES, FAR, Grid
from graspseg.forest.growing import best_split, grow_tree
from graspseg.forest.pixels import FrameStore, LabeledGrid, Pixels, draw_pixels
from graspseg.forest.settings import StageSettings
from graspseg.forest.trees import Trees


def test_the_known_best_split_is_found() -> None:
    counts = np.zeros((3, 64, 3), np.int32)
    # Candidate 0 knows nothing: both classes everywhere alike.
    counts[0, 10], counts[0, 40] = (5, 5, 0), (5, 5, 0)
    # Candidate 1 separates them but for two pixels, candidate 2 entirely, anywhere from bin 20 on.
    counts[1, 10], counts[1, 40] = (9, 1, 0), (1, 9, 0)
    counts[2, 20], counts[2, 50] = (10, 0, 0), (0, 10, 0)
    best, edge, gain = best_split(counts, 1)
    assert (best, edge) == (2, 20)
    assert gain == pytest.approx(np.log(2))


def test_a_gain_worked_by_hand() -> None:
    counts = np.zeros((1, 64, 3), np.int32)
    counts[0, 0], counts[0, 1] = (3, 1, 0), (0, 0, 4)
    _, edge, gain = best_split(counts, 1)
    whole = -(3 / 8 * np.log(3 / 8) + 1 / 8 * np.log(1 / 8) + 1 / 2 * np.log(1 / 2))
    left = -(3 / 4 * np.log(3 / 4) + 1 / 4 * np.log(1 / 4))
    assert edge == 0
    assert gain == pytest.approx(whole - left / 2)


def test_leaves_that_would_be_too_small_are_not_split_off() -> None:
    counts = np.zeros((1, 64, 3), np.int32)
    counts[0, 5], counts[0, 9] = (2, 0, 0), (0, 20, 0)
    assert best_split(counts, 2)[2] > 0
    assert best_split(counts, 3)[2] == -1


def step_scene() -> LabeledGrid:
    """A hand at 0.5 m on the left, an object 5 cm behind it on the right, background at 1 m below."""
    surface = np.full((40, 60), 5000, np.uint16)
    surface[:, 30:] = 5500
    surface[30:] = 10_000
    surface[0, 0] = FAR
    labels = np.where(surface == 5000, 1, np.where(surface == 5500, 2, 0)).astype(np.uint8)
    labels[1, 1] = 255
    return LabeledGrid(Grid(surface, 4, 2, 2, 119.0, 119.0), labels)


SETTINGS = StageSettings(trees=1, depth=8, pixels=900, candidates=60, smallest_leaf=2)


def grown(seed: int) -> tuple[LabeledGrid, Trees]:
    scene = step_scene()
    rng = np.random.default_rng(seed)
    pixels = draw_pixels([scene], SETTINGS.pixels, rng)
    return scene, grow_tree(FrameStore.of([scene.grid]), pixels, SETTINGS, rng)


def test_a_tree_learns_what_it_can_see() -> None:
    scene, trees = grown(0)
    assert trees.problem() is None
    wanted = scene.grid.measured & (scene.labels < 3)
    found = trees.probabilities(scene.grid, wanted).argmax(axis=2)
    assert (found == scene.labels)[wanted].mean() > 0.97


def test_equal_seeds_grow_equal_trees() -> None:
    one, same, other = (grown(seed)[1] for seed in (1, 1, 2))
    for name in ("splits", "sizes", "offsets", "edges", "leaves"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert one.offsets.shape != other.offsets.shape or (one.offsets != other.offsets).any()


def test_pixels_of_one_class_make_one_leaf() -> None:
    scene = step_scene()
    pixels = Pixels(np.array([[0, 5, 5], [0, 6, 9]]), np.array([1, 1], np.uint8))
    tree = grow_tree(FrameStore.of([scene.grid]), pixels, SETTINGS, np.random.default_rng(0))
    assert tree.splits.tolist() == [False]
    assert tree.leaves.tolist() == [[255, 0]]
    np.testing.assert_array_equal(tree.probabilities(scene.grid, scene.grid.measured)[5, 5], [0, 1, 0])


def test_half_of_the_pixels_drawn_are_background_and_all_have_depth() -> None:
    scene = step_scene()
    pixels = draw_pixels([scene, scene.mirrored()], 80, np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(pixels.labels), [80, 40, 40])
    for (number, y, x), label in zip(pixels.places, pixels.labels, strict=True):
        frame = (scene, scene.mirrored())[number]
        assert frame.labels[y, x] == label and frame.grid.surface[y, x] < FAR
    only = np.zeros((40, 60), bool)
    only[:5, :5] = True
    within = draw_pixels([scene], 900, np.random.default_rng(0), within=[only])
    assert len(within) == 23  # without the pixel that has no depth and the one of no class
    assert len(draw_pixels([], 90, np.random.default_rng(0))) == 0


def test_training_and_answering_see_the_same_differences() -> None:
    """Every training pixel ends in the leaf that counted it: a tree without size limits repeats its labels."""
    rng = np.random.default_rng(5)
    surface = rng.integers(4000, 6000, (30, 30)).astype(np.uint16)
    labels = rng.integers(0, 3, (30, 30)).astype(np.uint8)
    scene = LabeledGrid(Grid(surface, 1, 0, 0, 119.0, 125.0), labels)
    pixels = draw_pixels([scene], 300, rng)
    settings = StageSettings(trees=1, depth=40, pixels=300, candidates=40, smallest_leaf=1)
    tree = grow_tree(FrameStore.of([scene.grid]), pixels, settings, rng)
    answers = tree.probabilities(scene.grid, np.ones((30, 30), bool)).argmax(axis=2)
    rows, columns = pixels.places[:, 1], pixels.places[:, 2]
    assert (answers[rows, columns] == pixels.labels).mean() > 0.99


def test_edges_are_what_trees_are_walked_by() -> None:
    assert BIN_OF.max() == len(EDGES)
