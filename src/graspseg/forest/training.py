"""A forest from labeled frames: stage 1, stage 2 in the regions stage 1 finds, then the decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int64

from graspseg.datasets.dataset import ENDLESS, Dataset
from graspseg.errors import InputError
from graspseg.forest.forest import Forest
from graspseg.forest.growing import grow_tree
from graspseg.forest.pixels import FrameStore, LabeledGrid, draw_pixels, reduce_labeled
from graspseg.forest.settings import ForestSettings, StageSettings
from graspseg.forest.smoothing import absorb_small_pieces
from graspseg.forest.trees import Trees
from graspseg.labels import CLASS_NAMES, HAND, OBJECT

Progress = Callable[[str, float], None]
_WEIGHTS = np.geomspace(0.15, 6.0, 18)
_FRAMES, _FIND, _SEGMENT = range(3)  # of random numbers


def train_forest(
    frames: Dataset,
    settings: ForestSettings,
    *,
    seed: int,
    validation: Dataset | None = None,
    progress: Progress | None = None,
    skip: Callable[[str], None] | None = None,
) -> Forest:
    """Train both stages and adjust the decision; equal arguments give equal forests.

    Args:
        frames: labeled frames; at most `settings.frames` are used, evenly spread.
        settings: of the forest.
        seed: of everything random.
        validation: frames the decision is adjusted on; None = the last tenth of `frames`, which is not trained on.
        progress: told what is being done and which share of it is done.
        skip: told why a frame cannot be used; without it such a frame ends the training.

    Raises:
        InputError: no frames, a frame that cannot be used, or frames without pixels of two classes.
    """
    tell: Progress = progress or (lambda what, share: None)
    train = _gather(frames, settings.frames, settings, skip, lambda share: tell("frames", share))
    if validation is None:
        held = max(1, min(len(train) // 10, settings.validation_frames)) if len(train) > 1 else 0
        train, judged = (train[:-held], train[-held:]) if held else (train, train)
    else:
        judged = _gather(
            validation, settings.validation_frames, settings, skip, lambda share: tell("validation", share)
        )
    _check_classes(train, settings.farthest_m)
    rng = np.random.default_rng([seed, _FRAMES])
    train = [
        frame.mirrored() if flip else frame for frame, flip in zip(train, rng.random(len(train)) < 0.5, strict=True)
    ]
    store = FrameStore.of([frame.grid for frame in train])
    find = _grow(store, train, settings.find, [seed, _FIND], lambda share: tell("find", share))
    forest = Forest(settings, find, find)
    within = []
    for number, frame in enumerate(train):
        region = forest.region(frame.grid)
        within.append(np.zeros(frame.labels.shape, bool) if region is None else region.wanted(frame.grid))
        tell("regions", (number + 1) / len(train))
    segment = _grow(store, train, settings.segment, [seed, _SEGMENT], lambda share: tell("segment", share), within)
    weights = decision_weights(Forest(settings, find, segment), judged)
    return Forest(settings, find, segment, weights, {"seed": seed, "frames": len(train), "validated_on": len(judged)})


def _gather(
    source: Dataset,
    most: int,
    settings: ForestSettings,
    skip: Callable[[str], None] | None,
    tell: Callable[[float], None],
) -> list[LabeledGrid]:
    """Read and reduce frames, evenly spread when there are more than wanted; endless sources give their first ones."""
    length = len(source)
    count = min(length, most)
    stride = length // count if count and length < ENDLESS else 1
    found = []
    for number in range(count):
        try:
            sample = source[number * stride]
            frame = sample.frame
            found.append(reduce_labeled(frame.depth_m(), sample.target(), frame.intrinsics_or_default(), settings))
        except InputError as error:
            if skip is None:
                raise
            skip(str(error))
        tell((number + 1) / count)
    if not found:
        raise InputError("There are no frames to train a forest on, expected labeled ones: check the data.")
    return found


def _check_classes(frames: Sequence[LabeledGrid], farthest_m: float) -> None:
    seen = {label for frame in frames for label in np.unique(frame.labels[frame.grid.measured]) if label < 3}
    if not seen & {HAND, OBJECT} or len(seen) < 2:
        names = ", ".join(CLASS_NAMES[label] for label in sorted(seen)) or "no class"
        raise InputError(
            f"What all frames measure nearer than {farthest_m:g} m is {names} only, expected hand or object beside it: "
            "check labels and depth unit."
        )


def _grow(
    store: FrameStore,
    frames: Sequence[LabeledGrid],
    settings: StageSettings,
    seed: list[int],
    tell: Callable[[float], None],
    within: Sequence[np.ndarray] | None = None,
) -> Trees:
    """The trees of one stage, each on pixels of its own."""
    trees = []
    for number in range(settings.trees):
        rng = np.random.default_rng([*seed, number])
        pixels = draw_pixels(frames, settings.pixels, rng, within=within)
        if len(pixels) == 0:
            raise InputError("Stage 1 found no hand in any frame, expected most: train on more frames.")
        trees.append(
            grow_tree(
                store,
                pixels,
                settings,
                rng,
                advance=lambda share, number=number: tell((number + share) / settings.trees),
            )
        )
    return Trees.join(trees)


def decision_weights(forest: Forest, frames: Sequence[LabeledGrid]) -> tuple[float, float, float]:
    """Weights of background (1), hand and object (both the same) with the best mean F1 of the two on validation frames.

    Judged are the classes after post-processing, on the grid. What stage 1 leaves out counts as called background. In
    regions where stage 2 looks at every n-th pixel only, one stands for n x n.

    Paper: "decision adjustment": a threshold chosen by F1 on validation data. Differs: it is between background and two
    classes, whose mean F1 decides. A weight for each would let few frames drop the class that is harder to tell.
    """
    missed, judged = missed_and_seen(forest, frames)
    best, weights = -1.0, (1.0, 1.0, 1.0)
    for weight in _WEIGHTS if judged else ():
        matrix = np.zeros((3, 3), np.int64)
        matrix[:, 0] = missed
        for seen in judged:
            weighted = seen.probabilities * np.array([1, weight, weight], np.float32)
            labels = absorb_small_pieces(weighted, forest.settings.smallest_piece)[seen.inside]
            matrix += seen.stands_for * np.bincount(3 * seen.target + labels, minlength=9).reshape(3, 3)
        score = mean_f1(matrix)
        if score > best:
            best, weights = score, (1.0, float(weight), float(weight))
    return weights


class Seen(NamedTuple):
    """What stage 2 says of one frame.

    Attributes:
        probabilities: in the box of the region, before the decision.
        inside: which of them are looked at and have a label.
        target: classes of those.
        stands_for: grid pixels that each of them stands for.
    """

    probabilities: Float32[np.ndarray, "rows columns 3"]
    inside: Bool[np.ndarray, "rows columns"]
    target: Int64[np.ndarray, " n"]
    stands_for: int


def missed_and_seen(forest: Forest, frames: Sequence[LabeledGrid]) -> tuple[Int64[np.ndarray, " 3"], list[Seen]]:
    """Grid pixels of each class that stage 1 leaves out, and what stage 2 says of the others."""
    missed = np.zeros(3, np.int64)
    judged = []
    for frame in frames:
        region = forest.region(frame.grid)
        counted = frame.grid.measured & (frame.labels < 3)
        if region is not None:
            cut = region.cut()
            inside = (region.wanted(frame.grid) & counted)[cut]
            probabilities = forest.segmented(frame.grid, region).probabilities
            judged.append(Seen(probabilities, inside, frame.labels[cut][inside].astype(np.int64), region.every**2))
            counted &= ~region._replace(every=1).wanted(frame.grid)
        missed += np.bincount(frame.labels[counted], minlength=3)
    return missed, judged


def mean_f1(matrix: Int64[np.ndarray, "3 3"]) -> float:
    """Mean F1 of hand and object over those that target (rows) or prediction (columns) hold; 0 when neither does."""
    hits, totals = 2 * np.diag(matrix)[1:], (matrix.sum(axis=0) + matrix.sum(axis=1))[1:]
    return float(np.mean(hits[totals > 0] / totals[totals > 0])) if totals.any() else 0.0
