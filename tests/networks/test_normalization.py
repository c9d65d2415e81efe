import math

import pytest
import torch
from torch import Tensor

from graspseg.networks.normalization import CONTRAST_PX, LAYER_M, MetricInput, PaperInput, nearest_surface, relief

ANGLE = torch.tensor([0.0025])


def random_scene(height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    depth_m = 0.4 + 0.3 * torch.rand(1, 1, height, width, generator=generator)
    return depth_m * (torch.rand(1, 1, height, width, generator=generator) > 0.3)


def nearest(depth_m: Tensor) -> float:
    return nearest_surface(depth_m, depth_m > 0).item()


def test_nearest_surface_is_the_nearest_cell_mean():
    depth_m = torch.full((1, 1, 16, 24), 0.8)
    depth_m[..., 8:, 8:16] = 0.5
    assert nearest(depth_m) == pytest.approx(0.5)


def test_nearest_surface_ignores_single_wrong_pixels():
    depth_m = torch.zeros(1, 1, 24, 24)
    depth_m[..., 8:, :] = 0.8
    depth_m[..., 2, 2] = 0.1
    assert nearest(depth_m) == pytest.approx(0.8)


def test_nearest_surface_of_sparse_depth_is_the_mean():
    depth_m = torch.zeros(1, 1, 16, 16)
    depth_m[..., 0, 0], depth_m[..., 9, 9] = 0.4, 0.6
    assert nearest(depth_m) == pytest.approx(0.5)


def test_nearest_surface_without_depth_is_zero():
    assert nearest(torch.zeros(1, 1, 16, 16)) == 0


def test_nearest_surface_is_found_per_image():
    depth_m = torch.stack([torch.full((1, 8, 8), 0.3), torch.full((1, 8, 8), 0.9)])
    torch.testing.assert_close(nearest_surface(depth_m, depth_m > 0).flatten(), torch.tensor([0.3, 0.9]))


def test_paper_input_is_nearness_in_a_window_of_16_cm():
    depth_m = torch.full((1, 1, 8, 32), 0.5)
    depth_m[..., 8:16], depth_m[..., 16:24], depth_m[..., 24:] = 0.58, 0.7, 0.0
    nearness = PaperInput()(depth_m, ANGLE)[0, 0, 4, [4, 12, 20, 28]]
    torch.testing.assert_close(nearness, torch.tensor([1.0, 0.5, 0.0, 0.0]), atol=1e-5, rtol=0)


def test_metric_input_of_a_step():
    depth_m = torch.full((1, 1, 48, 48), 0.5)
    depth_m[..., 24:], depth_m[..., 40:] = 0.6, 0.0
    mask, behind, shape, footprint = MetricInput()(depth_m, ANGLE)[0]
    columns = [4, 30, 44]
    torch.testing.assert_close(mask[24, columns], torch.tensor([1.0, 1.0, 0.0]))
    torch.testing.assert_close(behind[24, columns], torch.tensor([0.0, 0.4, 0.0]), atol=1e-5, rtol=0)
    expected = torch.tensor([math.log(0.5 * 0.0025 / 0.0025), math.log(0.6 * 0.0025 / 0.0025), 0.0])
    torch.testing.assert_close(footprint[24, columns], expected)
    assert shape[24, 4] == pytest.approx(0, abs=1e-4)
    assert shape[24, 26] == 1, "10 cm behind a surface 3 pixels away is beyond the limit"
    assert shape[24, 44] == 0


def test_metric_input_does_not_depend_on_the_camera():
    depth_m = random_scene(32, 32)
    halved = MetricInput()(depth_m, ANGLE)
    other = MetricInput()(depth_m, 2 * ANGLE)
    torch.testing.assert_close(other[:, :3], halved[:, :3])
    measured = halved[:, 0] > 0
    torch.testing.assert_close((other - halved)[:, 3][measured], torch.full((int(measured.sum()),), math.log(2.0)))


def test_relief_ignores_background_behind_a_finger():
    finger = torch.zeros(1, 1, 40, 40)
    finger[..., 16:24] = 0.01 * torch.sin(torch.arange(40.0)).view(1, 1, 40, 1) + 0.05
    alone = torch.zeros_like(finger)
    alone[..., 16:24] = 1
    before_wall = torch.where(alone > 0, finger, 0.6)
    everything = torch.ones_like(alone)
    torch.testing.assert_close(relief(before_wall, everything)[..., 16:24], relief(finger, alone)[..., 16:24])


def test_relief_matches_a_plain_loop():
    size, radius = 20, CONTRAST_PX // 2
    depth_m = random_scene(size, size)
    mask = (depth_m > 0).float()
    behind_m = depth_m * mask / 3

    def square(i: int, j: int) -> list[tuple[int, int]]:
        rows, columns = range(max(i - radius, 0), min(i + radius + 1, size)), range(max(j - radius, 0), j + radius + 1)
        return [(r, c) for r in rows for c in columns if c < size and mask[0, 0, r, c] > 0]

    value = behind_m[0, 0].tolist()
    layer = {
        (i, j)
        for i, j in ((i, j) for i in range(size) for j in range(size) if mask[0, 0, i, j] > 0)
        if value[i][j] <= min(value[r][c] for r, c in square(i, j)) + LAYER_M
    }
    actual = relief(behind_m, mask)[0, 0]
    for i, j in [(0, 0), (3, 17), (10, 10), (19, 5)]:
        counted = [value[r][c] for r, c in square(i, j) if (r, c) in layer]
        assert actual[i, j].item() == pytest.approx(value[i][j] - sum(counted) / len(counted), abs=1e-5)


@pytest.mark.parametrize("normalization", [PaperInput(), MetricInput()])
def test_turning_and_mirroring_the_frame_turns_and_mirrors_the_input(normalization: torch.nn.Module):
    depth_m = random_scene(32, 32)
    straight = normalization(depth_m, ANGLE)
    torch.testing.assert_close(normalization(depth_m.rot90(1, (2, 3)), ANGLE), straight.rot90(1, (2, 3)))
    torch.testing.assert_close(normalization(depth_m.flip(3), ANGLE), straight.flip(3))


@pytest.mark.parametrize("normalization", [PaperInput(), MetricInput()])
@pytest.mark.parametrize("value", [0.0, math.nan, -1.0])
def test_a_frame_without_measurement_is_zero(normalization: torch.nn.Module, value: float):
    assert (normalization(torch.full((2, 1, 19, 33), value), torch.zeros(2)) == 0).all()


@pytest.mark.parametrize("normalization", [PaperInput(), MetricInput()])
def test_normalization_stays_in_float32_under_autocast(normalization: torch.nn.Module):
    depth_m = random_scene(32, 40)
    with torch.autocast("cpu", torch.bfloat16):
        inside = normalization(depth_m, ANGLE)
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, normalization(depth_m, ANGLE), rtol=0, atol=0)
