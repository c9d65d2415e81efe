"""What is installed with this project, and what its documents say of running it safely."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
REQUIREMENTS = [
    *PROJECT["project"]["dependencies"],
    *(line for lines in PROJECT["project"]["optional-dependencies"].values() for line in lines),
    *PROJECT["tool"]["uv"]["constraint-dependencies"],
]


@pytest.mark.parametrize("version", ["2.6.2", "2.6.3"])
def test_stolen_releases_of_lightning_are_shut_out(version: str) -> None:
    """They were published by thieves and steal credentials when they are imported."""
    found = [each for each in map(Requirement, REQUIREMENTS) if each.name == "lightning"]
    assert len(found) == 2
    for each in found:
        assert not each.specifier.contains(version) and each.specifier.contains("2.6.1")


def test_the_cluster_page_says_who_runs_code_and_how_to_switch_the_token_on() -> None:
    page = (ROOT / "docs" / "data" / "cluster.md").read_text()
    for said in ("Whoever reaches a port of Ray runs code", "RAY_AUTH_MODE=token", "ray get-auth-token --generate"):
        assert said in page


def test_modules_are_run_without_the_current_folder() -> None:
    for path in (ROOT / "README.md", ROOT / "Makefile", *(ROOT / "docs").rglob("*.md")):
        for line in path.read_text().splitlines():
            assert "-m graspseg" not in line or "python -P -m graspseg" in line, f"{path.name}: {line}"
