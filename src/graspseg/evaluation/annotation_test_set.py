"""The frozen test set of the annotation: synthetic recordings of one person each, with depth, color and exact labels.

A recording has one person, one light, one pair of cameras and locked exposure, as the paper's have (section 3), and an
object with another material in every frame. It begins as a user begins one: with the empty hand. Frames are drawn by
the generator's preset `interseghands` without its crop, because cutting the background off is part of what is judged,
and drawn again where something else stands within 16 cm of the hand: "we assume that the hand and object are the
nearest parts to the camera" (section 3), so a person at a recording holds them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.cameras.rgbd import ColorCamera, RgbdFrame
from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.color.camera import ColorRig
from graspseg.synth.color.picture import ColorImage, ColorSettings, render_color
from graspseg.synth.color.session import Session
from graspseg.synth.color.skin import MONK_SRGB
from graspseg.synth.generate import HEIGHT, WIDTH, FrameMaker, SynthFrame
from graspseg.synth.objects.objects import SPLITS, Split
from graspseg.synth.recipe import RECIPES, Crop, Recipe
from graspseg.synth.render.scene_parts import Scene

Light = Literal["warm", "cold"]
Part = Literal["empty", "held", "judged", "sleeve"]

PARTS: tuple[Part, ...] = get_args(Part)
RANGE_M = 0.16
_TEMPERATURE_K: dict[Light, tuple[float, float]] = {"warm": (2700.0, 3400.0), "cold": (6000.0, 7500.0)}
_NEAREST_PX = 30  # so few pixels may be nearer by noise
# Background within the window, as a share of hand and object: single wrong pixels, or also a sleeve.
_FOREIGN: dict[Part, tuple[float, float]] = {
    "empty": (0.0, 0.05),
    "held": (0.0, 0.05),
    "judged": (0.0, 0.05),
    "sleeve": (0.1, 0.6),
}
_SMALLEST_OBJECT_PX = 300


@dataclass(frozen=True)
class AnnotationTestSet:
    """Which recordings there are.

    Attributes:
        split: of the generator; `unseen` has another hand and other objects.
        seed: of everything drawn.
        repeats: recordings of every tone under every light.
        counts: frames of each part of a recording: the empty hand and hands with other objects to calibrate on,
            frames to judge with bare arms (the paper's protocol), and frames with long sleeves.
        error_px: most by which a color picture misses its calibration, anew in every frame.
        skin_every: one of so many objects has a color that skin may have.
    """

    split: Split
    seed: int
    repeats: int
    counts: tuple[int, int, int, int]
    error_px: float = 3.0
    skin_every: int = 4

    def recordings(self) -> list[AnnotationRecording]:
        """All recordings: lights within tones within repeats."""
        kinds = [
            (tone, light)
            for _ in range(self.repeats)
            for tone in range(1, len(MONK_SRGB) + 1)
            for light in get_args(Light)
        ]
        return [AnnotationRecording(self, index, tone, light) for index, (tone, light) in enumerate(kinds)]


TEST_SET = AnnotationTestSet("unseen", 20_261_104, repeats=5, counts=(4, 4, 5, 1))
"""The test set: 100 recordings, 500 frames that count, 100 with sleeves."""
TUNING = AnnotationTestSet("val", 20_261_105, repeats=2, counts=(4, 4, 5, 1))
"""What thresholds are chosen on: 40 recordings, 200 frames that count."""


class AnnotationFrame(NamedTuple):
    """A frame with its truth: labels within 16 cm of the nearest hand or object; `facts` says what was drawn."""

    rgbd: RgbdFrame
    labels: UInt8[np.ndarray, "h w"]
    part: Part
    facts: dict[str, Any]


@dataclass(frozen=True)
class AnnotationRecording:
    """One recording of a test set.

    Attributes:
        test_set: it belongs to.
        index: within the test set.
        tone: of the Monk scale.
        light: of the main light.
    """

    test_set: AnnotationTestSet
    index: int
    tone: int
    light: Light

    def frames(self) -> Iterator[AnnotationFrame]:
        """Draw the frames, the empty hand first; the same on every call."""
        rig = ColorRig.sample(self._stream(0), width=WIDTH, height=HEIGHT)
        settings = ColorSettings(
            width=WIDTH,
            height=HEIGHT,
            rig=rig,
            residual_px=(0.0, self.test_set.error_px),
            tones=(self.tone,),
            temperature_k=_TEMPERATURE_K[self.light],
        )
        session: Session | None = None
        for part, count in zip(PARTS, self.test_set.counts, strict=True):
            for number, made in enumerate(self._depth(part, count)):
                skin = (self.index + number) % self.test_set.skin_every == 0
                color = render_color(
                    made.scene,
                    self._stream(1, PARTS.index(part), number),
                    replace(settings, skin_colored=float(skin)),
                    session=session,
                )
                session = session or color.session
                name = f"{part}-{self.index:03d}-{number}"
                rgbd = RgbdFrame(name, made.frame.frame(), color.rgb, _camera(color))
                yield AnnotationFrame(rgbd, made.labels, part, self._facts(part, color))

    def _depth(self, part: Part, count: int) -> Iterator[_Shown]:
        """Depth and truth of the first frames that show what a person would record."""
        maker = self._maker(part)
        for index in range(1000 * self.index, 1000 * (self.index + 1)):
            if count == 0:
                return
            made = maker.make(index)
            assert maker.scene is not None
            labels = window_labels(made.depth_m, made.labels)
            if _is_recorded(made.depth_m, labels, part):
                count -= 1
                yield _Shown(made, labels, maker.scene)

    def _maker(self, part: Part) -> FrameMaker:
        seed = self.test_set.seed + 10 * PARTS.index(part)
        return FrameMaker(self.test_set.split, seed, intrinsics=Intrinsics.default(WIDTH, HEIGHT), recipe=_recipe(part))

    def _stream(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.test_set.seed, SPLITS.index(self.test_set.split), self.index, *key])

    def _facts(self, part: Part, color: ColorImage) -> dict[str, Any]:
        held = color.record["held"]
        return {
            **color.metadata(),
            "temperature_k": color.record["light"]["temperature_k"],
            "recording": self.index,
            "part": part,
            "tone": self.tone,
            "light": self.light,
            "skin_colored": any(item["skin_colored"] for item in held),
        }


class _Shown(NamedTuple):
    frame: SynthFrame
    labels: UInt8[np.ndarray, "h w"]
    scene: Scene


def window_labels(depth_m: Float32[np.ndarray, "h w"], labels: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Labels up to 16 cm behind the nearest hand or object, background beyond (paper, section 3)."""
    return np.where(_within(depth_m, labels), labels, np.uint8(BACKGROUND))


def _within(depth_m: np.ndarray, labels: np.ndarray) -> np.ndarray:
    shown = np.sort(depth_m[(labels == HAND) | (labels == OBJECT)])
    nearest = shown[min(_NEAREST_PX, len(shown) - 1)] if len(shown) else np.float32(0)
    return (depth_m > 0) & (depth_m < nearest + np.float32(RANGE_M))


def _is_recorded(depth_m: np.ndarray, labels: np.ndarray, part: Part) -> bool:
    """Whether hand and object are seen, and (almost) nothing else in their depth range."""
    hand_px, held_px = (int(np.count_nonzero(labels == label)) for label in (HAND, OBJECT))
    if hand_px == 0 or (part != "empty" and held_px < _SMALLEST_OBJECT_PX):
        return False
    foreign = np.count_nonzero(_within(depth_m, labels) & (labels == BACKGROUND)) / (hand_px + held_px)
    low, high = _FOREIGN[part]
    return bool(low <= foreign <= high)


def _recipe(part: Part) -> Recipe:
    """The preset without its crop; arms are bare up to the elbow at least, or else sleeves are long."""
    preset = RECIPES["interseghands"]
    assert preset.stage is not None
    sleeves = {"long": 1.0} if part == "sleeve" else {"short": 0.7, "rolled": 0.3}
    stage = replace(preset.stage, clothes=replace(preset.stage.clothes, sleeves=sleeves))
    interactions = {"bare": 1.0} if part == "empty" else preset.interactions
    return replace(preset, interactions=interactions, stage=stage, crop=Crop(share=0.0))


def _camera(color: ColorImage) -> ColorCamera:
    pose = color.color_from_depth
    return ColorCamera(color.intrinsics, pose[:3, :3].copy(), pose[:3, 3].copy())
