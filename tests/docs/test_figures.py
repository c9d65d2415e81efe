import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "docs" / "figures.py"
specification = importlib.util.spec_from_file_location("figures", SCRIPT)
assert specification is not None
assert specification.loader is not None
figures = importlib.util.module_from_spec(specification)
specification.loader.exec_module(figures)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    content = {"scores": {"mean": 0.82349, "none": None}, "list": [3, 14_000]}
    (results / "val.json").write_text(json.dumps(content))
    (results / "table.md").write_text("# Table\n\n## One\n\n| a |\n|---|\n\n### Inner\n\n## Two\n\nlast\n")
    return tmp_path


def write(root: Path, text: str) -> Path:
    path = root / "README.md"
    path.write_text(text)
    return path


def test_a_figure_that_differs_fails_until_it_is_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stale = "Mean <!-- figure val.json scores.mean x100 .1f -->80.0<!-- /figure --> % of 3"
    path = write(root, stale)
    assert figures.main(["--root", str(root)]) == 1
    assert "README.md: figures differ" in capsys.readouterr().err
    assert path.read_text() == stale
    assert figures.main(["--root", str(root), "--write"]) == 0
    assert path.read_text() == stale.replace("80.0", "82.3")
    assert figures.main(["--root", str(root)]) == 0


def test_list_items_thousands_and_missing_values(root: Path) -> None:
    text = figures.render(
        "<!-- figure val.json list.1 ,d --><!-- /figure --> <!-- figure val.json scores.none .1f -->7<!-- /figure -->",
        root / "benchmarks" / "results",
    )
    assert ">14,000<" in text
    assert ">-<" in text


def test_a_section_is_taken_from_a_recorded_file(root: Path) -> None:
    first, second = "<!-- section table.md One -->\n", "<!-- section table.md Two -->\n"
    path = write(root, f"before\n\n{first}old\n<!-- /section -->\n\n{second}<!-- /section -->\nafter\n")
    assert figures.main(["--root", str(root)]) == 1
    assert figures.main(["--root", str(root), "--write"]) == 0
    assert path.read_text() == (
        f"before\n\n{first}\n| a |\n|---|\n\n### Inner\n\n<!-- /section -->\n\n"
        f"{second}\nlast\n\n<!-- /section -->\nafter\n"
    )
    assert figures.main(["--root", str(root)]) == 0


@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        ("<!-- figure none.json scores.mean .1f -->1<!-- /figure -->", "none.json"),
        ("<!-- figure val.json scores.other .1f -->1<!-- /figure -->", "KeyError"),
        ("<!-- figure val.json scores .1f -->1<!-- /figure -->", "TypeError"),
        ("<!-- figure val.json scores.mean -->1<!-- /figure -->", "malformed"),
        ("<!-- figure val.json scores.mean .1f -->1", "malformed"),
        ("<!-- section table.md Three -->\n<!-- /section -->", "no section 'Three', only One, Two"),
        ("<!-- section none.md One -->\n<!-- /section -->", "none.md"),
        ("<!-- section table.md One -->\n", "malformed"),
    ],
)
def test_markers_that_cannot_be_resolved(
    root: Path, capsys: pytest.CaptureFixture[str], marker: str, reason: str
) -> None:
    write(root, marker)
    assert figures.main(["--root", str(root), "--write"]) == 1
    assert reason in capsys.readouterr().err


def test_the_projects_own_figures_are_up_to_date() -> None:
    assert figures.main([]) == 0
