import pytest
import torch
from torch import nn
from torch.nn import functional as F

from graspseg.networks import build
from graspseg.networks.gcn import GCN, BoundaryRefinement, LargeKernel


# Peng 2017, Table 2: parameters of the large kernels on 2048 channels for 21 classes.
@pytest.mark.parametrize(("kernel", "thousands"), [(3, 260), (5, 434), (7, 608), (9, 782), (11, 956)])
def test_large_kernels_have_the_parameters_of_the_paper(kernel: int, thousands: int):
    with torch.device("meta"):
        large = LargeKernel(2048, 21, kernel)
    weights = sum(p.numel() for p in large.parameters() if p.ndim > 1)
    assert weights == pytest.approx(thousands * 1000, rel=0.003)


def test_a_large_kernel_is_the_sum_of_two_separable_ones():
    large = LargeKernel(1, 1, 5)
    for parameter in large.parameters():
        nn.init.zeros_(parameter)
    tall, wide = torch.tensor([1.0, 2, 3, 4, 5]), torch.tensor([1.0, 0, 2, 0, -1])
    with torch.no_grad():
        large.tall_wide[0].get_parameter("weight").copy_(tall.view(1, 1, 5, 1))
        large.tall_wide[1].get_parameter("weight").copy_(wide.view(1, 1, 1, 5))
        large.wide_tall[0].get_parameter("weight").copy_(tall.view(1, 1, 1, 5))
        large.wide_tall[1].get_parameter("weight").copy_(tall.view(1, 1, 5, 1))
        x = torch.randn(1, 1, 9, 7, generator=torch.Generator().manual_seed(0))
        dense = torch.outer(tall, wide) + torch.outer(tall, tall)
        torch.testing.assert_close(large(x), F.conv2d(x, dense.view(1, 1, 5, 5), padding=2))


def test_boundary_refinement_adds_to_the_scores():
    refine, x = BoundaryRefinement(2), torch.randn(1, 2, 6, 6)
    with torch.no_grad():
        assert (refine(x) != x).any()
        for parameter in refine.parameters():
            nn.init.zeros_(parameter)
        torch.testing.assert_close(refine(x), x)


def test_the_full_network_scores_four_levels_with_9x9_kernels():
    with torch.device("meta"):
        network = build("gcn")
    assert isinstance(network, GCN)
    first = [score.get_submodule("0.tall_wide.0") for score in network.score]
    assert [
        (conv.in_channels, conv.out_channels, conv.kernel_size) for conv in first if isinstance(conv, nn.Conv2d)
    ] == [
        (256, 21, (9, 1)),
        (512, 21, (9, 1)),
        (1024, 21, (9, 1)),
        (2048, 21, (9, 1)),
    ]
    # One refinement on each level's scores, one after each of the five deconvolutions.
    assert sum(isinstance(module, BoundaryRefinement) for module in network.modules()) == 9
    assert len(network.up) == 5


def test_every_level_reaches_the_logits():
    torch.manual_seed(0)
    network = build("gcn-small").eval()
    assert isinstance(network, GCN)
    inputs = (0.5 + 0.1 * torch.rand(1, 1, 64, 64), torch.tensor([0.003]))
    with torch.no_grad():
        before = network(*inputs)
        for score in network.score:
            bias = score.get_parameter("0.tall_wide.1.bias")
            bias += 1
            assert (network(*inputs) != before).any()
            bias -= 1
