from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn

from graspseg.losses import contour_loss, weighted_cross_entropy
from graspseg.training.augment import eval_sample
from graspseg.training.batches import to_batch
from graspseg.training.module import SegmentationTask, make_optimizer, update_average
from graspseg.training.presets import OptimizerSettings, preset


class OneLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 3, 1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, depth_m, pixel_angle):
        return self.norm(self.layer(depth_m))


@pytest.fixture
def batch(toy_frames, quick):
    toy = toy_frames(1)[0]
    camera = toy.frame.intrinsics_or_default()
    sample = eval_sample(toy.frame.depth_m(), toy.target(), intrinsics=camera, views=quick.views, look="second")
    return to_batch([sample, sample])


def test_the_average_moves_toward_the_network():
    network, average = OneLayer(), OneLayer()
    with torch.no_grad():
        network.norm.bias.fill_(1.0)
        average.norm.bias.fill_(0.0)
    network.norm.running_mean = torch.full((3,), 7.0)
    update_average(average, network, decay=0.9, step=1_000)
    assert average.norm.bias.tolist() == pytest.approx([0.1] * 3)
    assert average.norm.running_mean is not None
    assert average.norm.running_mean.tolist() == pytest.approx([0.7] * 3)
    # Early the average forgets faster: it keeps (1 + 1) / (10 + 1).
    update_average(average, network, decay=0.9, step=1)
    assert average.norm.bias.tolist() == pytest.approx([1 - 0.9 * 2 / 11] * 3)


def test_only_convolution_kernels_decay():
    network = OneLayer()
    paper = make_optimizer(network, preset("paper").optimizer, finetune=False)
    assert type(paper) is torch.optim.Adam
    assert [(len(group["params"]), group["weight_decay"]) for group in paper.param_groups] == [(1, 1e-3), (3, 0.0)]
    assert paper.param_groups[0]["params"][0] is network.layer.weight
    lite = make_optimizer(network, OptimizerSettings(rate=2.0, finetune_rate=0.5), finetune=True)
    assert type(lite) is torch.optim.AdamW
    assert lite.param_groups[0]["lr"] == 0.5


def test_the_contour_loss_joins_in_the_last_stage(batch, quick):
    task = SegmentationTask(OneLayer(), replace(quick, steps=100))
    assert [task.fine_tunes(step) for step in (0, 87, 88, 99)] == [False, False, True, True]
    without = SegmentationTask(OneLayer(), replace(quick, steps=100, contour=False))
    assert not without.fine_tunes(99)
    first, second = task.losses(batch, fine_tune=False), task.losses(batch, fine_tune=True)
    assert set(first) == {"loss", "cross_entropy"}
    expected = second["cross_entropy"] + 0.005 * second["contour"]
    assert second["loss"].item() == pytest.approx(expected.item())


def with_loss(quick, *, contour=True, **settings):
    torch.manual_seed(0)
    return SegmentationTask(OneLayer(), replace(quick, contour=contour, loss=replace(quick.loss, **settings)))


def test_default_settings_give_the_loss_of_equation_6_to_the_last_bit(batch, quick):
    task = with_loss(quick)
    weights = list(task.network.parameters())
    losses = task.losses(batch, fine_tune=True)
    logits = task.network(batch["depth"], batch["pixel_angle"])
    outline = contour_loss(logits.float().softmax(dim=1), batch["labels"], normalizer="support", per_class=True)
    expected = 1.0 * weighted_cross_entropy(logits, batch["labels"], weights=(1.0, 5.0, 5.0)) + 0.005 * outline
    assert set(losses) == {"loss", "cross_entropy", "contour"}
    assert torch.equal(losses["loss"], expected)
    gradients = torch.autograd.grad(losses["loss"], weights), torch.autograd.grad(expected, weights)
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_settings_choose_the_reading_of_the_contour_loss(batch, quick):
    def outline(**settings):
        return with_loss(quick, **settings).losses(batch, fine_tune=True)["contour"].item()

    network = with_loss(quick).network
    logits = network(batch["depth"], batch["pixel_angle"])
    probabilities, labels = logits.softmax(1), batch["labels"]
    assert outline(contour_normalizer="mean") == contour_loss(probabilities, labels, normalizer="mean").item()
    assert outline(contour_per_class=False) == contour_loss(probabilities, labels, per_class=False).item()
    assert outline(contour_input="logits") == contour_loss(logits, labels).item()
    assert len({outline(), outline(contour_normalizer="mean"), outline(contour_input="logits")}) == 3


@pytest.mark.parametrize("name", ["lovasz", "boundary"])
def test_another_loss_joins_in_the_last_stage_with_its_weight(batch, quick, name):
    alone = with_loss(quick, contour=False, extra=name, gamma=0.25)
    assert [alone.fine_tunes(step) for step in (0, alone.config.contour_start)] == [False, True]
    parts = alone.losses(batch, fine_tune=True)
    assert set(parts) == {"loss", "cross_entropy", name}
    assert parts["loss"].item() == pytest.approx((parts["cross_entropy"] + 0.25 * parts[name]).item())
    beside = with_loss(quick, extra=name, gamma=0.25).losses(batch, fine_tune=True)
    assert beside["loss"].item() == pytest.approx((parts["loss"] + 0.005 * beside["contour"]).item())
    assert set(alone.losses(batch, fine_tune=False)) == {"loss", "cross_entropy"}


def test_without_a_mean_the_network_itself_is_saved(quick):
    network = OneLayer()
    config = replace(quick, optimizer=replace(quick.optimizer, average_decay=0.0))
    assert SegmentationTask(network, config).trained_network is network
    averaged = SegmentationTask(network, quick).trained_network
    assert averaged is not network
    assert not any(parameter.requires_grad for parameter in averaged.parameters())


def test_a_compiled_network_learns_the_same_and_keeps_its_names(batch, monkeypatch: pytest.MonkeyPatch):
    captured: list[int] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]):
        captured.append(len(inputs))
        return graph.forward

    # Generating machine code needs a compiler; that the network is captured does not.
    compiled = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda self: compiled(self, backend=backend, fullgraph=True))
    config = preset("tiny")
    network = OneLayer()
    expected = SegmentationTask(deepcopy(network), config).losses(batch, fine_tune=False)["loss"]
    assert not captured
    task = SegmentationTask(network, replace(config, compute=replace(config.compute, compile=True)))
    names = list(OneLayer().state_dict())
    assert task.losses(batch, fine_tune=False)["loss"].item() == pytest.approx(expected.item())
    assert captured and list(task.network.state_dict()) == names
