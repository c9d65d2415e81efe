"""A model of one person's skin under one light: a mixture of Gaussians in CIELAB, and thresholds in HSV space."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, Float32, Float64, Int32, UInt8

from graspseg.annotate.paper.skin import HsvThresholds
from graspseg.datasets.atomic import write_json
from graspseg.errors import InputError

LEVELS = 64  # of each channel in the table; skin of one tone differs by more
COMPONENTS = 5
_SHIFT = 2
_SPREAD = 1.5  # variance that each Gaussian has at least: pixel noise and the steps of the table
_FEWEST = 300
_MOST = 6000
_ROUNDS = 30


@dataclass(frozen=True)
class SkinModel:
    """How often skin shows a color.

    Attributes:
        weights: share of each Gaussian, sum 1.
        means: CIELAB colors.
        covariances: of each Gaussian.
        hsv: the same skin as linear thresholds.
    """

    weights: Float64[np.ndarray, " k"]
    means: Float64[np.ndarray, "k 3"]
    covariances: Float64[np.ndarray, "k 3 3"]
    hsv: HsvThresholds

    @classmethod
    def fit(cls, colors: UInt8[np.ndarray, "n 3"], noisy: UInt8[np.ndarray, "n 3"] | None = None) -> SkinModel:
        """Fit to colors of skin by expectation maximization (Dempster et al. 1977), from dark to light.

        Args:
            colors: RGB without noise.
            noisy: the same as the camera gave them, which the thresholds are to hold; None means `colors`.

        Raises:
            InputError: there are too few colors.
        """
        if len(colors) < _FEWEST:
            raise InputError(
                f"{len(colors)} pixels of skin were found, expected at least {_FEWEST}: calibrate with other frames or "
                "click on skin."
            )
        chosen = np.random.default_rng(0).choice(colors, min(len(colors), _MOST), replace=False)
        samples = to_lab(chosen[None])[0].astype(np.float64)
        by_lightness = np.array_split(np.argsort(samples[:, 0]), COMPONENTS)
        least = np.eye(3) * _SPREAD
        means = np.array([samples[part].mean(axis=0) for part in by_lightness])
        covariances = np.tile(np.cov(samples.T) / 2 + least, (COMPONENTS, 1, 1))
        weights = np.full(COMPONENTS, 1 / COMPONENTS)
        for _ in range(_ROUNDS):
            terms = _terms(samples, weights, means, covariances)
            shares = np.exp(terms - np.logaddexp.reduce(terms, axis=0))
            sizes = shares.sum(axis=1) + 1e-9
            weights, means = sizes / sizes.sum(), shares @ samples / sizes[:, None]
            covariances = np.array(
                [
                    (share[:, None] * (samples - mean)).T @ (samples - mean) / size + least
                    for share, mean, size in zip(shares, means, sizes, strict=True)
                ]
            )
        return cls(weights, means, covariances, HsvThresholds.around(colors if noisy is None else noisy))

    @cached_property
    def table(self) -> Float32[np.ndarray, " n"]:
        """Natural logarithm of the density in CIELAB of every RGB color of 6 bits a channel, red slowest."""
        levels = (np.arange(LEVELS) * (1 << _SHIFT) + (1 << (_SHIFT - 1))).astype(np.uint8)
        colors = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(1, -1, 3)
        terms = _terms(to_lab(colors)[0], self.weights, self.means, self.covariances)
        return np.logaddexp.reduce(terms, axis=0).astype(np.float32)

    def log_density(self, color: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w"]:
        """Natural logarithm of the density of skin in CIELAB, at each RGB color."""
        return self.table[_place(color)]

    def save(self, path: Path) -> None:
        """Write it as JSON.

        Raises:
            OutputError: it cannot be written.
        """
        write_json(path, self.content())

    def content(self) -> dict[str, Any]:
        """As JSON."""
        arrays = {name: getattr(self, name).tolist() for name in ("weights", "means", "covariances")}
        hsv = {name: list(limits) for name, limits in asdict(self.hsv).items()}
        return {"space": "CIELAB", **arrays, "hsv": hsv}

    @classmethod
    def load(cls, path: Path) -> SkinModel:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing or holds no skin model.
        """
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            weights, means, covariances = (
                np.array(content[name], np.float64) for name in ("weights", "means", "covariances")
            )
            hsv = HsvThresholds(**{name: (float(low), float(high)) for name, (low, high) in content["hsv"].items()})
            count = weights.size
            shapes = weights.shape == (count,), means.shape == (count, 3), covariances.shape == (count, 3, 3)
            if not all(shapes) or count == 0 or not (np.linalg.eigvalsh(covariances) > 0).all():
                raise ValueError("its Gaussians do not fit together")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, np.linalg.LinAlgError) as error:
            raise InputError(
                f"{path} is no skin model ({error}), expected one that --calibrate wrote: calibrate."
            ) from error
        return cls(weights, means, covariances, hsv)


def _terms(
    lab: Float[np.ndarray, "n 3"], weights: np.ndarray, means: np.ndarray, covariances: np.ndarray
) -> Float64[np.ndarray, "k n"]:
    """Logarithm of the weighted density of each Gaussian."""
    terms = []
    for weight, mean, covariance in zip(weights, means, covariances, strict=True):
        # Whitened by the Cholesky factor of the precision, so that the distance is a plain sum of squares.
        x, y, z = ((lab - mean) @ np.linalg.cholesky(np.linalg.inv(covariance))).T
        distance = x * x + y * y + z * z
        terms.append(np.log(weight + 1e-12) - 0.5 * (distance + np.log(np.linalg.det(2 * np.pi * covariance))))
    return np.array(terms)


def _place(color: UInt8[np.ndarray, "h w 3"]) -> Int32[np.ndarray, "h w"]:
    """Place of each color in the table."""
    red, green, blue = cv2.split(color >> _SHIFT)
    place = red.astype(np.int32)
    place *= LEVELS
    place += green
    place *= LEVELS
    place += blue
    return place


def to_lab(color: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    """CIELAB of sRGB: L 0 to 100, a and b about -100 to 100."""
    return cv2.cvtColor(color.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
