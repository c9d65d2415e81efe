"""One tree grown on labeled pixels: random questions, the best of them by entropy, breadth-first."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import no_type_check

import numpy as np
from numba import njit

from graspseg.forest.features import (
    BIN_OF,
    BINS,
    EDGES,
    difference,
    draw_offsets,
    offset_scale,
)
from graspseg.forest.pixels import FrameStore, Pixels
from graspseg.forest.settings import StageSettings
from graspseg.forest.trees import Trees
from graspseg.labels import CLASS_NAMES

_MOST_COUNTED = 10_000
_SMALLEST_GAIN = 1e-3  # nats a pixel


def grow_tree(
    store: FrameStore,
    pixels: Pixels,
    settings: StageSettings,
    rng: np.random.Generator,
    *,
    advance: Callable[[float], None] | None = None,
) -> Trees:
    """Grow one tree.

    At every node some random depth differences are counted into histograms, and the difference and threshold that
    leave the least entropy are kept. Nodes with very many pixels count an even part of them.

    Args:
        store: the frames.
        pixels: labeled pixels of theirs, at least one.
        settings: how deep, how many questions, how small leaves.
        rng: draws the questions.
        advance: told now and then which share of the pixels has come to a leaf.
    """
    order = np.arange(len(pixels))
    splits, offsets, edges, leaves = [], [], [], []
    finished = 0
    waiting = deque([(0, len(pixels), 0)])
    while waiting:
        low, high, depth = waiting.popleft()
        counts = np.bincount(pixels.labels[order[low:high]], minlength=len(CLASS_NAMES))
        question = None
        if depth < settings.depth and high - low >= 2 * settings.smallest_leaf and counts.max() < high - low:
            question = _best_question(store, pixels, order[low:high], settings, rng)
        splits.append(question is not None)
        if question is None:
            leaves.append(_rounded_shares(counts))
            finished += high - low
            if advance is not None:
                advance(finished / len(pixels))
            continue
        offset, edge = question
        middle = low + _partition(order[low:high], settings.reach_m, offset, EDGES[edge], *_arrays(store, pixels))
        offsets.append(offset)
        edges.append(edge)
        waiting += [(low, middle, depth + 1), (middle, high, depth + 1)]
    return Trees(
        np.array(splits),
        np.array([len(splits)], np.int32),
        np.array(offsets, np.int8).reshape(-1, 4),
        np.array(edges, np.uint8),
        np.array(leaves, np.uint8).reshape(-1, 2),
        settings.reach_m,
    )


def _best_question(
    store: FrameStore, pixels: Pixels, order: np.ndarray, settings: StageSettings, rng: np.random.Generator
) -> tuple[np.ndarray, int] | None:
    """Offsets and number of the edge that separate the classes best, None when nothing does."""
    offsets = draw_offsets(rng, settings.candidates)
    every = -(-len(order) // _MOST_COUNTED)
    counts = _histograms(order[::every], settings.reach_m, offsets, BIN_OF, *_arrays(store, pixels))
    best, edge, gain = best_split(counts, max(1, settings.smallest_leaf // every))
    return None if gain < _SMALLEST_GAIN else (offsets[best], edge)


def _arrays(store: FrameStore, pixels: Pixels) -> tuple[np.ndarray, ...]:
    return store.surface, store.table, store.focal, pixels.places, pixels.labels


def _rounded_shares(counts: np.ndarray) -> tuple[int, int]:
    """Shares of hand and object of 255 in all, of which background has the rest."""
    shares = counts * 255 / counts.sum()
    hand = round(shares[1])
    return hand, min(round(shares[2]), 255 - hand)


@njit(cache=True)
@no_type_check
def _histograms(order, reach_m, offsets, bin_of, surface, table, focal, places, labels):
    """Pixels of each class in each bin of each candidate difference."""
    half = len(bin_of) // 2
    counts = np.zeros((len(offsets), BINS, 3), np.int32)
    for pixel in order:
        frame, y, x = places[pixel, 0], places[pixel, 1], places[pixel, 2]
        start, height, width = table[frame, 0], table[frame, 1], table[frame, 2]
        depth = surface[start + y * width + x]
        scale_x, scale_y = offset_scale(depth, focal[frame, 0], reach_m), offset_scale(depth, focal[frame, 1], reach_m)
        label = labels[pixel]
        for candidate in range(len(offsets)):
            u_x, u_y = offsets[candidate, 0], offsets[candidate, 1]
            v_x, v_y = offsets[candidate, 2], offsets[candidate, 3]
            value = difference(surface, start, height, width, y, x, u_x, u_y, v_x, v_y, scale_x, scale_y)
            counts[candidate, bin_of[min(max(value, -half), half) + half], label] += 1
    return counts


@njit(cache=True)
@no_type_check
def _partition(order, reach_m, offset, edge, surface, table, focal, places, labels):
    """Bring the pixels whose difference is below the edge to the front, keeping the order of frames; their number."""
    later = np.empty_like(order)
    front = back = 0
    for pixel in order:
        frame, y, x = places[pixel, 0], places[pixel, 1], places[pixel, 2]
        start, height, width = table[frame, 0], table[frame, 1], table[frame, 2]
        depth = surface[start + y * width + x]
        scale_x, scale_y = offset_scale(depth, focal[frame, 0], reach_m), offset_scale(depth, focal[frame, 1], reach_m)
        value = difference(
            surface, start, height, width, y, x, offset[0], offset[1], offset[2], offset[3], scale_x, scale_y
        )
        if value < edge:
            order[front] = pixel
            front += 1
        else:
            later[back] = pixel
            back += 1
    order[front:] = later[:back]
    return front


@njit(cache=True)
@no_type_check
def best_split(counts, smallest_leaf):
    """The candidate and edge with the largest gain of information.

    Args:
        counts: pixels by candidate, bin and class.
        smallest_leaf: fewest pixels either side must have.

    Returns:
        Number of the candidate, number of the edge (bins up to that number come first), gain in nats a pixel, which
        is -1 when no edge leaves enough pixels on both sides.
    """
    total = counts[0].sum(axis=0)
    everything = _information(total[0], total[1], total[2])
    number = total.sum()
    best, best_edge, best_gain = 0, 0, -1.0
    for candidate in range(counts.shape[0]):
        a = b = c = 0
        for edge in range(counts.shape[1] - 1):
            # An empty bin separates nothing that the edge before it has not.
            if counts[candidate, edge, 0] + counts[candidate, edge, 1] + counts[candidate, edge, 2] == 0:
                continue
            a += counts[candidate, edge, 0]
            b += counts[candidate, edge, 1]
            c += counts[candidate, edge, 2]
            if a + b + c < smallest_leaf or number - a - b - c < smallest_leaf:
                continue
            left = _information(a, b, c)
            right = _information(total[0] - a, total[1] - b, total[2] - c)
            gain = (everything - left - right) / number
            if gain > best_gain:
                best, best_edge, best_gain = candidate, edge, gain
    return best, best_edge, best_gain


@njit(cache=True, inline="always")
@no_type_check
def _information(a, b, c):
    """Entropy in nats of these counts, times their sum."""
    return _xlogx(a + b + c) - _xlogx(a) - _xlogx(b) - _xlogx(c)


@njit(cache=True, inline="always")
@no_type_check
def _xlogx(count):
    return count * math.log(count) if count > 0 else 0.0
