"""What a checkpoint says about itself: network, settings, data and scores, in the header of its safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graspseg.errors import InputError
from graspseg.models.digest import PREFIX
from graspseg.models.header import FORMAT, read_safetensors_header


@dataclass(frozen=True)
class Card:
    """What a checkpoint says about itself.

    Attributes:
        network: Name in the table of networks.
        config: Resolved settings of the training run.
        data: What it was trained on and how far: frames, splits, seed, steps.
        metrics: Scores by name.
    """

    network: str
    config: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def class_weights(self) -> tuple[float, ...]:
        """Weights of the classes in the training loss; dividing its probabilities by them makes them calibrated."""
        loss = self.config.get("loss")
        weights = loss.get("class_weights") if isinstance(loss, dict) else None
        return tuple(map(float, weights)) if isinstance(weights, list | tuple) else (1.0, 1.0, 1.0)

    def metadata(self) -> dict[str, str]:
        """The card as the text fields of a file's header, each named `graspseg.<field>`."""
        parts = {"config": self.config, "data": self.data, "metrics": self.metrics}
        texts = {name: json.dumps(part, sort_keys=True, default=str) for name, part in parts.items()}
        return {f"{PREFIX}{name}": text for name, text in {"format": FORMAT, "network": self.network, **texts}.items()}

    @classmethod
    def parse(cls, path: Path, metadata: Mapping[str, str]) -> Card:
        """The card that `metadata` gave.

        Args:
            path: what messages call the file.
            metadata: text fields of its header.

        Raises:
            InputError: they are not of this version, or no JSON.
        """
        values = {key.removeprefix(PREFIX): text for key, text in metadata.items() if key.startswith(PREFIX)}
        if values.get("format") != FORMAT or "network" not in values:
            raise InputError(
                f"{path} was not saved by this version of graspseg, expected format {FORMAT!r} and a network's name: "
                "use weights saved by graspseg train."
            )
        try:
            parts = {name: dict(json.loads(values.get(name, "{}"))) for name in ("config", "data", "metrics")}
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(
                f"{path} has a damaged header, expected JSON: use weights saved by graspseg train."
            ) from error
        return cls(values["network"], **parts)


def read_card(path: Path) -> Card:
    """Reads what a checkpoint says about itself; needs no torch.

    Raises:
        InputError: The file is missing, no whole safetensors file, or not one of ours.
    """
    check_there(path)
    return Card.parse(path, read_safetensors_header(path).get("__metadata__", {}))


def check_there(path: Path) -> None:
    """See that a checkpoint is there.

    Raises:
        InputError: it is not.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}, expected a .safetensors checkpoint: check the name.")
