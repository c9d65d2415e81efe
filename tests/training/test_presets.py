from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest

from graspseg.training.presets import PAPER_STEPS, PRESET_NAMES, OptimizerSettings, preset
from graspseg.training.rate import rate_factor


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_presets_say_their_name_and_are_frozen(name):
    settings = preset(name)
    assert settings.preset == name
    with pytest.raises(FrozenInstanceError):
        settings.steps = 1  # pyright: ignore


def test_paper_preset_is_the_papers_recipe():
    paper = preset("paper")
    assert paper.steps == 1_752_000
    assert (paper.batch, paper.optimizer.name, paper.optimizer.rate, paper.optimizer.kernel_l2) == (
        4,
        "adam",
        1e-3,
        1e-3,
    )
    assert paper.contour_start == 140 * 11_680
    assert paper.loss.class_weights == (1.0, 5.0, 5.0)
    assert (paper.loss.alpha, paper.loss.beta) == (1.0, 0.005)


def test_paper_rate_falls_by_a_fifth_every_80k_steps():
    settings = preset("paper").optimizer
    factors = [rate_factor(step, steps=PAPER_STEPS, settings=settings) for step in (0, 79_999, 80_000, 160_000)]
    assert factors == pytest.approx([1, 1, 0.8, 0.64])


def test_paper_rate_of_a_shorter_run_falls_as_often():
    settings = preset("paper").optimizer
    last = [rate_factor(steps - 1, steps=steps, settings=settings) for steps in (PAPER_STEPS, PAPER_STEPS // 100)]
    assert last[0] == pytest.approx(last[1]) == pytest.approx(0.8**21)


def test_cosine_rate_rises_then_falls():
    settings = OptimizerSettings(warmup_share=0.1, final_share=0.01)
    factors = [rate_factor(step, steps=100, settings=settings) for step in range(101)]
    assert factors[0] == pytest.approx(1 / 11)
    assert factors[10] == pytest.approx(1)
    assert factors[55] == pytest.approx((1 + 0.01) / 2)
    assert factors[100] == pytest.approx(0.01)
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_stages_and_frames_of_a_step():
    settings = replace(preset("lite"), steps=1000, batch=25)
    assert settings.contour_start == 880
    assert settings.frames_per_step == 9


def test_settings_import_no_torch():
    code = "import sys, graspseg.cli.train, graspseg.training.config_file; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
