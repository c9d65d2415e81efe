"""Materials: what objects, cloth, tables and walls are made of, and in which colors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from graspseg.synth.color import texture
from graspseg.synth.color.skin import MONK_SRGB, is_skin_colored, linear
from graspseg.synth.color.surfaces import Surface
from graspseg.synth.render.scene_parts import SurfaceKind

Stuff = Literal[
    "skin", "plastic", "glossy paint", "print", "wood", "cardboard", "metal", "ceramic", "cloth", "leather", "clay",
    "food", "paint", "stone", "laminate",
]  # fmt: skip

# Colors in which skin is mistaken for an object: sRGB by eye from photographs.
_SKIN_COLORED: tuple[tuple[Stuff, tuple[int, int, int]], ...] = (
    ("wood", (222, 184, 135)),
    ("wood", (193, 145, 95)),
    ("wood", (139, 94, 60)),
    ("wood", (90, 60, 42)),
    ("cardboard", (193, 154, 107)),
    ("cardboard", (176, 137, 96)),
    ("plastic", (232, 212, 184)),
    ("plastic", (224, 192, 160)),
    ("plastic", (215, 180, 150)),
    ("leather", (150, 96, 60)),
    ("leather", (96, 62, 44)),
    ("clay", (196, 130, 98)),
    ("food", (214, 160, 100)),
    ("ceramic", (236, 218, 196)),
)
_MADE_OF: dict[str, tuple[Stuff, ...]] = {
    **dict.fromkeys(("fork", "knife", "scissors", "keys", "wrench", "ladle", "spoon", "pan", "dumbbell"), ("metal",)),
    **dict.fromkeys(("kettle", "pot", "hammer", "watch", "ring"), ("metal", "plastic", "glossy paint")),
    **dict.fromkeys(("bread", "hamburger", "hot-dog", "steak", "cupcake"), ("food",)),
    **dict.fromkeys(("folded-cloth", "soft-toy", "doll"), ("cloth",)),
    **dict.fromkeys(("book", "calendar", "card", "playing-cards", "open-book", "gift", "carton", "box"), ("print",)),
    **dict.fromkeys(("mug", "cup", "bowl", "dish", "jug", "teapot", "cup-and-saucer", "pitcher"), ("ceramic", "print")),
    **dict.fromkeys(("can", "jar", "bottle", "medicine-bottle", "tub", "spray-bottle"), ("print", "plastic")),
    **dict.fromkeys(("pencil", "ruler", "brush", "paddle"), ("wood", "glossy paint", "plastic")),
}
_ANYTHING: tuple[Stuff, ...] = ("plastic", "plastic", "glossy paint", "print", "ceramic", "cloth", "metal", "wood")
# Reflectance at normal incidence, exponent of the highlight (power of two), strength of the mottling.
_SURFACE: dict[Stuff, tuple[float, int, float]] = {
    "skin": (0.025, 4, 0.05),
    "plastic": (0.04, 6, 0.02),
    "glossy paint": (0.05, 8, 0.02),
    "print": (0.03, 5, 0.02),
    "wood": (0.02, 4, 0.06),
    "cardboard": (0.0, 3, 0.05),
    "metal": (0.5, 5, 0.06),
    "ceramic": (0.05, 8, 0.02),
    "cloth": (0.0, 3, 0.1),
    "leather": (0.03, 4, 0.12),
    "clay": (0.01, 3, 0.06),
    "food": (0.02, 4, 0.18),
    "paint": (0.0, 3, 0.03),
    "stone": (0.03, 6, 0.08),
    "laminate": (0.03, 5, 0.02),
}
_GRAIN_M: dict[Stuff, float] = {"skin": 0.0022, "wood": 0.01, "leather": 0.002, "food": 0.006, "cloth": 0.02}
_PRINTABLE = ("print", "ceramic", "plastic", "glossy paint")
_HAIR_SRGB = ((30, 24, 20), (70, 48, 32), (130, 95, 60), (190, 160, 110), (150, 148, 145))
_LARGE: tuple[SurfaceKind, ...] = ("table", "wall", "body")
_SKIN_SOFTNESS = (0.22, 0.09, 0.05)


@dataclass(frozen=True)
class Look:
    """A material with its name.

    Attributes:
        stuff: what the surface is made of.
        skin_colored: whether its main color could be skin.
        row: one element of `color_texture.MATERIAL`.
    """

    stuff: Stuff
    skin_colored: bool
    row: np.ndarray


def sample_look(rng: np.random.Generator, surface: Surface, *, skin_colored: bool) -> Look:
    """A material for anything but skin.

    Args:
        rng: draws it.
        surface: what it is for.
        skin_colored: whether its main color shall be one that skin may have; else none such.
    """
    if skin_colored:
        stuff, color = _skin_colored(rng)
    else:
        choices = _MADE_OF.get(surface.category, _choices(surface.kind))
        stuff = choices[rng.integers(len(choices))]
        color = _other_color(rng, stuff, large=surface.kind in _LARGE)
    row = _bare_row(rng, stuff, color, surface)
    _decorate(rng, row, stuff, surface, skin_colored=skin_colored)
    return Look(stuff, is_skin_colored(row["colors"][0]), row)


def skin_look(tone: np.ndarray) -> Look:
    """Skin of a person whose tone (linear RGB) is given.

    A tone is what shows: of its light, part is mirrored by the surface and only the rest comes from within.
    """
    row = np.zeros((), texture.MATERIAL)
    row["colors"] = np.maximum(tone - 0.6 * _SURFACE["skin"][0], 0.35 * tone)
    row["pattern"], row["scale_m"], row["softness"] = texture.SKIN, 1.0, _SKIN_SOFTNESS
    row["specular"], row["shine"], row["grain"] = _SURFACE["skin"]
    row["grain_m"] = _GRAIN_M["skin"]
    return Look("skin", True, row)


def head_look(rng: np.random.Generator, tone: np.ndarray, surface: Surface) -> Look:
    """A face of a tone (linear RGB) with hair."""
    look = skin_look(tone)
    look.row["colors"][1] = linear(_HAIR_SRGB[rng.integers(len(_HAIR_SRGB))])
    look.row["pattern"], look.row["half_m"] = texture.HEAD, surface.half_m
    return look


def _choices(kind: SurfaceKind) -> tuple[Stuff, ...]:
    if kind in ("sleeve", "body"):
        return ("cloth",)
    if kind in ("ring", "band"):
        return ("metal",) if kind == "ring" else ("metal", "plastic", "leather")
    if kind == "glove":
        return ("cloth", "plastic", "leather")
    if kind == "table":
        return ("wood", "wood", "laminate", "laminate", "stone", "cloth")
    return ("paint", "paint", "laminate") if kind == "wall" else _ANYTHING


def _skin_colored(rng: np.random.Generator) -> tuple[Stuff, np.ndarray]:
    """A stuff and a color that skin may have: of a usual such thing, or the very tone of somebody's skin."""
    while True:
        if rng.uniform() < 0.25:
            stuff: Stuff = ("plastic", "clay", "cloth")[rng.integers(3)]
            anchor = MONK_SRGB[rng.integers(len(MONK_SRGB))]
        else:
            stuff, anchor = _SKIN_COLORED[rng.integers(len(_SKIN_COLORED))]
        color = linear(np.clip(np.array(anchor) * (1 + rng.normal(0, 0.07)) * (1 + rng.normal(0, 0.03, 3)), 8, 250))
        if is_skin_colored(color):
            return stuff, color


def _other_color(rng: np.random.Generator, stuff: Stuff, *, large: bool) -> np.ndarray:
    """A color that no skin has: white, gray or black, or any hue; pale where it covers much of the image."""
    while True:
        if stuff == "metal":
            color = linear(rng.uniform(120, 215) * (1 + rng.normal(0, 0.02, 3)))
        elif stuff == "food":
            color = linear(np.array([(190, 40, 35), (110, 150, 60), (235, 120, 150), (80, 40, 20)])[rng.integers(4)])
        elif stuff == "wood" or rng.uniform() < (0.6 if large else 0.35):
            color = linear(np.clip(rng.choice([30, 80, 150, 200, 235]) * (1 + rng.normal(0, 0.02, 3)), 8, 245))
        else:
            color = _any_hue(rng, most=0.55 if large else 1.0)
        if not is_skin_colored(color):
            return color


def _any_hue(rng: np.random.Generator, *, most: float) -> np.ndarray:
    """Uniform hue, saturation up to `most`, not too dark."""
    hue, saturation, value = rng.uniform(0, 6), rng.uniform(0.15, most), rng.uniform(50, 235)
    channel = np.clip(np.abs((hue + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    return linear(np.clip(value * (1 - saturation * (1 - channel)), 4, 250))


def _bare_row(rng: np.random.Generator, stuff: Stuff, color: np.ndarray, surface: Surface) -> np.ndarray:
    row = np.zeros((), texture.MATERIAL)
    row["colors"] = color
    row["scale_m"], row["half_m"] = 0.02, surface.half_m
    axis = rng.normal(size=3)
    row["axis"] = axis / np.linalg.norm(axis) if rng.uniform() < 0.3 else np.eye(3)[rng.integers(3)]
    row["specular"], row["shine"], row["grain"] = _SURFACE[stuff]
    row["grain_m"] = _GRAIN_M.get(stuff, 0.03)
    row["metal"] = stuff == "metal"
    return row


def _decorate(rng: np.random.Generator, row: np.ndarray, stuff: Stuff, surface: Surface, *, skin_colored: bool) -> None:
    """Choose the pattern and its further colors."""
    base = row["colors"][0].copy()
    large = surface.kind in _LARGE
    shaded = skin_colored or rng.uniform() < (0.75 if large else 0.4)
    second = base * rng.uniform(0.35, 0.8) if shaded else _any_hue(rng, most=0.5 if large else 1.0)
    row["colors"][1], row["colors"][2] = second, linear(rng.choice([15.0, 240.0]) + rng.normal(0, 5, 3))
    row["duty"], row["wobble"] = rng.uniform(0.2, 0.6), rng.choice([0.0, 0.0, 0.3, 0.8])
    if stuff == "wood":
        row["pattern"], row["scale_m"], row["wobble"] = texture.WOOD, rng.uniform(0.004, 0.02), rng.uniform(1, 4)
        row["axis"], row["colors"][1] = np.eye(3)[0], base * rng.uniform(0.55, 0.85)
        return
    if stuff == "stone":
        row["pattern"], row["scale_m"], row["wobble"] = texture.BLOTCHES, rng.uniform(0.004, 0.08), rng.uniform(0.2, 1)
        return
    if stuff == "print" or (stuff in _PRINTABLE and not large and rng.uniform() < 0.3):
        row["pattern"], row["scale_m"] = texture.PRINT, rng.uniform(0.0025, 0.006)
        row["duty"], row["wobble"] = rng.uniform(0.35, 0.75), rng.uniform(-0.2, 0.2)
        return
    if stuff == "cloth":
        choices = (texture.WEAVE, texture.WEAVE, texture.STRIPES, texture.CHECKS, texture.BLOTCHES, texture.DOTS)
        row["pattern"] = choices[rng.integers(len(choices))]
        if row["pattern"] == texture.WEAVE:
            row["scale_m"], row["colors"][1] = rng.uniform(0.003, 0.008), base * rng.uniform(0.6, 0.9)
            return
    elif rng.uniform() < (0.12 if surface.kind == "wall" else 0.4):
        choices = (texture.STRIPES, texture.CHECKS, texture.BLOTCHES, texture.DOTS)
        row["pattern"] = choices[rng.integers(len(choices))]
    row["scale_m"] = rng.uniform(0.03, 0.2) if large else rng.uniform(0.008, 0.035)
    row["duty"] = min(float(row["duty"]), 0.45)
    if row["pattern"] == texture.BLOTCHES:
        row["wobble"] = rng.uniform(0.1, 0.8)
