import pytest
import torch

from graspseg.cli.networks import main
from graspseg.frame import InputError
from graspseg.networks import NETWORKS, build, network_spec
from graspseg.networks.table import cost

names = pytest.mark.parametrize("name", NETWORKS)


@names
def test_any_size_and_batch_1_in_training(name: str):
    network = build(name).train()
    logits = network(torch.rand(1, 1, 37, 50) + 0.3, torch.tensor([0.003]))
    assert logits.shape == (1, 3, 37, 50)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()
    logits.sum().backward()


@names
def test_extreme_frames_give_finite_logits(name: str):
    network = build(name).eval()
    far, tiny = torch.full((1, 1, 40, 40), 60.0), torch.full((1, 1, 1, 1), 0.5)
    with torch.no_grad():
        for depth_m in (torch.zeros(1, 1, 40, 40), far, tiny):
            logits = network(depth_m, torch.tensor([0.003]))
            assert logits.shape[-2:] == depth_m.shape[-2:]
            assert torch.isfinite(logits).all()


@names
def test_evaluation_is_deterministic_and_free_of_neighbours_in_the_batch(name: str):
    torch.manual_seed(0)
    network = build(name).eval()
    depth_m, angle = torch.rand(2, 1, 48, 64) + 0.3, torch.tensor([0.002, 0.004])
    with torch.no_grad():
        together = network(depth_m, angle)
        torch.testing.assert_close(together, network(depth_m, angle), rtol=0, atol=0)
        torch.testing.assert_close(together[1:], network(depth_m[1:], angle[1:]), rtol=1e-3, atol=1e-5)


@names
def test_bfloat16_and_channels_last_give_float32_logits(name: str):
    network = build(name).train().to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(torch.rand(2, 1, 48, 64) + 0.3, torch.full((2,), 0.003))
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


def test_the_same_seed_gives_the_same_weights():
    networks = []
    for _ in range(2):
        torch.manual_seed(7)
        networks.append(build("denseattentionseg-lite").state_dict())
    assert all(torch.equal(one, other) for one, other in zip(*(n.values() for n in networks), strict=True))


def test_the_full_network_costs_what_the_design_says():
    parameters, flop = cost("denseattentionseg")
    assert flop / 2e9 == pytest.approx(86.5, rel=0.01)
    assert parameters == pytest.approx(43.5e6, rel=0.01)


def test_lite_stays_small():
    parameters, flop = cost("denseattentionseg-lite")
    assert parameters < 4.2e6
    assert flop < cost("denseattentionseg")[1] / 10


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(InputError, match=r"'denseatentionseg-lit'.*did you mean 'denseattentionseg-lite'"):
        network_spec("denseatentionseg-lit")


def test_the_command_prints_every_network(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(NETWORKS)
    assert lines[1].split()[1:3] == ["43.53", "172.6"]
