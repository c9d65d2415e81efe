from typing import Any, Literal

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from graspseg.networks.fcn import FCN, bilinear_deconv


def small(finest: Literal[8, 16, 32]) -> FCN:
    torch.manual_seed(0)
    return FCN("vgg16_bn", finest=finest, fc_width=8, pool=True).eval()


def frames(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return 0.5 + 0.1 * torch.rand(1, 1, height, width, generator=generator), torch.tensor([0.003])


def part(module: nn.Module, name: str) -> Any:
    return module.get_submodule(name)


@pytest.mark.parametrize("stride", [2, 8, 32])
def test_deconvolution_starts_as_bilinear_enlargement(stride: int):
    scores = torch.randn(1, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(scores, scale_factor=float(stride), mode="bilinear", align_corners=False)
    found = bilinear_deconv(3, stride)(scores)
    assert found.shape == expected.shape
    inside = (..., slice(stride // 2, -(stride // 2)), slice(stride // 2, -(stride // 2)))
    torch.testing.assert_close(found[inside], expected[inside])


def test_fc6_and_fc7_are_convolutions_of_4096_with_dropout():
    with torch.device("meta"):
        fc = FCN("vgg16_bn", finest=32, fc_width=4096, pool=True).fc
    first, second = part(fc, "0"), part(fc, "3")
    assert (first.in_channels, first.out_channels, first.kernel_size) == (512, 4096, (7, 7))
    assert (second.in_channels, second.out_channels, second.kernel_size) == (4096, 4096, (1, 1))
    assert [layer.p for layer in fc if isinstance(layer, nn.Dropout)] == [0.5, 0.5]


@pytest.mark.parametrize(("finest", "channels"), [(32, []), (16, [512]), (8, [512, 256])])
def test_scores_of_pool4_and_pool3_join_in_stages(finest: Literal[8, 16, 32], channels: list[int]):
    network = small(finest)
    sizes: list[tuple[int, ...]] = []
    for score in network.skip_scores:
        score.register_forward_pre_hook(lambda _, inputs: sizes.append(tuple(inputs[0].shape[1:])))
    with torch.no_grad():
        network(*frames(64, 96))
    assert sizes == [(c, 64 // s, 96 // s) for c, s in zip(channels, (16, 8), strict=False)]
    assert part(network, "last_up").stride == (finest, finest)


def test_it_starts_undecided_and_without_skips():
    network, inputs = small(8), frames(64, 64)
    with torch.no_grad():
        assert (network(*inputs) == 0).all()
        nn.init.normal_(part(network, "score").weight)
        coarse = network(*inputs)
        assert coarse.std() > 0
        nn.init.normal_(part(network, "skip_scores.1").weight)
        assert (network(*inputs) != coarse).any()


def test_scores_that_start_at_0_learn_at_once():
    network = small(8).train()
    F.cross_entropy(network(*frames(64, 64)), torch.ones(1, 64, 64, dtype=torch.long)).backward()
    for score in (network.score, *network.skip_scores):
        assert part(score, "").weight.grad.any()


def test_scored_levels_are_pool4_and_pool3():
    network = small(8)
    with torch.no_grad():
        levels = network.encoder(network.normalization(*frames(64, 64)))
    # timm hands out conv4_3 and conv3_3, which the network pools.
    assert [tuple(levels[i].shape[1:3]) for i in network.skips] == [(512, 8), (256, 16)]
