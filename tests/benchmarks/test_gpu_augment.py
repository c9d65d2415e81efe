from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from gpu_augment import augmented, depth_window, metres, turned
from graspseg.training import augment as on_cpu
from graspseg.training.presets import preset

PAPER = preset("paper").augment
HEIGHT, WIDTH = 48, 64


def _frames(count: int) -> tuple[np.ndarray, np.ndarray]:
    """A hand and an object before a slanted wall, with holes; in the last frame something else is far nearer."""
    rng = np.random.default_rng(3)
    depth = np.tile(np.linspace(0.7, 1.1, WIDTH, dtype=np.float32), (count, HEIGHT, 1))
    labels = np.zeros(depth.shape, np.uint8)
    depth[:, 10:30, 20:40], labels[:, 10:30, 20:40] = 0.5, 1
    depth[:, 15:25, 35:50], labels[:, 15:25, 35:50] = 0.45, 2
    depth += rng.normal(0, 0.004, depth.shape).astype(np.float32)
    depth[rng.random(depth.shape) < 0.1] = 0
    depth[-1, 30:] = 0.2
    labels[:, 40:, :4] = 255
    return depth, labels


def _batch(seed: int, step: int, depth: np.ndarray, labels: np.ndarray, **changed: object) -> dict[str, torch.Tensor]:
    settings = replace(PAPER, **changed)
    return augmented(
        torch.from_numpy(depth), torch.from_numpy(labels), key=(seed, step), pixel_angle=0.02, augment=settings
    )


def test_depth_beyond_15_bits_keeps_its_value():
    stored = np.array([[[0, 1, 32_768, 65_535]]], np.uint16).view(np.int16)
    expected = torch.tensor([[[0.0, 0.0001, 3.2768, 6.5535]]])
    torch.testing.assert_close(metres(torch.from_numpy(stored), unit_m=0.0001), expected)


def test_depth_window_is_that_of_the_cpu():
    depth, labels = _frames(4)
    depth[1] = 0
    labels[2] = 0
    reach = np.array([0.16, 0.16, 0.3, 0.16], np.float32)
    found = depth_window(torch.from_numpy(depth), torch.from_numpy(labels), reach_m=torch.from_numpy(reach)).numpy()
    for number, reach_m in enumerate(reach):
        expected = on_cpu.depth_window(depth[number], labels[number], reach_m=float(reach_m))
        np.testing.assert_array_equal(found[number], expected)
    assert (found[0] == 0).sum() > (depth[0] == 0).sum() and (found[3, 10:30, 20:35] > 0).mean() > 0.8


@pytest.mark.parametrize("angle_deg", [-30.0, 7.0, 90.0])
def test_rotation_is_opencvs(angle_deg):
    depth, labels = _frames(1)
    one = torch.ones(1)
    found_depth, found_labels = turned(
        torch.from_numpy(depth), torch.from_numpy(labels), angle=torch.deg2rad(one * angle_deg), across=one, down=one
    )
    matrix = cv2.getRotationMatrix2D(((WIDTH - 1) / 2, (HEIGHT - 1) / 2), angle_deg, 1.0)
    for found, image in ((found_depth, depth[0]), (found_labels, labels[0])):
        expected = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_NEAREST)
        # OpenCV rounds coordinates to 1/32 of a pixel.
        assert (found[0].numpy() == expected).mean() > 0.97
    assert found_labels.dtype == torch.uint8


def test_flips_are_exact():
    depth, labels = _frames(3)
    found_depth, found_labels = turned(
        torch.from_numpy(depth),
        torch.from_numpy(labels),
        angle=torch.zeros(3),
        across=torch.tensor([-1.0, 1.0, -1.0]),
        down=torch.tensor([1.0, -1.0, -1.0]),
    )
    for found, images in ((found_depth, depth), (found_labels, labels)):
        np.testing.assert_array_equal(found[0], images[0, :, ::-1])
        np.testing.assert_array_equal(found[1], images[1, ::-1])
        np.testing.assert_array_equal(found[2], images[2, ::-1, ::-1])


def test_a_batch_is_a_function_of_seed_and_step():
    depth, labels = _frames(4)
    first, again, later = (_batch(0, step, depth, labels) for step in (5, 5, 6))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["depth"], later["depth"])
    assert not torch.equal(first["depth"], _batch(1, 5, depth, labels)["depth"])


def test_a_batch_is_what_networks_expect():
    depth, labels = _frames(4)
    batch = _batch(0, 1, depth, labels)
    assert {name: (tuple(value.shape), value.dtype) for name, value in batch.items()} == {
        "depth": ((4, 1, HEIGHT, WIDTH), torch.float32),
        "pixel_angle": ((4,), torch.float32),
        "labels": ((4, HEIGHT, WIDTH), torch.uint8),
    }
    assert batch["pixel_angle"].tolist() == pytest.approx([0.02] * 4)
    shown = batch["depth"][:, 0]
    assert shown.min() == 0 and set(batch["labels"].unique().tolist()) == {0, 1, 2, 255}
    assert not ((batch["labels"] == 1) | (batch["labels"] == 2))[shown == 0].any()


def test_noise_has_the_drawn_deviation_where_something_was_measured():
    depth, labels = np.full((64, HEIGHT, WIDTH), 0.5, np.float32), np.ones((64, HEIGHT, WIDTH), np.uint8)
    depth[:, :, :9] = 0
    still = {"rotation_deg": 0.0, "mirror_share": 0.0, "flip_share": 0.0}
    found = _batch(0, 0, depth, labels, **still, noise_m=0.01)["depth"][:, 0]
    assert (found[:, :, :9] == 0).all()
    deviations = (found[:, :, 9:] - 0.5).std(dim=(1, 2))
    # Uniform between 0 and 1 cm.
    assert 0 < deviations.min() < 0.001 < 0.009 < deviations.max() < 0.0104
    assert deviations.mean() == pytest.approx(0.005, abs=0.0011)
