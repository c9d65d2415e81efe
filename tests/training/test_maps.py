from pathlib import Path

import numpy as np
import pytest
import torch

from graspseg.networks import Card, build, save_checkpoint
from graspseg.training.maps import attention_of, outlines_of


def test_outlines_of_a_step_by_hand() -> None:
    hand = np.zeros((9, 16), np.float32)
    hand[:, 8:] = 1
    outlines = outlines_of(np.stack([1 - hand, hand, np.zeros_like(hand)]))
    # A vertical step has a Sobel magnitude of 4 in the two columns beside it; blurring spreads and keeps the sum.
    assert outlines[4].sum() == pytest.approx(8, abs=0.02)
    assert outlines[4, 7] == pytest.approx(outlines[4, 8]) and outlines[4, 7] == outlines[4].max()
    assert np.allclose(outlines[:, :5], 0, atol=1e-2) and np.allclose(outlines[:, 11:], 0, atol=1e-2)


def test_attention_maps_are_cut_to_the_frame(tmp_path: Path) -> None:
    torch.manual_seed(0)
    name = "denseattentionseg-small"
    save_checkpoint(tmp_path / "m.safetensors", build(name), card=Card(name))
    depth = np.full((48, 72), 0.5, np.float32)  # padded to 48 x 80
    levels = attention_of(tmp_path / "m.safetensors", depth, 0.002)
    assert levels[0].fine is None and levels[-1].coarse is None
    sizes = [maps.shape for level in levels for maps in level if maps is not None]
    assert sizes[0] == (24, 36)  # coarse of the first level, which has half the frame's size
    assert sizes[-1] == (3, 4)
    plain = build(f"{name}-noattention")
    save_checkpoint(tmp_path / "p.safetensors", plain, card=Card(f"{name}-noattention"))
    assert attention_of(tmp_path / "p.safetensors", depth, 0.002) == []
