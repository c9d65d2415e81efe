"""Names of the generator's presets, for command lines that must not load the generator; see `recipe.py`."""

from __future__ import annotations

from typing import Literal, get_args

PresetName = Literal["exam1", "interseghands", "wild", "rooms", "workplace"]

PRESETS: tuple[PresetName, ...] = get_args(PresetName)

Edition = Literal[1, 2]
"""Of the grasp library, see `objects/grasp.py`."""
