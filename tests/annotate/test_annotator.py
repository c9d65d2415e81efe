"""The whole pipeline on a small frame, what its evidence says, and calibration."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from graspseg.annotate.annotator import Annotator, fill
from graspseg.annotate.calibrate import Click, calibrate
from graspseg.annotate.separate import color_odds
from graspseg.annotate.settings import AnnotateSettings
from graspseg.annotate.skin_model import SkinModel
from graspseg.cameras.rgbd import ColorCamera, RgbdFrame
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics

LENS = Intrinsics(200.0, 200.0, 79.5, 59.5)
SKIN, THING, WALL = (200, 150, 120), (40, 90, 180), (190, 145, 118)
HAND_BOX, THING_BOX = (slice(40, 80), slice(30, 70)), (slice(50, 70), slice(70, 120))


def truth(*, held: bool = True) -> np.ndarray:
    labels = np.zeros((120, 160), np.uint8)
    if held:
        labels[THING_BOX] = 2
    labels[HAND_BOX] = 1
    return labels


def frame(*, held: bool = True, camera: ColorCamera | None = None, name: str = "one") -> RgbdFrame:
    """A hand at 400 mm, a thing at 430 mm beside it and a skin-colored wall at 900 mm; depth in mm."""
    labels = truth(held=held)
    depth = np.choose(labels, [900, 400, 430]).astype(np.uint16)
    color = np.array([WALL, SKIN, THING], np.uint8)[labels]
    noise = np.random.default_rng(len(name)).integers(-5, 6, color.shape)
    color = np.clip(color.astype(np.int64) + noise, 0, 255).astype(np.uint8)
    return RgbdFrame(name, Frame(depth, 0.001, LENS), color, camera)


BESIDE = ColorCamera(frame().frame.intrinsics_or_default(), np.eye(3), np.zeros(3))


@pytest.mark.parametrize("skin", ["hsv", "model"])
@pytest.mark.parametrize("camera", [None, BESIDE])
def test_hand_and_object_are_labeled_and_the_wall_is_not(skin: str, camera: ColorCamera | None) -> None:
    """The wall has the color of skin: only depth tells it from the hand."""
    settings = replace(AnnotateSettings(), skin=skin)
    model = calibrate([frame(held=False)]) if skin == "model" else None
    annotation = Annotator(settings, model).annotate(frame(camera=camera))
    wrong = np.count_nonzero(annotation.labels != truth())
    assert wrong < 0.02 * np.count_nonzero(truth())
    assert set(np.unique(annotation.labels)) == {0, 1, 2}


def test_evidence_of_a_clean_frame_by_hand() -> None:
    evidence = Annotator().annotate(frame()).evidence
    assert evidence.hand_px == pytest.approx(1600, rel=0.02) and evidence.object_px == pytest.approx(1000, rel=0.03)
    assert evidence.nearest_m == pytest.approx(0.4)
    assert evidence.kept_share == pytest.approx(2600 / (120 * 160), rel=0.02)
    assert (evidence.hand_x, evidence.hand_y) == pytest.approx((49.5 / 160, 59.5 / 120), abs=0.01)
    assert (evidence.hand_pieces, evidence.object_pieces) == (1, 1)
    assert evidence.hand_main_share == evidence.object_main_share == 1
    assert evidence.border_px == pytest.approx(20, abs=2)
    assert evidence.border_on_depth == evidence.border_on_color == 1
    assert evidence.hand_skin > 0.95 and evidence.object_skin < 0.05
    assert evidence.unseen_share == evidence.unsure_share == evidence.at_border_share == 0
    assert evidence.at_end_share == evidence.object_apart_share == 0
    assert (evidence.expected_hand_iou, evidence.expected_object_iou) == pytest.approx((1, 1), abs=0.002)


def test_a_frame_without_measurement_is_all_background() -> None:
    empty = RgbdFrame("none", Frame(np.zeros((120, 160), np.uint16)), np.zeros((120, 160, 3), np.uint8))
    for skin in ("hsv", "model"):
        annotator = Annotator(replace(AnnotateSettings(), skin=skin), calibrate([frame(held=False)]))
        annotation = annotator.annotate(empty)
        assert not annotation.labels.any()
        assert all(np.isfinite(value) for value in asdict(annotation.evidence).values())


def test_calibrated_thresholds_replace_the_usual_ones() -> None:
    """Under blue light the usual thresholds find no skin."""
    blue = frame(held=False)
    blue = RgbdFrame("blue", blue.frame, np.ascontiguousarray(blue.color[..., ::-1]))
    assert np.count_nonzero(Annotator().annotate(blue).labels == 1) == 0
    calibrated = Annotator(AnnotateSettings(), calibrate([blue])).annotate(blue).labels
    assert np.count_nonzero(calibrated == 1) > 1400


def test_a_model_must_be_given() -> None:
    with pytest.raises(InputError, match="--calibrate"):
        Annotator(AnnotateSettings(skin="model"))


def test_what_is_in_neither_mask_takes_the_nearest_class() -> None:
    """Figure 2: a band taken from the object becomes part of the finger that it lies on."""
    hand, thing, kept = (np.zeros((10, 20), np.uint8) for _ in range(3))
    hand[:, 2:8], thing[:, 12:18], kept[:, 1:19] = 255, 255, 255
    labels = fill(hand, thing, kept)
    assert (labels == labels[5]).all()
    assert labels[5, :9].tolist() == [0] + [1] * 8 and labels[5, 11:].tolist() == [2] * 8 + [0]


def test_steps_are_inside_the_box() -> None:
    steps = Annotator().steps(frame())
    height, width = steps.box.y1 - steps.box.y0, steps.box.x1 - steps.box.x0
    assert (steps.box.x0, steps.box.y0) == (29, 39)
    images = {name: value for name, value in steps._asdict().items() if isinstance(value, np.ndarray)}
    assert len(images) == 11 and {image.shape[:2] for image in images.values()} == {(height, width)}
    assert steps.farthest_m == pytest.approx(0.4 + 0.16)


def odds(model: SkinModel) -> np.ndarray:
    return color_odds(model.log_density(np.array([[SKIN, THING]], np.uint8)))[0]


def painted(color: tuple[int, int, int], name: str) -> RgbdFrame:
    """The same with a thing of another color."""
    made = frame(name=name)
    picture = made.color.copy()
    thing = made.frame.depth == 430
    picture[thing] = color
    return RgbdFrame(name, made.frame, picture)


def test_an_empty_hand_is_all_skin() -> None:
    skin, thing = odds(calibrate([frame(held=False)]))
    assert skin > 1 and thing < -1


def test_skin_is_what_frames_with_different_things_have_in_common() -> None:
    frames = [painted(color, "x" * (n + 1)) for n, color in enumerate([THING, (30, 160, 60), (220, 40, 50)])]
    skin, thing = odds(calibrate(frames))
    assert skin > 1 and thing < -1


def test_a_click_takes_the_patch_around_it() -> None:
    skin, thing = odds(calibrate([frame()], [Click(50, 60)]))
    assert skin > 1 and thing < -1


@pytest.mark.parametrize(
    ("click", "message"),
    [(Click(5, 5), "not on something near"), (Click(500, 5), "expected a pixel"), (Click(50, 60, 3), "frame 3")],
)
def test_a_click_beside_the_hand_is_refused(click: Click, message: str) -> None:
    with pytest.raises(InputError, match=message):
        calibrate([frame()], [click])


def test_frames_without_anything_near_are_refused() -> None:
    empty = RgbdFrame("none", Frame(np.zeros((120, 160), np.uint16)), np.zeros((120, 160, 3), np.uint8))
    with pytest.raises(InputError, match="0 pixels of skin"):
        calibrate([empty])
    with pytest.raises(InputError, match="No frame"):
        calibrate([])
