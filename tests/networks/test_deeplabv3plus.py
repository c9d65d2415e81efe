from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from graspseg.networks import build
from graspseg.networks.smp_peers import SMPNetwork
from graspseg.networks.table import cost


def part(module: nn.Module, name: str) -> Any:
    return module.get_submodule(name)


def test_the_full_network_has_the_widths_of_the_paper():
    with torch.device("meta"):
        network = build("deeplabv3plus")
    assert [part(branch, "0").dilation[0] for branch in part(network, "context.branches")] == [1, 6, 12, 18]
    reduce, first, second = part(network, "reduce.0"), part(network, "decoder.0.0"), part(network, "decoder.1.0")
    assert (reduce.in_channels, reduce.out_channels) == (256, 48)
    assert (first.in_channels, first.out_channels, first.kernel_size) == (256 + 48, 256, (3, 3))
    assert (second.in_channels, second.out_channels, second.kernel_size) == (256, 256, (3, 3))


def test_levels_of_strides_4_and_16_meet_in_the_decoder():
    network = build("deeplabv3plus-small").eval()
    sizes: list[tuple[int, ...]] = []
    for name in ("context", "reduce", "decoder"):
        part(network, name).register_forward_pre_hook(lambda _, inputs: sizes.append(tuple(inputs[0].shape[1:])))
    with torch.no_grad():
        network(torch.full((1, 1, 64, 96), 0.5), torch.tensor([0.003]))
    assert sorted(sizes) == [(32, 16, 24), (64 + 12, 16, 24), (256, 4, 6)]


def test_plain_convolutions_make_the_difference_to_the_package():
    # segmentation_models.pytorch has 42 GMAC at 640x480: its decoder has one convolution, and that and the dilated ones
    # are separable. The same taken from ours, by hand:
    def saved(in_channels: int, pixels: int) -> int:
        dense, separable = in_channels * 256 * 9, in_channels * 9 + in_channels * 256
        return (dense - separable) * pixels

    fine, coarse = 120 * 160, 30 * 40
    expected = cost("deeplabv3plus")[1] / 2 - 3 * saved(2048, coarse) - saved(304, fine) - 256 * 256 * 9 * fine
    with FakeTensorMode():
        theirs = SMPNetwork("deeplabv3plus", "tu-resnet50", stride=16, options={"encoder_output_stride": 16}).eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            theirs(torch.zeros(1, 1, 480, 640), torch.zeros(1))
    assert counter.get_total_flops() / 2 == pytest.approx(expected, rel=0.01)
    assert expected / 1e9 == pytest.approx(42, rel=0.01)
