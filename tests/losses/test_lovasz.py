from itertools import permutations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from graspseg.losses import lovasz_softmax


def certain(target: Tensor) -> Tensor:
    """Probabilities that say exactly the labels."""
    return F.one_hot(target, 3).permute(0, 3, 1, 2).float()


def test_two_pixels_by_hand():
    # Hand: errors 0.4 (a hand pixel) and 0.3 (background called hand); wrong in the first alone: IoU 0, so all of the
    # cost is the larger error, 0.4. Background: errors 0.5 (its pixel), 0.1: likewise 0.5.
    probabilities = torch.tensor([[0.1, 0.6, 0.3], [0.5, 0.3, 0.2]]).T.reshape(1, 3, 1, 2)
    assert lovasz_softmax(probabilities, torch.tensor([[[1, 0]]])).item() == pytest.approx((0.4 + 0.5) / 2)


def test_three_pixels_by_hand():
    # Hand at the first two pixels with errors 0.2 and 0.7, elsewhere 0.5; sorted 0.7 (hand), 0.5, 0.2 (hand).
    # 1 - IoU grows 1/2, 1 - 1/3, 1. Background at the third pixel with error 0.6, elsewhere 0.1 and 0.3; sorted 0.6
    # (background): 1 at once.
    probabilities = torch.tensor([[0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.4, 0.5, 0.1]]).T.reshape(1, 3, 1, 3)
    hand = 0.7 * 1 / 2 + 0.5 * (2 / 3 - 1 / 2) + 0.2 * (1 - 2 / 3)
    loss = lovasz_softmax(probabilities, torch.tensor([[[1, 1, 0]]], dtype=torch.uint8))
    assert loss.item() == pytest.approx((hand + 0.6) / 2)


def test_for_certain_predictions_it_is_one_minus_iou():
    target = torch.tensor([[[0, 0, 1, 1], [2, 2, 2, 0]]])
    predicted = torch.tensor([[[0, 1, 1, 1], [2, 2, 0, 0]]])
    # Background 2 of 4, hand 2 of 3, object 2 of 3.
    assert lovasz_softmax(certain(predicted), target).item() == pytest.approx(1 - (2 / 4 + 2 / 3 + 2 / 3) / 3)
    assert lovasz_softmax(certain(target), target).item() == 0


def test_it_is_the_lovasz_extension_for_any_order_of_errors():
    # The extension is the largest cost over all orders in which pixels may go wrong (a set function with falling
    # returns); for few pixels all can be tried.
    torch.manual_seed(0)
    errors, truth = torch.rand(4).tolist(), [1, 0, 1, 0]
    probabilities = torch.tensor(
        [[e, 1 - e, 0.0] if t else [1 - e, e, 0.0] for e, t in zip(errors, truth, strict=True)]
    )
    loss = lovasz_softmax(probabilities.T.reshape(1, 3, 1, 4), torch.tensor(truth).view(1, 1, 4))

    def one_minus_iou(wrong: set[int], label: int) -> float:
        members = {i for i in range(4) if truth[i] == label}
        return 1 - len(members - wrong) / len(members | wrong)

    def extension(label: int) -> float:
        costs = []
        for order in permutations(range(4)):
            growth = [one_minus_iou(set(order[:count]), label) for count in range(5)]
            costs.append(sum(errors[pixel] * (growth[i + 1] - growth[i]) for i, pixel in enumerate(order)))
        return max(costs)

    assert loss.item() == pytest.approx((extension(0) + extension(1)) / 2, rel=1e-5)


def test_what_an_ignored_pixel_holds_does_not_matter():
    torch.manual_seed(0)
    probabilities, target = torch.randn(2, 3, 4, 5).softmax(1), torch.randint(0, 3, (2, 4, 5))
    target[0, 1, 2] = 255
    other = probabilities.clone()
    other[0, :, 1, 2] = torch.tensor([0.0, 0.0, 1.0])
    assert lovasz_softmax(probabilities, target) == lovasz_softmax(other, target)


def test_nothing_labeled_costs_nothing():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = lovasz_softmax(logits.softmax(1), torch.full((1, 4, 4), 255))
    loss.backward()
    assert loss.item() == 0


def test_bfloat16_is_computed_in_float32():
    torch.manual_seed(0)
    probabilities, target = torch.randn(1, 3, 32, 32).softmax(1).bfloat16(), torch.randint(0, 3, (1, 32, 32))
    loss = lovasz_softmax(probabilities, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, lovasz_softmax(probabilities.float(), target))


def test_gradient():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    target = torch.randint(0, 3, (2, 3, 4))
    target[0, 0, 0] = 255

    def loss(x: Tensor) -> Tensor:
        return lovasz_softmax(x.softmax(1), target)

    assert torch.autograd.gradcheck(loss, (logits,))
