import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from graspseg.losses import weighted_cross_entropy


def test_uniform_logits_by_hand():
    logits = torch.zeros(1, 3, 2, 2)
    target = torch.tensor([[[0, 1], [2, 255]]])
    assert weighted_cross_entropy(logits, target).item() == pytest.approx((1 + 5 + 5) * math.log(3) / 3)


def test_known_logits_by_hand():
    logits = torch.tensor([2.0, 0.0, 1.0]).view(1, 3, 1, 1)
    expected = 5 * (math.log(math.exp(2) + 1 + math.exp(1)) - 1)
    assert weighted_cross_entropy(logits, torch.tensor([[[2]]])).item() == pytest.approx(expected)


def test_more_foreground_weighs_more():
    # PyTorch's own weighting would give the same value twice.
    logits = torch.zeros(1, 3, 1, 4)
    few = weighted_cross_entropy(logits, torch.tensor([[[0, 0, 0, 1]]]))
    many = weighted_cross_entropy(logits, torch.tensor([[[1, 1, 1, 1]]]))
    assert few.item() == pytest.approx(2 * math.log(3))
    assert many.item() == pytest.approx(5 * math.log(3))


def test_uint8_labels_and_other_weights():
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 5, 6), torch.randint(0, 3, (2, 5, 6))
    loss = weighted_cross_entropy(logits, target.to(torch.uint8), weights=(1, 1, 1))
    torch.testing.assert_close(loss, F.cross_entropy(logits, target))


def test_nothing_labeled_costs_nothing():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = weighted_cross_entropy(logits, torch.full((1, 4, 4), 255))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_bfloat16_is_computed_in_float32():
    logits = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).bfloat16()
    target = torch.randint(0, 3, (1, 32, 32), generator=torch.Generator().manual_seed(0))
    loss = weighted_cross_entropy(logits, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, weighted_cross_entropy(logits.float(), target))


def test_gradient():
    torch.manual_seed(0)
    logits = torch.randn(1, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[[0, 1, 2, 255], [1, 1, 0, 0], [2, 2, 0, 1]]])

    def loss(x: Tensor) -> Tensor:
        return weighted_cross_entropy(x, target)

    assert torch.autograd.gradcheck(loss, (logits,))
