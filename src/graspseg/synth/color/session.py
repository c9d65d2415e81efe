"""What all pictures of one recording share: a person in fixed clothes, fixed light, a camera with locked settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from graspseg.synth.color.camera import Exposure
from graspseg.synth.color.light import Lighting
from graspseg.synth.color.materials import Look, sample_look
from graspseg.synth.color.skin import person_tone
from graspseg.synth.color.surfaces import Surface
from graspseg.synth.render.scene_parts import SurfaceKind

WORN: tuple[SurfaceKind, ...] = ("sleeve", "glove", "ring", "band")
_PIECE_M = (0.1, 0.1, 0.1)
_SKIN_COLORED_WORN = 0.12


@dataclass(frozen=True)
class Person:
    """The skin and clothes of up to two people.

    Attributes:
        numbers: tones of the Monk scale.
        tones: linear RGB of their skin.
        worn: what they wear.
    """

    numbers: tuple[int, int]
    tones: tuple[Float32[np.ndarray, "3"], Float32[np.ndarray, "3"]]
    worn: tuple[Mapping[SurfaceKind, Look], Mapping[SurfaceKind, Look]]


@dataclass(frozen=True)
class Session:
    """What a picture drew and the next ones of a recording keep (the paper's fixed illumination, section 3).

    Attributes:
        person: skin and clothes.
        lighting: in the color camera's frame.
        backdrop: what stands far behind, linear RGB.
        blur_px: softness of shadows.
        exposure: gain, white balance and noise.
        light_left: share of the light's color that white balance leaves.
    """

    person: Person
    lighting: Lighting
    backdrop: Float32[np.ndarray, "b b 3"]
    blur_px: float
    exposure: Exposure
    light_left: float


def sample_person(rng: np.random.Generator, choices: Sequence[int]) -> Person:
    """Two people, as often as not of one tone, each with clothes of their own.

    Args:
        rng: draws them.
        choices: tones of the Monk scale to draw from.
    """
    numbers = [int(rng.choice(choices)) for _ in range(2)]
    if rng.uniform() < 0.5:
        numbers[1] = numbers[0]
    tones = [person_tone(rng, number) for number in numbers]
    worn: list[dict[SurfaceKind, Look]] = [
        {
            kind: sample_look(rng, Surface(kind, None, _PIECE_M), skin_colored=rng.uniform() < _SKIN_COLORED_WORN)
            for kind in WORN
        }
        for _ in tones
    ]
    return Person((numbers[0], numbers[1]), (tones[0], tones[1]), (worn[0], worn[1]))
