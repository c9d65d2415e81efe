"""Frames with exact labels, each a pure function of (split, seed, index)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.frame import Frame, Intrinsics
from graspseg.labels import HAND
from graspseg.synth.clips import CLIPS, ClipMaker, Take
from graspseg.synth.elimination import keep_near
from graspseg.synth.objects.objects import SPLITS, Split
from graspseg.synth.preset_names import DEPTH_UNIT_M
from graspseg.synth.recipe import RECIPES, Crop, Recipe, SleevePolicy
from graspseg.synth.render.canvas import Canvas
from graspseg.synth.render.scene_parts import Scene
from graspseg.synth.scene.backgrounds import Background, Backgrounds, shipped_backgrounds
from graspseg.synth.scene.composition import compose, in_front
from graspseg.synth.scene.cutout import cut_out
from graspseg.synth.scene.emptying import add_things, remove_hands, set_table
from graspseg.synth.scene.floating import SceneMaker
from graspseg.synth.scene.motion import RATE_HZ
from graspseg.synth.scene.staged import NoRoomError
from graspseg.synth.sensor.parameters import SensorParameters
from graspseg.synth.sensor.profiles import ALIKE, SENSORS
from graspseg.synth.sensor.simulate import measure

WIDTH, HEIGHT = 640, 480
_TRIES = 8
_ALIKE_SHARE = 0.5


class SynthFrame(NamedTuple):
    """A rendered frame: depth in meters (0 = no measurement), labels (BACKGROUND where depth is 0) and camera.

    `facts` is what else is known, as JSON takes it: `hand`, the model of every hand, and see `Scene.facts`.
    """

    depth_m: Float32[np.ndarray, "h w"]
    labels: UInt8[np.ndarray, "h w"]
    intrinsics: Intrinsics
    facts: Mapping[str, Any]
    timestamp_s: float | None = None

    def frame(self, *, depth_unit_m: float | None = DEPTH_UNIT_M) -> Frame:
        """The frame as a sensor would hand it over, in 16 bits; frames of a clip have their time in it.

        Args:
            depth_unit_m: meters per stored unit; None takes what fits, see `Frame.from_meters`.
        """
        return Frame.from_meters(
            self.depth_m, depth_unit_m=depth_unit_m, intrinsics=self.intrinsics, timestamp_s=self.timestamp_s
        )


class FrameMaker:
    """Makes the frames of one split.

    Args:
        split: `train` and `val` share the hand but no object; `unseen` has another hand and other objects.
        seed: every seed is another data set.
        intrinsics: the camera of all frames; None draws another one for every frame (or clip).
        recipe: what is drawn how often.
        sleeve: label of cloth on arms.
        clip_length: 0 makes single frames; else frames `k * clip_length` and following are clip `k`, at 30 Hz.
        backgrounds: recorded frames without a hand; None = those that ship.
        still: whether clips stand still, so that only the sensor's noise differs from frame to frame.

    Attributes:
        scene: what the last frame shows.

    Raises:
        InputError: clips are asked of a recipe without people who could move.
    """

    def __init__(
        self,
        split: Split,
        seed: int,
        *,
        intrinsics: Intrinsics | None = None,
        recipe: Recipe = RECIPES["exam1"],
        sleeve: SleevePolicy = "background",
        clip_length: int = 0,
        backgrounds: Backgrounds | None = None,
        still: bool = False,
    ) -> None:
        self._still = still
        self.split: Split = split
        self.seed = seed
        self.recipe = recipe
        self._backgrounds = backgrounds
        self.scenes = SceneMaker(split, intrinsics, recipe=recipe, sleeve=sleeve)
        self._clips = ClipMaker(self.scenes, clip_length) if clip_length else None
        self._canvas = Canvas(WIDTH, HEIGHT)
        self.scene: Scene | None = None

    @cached_property
    def backgrounds(self) -> Backgrounds:
        """Recorded frames that scenes are put into."""
        return self._backgrounds or shipped_backgrounds(self.split)

    def make(self, index: int) -> SynthFrame:
        """Make frame `index`: the same arrays on every call, in any order, in any process."""
        if self._clips is not None:
            clip, number = divmod(index, self._clips.length)
            return self._clip_frame(self._clips, clip, number)
        rng = np.random.default_rng([self.seed, SPLITS.index(self.split), index])
        if self.recipe.empty.share and rng.uniform() < self.recipe.empty.share:
            return self._without_hand(rng)
        background = self._background(rng)
        if background is not None:
            return self._before(rng, background)
        while True:
            scene = self.scenes.make(rng)
            depth_m, labels = self._draw(scene)
            if not self._shows_hand(labels):
                continue
            depth_m, labels = _cropped(depth_m, labels, _sample_crop(rng, self.recipe.crop))
            # exam1 keeps frames whose hand fell to the crop.
            if self.recipe.stage is not None and not self._shows_hand(labels):
                continue
            noisy, labels = measure(depth_m, labels, scene.intrinsics, rng, self._sample_sensor(rng))
            if not self.recipe.measured_hand_only or self._shows_hand(labels):
                break
        noisy, labels = cut_out(rng, noisy, labels, scene.intrinsics, self.recipe.cutout)
        return SynthFrame(noisy, labels, scene.intrinsics, self._facts())

    def _background(self, rng: np.random.Generator) -> Background | None:
        if not self.recipe.recorded_share or rng.uniform() >= self.recipe.recorded_share:
            return None
        return self.backgrounds.draw(rng)

    def _before(self, rng: np.random.Generator, background: Background) -> SynthFrame:
        """Hands and what they hold before a recorded background."""
        attempt = 0
        while True:
            attempt += 1
            if attempt % _TRIES == 0:
                background = self.backgrounds.draw(rng)
            try:
                scene = self.scenes.make(rng, background)
            except NoRoomError:
                attempt = -1
                continue
            add_things(rng, scene, background, self.scenes.clutter)
            depth_m, labels = self._draw(scene)
            if not self._shows_hand(np.where(in_front(depth_m, background), labels, 0)):
                continue
            noisy, labels = compose(depth_m, labels, background, rng, self._sample_sensor(rng, background))
            if self._shows_hand(labels):
                break
        noisy, labels = _cropped(noisy, labels, _sample_crop(rng, self.recipe.crop))
        noisy, labels = cut_out(rng, noisy, labels, scene.intrinsics, self.recipe.cutout)
        return SynthFrame(noisy, labels, scene.intrinsics, {**self._facts(), "background": background.name})

    def _without_hand(self, rng: np.random.Generator) -> SynthFrame:
        """A frame without hand and held object: as it was recorded, or with a modeled room, people, things."""
        empty, background = self.recipe.empty, self._background(rng)
        facts = {"hand": None, "interaction": None, "objects": [], "worn": []}
        if background is not None:
            facts["background"] = background.name
            if rng.uniform() < empty.as_recorded_share:
                return SynthFrame(
                    background.depth_m, np.zeros(background.depth_m.shape, np.uint8), background.intrinsics, facts
                )
        try:
            scene = self.scenes.make(rng, background)
        except NoRoomError:
            scene = Scene(background.intrinsics) if background is not None else self.scenes.make(rng)
        skin = [mesh.vertices[::11] for mesh in scene.meshes if mesh.label == HAND]
        person = rng.uniform() < empty.person_share
        remove_hands(scene, person=person, sleeves=person and rng.uniform() < empty.sleeve_share)
        if background is None:
            if empty.items and skin:
                set_table(rng, scene, self.scenes.clutter, empty.items, np.median(np.concatenate(skin), axis=0))
            noisy, labels = measure(*self._draw(scene), scene.intrinsics, rng, self._sample_sensor(rng))
        else:
            add_things(rng, scene, background, self.scenes.clutter)
            noisy, labels = compose(*self._draw(scene), background, rng, self._sample_sensor(rng, background))
        return SynthFrame(noisy, labels, scene.intrinsics, facts)

    def _draw(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        self.scene = scene
        self._canvas.clear()
        scene.draw(self._canvas)
        return self._canvas.finish()

    def _clip_frame(self, clips: ClipMaker, clip: int, number: int) -> SynthFrame:
        """One frame of a clip: crop and sensor are the clip's, the noise is the frame's own."""
        key = [self.seed, SPLITS.index(self.split), CLIPS, clip]
        take = clips.take(key, self._good_take)
        depth_m, labels, sensor = self._clip_clean(take, 0.0 if self._still else number / RATE_HZ)
        fresh = np.random.default_rng([*take.key, 1, number])
        noisy, labels = measure(depth_m, labels, take.staging.intrinsics, fresh, sensor)
        return SynthFrame(noisy, labels, take.staging.intrinsics, self._facts(), number / RATE_HZ)

    def _clip_clean(self, take: Take, time_s: float) -> tuple[np.ndarray, np.ndarray, SensorParameters]:
        """A clip's cropped rendering at a time, and its sensor."""
        rng = np.random.default_rng([*take.key, 0])
        depth_m, labels = self._draw(take.staging.scene(time_s))
        depth_m, labels = _cropped(depth_m, labels, _sample_crop(rng, self.recipe.crop))
        return depth_m, labels, self._sample_sensor(rng)

    def _good_take(self, take: Take, end_s: float) -> bool:
        """Whether a hand is in view at a clip's beginning, middle and end."""
        return all(self._shows_hand(self._clip_clean(take, time)[1]) for time in (0.0, end_s / 2, end_s))

    def _sample_sensor(self, rng: np.random.Generator, background: Background | None = None) -> SensorParameters:
        """What measures the scene; before a recorded background mostly a sensor of the kind that recorded it."""
        if background is not None and rng.uniform() < _ALIKE_SHARE:
            alike = ALIKE.get(background.principle or "none", ())
            if alike:
                return SENSORS[alike[rng.integers(len(alike))]].draw(rng)
        return SENSORS[self.recipe.sensor].draw(rng)

    def _facts(self) -> dict[str, Any]:
        assert self.scene is not None
        return {"hand": self.scenes.cast.hand_name, **self.scene.facts()}

    def _shows_hand(self, labels: np.ndarray) -> bool:
        return int(np.count_nonzero(labels == HAND)) >= self.recipe.smallest_hand_px


def _sample_crop(rng: np.random.Generator, crop: Crop) -> float | None:
    return float(rng.uniform(*crop.range_m)) if rng.uniform() < crop.share else None


def _cropped(depth_m: np.ndarray, labels: np.ndarray, range_m: float | None) -> tuple[np.ndarray, np.ndarray]:
    """The paper's background elimination (section 3): a fixed range behind the nearest surface of hand or object."""
    return (depth_m, labels) if range_m is None else keep_near(depth_m, labels, range_m)
