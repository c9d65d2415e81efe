import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn import functional as F

from graspseg.losses import boundary_loss
from graspseg.losses.boundary import signed_distance_px


def certain(target: Tensor) -> Tensor:
    """Probabilities that say exactly the labels."""
    return F.one_hot(target.clamp(max=2), 3).permute(0, 3, 1, 2).float()


def step_labels(label: int = 1) -> Tensor:
    target = torch.zeros(1, 6, 8, dtype=torch.long)
    target[..., 4:] = label
    return target


def test_distances_of_a_step_by_hand():
    distance = signed_distance_px((step_labels() == 1)[0].numpy(), np.zeros((6, 8), bool))
    expected = [3.5, 2.5, 1.5, 0.5, -0.5, -1.5, -2.5, -3.5]
    np.testing.assert_allclose(distance, np.tile(expected, (6, 1)))


def test_distances_are_those_of_scipy():
    mask = np.zeros((20, 30), bool)
    mask[3:9, 4:12], mask[11:18, 15:29] = True, True
    distance = signed_distance_px(mask, np.zeros_like(mask))
    outside, inside = np.asarray(distance_transform_edt(~mask)), np.asarray(distance_transform_edt(mask))
    np.testing.assert_allclose(distance, np.where(mask, 0.5 - inside, outside - 0.5), rtol=1e-5)


def test_ignored_pixels_make_no_outline():
    mask, ignored = np.zeros((1, 6), bool), np.zeros((1, 6), bool)
    mask[:, :3], ignored[:, 3:5] = True, True
    assert signed_distance_px(mask, ignored).tolist() == [[-4.5, -3.5, -2.5, 0, 0, 2.5]]


@pytest.mark.parametrize("value", [False, True])
def test_nowhere_and_everywhere_have_no_outline(value: bool):
    mask = np.full((3, 4), value)
    assert not signed_distance_px(mask, np.zeros_like(mask)).any()


def test_missed_hand_by_hand():
    # Of every row half is missed, at 0.5, 1.5, 2.5 and 3.5 pixels from the outline.
    probabilities = certain(torch.zeros(1, 6, 8, dtype=torch.long))
    assert boundary_loss(probabilities, step_labels()).item() == pytest.approx(8 / 8)
    # Called object: nothing is added, the truth has no outline of an object to be far from.
    assert boundary_loss(certain(step_labels(2)), step_labels()).item() == pytest.approx(8 / 8)
    half = 0.5 * probabilities + 0.5 * certain(step_labels())
    assert boundary_loss(half, step_labels().to(torch.uint8)).item() == pytest.approx(4 / 8)


def test_the_same_error_costs_more_farther_away():
    near, far = step_labels(), step_labels()
    near[..., 3], far[..., 0] = 1, 1
    costs = [boundary_loss(certain(predicted), step_labels()).item() for predicted in (step_labels(), near, far)]
    assert costs == pytest.approx([0, 0.5 / 8, 3.5 / 8])


def test_what_an_ignored_pixel_holds_does_not_matter():
    torch.manual_seed(0)
    target = step_labels()
    target[0, 2, 3] = 255
    one = torch.randn(1, 3, 6, 8).softmax(1)
    other = one.clone()
    other[0, :, 2, 3] = torch.tensor([0.0, 0.0, 1.0])
    assert boundary_loss(one, target) == boundary_loss(other, target)


def test_everything_ignored_costs_nothing():
    probabilities = torch.randn(1, 3, 8, 8, requires_grad=True)
    loss = boundary_loss(probabilities.softmax(1), torch.full((1, 8, 8), 255))
    loss.backward()
    assert loss.item() == 0


def test_bfloat16_is_computed_in_float32():
    torch.manual_seed(0)
    probabilities = torch.randn(1, 3, 6, 8).softmax(1).bfloat16()
    loss = boundary_loss(probabilities, step_labels())
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, boundary_loss(probabilities.float(), step_labels()))


def test_gradient():
    torch.manual_seed(0)
    target = torch.zeros(1, 6, 12, dtype=torch.long)
    target[:, 2:5, 1:4], target[:, 1:4, 4:6], target[0, 0, 11] = 1, 2, 255
    logits = torch.randn(1, 3, 6, 12, dtype=torch.float64, requires_grad=True)

    def loss(x: Tensor) -> Tensor:
        return boundary_loss(x.softmax(1), target)

    assert torch.autograd.gradcheck(loss, (logits,))
