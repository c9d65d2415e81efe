"""What command lines know of the generator without loading it: names of its presets, see `recipe.py`, and numbers."""

from __future__ import annotations

from typing import Literal, get_args

PresetName = Literal["exam1", "interseghands", "wild", "rooms", "workplace", "frontal"]

PRESETS: tuple[PresetName, ...] = get_args(PresetName)

Edition = Literal[1, 2]
"""Of the grasp library, see `objects/grasp.py`."""

DEPTH_UNIT_M = 0.0001
"""Meters per unit of the depth that is written; what is farther than 6.55 m does not fit."""

EXAM_SEED = 20_261_122
"""Of the frames that models are judged on; no training uses it."""
