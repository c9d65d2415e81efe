from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graspseg.networks import DenseAttentionSeg, build
from graspseg.networks.denseattentionseg import ASPP, DenseAttention, Gate


def small(
    *,
    attention: bool = True,
    context_channels: int = 16,
    gate: Gate = "doubled",
    skips: Literal["squeezed", "levels"] = "squeezed",
) -> DenseAttentionSeg:
    torch.manual_seed(0)
    return DenseAttentionSeg(
        "resnet18d",
        encoder_options={"channels": (8, 8, 16, 16), "stem_width": 4},
        k=8,
        decoder_widths=(16, 16, 8, 8, 8, 8)[0 if context_channels else 1 :],
        context_channels=context_channels,
        context_rates=(),
        attention=attention,
        gate=gate,
        skips=skips,
        normalization="metric",
    )


def frames(*shape: int) -> tuple[Tensor, Tensor]:
    depth_m = 0.4 + 0.4 * torch.rand(*shape, generator=torch.Generator().manual_seed(1))
    return depth_m, torch.full((shape[0],), 0.003)


def set_gates(attention: DenseAttention, value: float, *, weight: float = 0.0) -> None:
    for gate in attention.gates:
        nn.init.constant_(gate.get_parameter("weight"), weight)
        nn.init.constant_(gate.get_parameter("bias"), value)


def part(module: nn.Module, name: str) -> Any:
    return module.get_submodule(name)


def test_the_full_network_has_the_levels_of_the_paper():
    network = build("denseattentionseg")
    assert isinstance(network, DenseAttentionSeg)
    squeezed = [part(squeeze, "reduce.0") for squeeze in network.squeeze]
    assert [conv.in_channels for conv in squeezed] == [64, 256, 512, 1024, 2048, 256]
    assert {conv.out_channels for conv in squeezed} == {64}
    shapes: list[torch.Size] = []
    for squeeze in network.squeeze:
        squeeze.register_forward_pre_hook(lambda _, inputs: shapes.append(inputs[0].shape[-2:]))
    with torch.no_grad():
        network.eval()(*frames(1, 1, 64, 96))
    assert [64 // height for height, _ in shapes] == [2, 4, 8, 16, 16, 16]


def test_the_full_network_has_the_decoder_of_the_paper():
    decoder = [part(layer, "0") for layer in part(build("denseattentionseg"), "decoder")]
    assert [layer.stride[0] for layer in decoder] == [1, 1, 2, 2, 2, 2]
    assert [layer.out_channels for layer in decoder] == [256, 256, 256, 256, 64, 64]
    assert [layer.kernel_size[0] for layer in decoder] == [3, 3, 4, 4, 4, 4]
    assert [layer.in_channels for layer in decoder] == [64, 320, 320, 320, 320, 128]


def test_aspp_sees_four_rates_and_the_image():
    context = build("denseattentionseg").context
    assert isinstance(context, ASPP)
    assert [part(branch, "0").dilation[0] for branch in context.branches] == [1, 6, 12, 18]
    assert part(context, "project.0").in_channels == 5 * 256


def test_attention_is_the_product_of_all_other_levels():
    torch.manual_seed(0)
    levels = [torch.randn(2, 4, size, size) for size in (16, 8, 4, 4)]
    attention = DenseAttention(4, [4] * 4)(levels)
    factors = [2 / (1 + torch.exp(-level)) for level in levels]

    def resized(j: int, size: int) -> Tensor:
        return F.interpolate(factors[j], size=(size, size), mode="bilinear", align_corners=False)

    assert attention[0].fine is None
    assert attention[3].coarse is None
    for i, size in enumerate((16, 8, 4, 4)):
        if i > 0:
            fine = torch.stack([resized(j, size) for j in range(i)]).prod(0)
            torch.testing.assert_close(attention[i].fine, fine)
        if i < 3:
            coarse = torch.stack([resized(j, size) for j in range(i + 1, 4)]).prod(0)
            torch.testing.assert_close(attention[i].coarse, coarse)
        assert attention[i].gate.shape == levels[i].shape
        assert attention[i].gate.min() > 0
        assert attention[i].gate.max() < 1


def test_readings_of_the_gate_by_hand():
    # One pixel on three levels; gates that pass the sum of fine and coarse on.
    levels = [torch.full((1, 1, 1, 1), x) for x in (0.0, 1.0, -2.0)]
    sigmoids = [0.5, 0.731059, 0.119203]

    def middle(gate: Gate) -> tuple[float, float, float]:
        attention = DenseAttention(1, [1, 1, 1], gate=gate)
        set_gates(attention, 0.0, weight=1.0)
        with torch.no_grad():
            level = attention(levels)[1]
        assert level.fine is not None and level.coarse is not None
        return level.fine.item(), level.coarse.item(), level.gate.item()

    def sigmoid(x: float) -> float:
        return torch.sigmoid(torch.tensor(x)).item()

    fine, coarse = sigmoids[0], sigmoids[2]
    assert middle("sigmoid") == pytest.approx((fine, coarse, sigmoid(fine + coarse)))
    assert middle("doubled") == pytest.approx((2 * fine, 2 * coarse, sigmoid(2 * fine + 2 * coarse)))
    assert middle("residual") == pytest.approx((2 * fine, 2 * coarse, 1 + sigmoid(2 * fine + 2 * coarse)))
    assert middle("open") == pytest.approx((0.0, -2.0, sigmoid(-2.0)))


def test_every_reading_of_the_gate_has_the_same_weights():
    states = [small(gate=gate).state_dict() for gate in ("doubled", "sigmoid", "open", "residual")]
    for state in states[1:]:
        assert list(state) == list(states[0])
        assert all(torch.equal(state[name], states[0][name]) for name in state)


def test_levels_can_be_gated_with_all_their_channels():
    network = small(skips="levels")
    assert network.attention is not None
    channels = [part(gate, "").out_channels for gate in network.attention.gates]
    assert channels == [part(squeeze, "reduce.0").in_channels for squeeze in network.squeeze]
    assert [part(layer, "0").in_channels for layer in network.decoder] == [16, 16 + 16, 16 + 16, 8 + 8, 8 + 8, 8 + 8]
    set_gates(network.attention, -100.0)
    with torch.no_grad():
        one, other = network.eval()(*frames(1, 1, 64, 64)), network(torch.zeros(1, 1, 64, 64), torch.zeros(1))
    torch.testing.assert_close(one, other)


def test_products_are_alive_at_initialization():
    network = small().train()
    for level in network.attention_maps(*frames(4, 1, 96, 96)):
        for product in (level.fine, level.coarse):
            if product is not None:
                assert 0.5 < product.mean() < 2
                assert product.std() > 0.05


def test_an_open_gate_is_the_network_without_attention():
    gated, plain = small().eval(), small(attention=False).eval()
    missing = plain.load_state_dict(gated.state_dict(), strict=False)
    assert not missing.missing_keys
    assert gated.attention is not None
    set_gates(gated.attention, 50.0)
    inputs = frames(2, 1, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(gated(*inputs), plain(*inputs))


def test_a_closed_gate_shuts_the_skips_off():
    network = small().eval()
    assert network.attention is not None
    set_gates(network.attention, -100.0)
    with torch.no_grad():
        one, other = network(*frames(1, 1, 64, 64)), network(torch.zeros(1, 1, 64, 64), torch.zeros(1))
    torch.testing.assert_close(one, other)


def test_attention_maps_have_the_size_of_their_levels():
    maps = small().eval().attention_maps(*frames(2, 1, 60, 90))
    assert [tuple(level.gate.shape) for level in maps] == [
        (2, 8, 32, 48),
        (2, 8, 16, 24),
        (2, 8, 8, 12),
        (2, 8, 4, 6),
        (2, 8, 2, 3),
        (2, 8, 2, 3),
    ]


def test_without_attention_there_are_no_maps():
    with pytest.raises(ValueError, match="attention=False"):
        small(attention=False).attention_maps(*frames(1, 1, 32, 32))


def test_padding_counts_as_not_measured():
    network = small().eval()
    depth_m, angle = frames(1, 1, 50, 70)
    padded = F.pad(depth_m, (0, 96 - 70, 0, 64 - 50))
    with torch.no_grad():
        torch.testing.assert_close(network(depth_m, angle), network(padded, angle)[..., :50, :70])


def test_context_level_can_be_left_out():
    assert small(context_channels=0).eval()(*frames(1, 1, 40, 40)).shape == (1, 3, 40, 40)


def test_every_weight_learns():
    network = small().train()
    # The encoder starts with residual branches that are switched off; one step switches them on.
    for _ in range(2):
        torch.optim.SGD(network.parameters(), lr=1e-3).step()
        network.zero_grad()
        network(*frames(2, 1, 64, 64)).square().sum().backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


def test_it_learns_to_tell_near_from_far():
    network = small().train()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    depth_m = torch.full((8, 1, 64, 64), 0.8)
    for image in depth_m:
        row, column = torch.randint(0, 40, (2,), generator=generator).tolist()
        image[:, row : row + 20, column : column + 20] = 0.55
    target = (depth_m[:, 0] < 0.7).long()
    for _ in range(25):
        loss = F.cross_entropy(network(depth_m, torch.full((8,), 0.003)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    labels = network(depth_m, torch.full((8,), 0.003)).argmax(1)
    assert (labels == target).float().mean() > 0.97
