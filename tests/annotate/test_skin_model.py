"""The skin model: what it knows after fitting, its table, and its file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graspseg.annotate.skin_model import SkinModel, to_lab
from graspseg.errors import InputError

SKIN = np.array([190, 140, 115])


def skin_colors(count: int = 2000) -> np.ndarray:
    """One skin from shadow to light, with noise."""
    rng = np.random.default_rng(0)
    colors = SKIN * rng.uniform(0.4, 1.1, (count, 1)) + rng.normal(0, 4, (count, 3))
    return np.clip(colors, 0, 255).astype(np.uint8)


def test_skin_is_likelier_than_other_colors_in_light_and_shadow() -> None:
    model = SkinModel.fit(skin_colors())
    colors = np.array([[SKIN * 1.0, SKIN * 0.55, (60, 110, 180), (130, 130, 130), (240, 240, 235)]]).astype(np.uint8)
    log_density = model.log_density(colors)[0]
    assert log_density[:2].min() > -11
    assert log_density[2:].max() < -13
    np.testing.assert_allclose(model.weights.sum(), 1.0)


def test_the_density_of_one_gaussian_by_hand() -> None:
    """At its mean a Gaussian has density 1 / sqrt((2 pi)^3 det): covariance 4 x identity, det 64."""
    color = np.full((1, 1, 3), 130, np.uint8)  # the middle of a step of the table
    mean = to_lab(color)[0].astype(np.float64)
    hsv = SkinModel.fit(skin_colors()).hsv
    model = SkinModel(np.ones(1), mean, 4 * np.eye(3)[None], hsv)
    expected = -0.5 * np.log((2 * np.pi) ** 3 * 64)
    np.testing.assert_allclose(model.log_density(color)[0, 0], expected, atol=1e-3)


def test_a_model_survives_its_file(tmp_path: Path) -> None:
    model = SkinModel.fit(skin_colors())
    model.save(tmp_path / "skin.json")
    again = SkinModel.load(tmp_path / "skin.json")
    np.testing.assert_array_equal(again.table, model.table)
    assert again.hsv == model.hsv


@pytest.mark.parametrize(
    "content",
    [
        None,
        "no JSON",
        "[]",
        "{}",
        json.dumps({"weights": [1.0], "means": [[1, 2]], "covariances": [[[1]]], "hsv": {}}),
        json.dumps({"weights": [1], "means": [[1, 2, 3]], "covariances": np.zeros((1, 3, 3)).tolist(), "hsv": {}}),
    ],
)
def test_a_file_that_is_no_model_is_refused_by_name(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "skin.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"skin\.json"):
        SkinModel.load(path)


def test_too_little_skin_is_refused() -> None:
    with pytest.raises(InputError, match="20 pixels"):
        SkinModel.fit(skin_colors(20))
