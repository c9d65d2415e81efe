"""Skin: the ten tones of the Monk scale, and how color varies over one hand."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from jaxtyping import Float, Float32

from graspseg.synth.body.hand import PART_NAMES, HandModel, HandName
from graspseg.synth.color.geometry import vertex_normals

# Monk, "The Monk Skin Tone Scale", 2019 (published with the values at skintone.google), sRGB, lightest first.
MONK_SRGB: tuple[tuple[int, int, int], ...] = (
    (246, 237, 228),
    (243, 231, 219),
    (247, 234, 208),
    (234, 218, 186),
    (215, 189, 150),
    (160, 126, 86),
    (130, 92, 67),
    (96, 65, 52),
    (58, 49, 42),
    (41, 36, 32),
)
# Skin without much melanin: what shows in palms and under nails of everybody (chosen by eye from photographs).
_PALM_SRGB = (212, 148, 112)
_NAIL_SRGB = (234, 178, 156)
_PALM_SHARE, _NAIL_SHARE = 0.45, 0.36
_FINGER_PARTS = tuple(PART_NAMES.index(name) for name in ("thumb", "index", "middle", "ring", "little"))


def linear(srgb: Float[np.ndarray, "*n 3"] | tuple[int, int, int]) -> Float32[np.ndarray, "*n 3"]:
    """Linear light, 0 to 1, of sRGB values 0 to 255 (IEC 61966-2-1)."""
    value = np.asarray(srgb, np.float64) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def lab(albedo: Float32[np.ndarray, "3"]) -> Float32[np.ndarray, "3"]:
    """CIELAB (D65) of a linear RGB color: L 0 to 100, a, b."""
    return cv2.cvtColor(np.asarray(albedo, np.float32).reshape(1, 1, 3), cv2.COLOR_LRGB2Lab).reshape(3)


def is_skin_colored(albedo: Float32[np.ndarray, "3"]) -> bool:
    """Whether a color lies where the skin of people does: CIELAB hue 25 to 95 degrees, chroma 3 to 42.

    The range holds all ten tones of the Monk scale with a margin for undertones, and wood, cardboard and leather.
    """
    lightness, a, b = lab(albedo)
    return bool(8 < lightness < 97 and 25 <= np.degrees(np.arctan2(b, a)) <= 95 and 3 <= np.hypot(a, b) <= 42)


def person_tone(rng: np.random.Generator, tone: int, *, spread: float = 1.0) -> Float32[np.ndarray, "3"]:
    """Linear RGB of one person's skin: a tone of the scale with its own lightness and undertone.

    Args:
        rng: draws the person.
        tone: 1 (lightest) to 10.
        spread: 0 is the tone as published.
    """
    lightness, blood, tan = rng.normal(0, spread, 3)
    # Skin is hardly ever paler than its swatch, but often redder.
    blood = 0.4 * spread + 0.7 * blood
    factor = 1 + 0.06 * lightness + 0.05 * blood * np.array([0.3, -1.0, -1.0]) + 0.04 * tan * np.array([0.2, 0.0, -1.0])
    return np.clip(linear(MONK_SRGB[tone - 1]) * factor, 0.005, 0.95).astype(np.float32)


def skin_tint(hand: HandName, tone: Float32[np.ndarray, "3"]) -> Float32[np.ndarray, "v 4"]:
    """What the tone is multiplied by at each vertex (RGB), and how much the highlight is (last column).

    Palms have few pigment cells, so that they are lighter than the back of dark hands and redder than that of light
    ones (Yamaguchi et al. 2004, doi 10.1083/jcb.200311122); knuckles and creases are darker.
    """
    palm, knuckle, nail, crease = (column[:, None] for column in _features(hand).T)
    tint = 1 + palm * (_toward(tone, _PALM_SRGB, _PALM_SHARE) / tone - 1)
    tint *= 1 - knuckle * np.array([0.10, 0.22, 0.22])
    tint *= 1 - crease * np.array([0.15, 0.25, 0.25])
    tint += nail * (_toward(tone, _NAIL_SRGB, _NAIL_SHARE) / tone - tint)
    return np.column_stack([tint, 1 + 2.5 * nail]).astype(np.float32)


def _toward(tone: np.ndarray, other_srgb: tuple[int, int, int], share: float) -> np.ndarray:
    """Weighted geometric mean, as pigment multiplies light."""
    return tone ** (1 - share) * linear(other_srgb) ** share


@cache
def rest_hand(hand: HandName) -> Float32[np.ndarray, "v 3"]:
    """The mean adult's straight hand: coordinates that stick to the skin of any pose."""
    model = HandModel.load(hand)
    return model.vertices(model.mean_shape(), np.zeros((5, 4), np.float32))


@cache
def _features(hand: HandName) -> Float32[np.ndarray, "v 4"]:
    """Palm, knuckle, nail and crease of every vertex, each 0 to 1."""
    model = HandModel.load(hand)
    rest = rest_hand(hand)
    normals = vertex_normals(rest, model.faces)
    joints = model.joints(model.mean_shape(), np.zeros((5, 4), np.float32))
    palm = _smooth(normals[:, 2], -0.25, 0.45) * _smooth(rest[:, 0], -0.035, 0.01)
    knuckle, nail, crease = np.zeros(len(rest)), np.zeros(len(rest)), np.zeros(len(rest))
    for finger, part in enumerate(_FINGER_PARTS):
        chain = joints[[3 + 3 * finger, 4 + 3 * finger, 5 + 3 * finger, 18 + finger]]
        axis = model.arrays["finger_axes"][finger, 3].astype(np.float64)
        along = (chain[3] - chain[1]) / np.linalg.norm(chain[3] - chain[1])
        palmar = np.cross(axis, along)
        palmar /= np.linalg.norm(palmar)
        facing = normals @ palmar
        own = model.part == part
        # The ball of the thumb belongs to the palm.
        root = _smooth((chain[1] - rest) @ along, -0.012, 0.004) if finger == 0 else np.zeros(len(rest))
        palm[own] = np.maximum(_smooth(facing, -0.5 if finger == 0 else -0.2, 0.4), root * palm)[own]
        for joint in chain[:3]:
            near = np.exp(-0.5 * (np.linalg.norm(rest - joint - palmar * -0.008, axis=1) / 0.0075) ** 2)
            knuckle = np.maximum(knuckle, near * _smooth(-facing, 0.1, 0.6))
        for joint in chain[1:3]:
            line = np.exp(-0.5 * (((rest - joint) @ along) / 0.0014) ** 2)
            crease = np.maximum(crease, line * own * _smooth(facing, 0.1, 0.5))
        nail = np.maximum(nail, own * _nail(rest, chain, along, np.cross(along, palmar)) * _smooth(-facing, 0.25, 0.5))
    return np.stack([palm, knuckle * (1 - nail), nail, crease], axis=1).astype(np.float32)


def _nail(rest: np.ndarray, chain: np.ndarray, along: np.ndarray, side: np.ndarray) -> np.ndarray:
    """1 on the outer half of the last phalanx, seen from the back: 12 mm across."""
    length = np.linalg.norm(chain[3] - chain[2])
    place = ((rest - chain[2]) @ along) / length
    across = np.abs((rest - chain[2]) @ side)
    return _smooth(place, 0.42, 0.56) * _smooth(-across, -0.0075, -0.0050)


def _smooth(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 up to `low`, 1 from `high` on."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
