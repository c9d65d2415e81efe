"""Coefficients that say how sure a hand is; they are fitted for each network and travel in its file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float64

FEATURES = (
    "hand_probability",
    "hand_probability_high",
    "full_pass_hand",
    "full_pass_found",
    "log_area_cm2",
    "log_area_cm2_squared",
    "outline_before_farther",
    "log_relief_mm",
)
_SURE = 30.0  # of logits


@dataclass(frozen=True)
class Presence:
    """Coefficients that turn features of a group into the probability that it is a hand.

    Attributes:
        mean, scale: of each of `FEATURES`, by name.
        weights: of the standardized features.
        bias: of the sum.
        frame_scale, frame_bias: from the largest logit of a frame's groups to the logit that the frame has a hand.
        nothing: probability that a frame in which nothing was found has a hand.
        threshold: groups and frames below it have none.
    """

    mean: Mapping[str, float]
    scale: Mapping[str, float]
    weights: Mapping[str, float]
    bias: float
    frame_scale: float
    frame_bias: float
    nothing: float
    threshold: float

    def __post_init__(self) -> None:
        for name in ("mean", "scale", "weights"):
            if set(getattr(self, name)) != set(FEATURES):
                raise ValueError(f"{name} has not the features {', '.join(FEATURES)}")
        values = [*self.mean.values(), *self.scale.values(), *self.weights.values(), self.bias]
        values += [self.frame_scale, self.frame_bias, self.nothing, self.threshold]
        if not all(math.isfinite(value) for value in values) or min(self.scale.values()) <= 0:
            raise ValueError("a coefficient is no finite number, or a scale not above 0")
        if not 0 < self.threshold < 1:
            raise ValueError(f"the threshold is {self.threshold}, no probability between 0 and 1")

    @classmethod
    def parse(cls, text: str) -> Presence:
        """Read what `as_json` wrote.

        Raises:
            ValueError: another form.
        """
        content = json.loads(text)
        names = cls.__dataclass_fields__.keys()
        if not isinstance(content, dict) or content.keys() != names:
            raise ValueError(f"expected the fields {', '.join(names)}")
        tables = [content.pop(name) for name in ("mean", "scale", "weights")]
        values = [value for table in (*tables, content) if isinstance(table, dict) for value in table.values()]
        if not all(isinstance(table, dict) for table in tables) or not all(type(value) is float for value in values):
            raise ValueError("expected mean, scale and weights by feature, and numbers")
        return cls(*tables, **content)

    def as_json(self) -> str:
        """The coefficients as text for a model file."""
        return json.dumps(asdict(self))

    def logits(self, features: Float64[np.ndarray, "n f"]) -> Float64[np.ndarray, "n"]:
        """Log-odds that groups are hands."""
        columns = np.array([[table[name] for name in FEATURES] for table in (self.mean, self.scale, self.weights)])
        standard = (features - columns[0]) / columns[1]
        return np.clip(standard @ columns[2] + self.bias, -_SURE, _SURE)

    def of_frame(self, logits: Sequence[float] | Float64[np.ndarray, "n"]) -> float:
        """Probability that a frame with groups of these logits has a hand."""
        if not len(logits):
            return self.nothing
        return probability(self.frame_scale * float(np.max(logits)) + self.frame_bias)


def probability(logit: float) -> float:
    """Of log-odds."""
    return 1 / (1 + math.exp(-min(max(logit, -_SURE), _SURE)))
