from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from torch import nn

from graspseg.errors import InputError
from graspseg.networks import build
from graspseg.networks.encoder import Level, make_encoder, pad_to_strides
from graspseg.training.model_file import start_network
from graspseg.training.presets import TrainConfig


@pytest.mark.parametrize(
    ("size", "stride", "at_least", "padded"),
    [
        ((480, 640), 32, 2, (480, 640)),
        ((97, 131), 16, 2, (112, 144)),
        ((1, 33), 32, 2, (64, 64)),
        ((97, 131), 16, 8, (128, 144)),
    ],
)
def test_padding_fills_whole_strides(size: tuple[int, int], stride: int, at_least: int, padded: tuple[int, int]):
    height, width = size
    result = pad_to_strides(torch.ones(2, 1, height, width), stride, at_least=at_least)
    assert result.shape == (2, 1, *padded)
    assert (result[..., :height, :width] == 1).all()
    assert result.sum() == 2 * height * width


def test_levels_say_what_the_features_are():
    encoder, levels = make_encoder("resnet50", in_channels=1, output_stride=16)
    assert levels == [Level(64, 2), Level(256, 4), Level(512, 8), Level(1024, 16), Level(2048, 16)]
    with torch.no_grad():
        features = encoder.eval()(torch.zeros(1, 1, 64, 96))
    assert [f.shape[1:] for f in features] == [(c, 64 // s, 96 // s) for c, s in levels]


def stand_in(calls: list[dict[str, Any]]) -> Callable[..., nn.Module]:
    """Takes the place of timm's function and builds without fetching anything."""
    create = timm.create_model

    def create_model(name: str, *, pretrained: bool, **options: Any) -> nn.Module:
        calls.append({"name": name, "pretrained": pretrained, **options})
        return create(name, pretrained=False, **options)

    return create_model


@pytest.mark.parametrize("name", ["gcn", "denseattentionseg", "fcn8s"])
def test_pretrained_asks_timm_for_weights_of_one_channel(name: str, monkeypatch: pytest.MonkeyPatch):
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(timm, "create_model", stand_in(calls))
    with torch.device("meta"):
        build(name)
        build(name, pretrained=True)
    assert [call["pretrained"] for call in calls] == [False, True]
    assert calls[1]["in_chans"] == 1


@pytest.mark.parametrize("name", ["gcn", "unet", "segformer"])
def test_without_a_connection_pretrained_is_a_sentence(name: str, monkeypatch: pytest.MonkeyPatch):
    def offline(*_: object, **__: object) -> nn.Module:
        raise ConnectionError("no route to host")

    monkeypatch.setattr("timm.create_model", offline)
    monkeypatch.setattr("segmentation_models_pytorch.create_model", offline)
    with pytest.raises(InputError, match=r"could not be fetched \(ConnectionError\).*leave --pretrained out"):
        build(name, pretrained=True)


@pytest.mark.parametrize("name", ["gcn-small", "unet-small", "denseattentionseg-lite"])
def test_nobody_has_weights_for_changed_encoders(name: str):
    with pytest.raises(InputError, match=r"no pretrained weights for .*resnet18d with other widths"):
        build(name, pretrained=True)


def test_an_error_of_our_own_stays_one():
    with pytest.raises(RuntimeError, match="Unknown model"):
        make_encoder("resnet51", in_channels=1)


def test_training_asks_for_pretrained_encoders():
    with pytest.raises(InputError, match="no pretrained weights for"):
        start_network(TrainConfig(network="gcn-small", pretrained=True))
    with pytest.raises(InputError, match="--init lite holds the encoder as well"):
        start_network(TrainConfig(pretrained=True, init="lite"))
