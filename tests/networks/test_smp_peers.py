import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from graspseg.errors import InputError
from graspseg.networks import build
from graspseg.networks.smp_peers import SMPNetwork


def test_without_the_package_a_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "segmentation_models_pytorch", None)
    with pytest.raises(InputError, match=r"not installed: pip install 'graspseg\[compare\]'"):
        build("unet")


def test_segformer_costs_what_its_paper_says():
    # Xie 2021, Table 1: B0 has 3.8 M parameters and 8.4 G multiplications at 512x512 with the 150 classes of ADE20K.
    network = build("segformer-small").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, 512, 512), torch.zeros(1))
    more_classes = (150 - 3) * 256
    assert sum(p.numel() for p in network.parameters()) + more_classes == pytest.approx(3.8e6, rel=0.02)
    assert counter.get_total_flops() / 2 + more_classes * 128 * 128 == pytest.approx(8.4e9, rel=0.02)


@pytest.mark.parametrize("name", ["pspnet", "pan"])
def test_dilation_keeps_all_stages_of_the_encoder(name: str):
    network = build(name)
    assert isinstance(network, SMPNetwork)
    sizes: list[tuple[int, ...]] = []
    network.network.get_submodule("encoder.model.layer4").register_forward_hook(
        lambda _, __, output: sizes.append(tuple(output.shape[1:]))
    )
    with torch.no_grad():
        network.eval()(torch.full((1, 1, 128, 128), 0.5), torch.tensor([0.003]))
    assert sizes == [(2048, 128 // network.stride, 128 // network.stride)]


def test_padding_counts_as_not_measured():
    torch.manual_seed(0)
    network = build("unet-small").eval()
    depth_m, angle = 0.5 + 0.1 * torch.rand(1, 1, 50, 70), torch.tensor([0.003])
    padded = F.pad(depth_m, (0, 96 - 70, 0, 64 - 50))
    with torch.no_grad():
        torch.testing.assert_close(network(depth_m, angle), network(padded, angle)[..., :50, :70])


def test_the_first_convolution_takes_one_channel():
    with torch.device("meta"):
        convolutions = [module for module in build("unet").modules() if isinstance(module, nn.Conv2d)]
    assert convolutions[0].in_channels == 1
