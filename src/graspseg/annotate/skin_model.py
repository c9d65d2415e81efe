"""A model of one person's skin under one light: a mixture of Gaussians in CIELAB."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from graspseg.datasets.atomic import write_json
from graspseg.frame import InputError

LEVELS = 64  # of each channel in the table; 8 bits are more than skin needs
_SHIFT = 2


@dataclass(frozen=True)
class SkinModel:
    """How likely skin shows a color, against all other things.

    Attributes:
        weights: share of each Gaussian, sum 1.
        means: CIELAB colors.
        covariances: of each Gaussian.
    """

    weights: Float64[np.ndarray, " k"]
    means: Float64[np.ndarray, "k 3"]
    covariances: Float64[np.ndarray, "k 3 3"]

    @classmethod
    def fit(cls, colors: UInt8[np.ndarray, "n 3"], *, components: int = 4, seed: int = 0) -> SkinModel:
        """Fit to colors (RGB) of skin by expectation maximization.

        Raises:
            InputError: there are too few colors.
        """
        if len(colors) < 50 * components:
            raise InputError(
                f"{len(colors)} pixels of skin were found, expected at least {50 * components}: calibrate with other "
                "frames, or click on skin."
            )
        chosen = np.random.default_rng(seed).choice(colors, min(len(colors), 6000), replace=False)
        samples = to_lab(chosen.reshape(1, -1, 3)).reshape(-1, 3).astype(np.float64)
        mixture = cv2.ml.EM.create()
        mixture.setClustersNumber(components)
        mixture.setCovarianceMatrixType(cv2.ml.EM_COV_MAT_GENERIC)
        cv2.setRNGSeed(seed)
        mixture.trainEM(samples)
        covariances = np.array([np.asarray(matrix) for matrix in mixture.getCovs()]) + np.eye(3) * 1.0
        return cls(mixture.getWeights().reshape(-1), mixture.getMeans(), covariances)

    def log_likelihood(self, lab: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n"]:
        """Natural logarithm of the density of skin at CIELAB colors."""
        terms = []
        for weight, mean, covariance in zip(self.weights, self.means, self.covariances, strict=True):
            away = lab - mean
            distance = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away)
            terms.append(np.log(weight + 1e-12) - 0.5 * (distance + np.log(np.linalg.det(2 * np.pi * covariance))))
        return np.logaddexp.reduce(terms, axis=0).astype(np.float32)

    @cached_property
    def table(self) -> Float32[np.ndarray, "n"]:
        """Log-likelihood of every RGB color of 6 bits a channel, red slowest."""
        levels = (np.arange(LEVELS) * (1 << _SHIFT) + (1 << (_SHIFT - 1))).astype(np.uint8)
        colors = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(1, -1, 3)
        return self.log_likelihood(to_lab(colors).reshape(-1, 3))

    def save(self, path: Path) -> None:
        """Write it as JSON.

        Raises:
            OutputError: it cannot be written.
        """
        content = {"space": "CIELAB", "weights": self.weights.tolist(), "means": self.means.tolist()}
        write_json(path, {**content, "covariances": self.covariances.tolist()})

    @classmethod
    def load(cls, path: Path) -> SkinModel:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing or holds no skin model.
        """
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            arrays = [np.array(content[name], np.float64) for name in ("weights", "means", "covariances")]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is no skin model ({error}): make one with --calibrate.") from error
        weights, means, covariances = arrays
        count = weights.size
        shapes = [array.shape for array in arrays]
        if shapes != [(count,), (count, 3), (count, 3, 3)] or not all(np.isfinite(array).all() for array in arrays):
            raise InputError(f"{path} is no skin model (shapes {shapes}): make one with --calibrate.")
        return cls(weights, means, covariances)


def index(color: UInt8[np.ndarray, "h w 3"]) -> np.ndarray:
    """Place of each color in `SkinModel.table`."""
    few = (color >> _SHIFT).astype(np.int32)
    return (few[..., 0] * LEVELS + few[..., 1]) * LEVELS + few[..., 2]


def to_lab(color: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    """CIELAB of sRGB: L 0 to 100, a and b about -100 to 100."""
    return cv2.cvtColor(color.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
