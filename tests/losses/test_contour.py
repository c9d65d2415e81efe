from math import exp
from typing import Literal

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from graspseg.losses import contour_loss
from graspseg.losses.contour import blur, edge_strength

# Weights of the 1-D Gaussian with sigma 2.121 at offsets 0, 1, 2.
G0, G1, G2 = (
    exp(-(x**2) / (2 * 2.121**2)) / (1 + 2 * exp(-1 / (2 * 2.121**2)) + 2 * exp(-4 / (2 * 2.121**2))) for x in range(3)
)
# Blurred outline of a vertical step of height 1, whose Sobel strength is 4 on both sides of it.
PROFILE = [0, 4 * G2, 4 * (G1 + G2), 4 * (G0 + G1), 4 * (G0 + G1), 4 * (G1 + G2), 4 * G2, 0]


def certain(target: Tensor) -> Tensor:
    """Probabilities that say exactly the labels."""
    return F.one_hot(target.clamp(max=2), 3).permute(0, 3, 1, 2).float()


def step_labels(label: int = 1) -> Tensor:
    target = torch.zeros(1, 6, 8, dtype=torch.long)
    target[..., 4:] = label
    return target


def two_patches(left: int, right: int) -> Tensor:
    target = torch.zeros(1, 16, 32, dtype=torch.long)
    target[:, 4:12, 3:11], target[:, 4:12, 20:29] = left, right
    return target


def test_sobel_of_a_step_by_hand():
    step = (step_labels() == 1).float().unsqueeze(1)
    expected = torch.tensor([0.0, 0, 0, 4, 4, 0, 0, 0]).expand(1, 1, 6, 8)
    torch.testing.assert_close(edge_strength(step), expected, atol=2e-3, rtol=0)
    torch.testing.assert_close(edge_strength(step.mT), expected.mT, atol=2e-3, rtol=0)


def test_sobel_of_a_corner_by_hand():
    corner = torch.zeros(1, 1, 4, 4)
    corner[..., 2:, 2:] = 1
    # At (1, 1) only the diagonal neighbor is set: 1 in either direction.
    assert edge_strength(corner)[0, 0, 1, 1].item() == pytest.approx(2**0.5, abs=2e-3)
    assert edge_strength(corner)[0, 0, 0, 0].item() == 0


def test_blur_by_hand():
    impulse = torch.zeros(1, 1, 7, 7)
    impulse[..., 3, 3] = 1
    blurred = blur(impulse)[0, 0]
    assert blurred.sum().item() == pytest.approx(1)
    assert blurred[3, 3].item() == pytest.approx(G0 * G0)
    assert blurred[3, 4].item() == pytest.approx(G0 * G1)
    assert blurred[1, 5].item() == pytest.approx(G2 * G2)
    assert blurred[0, 3].item() == 0
    assert pytest.approx(0.2456, abs=1e-4) == G0


def test_blur_keeps_a_constant_at_the_border():
    torch.testing.assert_close(blur(torch.full((1, 2, 5, 6), 3.0)), torch.full((1, 2, 5, 6), 3.0))


def test_missed_hand_by_hand():
    probabilities = certain(torch.zeros(1, 6, 8, dtype=torch.long))
    squares_per_row = sum(value**2 for value in PROFILE)
    assert squares_per_row == pytest.approx(12.277, abs=1e-2)
    support = contour_loss(probabilities, step_labels())
    assert support.item() == pytest.approx(squares_per_row / 6, rel=2e-3)
    mean = contour_loss(probabilities, step_labels(), normalizer="mean")
    assert mean.item() == pytest.approx(squares_per_row / 8, rel=2e-3)


def test_the_truth_costs_nothing():
    target = two_patches(1, 2)
    assert contour_loss(certain(target), target).item() == 0


def test_a_swap_costs_per_class_and_nothing_in_the_sum():
    target, swapped = two_patches(1, 2), certain(two_patches(2, 1))
    missed = contour_loss(certain(two_patches(0, 0)), target)
    assert contour_loss(swapped, target).item() == pytest.approx(2 * missed.item(), rel=1e-5)
    assert contour_loss(swapped, target, per_class=False).item() == 0


def test_logits_are_compared_as_they_are():
    # Logits that step from 0 to 3 where the truth steps from 0 to 1: outlines three times as strong.
    target = step_labels()
    logits = 3 * certain(target)
    missed = contour_loss(certain(torch.zeros_like(target)), target)
    assert contour_loss(logits, target).item() == pytest.approx(2**2 * missed.item(), rel=2e-3)
    assert contour_loss(logits / 3, target).item() == 0


def test_a_larger_shift_costs_more():
    target = two_patches(1, 2)
    costs = [contour_loss(certain(target.roll(shift, 2)), target).item() for shift in (0, 1, 2)]
    assert costs == sorted(costs)
    assert costs[0] == 0 < costs[1]


def test_what_an_ignored_pixel_holds_does_not_matter():
    torch.manual_seed(0)
    target = two_patches(1, 2)
    target[0, 8, 6] = 255
    one = torch.randn(1, 3, 16, 32).softmax(1)
    other = one.clone()
    other[0, :, 8, 6] = torch.tensor([0.1, 0.1, 0.8])
    torch.testing.assert_close(contour_loss(one, target), contour_loss(other, target))
    near, far = one.clone(), one.clone()
    near[0, :, 8, 8], far[0, :, 8, 13] = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0.0, 0.0, 1.0])
    assert contour_loss(far, target) != contour_loss(one, target)


def test_everything_ignored_costs_nothing():
    probabilities = torch.randn(1, 3, 8, 8, requires_grad=True)
    loss = contour_loss(probabilities.softmax(1), torch.full((1, 8, 8), 255))
    loss.backward()
    assert loss.item() == 0


def test_support_does_not_depend_on_empty_surroundings():
    target = two_patches(1, 2)
    probabilities = certain(two_patches(1, 0))
    larger, around = F.pad(target, (20, 20, 20, 20)), F.pad(probabilities, (20, 20, 20, 20))
    around[:, 0] = 1 - around[:, 1:].sum(1)
    torch.testing.assert_close(contour_loss(around, larger), contour_loss(probabilities, target))
    assert contour_loss(around, larger, normalizer="mean") < 0.5 * contour_loss(
        probabilities, target, normalizer="mean"
    )


def test_bfloat16_is_computed_in_float32():
    torch.manual_seed(0)
    target = two_patches(1, 2)
    probabilities = torch.randn(1, 3, 16, 32).softmax(1).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        loss = contour_loss(probabilities, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, contour_loss(probabilities.float(), target))


@pytest.mark.parametrize("normalizer", ["support", "mean"])
@pytest.mark.parametrize("per_class", [True, False])
def test_gradient(normalizer: Literal["support", "mean"], per_class: bool):
    torch.manual_seed(0)
    target = torch.zeros(1, 6, 12, dtype=torch.long)
    target[:, 2:5, 1:4], target[:, 1:4, 4:6], target[0, 0, 11] = 1, 2, 255
    logits = torch.randn(1, 3, 6, 12, dtype=torch.float64, requires_grad=True)

    def loss(x: Tensor) -> Tensor:
        return contour_loss(x.softmax(1), target, normalizer=normalizer, per_class=per_class)

    assert torch.autograd.gradcheck(loss, (logits,))


def test_gradient_of_a_flat_prediction_is_finite():
    probabilities = torch.full((1, 3, 8, 8), 1 / 3, requires_grad=True)
    contour_loss(probabilities, two_patches(1, 2)[:, :8, :8]).backward()
    assert probabilities.grad is not None
    assert torch.isfinite(probabilities.grad).all()
