"""A tiny forest for all tests of this folder."""

from dataclasses import replace

import pytest

from graspseg.datasets.dataset import Dataset
from graspseg.forest.forest import Forest
from graspseg.forest.settings import ForestSettings, StageSettings
from graspseg.forest.training import train_forest
from graspseg.synth.dataset import SyntheticDataset

TINY = ForestSettings(
    frames=90,
    validation_frames=8,
    find=StageSettings(trees=2, depth=9, pixels=120, candidates=40, reach_m=0.4),
    segment=StageSettings(trees=3, depth=12, pixels=240, candidates=60, reach_m=0.25),
)


@pytest.fixture(scope="session")
def tiny_settings() -> ForestSettings:
    return replace(TINY)


@pytest.fixture(scope="session")
def train_frames() -> Dataset:
    return SyntheticDataset("train", 11, recipes=("interseghands",), count=90)


@pytest.fixture(scope="session")
def tiny_forest(train_frames: Dataset) -> Forest:
    validation = SyntheticDataset("val", 7, recipes=("interseghands",), count=8)
    return train_forest(train_frames, TINY, seed=3, validation=validation)
