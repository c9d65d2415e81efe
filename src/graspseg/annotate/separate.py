"""Hand and object told apart by color, where outlines come from depth (beyond the paper).

The paper's thresholds decide every pixel by itself. Here each pixel gets log-odds of skin against the colors that the
object has in this very frame; those are spread over each surface by an edge-preserving smoother guided by depth, and
the object's colors are learned again from the result, a few times (expectation maximization). Color is trusted a little
less beside steps in depth, where an alignment that is a few pixels off shows the color of the other side, and not at
all where the color camera does not see: there the label comes from the surface around it.

The smoother is the fast global smoother of opencv-contrib (Min et al. 2014, doi 10.1109/TIP.2014.2366600), which
solves the weighted least squares that GrabCut's cut and the guided filter's windows each stand in for.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, Int32, UInt8

from graspseg.annotate.denoise import denoise
from graspseg.annotate.histogram import color_bins, color_histogram

ROUNDS = 4
_ANYTHING = -12.3  # logarithm of the density of colors, per CIELAB unit cubed, where nothing is known of an object
_MOST_ODDS = 5.0  # of one pixel
_OBJECT_SHARE, _OBJECT_PX = 0.5, 300.0  # how far colors seen on the object are believed, and with how many pixels half
_ADAPTED = 0.3  # how far colors seen on the hand are added to the skin model
_SURE = 0.6
_LEVEL_M = 0.00065
_STEP_M = 0.0075
_AT_STEP = 0.8  # trust in color beside such a step
_UNSEEN = 1e-4
_SMOOTH, _SMOOTH_LEVELS = 200.0, 2.0
_RING = np.ones((5, 5), np.uint8)


def separate(
    log_skin: Float32[np.ndarray, "h w"],
    color: UInt8[np.ndarray, "h w 3"],
    seen: UInt8[np.ndarray, "h w"],
    depth_m: Float32[np.ndarray, "h w"],
    kept: UInt8[np.ndarray, "h w"],
) -> Float32[np.ndarray, "h w"]:
    """Log-odds of hand against object.

    Args:
        log_skin: logarithm of the density of skin at each color, see `SkinModel.log_density`.
        color: aligned RGB without noise.
        seen: 255 where the color is that of the depth pixel.
        depth_m: meters.
        kept: 255 within the depth range.
    """
    levels = depth_levels(depth_m, kept)
    trust = _trust(levels, seen)
    smoother = cv2.ximgproc.createFastGlobalSmootherFilter(_guide(levels, color, seen), _SMOOTH, _SMOOTH_LEVELS)
    total = np.maximum(smoother.filter(trust), 1e-6)
    odds = np.clip(log_skin - _ANYTHING, -_MOST_ODDS, _MOST_ODDS)
    spread = smoother.filter(odds * trust) / total
    known = (seen > 0) & (kept > 0)
    if not known.any():
        return spread
    places = color_bins(color, known)
    for _ in range(ROUNDS):
        odds[known] = _color_odds(log_skin[known], places, trust[known], spread[known])
        spread = smoother.filter(odds * trust) / total
    return spread


def color_odds(log_skin: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Log-odds of skin against an object of which nothing is known."""
    return log_skin - np.float32(_ANYTHING)


def hand_probability(odds: Float32[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Probability of hand; odds count twice, because the smoother's mean over a surface is surer than one pixel."""
    return 1 / (1 + np.exp(-2 * odds))


def _color_odds(
    log_skin: Float32[np.ndarray, " n"],
    places: Int32[np.ndarray, " n"],
    trust: Float32[np.ndarray, " n"],
    spread: Float32[np.ndarray, " n"],
) -> Float32[np.ndarray, " n"]:
    """Log-odds of the colors of pixels, with what the last round says of hand and object in this frame."""
    hand = hand_probability(spread)
    held = 1 - hand
    hand_colors = color_histogram(places, hand * trust * (hand > _SURE))[places]
    held_colors = color_histogram(places, held * trust * (held > _SURE))[places]
    size = float((held * trust).sum())
    share = _OBJECT_SHARE * size / (size + _OBJECT_PX)
    skin = (1 - _ADAPTED) * np.exp(log_skin) + _ADAPTED * hand_colors
    other = (1 - share) * np.exp(_ANYTHING) + share * held_colors
    return np.clip(np.log((skin + 1e-12) / other), -_MOST_ODDS, _MOST_ODDS).astype(np.float32)


def depth_levels(depth_m: Float32[np.ndarray, "h w"], kept: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Depth in levels of 0.65 mm from the nearest pixel on, 255 where nothing is kept."""
    inside = depth_m[kept > 0]
    nearest = float(inside.min()) if inside.size else 0.0
    levels = cv2.convertScaleAbs(np.maximum(depth_m - np.float32(nearest), 0), alpha=1 / _LEVEL_M)
    levels[kept == 0] = 255
    return levels


def _trust(levels: UInt8[np.ndarray, "h w"], seen: UInt8[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """How far the color of a pixel is believed, 0 to 1."""
    span = cv2.subtract(cv2.dilate(levels, _RING), cv2.erode(levels, _RING))
    trust = np.where(span > _STEP_M / _LEVEL_M, np.float32(_AT_STEP), np.float32(1))
    trust[seen == 0] = 0
    return trust + np.float32(_UNSEEN)


def _guide(
    levels: UInt8[np.ndarray, "h w"], color: UInt8[np.ndarray, "h w 3"], seen: UInt8[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w 3"]:
    """What the smoother does not smooth across: steps in depth and in chroma.

    Where the color camera sees something else, chroma is that of the surface around.
    """
    lab = cv2.cvtColor(denoise(color, seen), cv2.COLOR_RGB2Lab)
    unseen = seen == 0
    if not unseen.any():
        return cv2.merge([levels, lab[..., 1], lab[..., 2]])
    smoother = cv2.ximgproc.createFastGlobalSmootherFilter(levels, _SMOOTH, _SMOOTH_LEVELS)
    weight = np.where(unseen, np.float32(_UNSEEN), np.float32(1))
    total = np.maximum(smoother.filter(weight), 1e-6)
    chroma = [
        np.where(unseen, cv2.convertScaleAbs(smoother.filter(lab[..., axis] * weight) / total), lab[..., axis])
        for axis in (1, 2)
    ]
    return cv2.merge([levels, *chroma])
