import copy
import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from graspseg.errors import InputError
from graspseg.networks import NETWORKS, Card, build, load_checkpoint, network_spec, save_checkpoint, smp_peers
from graspseg.networks.table import SHAPES_ONLY, cost, hollow

# What a CPU computes in a blink is tried for real; of the others, which have the same code, the shapes.
RESOURCE = Path(smp_peers.__file__).parent
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
SMALL = [name for name in NETWORKS if "-small" in name or "-lite" in name or "-mobile" in name]
NOT_FOR_ONE_FRAME = {"pan", "pan-small", "deeplabv3plus-mobile"}

every_name = pytest.mark.parametrize("name", NETWORKS)
hollow_network = functools.cache(hollow)


@pytest.fixture(scope="module", params=SMALL)
def lively(request: pytest.FixtureRequest) -> nn.Module:
    """Each small network, with everything that starts at 0 somewhere else: all-zero logits would agree with anything.

    Tests of one network share it and leave its weights and statistics as they are.
    """
    torch.manual_seed(0)
    network = build(request.param)
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return network.eval()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Of the network that a test gets as `lively`."""
    return request.node.callspec.params["lively"]


@functools.cache
def cost_of_a_frame(name: str) -> tuple[int, int]:
    """Parameters and operations at 640 x 480."""
    return cost(hollow_network(name))


def frames(batch: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(batch, 1, height, width, generator=generator) + 0.3, torch.linspace(0.002, 0.004, batch)


def test_every_weight_learns(name: str, lively: nn.Module):
    network = copy.deepcopy(lively).train()
    # SegFormer leaves out whole residual branches at random.
    for module in network.modules():
        if hasattr(module, "drop_prob"):
            vars(module)["drop_prob"] = 0.0
    network(*frames(2, 50, 70)).square().sum().backward()
    still = [key for key, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    # The package's PAN has biases before batch normalization, which takes them out again.
    assert [key for key in still if not (name == "pan-small" and key.endswith(".conv.bias"))] == []


@every_name
def test_any_size_and_batch_1_in_training(name: str):
    network, batch = hollow_network(name).train(), 2 if name in NOT_FOR_ONE_FRAME else 1
    with SHAPES_ONLY:
        for height, width in ((97, 131), (1, 1)):
            logits = network(torch.zeros(batch, 1, height, width), torch.zeros(batch))
            assert logits.shape == (batch, 3, height, width)
            assert logits.dtype == torch.float32


@pytest.mark.parametrize("name", sorted(NOT_FOR_ONE_FRAME & set(SMALL)))
def test_networks_that_cannot_train_on_one_frame_say_so(name: str):
    network = build(name)
    with pytest.raises(InputError, match=r"cannot train on 1 frame at a time, expected at least 2 .* larger --batch"):
        network.train()(*frames(1, 64, 64))
    assert network.eval()(*frames(1, 64, 64)).shape == (1, 3, 64, 64)


def test_extreme_frames_give_finite_logits(lively: nn.Module):
    far, tiny = torch.full((1, 1, 40, 40), 60.0), torch.full((1, 1, 1, 1), 0.5)
    with torch.no_grad():
        for depth_m in (torch.zeros(1, 1, 40, 40), far, tiny):
            logits = lively(depth_m, torch.tensor([0.003]))
            assert logits.shape[-2:] == depth_m.shape[-2:]
            assert torch.isfinite(logits).all()


def test_evaluation_is_deterministic_and_free_of_neighbors_in_the_batch(lively: nn.Module):
    depth_m, angle = frames(2, 48, 64)
    with torch.no_grad():
        together = lively(depth_m, angle)
        assert together.std() > 0
        torch.testing.assert_close(together, lively(depth_m, angle), rtol=0, atol=0)
        torch.testing.assert_close(together[1:], lively(depth_m[1:], angle[1:]), rtol=1e-3, atol=1e-4)


def test_bfloat16_and_channels_last_give_float32_logits(lively: nn.Module):
    network = copy.deepcopy(lively).train().to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(*frames(2, 48, 64))
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


def test_a_checkpoint_gives_the_same_logits(name: str, lively: nn.Module, tmp_path: Path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, lively, card=Card(name))
    with torch.no_grad():
        torch.testing.assert_close(load_checkpoint(path).network(*frames(1, 33, 47)), lively(*frames(1, 33, 47)))


def test_the_same_seed_gives_the_same_weights():
    networks = []
    for _ in range(2):
        torch.manual_seed(7)
        networks.append(build("denseattentionseg-lite").state_dict())
    assert all(torch.equal(one, other) for one, other in zip(*(n.values() for n in networks), strict=True))


@pytest.mark.parametrize(
    ("name", "parameters_m", "gmac"),
    [
        # Design, section 4.
        ("denseattentionseg", 43.5, 86.5),
        # Long 2015, Table 1: 134 M parameters; multiplications from the times of the paper's Table 2 (field notes B8).
        ("fcn32s", 134.0, 130.0),
        ("fcn16s", 134.0, 130.0),
        ("fcn8s", 134.0, 130.0),
        # Field notes B8. Parameters: 23.5 M of ResNet-50 and 15.5 M of ASPP and 1.3 M of the decoder, by hand.
        ("deeplabv3plus", 40.3, 81.0),
    ],
)
def test_networks_cost_what_their_papers_say(name: str, parameters_m: float, gmac: float):
    parameters, flop = cost_of_a_frame(name)
    assert parameters == pytest.approx(parameters_m * 1e6, rel=0.01)
    assert flop / 2e9 == pytest.approx(gmac, rel=0.01)


@pytest.mark.parametrize("name", [name for name in SMALL if name.endswith("-small")])
def test_small_networks_are_of_one_size(name: str):
    # FCN's 7x7 convolution has by far the most weights, on the coarsest level, where they cost little.
    parameters, flop = cost(hollow_network(name), width=160, height=120)
    assert parameters < (17e6 if name.startswith("fcn") else 7e6)
    assert flop < 4e9


def test_lite_stays_small():
    parameters, flop = cost_of_a_frame("denseattentionseg-lite")
    assert parameters < 4.2e6
    assert flop < cost_of_a_frame("denseattentionseg")[1] / 10


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(InputError, match=r"'denseatentionseg-lit'.*did you mean 'denseattentionseg-lite'"):
        network_spec("denseatentionseg-lit")


def test_the_command_prints_and_writes_every_network_without_torch(tmp_path: Path):
    code = (
        "import sys\n"
        "from graspseg.cli.main import main\n"
        f"code = main(['networks', '--json', {str(tmp_path / 'networks.json')!r}])\n"
        "sys.exit(code or ','.join({'torch', 'segmentation_models_pytorch'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [*NETWORKS, "forest"]
    assert lines[1].split()[1:3] == ["43.53", "172.6"]
    recorded = json.loads((tmp_path / "networks.json").read_text(encoding="utf-8"))
    assert list(recorded) == list(NETWORKS)
    assert recorded == json.loads((RESULTS / "networks.json").read_text(encoding="utf-8"))
    assert recorded["denseattentionseg"]["parameters_millions"] == pytest.approx(43.53, abs=0.01)
    assert recorded["denseattentionseg"]["gflop"] == pytest.approx(172.6, abs=0.1)


@every_name
def test_stored_figures_are_those_of_the_networks(name: str):
    stored = json.loads((RESOURCE / "costs.json").read_text(encoding="utf-8"))
    parameters, flop = cost_of_a_frame(name)
    figures = {"parameters_millions": parameters / 1e6, "gflop": flop / 1e9, "description": NETWORKS[name].description}
    assert stored.get(name) == figures, "run python tools/docs/record_networks.py"
