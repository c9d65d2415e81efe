"""What is drawn how often: every probability and range of the generator, in one table of presets.

Lengths in meters, angles in radians, focal lengths in pixels at a width of 640. A pair is a range to draw from evenly,
a mapping holds weights. `exam1` must stay as it is: its frames are the frozen exam of the shipped models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np

from graspseg.errors import InputError
from graspseg.synth.preset_names import PRESETS, Edition, PresetName
from graspseg.synth.render.scene_parts import Kind
from graspseg.synth.sensor.profiles import SensorName

SleevePolicy = Literal["background", "ignore"]
Viewpoint = Literal["third", "front", "ego", "top", "any"]
Sleeve = Literal["short", "rolled", "long"]
Fabric = Literal["knit", "shirt", "coat"]
Range = tuple[float, float]

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True)
class Lens:
    """Cameras, where none is given: `usual_focal_px` with `usual_share`, else one of a range."""

    usual_share: float = 0.4
    usual_focal_px: float = 475.0
    focal_px: Range = (380.0, 640.0)
    ego_focal_px: Range = (300.0, 420.0)
    center_sigma_px: Range = (6.0, 5.0)


@dataclass(frozen=True)
class Aim:
    """Where the hand is seen: its distance, and its place as a share of the image from the middle."""

    near_share: float = 0.6
    near_m: Range = (0.24, 0.55)
    far_m: Range = (0.5, 0.9)
    ego_m: Range = (0.25, 0.6)
    offset_sigma: float = 0.2
    offset_limit: float = 0.42
    leaving_share: float = 0.0
    leaving_limit: float = 0.5
    nearest_m: float = 0.17


@dataclass(frozen=True)
class Hands:
    """Whose hand in which pose.

    Attributes:
        bare_child_share: children among empty hands, where sizes come from the hand model (scenes without a stage).
        child_share, adult_mm, child_mm: sizes on a stage, wrist joint to middle finger's tip.
        grasp_jitter_rad, held_jitter_m: scatter about a stored grasp.
        wrist_sigma_rad: scatter of wrist flexion and deviation.
        bent_share, bent_rad, straight_rad: elbow flexion.
        pronation_rad: turn of the forearm on a stage.
        varied_share: hands with fingers, thickness and skin of their own, beyond the model's shapes.
    """

    bare_child_share: float = 0.08
    child_share: float = 0.12
    adult_mm: Range = (155.0, 210.0)
    child_mm: Range = (105.0, 155.0)
    grasp_jitter_rad: float = 0.02
    held_jitter_m: float = 0.0007
    wrist_sigma_rad: Range = (0.35, 0.15)
    bent_share: float = 0.7
    bent_rad: Range = (0.0, 1.9)
    straight_rad: Range = (0.0, 0.4)
    pronation_rad: Range = (-1.3, 1.3)
    varied_share: float = 0.0


@dataclass(frozen=True)
class LooseArm:
    """Scenes without a stage: how the arm goes on above the hand. What is left of the shares is a bare arm."""

    cut_share: float = 0.24
    cut_m: Range = (0.0, 0.12)
    sleeve_share: float = 0.31
    sleeve_start_m: Range = (0.015, 0.3)
    sleeve_thick_m: Range = (0.003, 0.018)
    mirror_share: float = 0.5
    second_hand_share: float = 0.1
    second_bare_share: float = 0.6
    nearby_share: float = 0.1


@dataclass(frozen=True)
class Surroundings:
    """Scenes without a stage: what stands behind."""

    share: float = 0.62
    table_share: float = 0.62
    body_share: float = 0.35
    wall_share: float = 0.35
    wall_gap_m: Range = (0.05, 1.0)
    touching_share: float = 0.35
    table_gap_m: Range = (0.0, 0.25)
    table_half_m: tuple[float, ...] = (0.35, 0.8, 2.0)
    clutter_most: int = 6
    upright_share: float = 0.0
    box_share: float = 0.35
    box_m: Range = (0.02, 0.35)
    tumbled_share: float = 0.4
    limb_share: float = 0.6


@dataclass(frozen=True)
class Clothes:
    """What covers arm and hand on a stage.

    Attributes:
        sleeves: short leaves at least the forearm bare, rolled ends about the elbow, long at the wrist.
        fabrics: knit lies close, shirt stands off, a coat is thick.
        glove_share, glove_m: gloves and their thickness.
        ring_share, watch_share, bracelet_share: what is worn.
    """

    sleeves: Mapping[Sleeve, float]
    fabrics: Mapping[Fabric, float] = field(default_factory=lambda: {"knit": 0.3, "shirt": 0.45, "coat": 0.25})
    glove_share: float = 0.0
    glove_m: Range = (0.0005, 0.003)
    ring_share: float = 0.0
    watch_share: float = 0.0
    bracelet_share: float = 0.0


@dataclass(frozen=True)
class Stage:
    """Scenes with a person, a table and a room, upright, seen by cameras where people put cameras.

    Attributes:
        views: third person, the same from straight ahead with raised hands, egocentric, top-down, and from anywhere.
        other_hand_share: the other hand of the same person is in front, too; else it hangs down.
        other_holds_share: that hand holds something.
        second_person_share: somebody opposite reaches in.
        third_person_share: of those scenes, the share where one more does.
        table_share, touching_share, table_gap_m: a table below the hands, often touched.
        clutter_most: most things on it.
        upright_share: of those, the share that stands as it is modeled.
        wall_share, floor_share, furniture_share: the room.
        seated_share: sits, where the lap is free, instead of standing.
        distractor_share: something larger and nearer than the hand reaches in from the border.
    """

    views: Mapping[Viewpoint, float]
    clothes: Clothes
    other_hand_share: float = 0.0
    other_holds_share: float = 0.0
    second_person_share: float = 0.0
    third_person_share: float = 0.0
    table_share: float = 0.0
    touching_share: float = 0.35
    table_gap_m: Range = (0.0, 0.3)
    clutter_most: int = 0
    upright_share: float = 0.0
    wall_share: float = 0.0
    floor_share: float = 0.0
    furniture_share: float = 0.0
    seated_share: float = 0.0
    distractor_share: float = 0.0


@dataclass(frozen=True)
class Crop:
    """The paper's background elimination: how often, and the range kept behind the nearest hand or object."""

    share: float = 0.2
    range_m: Range = (0.16, 0.3)


@dataclass(frozen=True)
class Empty:
    """Scenes without a hand: how often, and what is there instead.

    Attributes:
        share: of all frames.
        as_recorded_share: of those with a recorded background, the share that shows nothing else.
        person_share: of the others, the share with a person whose hands are not there.
        sleeve_share: of those, the share with empty sleeves.
        items: most items put onto a modeled table in place of the hands.
    """

    share: float = 0.0
    as_recorded_share: float = 0.35
    person_share: float = 0.35
    sleeve_share: float = 0.4
    items: int = 0


@dataclass(frozen=True)
class Cutout:
    """Frames of which a program has removed all but hand and object.

    Attributes:
        share: of the frames with a hand.
        ragged_px: standard deviation of the outline's error.
        ball_share, ball_m: share cut by a sphere around the hand as well, and its radius.
    """

    share: float = 0.0
    ragged_px: float = 1.5
    ball_share: float = 0.5
    ball_m: Range = (0.11, 0.3)


@dataclass(frozen=True)
class Recipe:
    """One distribution of scenes. Scenes have a `stage`, or else a `loose` arm with `surroundings` behind.

    Where there is a stage, interactions of two hands that touch are loose ones all the same.

    Attributes:
        name: the preset.
        interactions: weights of what the hands do.
        unseen: weights of what they do besides in the split `unseen`.
        edition: of the grasp library.
        sensor: what measures; every frame (or clip) another unit.
        smallest_hand_px: frames that show less skin are drawn again.
        count: frames of the train and the val split, where the preset is a data set of a given size.
        most_objects: how many objects of the split are drawn from; None = all.
        measured_hand_only: frames whose hand the sensor loses are drawn again.
        recorded_share: scenes put into recorded backgrounds.
        lookalike_share: of the objects that stand about, those that could be taken for hands.
        household_share: of the others, things of homes and offices; of the furniture, such that is no box.
        empty: scenes without a hand.
        cutout: frames without background.
    """

    name: PresetName
    interactions: Mapping[Kind, float]
    unseen: Mapping[Kind, float] = field(default_factory=dict)
    edition: Edition = 1
    lens: Lens = Lens()
    aim: Aim = Aim()
    hands: Hands = Hands()
    loose: LooseArm = LooseArm()
    surroundings: Surroundings = Surroundings()
    stage: Stage | None = None
    crop: Crop = Crop()
    sensor: SensorName = "mixed"
    smallest_hand_px: int = 400
    count: tuple[int, int] | None = None
    most_objects: int | None = None
    measured_hand_only: bool = False
    recorded_share: float = 0.0
    lookalike_share: float = 0.0
    household_share: float = 0.0
    empty: Empty = Empty()
    cutout: Cutout = Cutout()

    @classmethod
    def preset(cls, name: str) -> Recipe:
        """The recipe of a preset.

        Raises:
            InputError: there is no such preset.
        """
        for known in PRESETS:
            if known == name:
                return RECIPES[known]
        raise InputError(f"Preset {name!r} was requested of the generator; use one of {', '.join(PRESETS)}.")


def choose(rng: np.random.Generator, weights: Mapping[Name, float]) -> Name:
    """Draw a name; one even draw, so that a weight of 0 changes nothing for the others."""
    place, total = rng.uniform() * sum(weights.values()), 0.0
    for name, weight in weights.items():
        total += weight
        if place < total:
            return name
    return list(weights)[-1]


RECIPES: dict[PresetName, Recipe] = {
    "exam1": Recipe("exam1", interactions={"bare": 0.12, "hold": 0.88}),
    # Paper, section 3, table 1: one hand holds one of 28 objects before an SR300, seen from outside, cropped to 16 cm.
    "interseghands": Recipe(
        "interseghands",
        interactions={"hold": 1.0},
        edition=2,
        lens=Lens(usual_share=1.0),
        aim=Aim(near_share=1.0, near_m=(0.25, 0.6), offset_sigma=0.12, offset_limit=0.3),
        hands=Hands(child_share=0.0),
        stage=Stage(views={"third": 1.0}, clothes=Clothes(sleeves={"short": 0.6, "rolled": 0.25, "long": 0.15})),
        crop=Crop(share=1.0, range_m=(0.16, 0.16)),
        sensor="sr305",
        count=(46_720, 5_192),
        most_objects=28,
    ),
    "wild": Recipe(
        "wild",
        interactions={
            "hold": 0.56,
            "palm": 0.05,
            "tool": 0.06,
            "bare": 0.13,
            "near": 0.08,
            "two_hands": 0.05,
            "hand_over_hand": 0.03,
            "handover": 0.04,
        },
        unseen={"cloth": 0.04, "paper": 0.03, "cable": 0.03},
        edition=2,
        smallest_hand_px=900,
        loose=LooseArm(cut_share=0.0, sleeve_share=0.55, second_hand_share=0.0),
        surroundings=Surroundings(share=0.9, body_share=0.5),
        lens=Lens(focal_px=(340.0, 640.0)),
        aim=Aim(near_share=0.55, near_m=(0.2, 0.5), offset_sigma=0.2, leaving_share=0.08),
        stage=Stage(
            views={"third": 0.47, "ego": 0.3, "top": 0.14, "any": 0.09},
            clothes=Clothes(
                sleeves={"short": 0.36, "rolled": 0.24, "long": 0.4},
                glove_share=0.06,
                ring_share=0.15,
                watch_share=0.14,
                bracelet_share=0.08,
            ),
            other_hand_share=0.35,
            other_holds_share=0.25,
            second_person_share=0.1,
            table_share=0.6,
            clutter_most=7,
            wall_share=0.45,
            floor_share=0.5,
            furniture_share=0.3,
            seated_share=0.6,
            distractor_share=0.12,
        ),
    ),
    # Everything real cameras see: recorded and modeled rooms, far and small hands, several people, none at all.
    "rooms": Recipe(
        "rooms",
        interactions={
            "hold": 0.45,
            "palm": 0.04,
            "tool": 0.07,
            "bare": 0.15,
            "near": 0.06,
            "two_hands": 0.05,
            "hand_over_hand": 0.02,
            "handover": 0.03,
            "two_ends": 0.03,
            "foam_tube": 0.02,
            "stick": 0.02,
            "rope": 0.01,
            "board": 0.02,
            "cloth": 0.02,
            "cable": 0.01,
        },
        unseen={"paper": 0.03, "hose": 0.03, "bag": 0.03},
        edition=2,
        smallest_hand_px=250,
        hands=Hands(varied_share=0.7),
        loose=LooseArm(cut_share=0.12, cut_m=(0.0, 0.08), sleeve_share=0.55, second_hand_share=0.0),
        surroundings=Surroundings(share=0.9, body_share=0.5, clutter_most=10, upright_share=0.6),
        lens=Lens(usual_share=0.3, focal_px=(300.0, 640.0)),
        aim=Aim(
            near_share=0.5,
            near_m=(0.18, 0.5),
            far_m=(0.45, 1.3),
            ego_m=(0.25, 0.75),
            offset_sigma=0.24,
            offset_limit=0.46,
            leaving_share=0.1,
        ),
        stage=Stage(
            views={"third": 0.38, "ego": 0.27, "top": 0.25, "any": 0.1},
            clothes=Clothes(
                sleeves={"short": 0.34, "rolled": 0.24, "long": 0.42},
                glove_share=0.04,
                ring_share=0.15,
                watch_share=0.14,
                bracelet_share=0.08,
            ),
            other_hand_share=0.5,
            other_holds_share=0.35,
            second_person_share=0.16,
            third_person_share=0.3,
            table_share=0.7,
            touching_share=0.45,
            table_gap_m=(0.0, 0.2),
            clutter_most=14,
            upright_share=0.6,
            wall_share=0.55,
            floor_share=0.5,
            furniture_share=0.5,
            seated_share=0.6,
            distractor_share=0.15,
        ),
        crop=Crop(share=0.12, range_m=(0.16, 0.4)),
        sensor="any",
        measured_hand_only=True,
        recorded_share=0.6,
        lookalike_share=0.3,
        household_share=0.45,
        empty=Empty(share=0.28),
        cutout=Cutout(share=0.1),
    ),
    # A person at a table under or before a camera, or nobody: hands far and small, sleeves, body and items in view.
    "workplace": Recipe(
        "workplace",
        interactions={
            "hold": 0.55,
            "palm": 0.03,
            "tool": 0.1,
            "bare": 0.12,
            "near": 0.06,
            "two_hands": 0.08,
            "handover": 0.02,
            "foam_tube": 0.02,
            "board": 0.02,
        },
        unseen={"paper": 0.03},
        edition=2,
        smallest_hand_px=200,
        hands=Hands(varied_share=0.7),
        lens=Lens(usual_share=0.0, focal_px=(380.0, 700.0), ego_focal_px=(330.0, 700.0)),
        aim=Aim(near_share=0.1, near_m=(0.35, 0.6), far_m=(0.55, 1.15), ego_m=(0.25, 0.8), offset_sigma=0.18),
        stage=Stage(
            views={"third": 0.32, "ego": 0.28, "top": 0.37, "any": 0.03},
            clothes=Clothes(
                sleeves={"short": 0.28, "rolled": 0.14, "long": 0.58},
                ring_share=0.1,
                watch_share=0.14,
                bracelet_share=0.06,
            ),
            other_hand_share=0.85,
            other_holds_share=0.45,
            second_person_share=0.08,
            table_share=1.0,
            touching_share=0.5,
            table_gap_m=(0.0, 0.25),
            clutter_most=12,
            upright_share=0.85,
            wall_share=0.4,
            floor_share=0.9,
            furniture_share=0.5,
            seated_share=0.7,
        ),
        crop=Crop(share=0.0),
        sensor="desk",
        measured_hand_only=True,
        lookalike_share=0.12,
        household_share=0.45,
        empty=Empty(share=0.36, person_share=0.2, items=24),
    ),
    # Somebody faces the camera: hands raised beside and before head and chest, often nothing measured behind.
    "frontal": Recipe(
        "frontal",
        interactions={"bare": 0.6, "hold": 0.26, "tool": 0.04, "two_hands": 0.06, "handover": 0.02, "cloth": 0.02},
        unseen={"paper": 0.03},
        edition=2,
        hands=Hands(varied_share=0.7),
        aim=Aim(near_share=0.4, near_m=(0.3, 0.55), far_m=(0.5, 1.0), offset_sigma=0.26, offset_limit=0.42),
        stage=Stage(
            views={"front": 0.85, "third": 0.15},
            clothes=Clothes(
                sleeves={"short": 0.44, "rolled": 0.16, "long": 0.4},
                ring_share=0.1,
                watch_share=0.14,
                bracelet_share=0.06,
            ),
            other_hand_share=0.4,
            other_holds_share=0.2,
            second_person_share=0.06,
            table_share=0.1,
            clutter_most=4,
            wall_share=0.3,
            floor_share=0.15,
            furniture_share=0.2,
            seated_share=0.3,
        ),
        crop=Crop(share=0.15, range_m=(0.2, 0.6)),
        sensor="gesture",
        measured_hand_only=True,
        empty=Empty(share=0.22, person_share=0.9, sleeve_share=0.5),
    ),
}
"""Presets by name."""
