"""A user's own network and own data set, in files of their own, through every command that takes them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from graspseg import InputError, open_dataset
from graspseg.cli.main import main
from graspseg.compare.recipes import comparison_config, entries_named
from graspseg.networks import build, load_checkpoint, network_spec

NETWORK = """
import torch
from torch import nn


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 3, 1))

    def forward(self, depth_m, pixel_angle):
        return self.layers(depth_m)


def make():
    return Tiny()


def none():
    return {}


def wrong_size():
    network = Tiny()
    network.forward = lambda depth_m, pixel_angle: torch.zeros(1, 3, 4, 4)
    return network


def breaks():
    return nn.Conv2d(1, 3, 1)


def fails():
    raise RuntimeError("no weights here")
"""
DATA = """
import numpy as np

from graspseg import Frame
from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.description import Description


class Squares(Dataset):
    path = "squares"
    name = "squares"
    description = Description()
    split_names = ()
    stems = tuple(str(number) for number in range(8))

    def __len__(self):
        return len(self.stems)

    def __getitem__(self, index):
        return self.read(index)

    def read(self, index):
        labels = np.zeros((96, 128), np.uint8)
        labels[20:60, 20 + index : 60] = 1
        labels[20:60, 60:100] = 2
        return Sample(self.stems[index], Frame(np.array([1000, 400, 600], np.uint16)[labels]), labels)

    def color(self, index):
        return None

    def has_color(self, index):
        return False

    def splits_of(self, index):
        return ()

    def unlabeled(self):
        return []


def make():
    return Squares()


def nothing():
    return [1, 2]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of the user's with both modules, which no process has on its path yet."""
    (tmp_path / "own_net.py").write_text(NETWORK)
    (tmp_path / "own_frames.py").write_text(DATA)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in ("own_net", "own_frames"):
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_an_own_network_on_own_frames_is_trained_exported_and_judged(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ["--preset", "tiny", "--steps", "4", "--views.side", "48", "--validation.every-steps", "2"]
    data = ["--data", "own_frames:make", "--network", "own_net:make"]
    assert main(["train", *data, *settings, "--out", "run"]) == 0
    assert json.loads((here / "run" / "config.json").read_text())["network"] == "own_net:make"
    load_checkpoint(here / "run" / "model.safetensors")  # named above
    monkeypatch.setattr("graspseg.factory._asked_for", set())
    with pytest.raises(InputError, match="code of yours and is not run unasked: say --network own_net:make"):
        load_checkpoint(here / "run" / "model.safetensors")
    assert main(["export", "run"]) == 2
    assert main(["export", "run", "--network", "own_net:make", "--out", "own.onnx"]) == 0
    assert main(["evaluate", "own_frames:make", "--model", "own.onnx", "--no-rules", "--json", "f.json"]) == 0
    assert json.loads((here / "f.json").read_text())["frames"] == 8


def test_own_frames_are_judged(depth_rule_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "own_frames:make", "--model", str(depth_rule_model), "--no-rules"]) == 0
    assert "own_frames:make: 8 frames judged, 0 could not be used" in capsys.readouterr().out
    assert main(["evaluate", "own_frames:make", "--model", str(depth_rule_model), "--depth-unit", "0.1"]) == 2
    assert "expected no --depth-unit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("own_net:maker", "has no function 'maker', .* did you mean 'make'"),
        ("no_such_module:make", "there is no such module"),
        ("own_net:none", "returns a dict, expected a torch.nn.Module"),
        ("own_net:wrong_size", r"with \(1, 3, 4, 4\), expected forward"),
        ("own_net:breaks", "does not run .*expected forward"),
        ("own_net:fails", "RuntimeError: no weights here"),
    ],
)
def test_what_is_no_network_is_one_sentence(name: str, found: str) -> None:
    with pytest.raises(InputError, match=found):
        build(name)


def test_an_own_network_in_a_comparison() -> None:
    (entry,) = entries_named(["own_net:make+contour"], comparison_config())
    assert entry.name == "own_net_make+contour"
    assert network_spec("own_net:make").description == "a network of your own"
    with pytest.raises(InputError, match="expected no --pretrained"):
        build("own_net:make", pretrained=True)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("own_frames:nothing", "returns a list, expected a graspseg.datasets.dataset.Dataset"),
        ("own_frames:maker", "did you mean 'make'"),
        ("dexicb:folder", "did you mean 'dexycb'"),
    ],
)
def test_what_is_no_data_set_is_one_sentence(name: str, found: str) -> None:
    with pytest.raises(InputError, match=found):
        open_dataset(name)
