from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from graspseg.frame import Intrinsics
from graspseg.labels import HAND
from graspseg.training.augment import (
    depth_window,
    eval_sample,
    foreground_view,
    measured_labels,
    training_sample,
)
from graspseg.training.presets import AugmentSettings, ViewSettings, preset

CAMERA = Intrinsics.default(160, 120)
VIEWS = ViewSettings(side=48)
PLAIN = AugmentSettings(
    rotation_deg=0.0,
    upright_share=1.0,
    mirror_share=0.0,
    zoom=(1.0, 1.0),
    window_share=0.0,
    noise_m=0.0,
    occlusion_share=0.0,
)


def cut(frame, seed=0, views=VIEWS, augment=PLAIN):
    rng = np.random.default_rng(seed)
    return training_sample(
        frame.depth_m, frame.labels, intrinsics=frame.intrinsics, rng=rng, views=views, augment=augment
    )


@pytest.fixture
def frame(toy_frames):
    sample = toy_frames(1)[0]
    return SimpleNamespace(
        depth_m=sample.frame.depth_m(), labels=sample.target(), intrinsics=sample.frame.intrinsics_or_default()
    )


def test_equal_generators_give_equal_samples_and_others_do_not(frame):
    augment = AugmentSettings()
    first, again, other = (cut(frame, seed, augment=augment) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.depth, again.depth)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.pixel_angle == again.pixel_angle
    assert first.pixel_angle != other.pixel_angle


@pytest.mark.parametrize("seed", range(8))
def test_nearest_neighbor_invents_no_depth_and_no_label(frame, seed):
    sample = cut(frame, seed, augment=replace(PLAIN, rotation_deg=180.0, upright_share=0.0, mirror_share=0.5))
    assert np.isin(sample.depth, np.append(frame.depth_m, 0)).all()
    assert np.isin(sample.labels, (0, 1, 2)).all()
    # In the toy scene every depth belongs to one class.
    np.testing.assert_array_equal(sample.labels == 1, sample.depth == np.float32(0.45))
    np.testing.assert_array_equal(sample.labels == 2, sample.depth == np.float32(0.42))


def test_closer_windows_hold_hand_and_object(frame):
    views = replace(VIEWS, first_look_share=0.0, focus_shift=0.0)
    sample = cut(frame, views=views)
    scale = sample.pixel_angle * frame.intrinsics.fx
    assert np.count_nonzero(sample.labels) * scale**2 == pytest.approx(np.count_nonzero(frame.labels), rel=0.15)
    assert sample.depth.shape == (48, 48)
    whole = cut(frame, views=replace(VIEWS, first_look_share=1.0, first_look_jitter=0.0))
    assert whole.pixel_angle > 1.5 * sample.pixel_angle


def test_zoom_scales_depth_and_nothing_else(frame):
    plain, far = cut(frame), cut(frame, augment=replace(PLAIN, zoom=(1.1, 1.1)))
    np.testing.assert_allclose(far.depth, plain.depth * np.float32(1.1), rtol=1e-6)
    np.testing.assert_array_equal(far.labels, plain.labels)


def test_noise_only_where_measured(frame):
    sample = cut(frame, 1, augment=replace(PLAIN, noise_m=0.003))
    plain = cut(frame, 1)
    np.testing.assert_array_equal(sample.depth > 0, plain.depth > 0)
    noise = (sample.depth - plain.depth)[plain.depth > 0]
    assert 0 < noise.std() <= 0.0035


def test_occlusion_takes_measurement_and_label(frame):
    plain = cut(frame, 2)
    hidden = cut(frame, 2, augment=replace(PLAIN, occlusion_share=1.0))
    gone = (plain.depth > 0) & (hidden.depth == 0)
    assert gone.any()
    assert not hidden.labels[gone].any()


def test_depth_window_keeps_what_lies_within_reach():
    depth = np.array([[0.5, 0.65, 0.67, 0.0]], np.float32).repeat(4, 0).repeat(4, 1)
    labels = np.zeros(depth.shape, np.uint8)
    np.testing.assert_array_equal(
        depth_window(depth, labels, reach_m=0.16)[0, ::4], np.array([0.5, 0.65, 0, 0], np.float32)
    )


def test_depth_window_starts_at_the_hand_when_something_else_is_nearer():
    depth = np.array([[0.3, 0.65, 0.7, 0.9]], np.float32).repeat(4, 0).repeat(4, 1)
    labels = np.where(depth == np.float32(0.65), 1, 0).astype(np.uint8)
    kept = depth_window(depth, labels, reach_m=0.16)[0, ::4]
    np.testing.assert_array_equal(kept, np.array([0.3, 0.65, 0.7, 0], np.float32))


def test_depth_window_of_an_empty_frame_is_empty():
    empty = np.zeros((8, 8), np.float32)
    assert not depth_window(empty, empty.astype(np.uint8), reach_m=0.16).any()


def test_foreground_view_bounds_hand_and_object():
    depth, labels = np.ones((400, 400), np.float32), np.zeros((400, 400), np.uint8)
    labels[100:200, 80:280] = 1
    view = foreground_view(labels, depth, side=48, margin=0.0)
    assert view is not None
    assert (view.center_x, view.center_y, view.size_px) == (178.0, 148.0, 200.0)


def test_foreground_view_turned_by_a_quarter_has_the_same_middle():
    depth, labels = np.ones((400, 400), np.float32), np.zeros((400, 400), np.uint8)
    labels[100:200, 80:280] = 1
    view = foreground_view(labels, depth, side=48, margin=0.0, angle_rad=np.pi / 2)
    assert view is not None
    assert (view.center_x, view.center_y, view.size_px) == pytest.approx((178.0, 148.0, 200.0))


def test_turned_window_is_large_enough_for_a_diagonal_arm():
    depth, labels = np.ones((400, 400), np.float32), np.zeros((400, 400), np.uint8)
    for i in range(100, 300):
        labels[i, i - 8 : i + 8] = 1
    flat = foreground_view(labels, depth, side=48, margin=0.0)
    turned = foreground_view(labels, depth, side=48, margin=0.0, angle_rad=np.pi / 4)
    assert flat is not None
    assert turned is not None
    assert turned.size_px / flat.size_px == pytest.approx(np.sqrt(2), abs=0.1)


def test_frames_without_hand_still_give_samples():
    depth, labels = np.ones((120, 160), np.float32), np.zeros((120, 160), np.uint8)
    assert foreground_view(labels, depth, side=48, margin=0.0) is None
    for seed in range(4):
        rng = np.random.default_rng(seed)
        sample = training_sample(depth, labels, intrinsics=CAMERA, rng=rng, views=VIEWS, augment=AugmentSettings())
        assert not sample.labels.any()


@pytest.mark.parametrize("name", ["tiny", "lite", "paper"])
def test_all_zero_frames_give_background(name):
    settings = preset(name)
    empty = np.zeros((120, 160), np.float32)
    sample = training_sample(
        empty,
        empty.astype(np.uint8),
        intrinsics=CAMERA,
        rng=np.random.default_rng(0),
        views=settings.views,
        augment=settings.augment,
    )
    assert not sample.depth.any()
    assert not sample.labels.any()


def test_whole_frames_keep_their_size_and_camera(frame):
    views = ViewSettings(kind="frame", per_frame=1)
    sample = cut(frame, views=views)
    np.testing.assert_array_equal(sample.depth, frame.depth_m)
    np.testing.assert_array_equal(sample.labels, frame.labels)
    assert sample.pixel_angle == pytest.approx(1 / frame.intrinsics.fx)
    mirrored = cut(frame, views=views, augment=replace(PLAIN, mirror_share=1.0, flip_share=1.0))
    np.testing.assert_array_equal(mirrored.depth, frame.depth_m[::-1, ::-1])


def test_measured_labels_keep_ignore():
    labels = np.array([[1, 2, 255, 255]], np.uint8)
    depth = np.array([[0.5, 0, 0.5, 0]], np.float32)
    np.testing.assert_array_equal(measured_labels(labels, depth), [[1, 0, 255, 255]])


def test_still_samples_look_at_everything_then_closer(frame):
    first, second = (
        eval_sample(frame.depth_m, frame.labels, intrinsics=frame.intrinsics, views=VIEWS, look=look)
        for look in ("first", "second")
    )
    assert np.count_nonzero(second.labels) > 1.5 * np.count_nonzero(first.labels)
    np.testing.assert_array_equal(first.labels == 2, first.depth == np.float32(0.42))


def test_decoys_are_windows_as_wide_as_a_hand_about_what_is_no_hand(frame) -> None:
    decoys = replace(VIEWS, decoy_share=1.0, decoy_m=(0.3, 0.3))
    depth = np.full_like(frame.depth_m, 0.6)
    labels = np.zeros_like(frame.labels)
    sample = cut(replace_frame(frame, depth, labels), views=decoys)
    # 48 pixels across 0.3 m at 0.6 m.
    assert sample.pixel_angle == pytest.approx(0.3 / 0.6 / 48, rel=0.02)
    labels[:] = 1
    assert HAND in cut(replace_frame(frame, depth, labels), views=decoys).labels


def test_decoys_take_the_nearer_of_surfaces(frame) -> None:
    decoys = replace(VIEWS, decoy_share=1.0, decoy_m=(0.5, 0.5))
    depth = np.full_like(frame.depth_m, 1.0)
    depth[:, 80:] = 0.5
    angles = [
        cut(replace_frame(frame, depth, np.zeros_like(frame.labels)), s, views=decoys).pixel_angle for s in range(60)
    ]
    near = np.mean(np.array(angles) > 0.75 / 48)
    assert 0.55 < near < 0.95


def replace_frame(frame, depth, labels) -> SimpleNamespace:
    return SimpleNamespace(depth_m=depth, labels=labels, intrinsics=frame.intrinsics)
