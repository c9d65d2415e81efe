"""What a training of the forest can be told. Imports neither torch nor numba."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from graspseg.forest.settings import ForestSettings
from graspseg.synth.preset_names import PresetName

RECIPES: tuple[PresetName, ...] = ("rooms", "wild", "interseghands", "exam1")


@dataclass(frozen=True)
class ForestConfig:
    """Everything that decides a training of the forest.

    Attributes:
        network: says that a forest is meant.
        data: labeled folders, shards, or public data sets as NAME/SPLIT:FOLDER, to train on; none = synthetic frames
            made on the fly.
        recipes: presets of the generator that make the synthetic frames in turn.
        seed: seed of frames and trees.
        forest: of the forest.
    """

    network: Literal["forest"] = "forest"
    data: tuple[Path, ...] = ()
    recipes: tuple[PresetName, ...] = RECIPES
    seed: int = 0
    forest: ForestSettings = field(default_factory=ForestSettings)
