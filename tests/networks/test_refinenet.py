import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from graspseg.networks import build
from graspseg.networks.refinenet import ChainedPooling, RefineBlock, RefineNet, ResidualUnit


def zeroed(module: nn.Module) -> nn.Module:
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


def test_it_counts_like_the_published_network():
    # Nekrasov 2018 ("Light-Weight RefineNet"), Table 1: RefineNet-101 has 118 M parameters and 263 G multiplications at
    # 512x512; the published code pools four times.
    with FakeTensorMode():
        network = RefineNet("resnet101", widths=(512, 256), links=4).eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 1, 512, 512), torch.zeros(1))
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(118e6, rel=0.005)
    assert counter.get_total_flops() / 2e9 == pytest.approx(263, rel=0.01)


def test_the_full_network_is_a_cascade_of_four():
    with torch.device("meta"):
        network = build("refinenet")
    assert isinstance(network, RefineNet)
    reduced = [(conv.in_channels, conv.out_channels) for conv in network.reduce if isinstance(conv, nn.Conv2d)]
    assert reduced == [(2048, 512), (1024, 256), (512, 256), (256, 256)]
    fused = [[conv.in_channels for conv in stage.get_submodule("fuse").children()] for stage in network.stages]
    assert fused == [[], [256, 512], [256, 256], [256, 256]]
    assert [len(list(stage.get_submodule("pool.links").children())) for stage in network.stages] == [2, 2, 2, 2]
    # Two on each of seven inputs, one at the end of each stage, two before the classes.
    assert sum(isinstance(module, ResidualUnit) for module in network.modules()) == 2 * 7 + 4 + 2


def test_residual_unit_by_hand():
    unit = zeroed(ResidualUnit(1))
    with torch.no_grad():
        for name, weight in (("first", 2.0), ("second", -3.0)):
            unit.get_parameter(f"{name}.weight")[0, 0, 1, 1] = weight
        x = torch.tensor([[[[1.0, -1.0]]]])
        torch.testing.assert_close(unit(x), torch.tensor([[[[1.0 - 6.0, -1.0]]]]))


def test_chained_pooling_by_hand():
    pool = zeroed(ChainedPooling(1, 2))
    with torch.no_grad():
        for i, weight in enumerate((0.5, 10.0)):
            pool.get_parameter(f"links.{i}.weight")[0, 0, 1, 1] = weight
        x = torch.zeros(1, 1, 1, 12)
        x[..., 0], x[..., 11] = 4.0, -1.0
        # Half the maximum within 2 pixels, then ten times the maximum of that within another 2.
        expected = torch.tensor([4.0 + 2 + 20] + [2.0 + 20] * 2 + [20.0] * 2 + [0.0] * 7)
        torch.testing.assert_close(pool(x)[0, 0, 0], expected)


def test_fusion_sums_at_the_size_of_the_finest():
    block = zeroed(RefineBlock((2, 3), 2, links=1))
    with torch.no_grad():
        for conv in block.get_submodule("fuse").children():
            conv.get_parameter("weight")[:, 0, 1, 1] = 1.0
        fine, coarse = torch.rand(1, 2, 6, 8), torch.rand(1, 3, 3, 4)
        enlarged = F.interpolate(coarse[:, :1], scale_factor=2.0, mode="bilinear", align_corners=False)
        torch.testing.assert_close(block([fine, coarse]), (fine[:, :1] + enlarged).expand(-1, 2, -1, -1))


def test_depth_of_units_without_normalization_keeps_logits_small():
    torch.manual_seed(0)
    network = build("refinenet-small").train()
    logits = network(0.5 + 0.1 * torch.rand(2, 1, 64, 64), torch.full((2,), 0.003))
    assert 0.01 < logits.std() < 10
