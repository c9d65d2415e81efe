from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from graspseg.errors import InputError
from graspseg.models.header import read_safetensors_header
from graspseg.networks import Card, build, load_checkpoint, load_weights, read_card, save_checkpoint

LITE, PLAIN = "denseattentionseg-lite", "denseattentionseg-lite-noattention"
CARD = Card(LITE, {"seed": 3, "views": {"side": 160}}, {"frames": 12, "split": "train"}, {"iou_hand": 0.75})


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return build(LITE)


@pytest.fixture(scope="module")
def saved(network: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "model.safetensors"
    save_checkpoint(path, network, card=CARD)
    return path


def test_a_checkpoint_comes_back_exactly(network: torch.nn.Module, saved: Path):
    loaded, card = load_checkpoint(saved)
    assert card == CARD
    assert not loaded.training
    expected = network.state_dict()
    assert loaded.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.state_dict().items())


def test_the_card_is_read_without_weights(saved: Path):
    assert read_card(saved) == CARD


def test_half_storage_halves_the_file_and_keeps_all_but_kernels(network: torch.nn.Module, saved: Path, tmp_path: Path):
    path = tmp_path / "half.safetensors"
    save_checkpoint(path, network, card=CARD, half=True)
    assert path.stat().st_size < 0.55 * saved.stat().st_size
    loaded, _ = load_checkpoint(path)
    for name, tensor in network.state_dict().items():
        found = loaded.state_dict()[name]
        assert found.dtype == tensor.dtype
        torch.testing.assert_close(found, tensor, rtol=1e-3 if tensor.ndim > 1 else 0, atol=1e-7)


def test_a_kernel_that_is_not_finite_in_half_precision_is_refused(tmp_path: Path):
    network = build(PLAIN)
    torch.nn.init.constant_(network.get_parameter("classify.weight"), 1e5)
    with pytest.raises(InputError, match=r"classify\.weight.*half precision"):
        save_checkpoint(tmp_path / "half.safetensors", network, card=Card(PLAIN), half=True)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_another_network_is_refused(saved: Path):
    network = build(PLAIN)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(InputError, match=f"holds the network {LITE}, expected {PLAIN}"):
        load_weights(network, saved, name=PLAIN)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_weights_that_do_not_fit_are_refused(saved: Path, tmp_path: Path):
    tensors = load_file(saved)
    tensors["extra"] = torch.zeros(1)
    tensors["classify.bias"] = torch.zeros(4)
    del tensors["squeeze.0.norm.weight"]
    path = tmp_path / "model.safetensors"
    save_file(tensors, path, metadata=CARD.metadata())
    with pytest.raises(InputError, match=r"does not fit .*extra, squeeze\.0\.norm\.weight, classify\.bias"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "not saved by this version"),
        ({"graspseg.format": "2", "graspseg.network": LITE}, "not saved by this version"),
        ({"graspseg.format": "1", "graspseg.network": "unet9"}, "no network 'unet9'"),
        ({"graspseg.format": "1", "graspseg.network": LITE, "graspseg.config": "{"}, "damaged header"),
        ({"graspseg.format": "1", "graspseg.network": LITE, "graspseg.config": "[1]"}, "damaged header"),
    ],
)
def test_a_file_that_is_not_ours_is_refused(metadata: dict[str, str] | None, message: str, tmp_path: Path):
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata=metadata)
    with pytest.raises(InputError, match=message):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all"])
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no whole safetensors file"):
        load_checkpoint(path)


def test_a_truncated_file_is_refused(saved: Path, tmp_path: Path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(saved.read_bytes()[:-1000])
    with pytest.raises(InputError, match="is a truncated safetensors file"):
        load_checkpoint(path)


@pytest.mark.parametrize("half", [False, True])
def test_a_changed_weight_is_noticed(network: torch.nn.Module, half: bool, tmp_path: Path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, network, card=CARD, half=half)
    assert read_safetensors_header(path)["__metadata__"]["graspseg.network"] == LITE
    data = bytearray(path.read_bytes())
    data[-1000] ^= 1
    path.write_bytes(data)
    for read in (load_checkpoint, read_safetensors_header):
        with pytest.raises(InputError, match=r"model\.safetensors is damaged"):
            read(path)


def test_checkpoints_of_before_digests_load(network: torch.nn.Module, saved: Path, tmp_path: Path):
    path = tmp_path / "model.safetensors"
    save_file(load_file(saved), path, metadata=CARD.metadata())
    loaded, card = load_checkpoint(path)
    assert card == CARD
    assert torch.equal(loaded.get_parameter("classify.weight"), network.get_parameter("classify.weight"))


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="There is no file"):
        load_checkpoint(tmp_path / "model.safetensors")
