"""Public data sets in small, and what a process remembers of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from graspseg.datasets.public import registry
from public_samples import MAKERS, Small


@pytest.fixture(autouse=True)
def untold() -> None:
    """No license notice was printed yet: a process prints each once."""
    registry._tell.cache_clear()


@pytest.fixture
def small(tmp_path: Path) -> Callable[[str], Small]:
    """Make a small data set by name."""

    def make(name: str) -> Small:
        root = tmp_path / name
        root.mkdir()
        return MAKERS[name](root)

    return make
