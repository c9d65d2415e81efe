"""Color for a drawn scene: what a camera beside, or in the place of, the depth camera sees of it.

The picture is drawn anew from the scene's surfaces with its own random numbers, so that depth and labels are the same
with and without it. Everything is a function of the scene and the random stream.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, Float64, Int32, UInt8

from graspseg.errors import InputError
from graspseg.frame import Intrinsics
from graspseg.synth.color import shading as color_shading
from graspseg.synth.color.camera import ColorRig, photograph, sample_exposure
from graspseg.synth.color.geometry import Geometry, draw, gather, moved
from graspseg.synth.color.light import (
    COLDEST_K,
    SHADOW_SIDE,
    WARMEST_K,
    Lighting,
    cast_shadow,
    sample_backdrop,
    sample_lighting,
)
from graspseg.synth.color.materials import Look, head_look, sample_look, skin_look
from graspseg.synth.color.session import WORN, Person, Session, sample_person
from graspseg.synth.color.skin import MONK_SRGB, lab, skin_tint
from graspseg.synth.color.surfaces import Surface, identify
from graspseg.synth.color.texture import MATERIAL, noise_volume
from graspseg.synth.render.canvas import Canvas
from graspseg.synth.render.scene_parts import Scene, SurfaceKind

_OCCLUSION_RADIUS_M = 0.035
_MOVING: tuple[SurfaceKind, ...] = ("skin", "held", *WORN)
_SKIN_COLORED_AROUND = 0.3


@dataclass(frozen=True)
class ColorSettings:
    """How color pictures are made.

    Attributes:
        width, height: pixels.
        rig: the color camera's place and lens; None puts it in the place of the depth camera (aligned pictures).
        residual_px: lowest and highest distance by which the picture misses what its calibration promises.
        motion_m: largest way that hands and what they hold go between the two exposures.
        skin_colored: probability that a held object has a color that skin may have.
        tones: tones of the Monk scale to draw from.
        temperature_k: lowest and highest color temperature of the main light.

    Raises:
        InputError: a range is empty, a probability is none, or a tone is not on the scale.
    """

    width: int = 640
    height: int = 480
    rig: ColorRig | None = None
    residual_px: tuple[float, float] = (0.0, 0.0)
    motion_m: float = 0.0
    skin_colored: float = 0.3
    tones: tuple[int, ...] = tuple(range(1, len(MONK_SRGB) + 1))
    temperature_k: tuple[float, float] = (WARMEST_K, COLDEST_K)

    def __post_init__(self) -> None:
        if not 0 <= self.residual_px[0] <= self.residual_px[1]:
            raise InputError(
                f"The residual error is {self.residual_px} px, expected two rising numbers from 0: correct it."
            )
        if not 0 <= self.skin_colored <= 1:
            raise InputError(f"The share of skin-colored objects is {self.skin_colored}, expected 0 to 1: correct it.")
        if not self.tones or not set(self.tones) <= set(range(1, len(MONK_SRGB) + 1)):
            raise InputError(f"Skin tones are {self.tones}, expected some of 1 to {len(MONK_SRGB)}: correct them.")
        if not WARMEST_K <= self.temperature_k[0] <= self.temperature_k[1] <= COLDEST_K:
            raise InputError(
                f"The light's temperature is {self.temperature_k} K, expected two rising numbers from {WARMEST_K:g} to "
                f"{COLDEST_K:g}: correct it."
            )


@dataclass(frozen=True)
class ColorImage:
    """A color picture with its calibration.

    Attributes:
        rgb: sRGB, 8 bits.
        intrinsics: of the color camera, as calibrated.
        color_from_depth: 4 x 4, points in the depth camera's frame (meters) to the color camera's, as calibrated.
        record: what was drawn: tones, materials, light, exposure, and the true error of the calibration.
        session: what further pictures of the same recording share with it.
    """

    rgb: UInt8[np.ndarray, "h w 3"]
    intrinsics: Intrinsics
    color_from_depth: Float64[np.ndarray, "4 4"]
    record: dict[str, Any] = field(repr=False)
    session: Session = field(repr=False)

    def metadata(self) -> dict[str, Any]:
        """The record and the calibration, as JSON takes them."""
        return {**self.record, **calibration(self.intrinsics, self.color_from_depth)}


@dataclass(frozen=True)
class Dressed:
    """A scene whose surfaces have materials, seen by the color camera."""

    scene: Scene
    geometry: Geometry
    materials: np.ndarray
    record: dict[str, Any]


def calibration(intrinsics: Intrinsics, color_from_depth: Float64[np.ndarray, "4 4"]) -> dict[str, Any]:
    """A color camera's place and lens, as JSON takes them."""
    return {"intrinsics": asdict(intrinsics), "color_from_depth": color_from_depth.tolist()}


def render_color(
    scene: Scene,
    rng: np.random.Generator,
    settings: ColorSettings,
    *,
    noise_seed: int = 0,
    session: Session | None = None,
) -> ColorImage:
    """Make the color picture of a scene.

    Args:
        scene: in the depth camera's frame.
        rng: a stream of its own, apart from the one that made the scene.
        settings: camera, errors and shares.
        noise_seed: of the sensor's noise; frames of a clip share the stream, but not this.
        session: of an earlier picture with the same color camera: its person, light and exposure are kept.
    """
    # Streams of their own: frames of a clip keep their light when one surface more comes into view.
    offsets, stuff, lights, room, lens = rng.spawn(5)
    rig = settings.rig or ColorRig(scene.intrinsics, np.eye(4))
    seen, error = _misplaced(offsets, scene, rig, settings)
    person = sample_person(stuff, settings.tones) if session is None else session.person
    dressed = dress(stuff, seen, settings, person)
    if session is None:
        lighting = sample_lighting(lights, seen, settings.temperature_k)
        backdrop, blur_px = sample_backdrop(room, lighting), float(room.uniform(0.4, 2.5))
    else:
        lighting, backdrop, blur_px = session.lighting, session.backdrop, session.blur_px
    radiance, _ = shade(dressed, lighting, backdrop, settings, blur_px=blur_px)
    if session is None:
        session = Session(person, lighting, backdrop, blur_px, *sample_exposure(lens, radiance, lighting))
    noise = int(lens.integers(1 << 31)) + 7919 * noise_seed
    rgb = photograph(radiance, session.exposure, seed=noise % (1 << 31))
    record = {**dressed.record, **_light_record(session), **error}
    return ColorImage(rgb, rig.intrinsics, rig.color_from_depth, record, session)


def _light_record(session: Session) -> dict[str, Any]:
    lighting, exposure = session.lighting, session.exposure
    return {
        "light": {
            "temperature_k": round(lighting.temperature_k),
            "count": len(lighting.directions),
            "left_after_white_balance": round(session.light_left, 3),
        },
        "exposure": {
            "gain": round(exposure.gain, 3),
            "white_balance": [round(value, 3) for value in exposure.white_balance],
            "blur_px": round(exposure.blur_px, 2),
        },
    }


def _misplaced(
    rng: np.random.Generator, scene: Scene, rig: ColorRig, settings: ColorSettings
) -> tuple[Scene, dict[str, Any]]:
    """The scene as the color camera truly sees it: its calibration is a little off, and hands move in between."""
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(*settings.residual_px)
    dx, dy = float(distance * np.cos(angle)), float(distance * np.sin(angle))
    motion = rng.normal(size=3)
    motion *= settings.motion_m * rng.uniform() / np.linalg.norm(motion)
    lens = replace(rig.intrinsics, cx=rig.intrinsics.cx + dx, cy=rig.intrinsics.cy + dy)
    if motion.any():
        hands = [surface.kind in _MOVING for surface in identify(scene)[: len(scene.meshes)]]
        meshes = [
            replace(mesh, vertices=(mesh.vertices + motion).astype(np.float32)) if held else mesh
            for mesh, held in zip(scene.meshes, hands, strict=True)
        ]
        scene = replace(scene, meshes=meshes)
    error = {
        "residual_px": [round(dx, 3), round(dy, 3)],
        "motion_m": [round(float(value), 5) + 0.0 for value in motion],
    }
    return moved(scene, rig.color_from_depth, lens), error


def dress(rng: np.random.Generator, scene: Scene, settings: ColorSettings, person: Person) -> Dressed:
    """Give every surface of a scene a material."""
    surfaces = identify(scene)
    tones, worn = person.tones, person.worn
    looks: list[Look] = []
    for surface in surfaces:
        whose = min(surface.person, 1)
        if surface.kind == "skin":
            looks.append(skin_look(tones[whose]))
        elif surface.kind == "head":
            looks.append(head_look(rng, tones[whose], surface))
        elif surface.kind in WORN:
            looks.append(worn[whose][surface.kind])
        elif surface.kind == "body":
            looks.append(worn[whose]["sleeve"])
        else:
            share = settings.skin_colored if surface.kind == "held" else _SKIN_COLORED_AROUND
            looks.append(sample_look(rng, surface, skin_colored=rng.uniform() < share))
    paints = [surface.paint for surface in surfaces if surface.paint is not None]
    tints = [
        skin_tint(surface.hand, tones[min(surface.person, 1)]) if surface.kind == "skin" and surface.hand else None
        for surface in surfaces
        if surface.paint is not None
    ]
    materials = np.array([look.row for look in looks], MATERIAL)
    return Dressed(scene, gather(scene, paints, tints), materials, _record(surfaces, looks, person))


def _record(surfaces: list[Surface], looks: list[Look], person: Person) -> dict[str, Any]:
    """Tones and materials for the tables that the annotation is judged by."""
    hands = {min(surface.person, 1) for surface in surfaces if surface.kind == "skin"}
    held = [
        {
            "category": surface.category,
            "material": look.stuff,
            "skin_colored": look.skin_colored,
            "delta_e_to_skin": round(float(np.linalg.norm(lab(look.row["colors"][0]) - lab(person.tones[0]))), 1),
        }
        for surface, look in zip(surfaces, looks, strict=True)
        if surface.kind == "held"
    ]
    return {"skin_tones": [person.numbers[whose] for whose in sorted(hands)], "held": held}


def shade(
    dressed: Dressed,
    lighting: Lighting,
    backdrop: Float32[np.ndarray, "b b 3"],
    settings: ColorSettings,
    *,
    blur_px: float = 1.0,
) -> tuple[Float32[np.ndarray, "h w 3"], Int32[np.ndarray, "h w"]]:
    """Linear light of every pixel, and the number of the face it shows (0 = the backdrop)."""
    scene = dressed.scene
    camera = scene.intrinsics
    canvas, shadows = _canvases(settings.width, settings.height)
    canvas.clear()
    draw(scene, canvas, intrinsics=camera)
    shadow = cast_shadow(scene, lighting.directions[0], shadows)
    half = cv2.resize(canvas.inverse_depth, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_NEAREST)
    occlusion = np.empty_like(half)
    color_shading.open_sky(half, camera.fx / 2, _OCCLUSION_RADIUS_M, color_shading.SPIRALS, occlusion)
    occlusion = cv2.resize(cv2.blur(occlusion, (4, 4)), (settings.width, settings.height))
    radiance = np.empty((settings.height, settings.width, 3), np.float32)
    color_shading.shade(
        canvas.labels,
        canvas.inverse_depth,
        np.array([camera.fx, camera.fy, camera.cx, camera.cy]),
        dressed.geometry.arrays(),
        dressed.materials,
        noise_volume(),
        (
            np.column_stack([lighting.directions, lighting.colors, lighting.softness]),
            lighting.sky,
            lighting.ground,
            lighting.up,
        ),
        (shadow.inverse_depth, shadow.pose, shadow.focal, blur_px),
        occlusion,
        backdrop,
        radiance,
    )
    return radiance, canvas.labels


@cache
def _canvases(width: int, height: int) -> tuple[Canvas, Canvas]:
    """Memory for the camera's and the light's view, used again for every picture."""
    return Canvas(width, height, numbers=np.int32), Canvas(SHADOW_SIDE, SHADOW_SIDE, numbers=np.int32)
