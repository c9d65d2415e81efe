import json
from pathlib import Path

import pytest

import figures
import tables

ROOT = Path(__file__).parents[2]
SPEED = "Speed: none yet."


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small project: one page with tables, a README, the real project's results."""
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    for name in ("real", "unseen", "speed", "engines"):
        (results / f"{name}.json").write_text((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())
    (results / "table.md").write_text("# Table\n\n## One\n\n| a |\n|---|\n\n### Inner\n\n## Two\n\nlast\n")
    (tmp_path / "docs").mkdir()
    write(tmp_path, "README.md", f"# Title\n\n{tables.readme(tables.Results(results))}\n\n{SPEED}\n")
    figures.main(["--root", str(tmp_path), "--write"])
    return tmp_path


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.write_text(text)
    return path


def test_a_table_that_differs_fails_until_it_is_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stale = "before\n\n<!-- table engines -->\n\n| old |\n\n<!-- /table -->\n\nafter\n"
    path = write(root, "docs/results.md", stale)
    assert figures.main(["--root", str(root)]) == 1
    assert "docs/results.md: figures differ" in capsys.readouterr().err
    assert path.read_text() == stale
    assert figures.main(["--root", str(root), "--write"]) == 0
    found = json.loads((root / "benchmarks/results/engines.json").read_text())["rows"][0]
    assert f"| {found['engine']} | {found['p50_ms']:.1f} |" in path.read_text()
    before, after = stale.split("| old |")
    assert path.read_text().startswith(before.rstrip()) and path.read_text().endswith(after.lstrip())
    assert figures.main(["--root", str(root)]) == 0


def test_a_section_is_taken_from_a_recorded_file(root: Path) -> None:
    first, second = "<!-- section table.md One -->\n", "<!-- section table.md Two -->\n"
    path = write(root, "docs/results.md", f"{first}old\n<!-- /section -->\n\n{second}<!-- /section -->\nafter\n")
    assert figures.main(["--root", str(root)]) == 1
    assert figures.main(["--root", str(root), "--write"]) == 0
    assert path.read_text() == (
        f"{first}\n| a |\n|---|\n\n### Inner\n\n<!-- /section -->\n\n{second}\nlast\n\n<!-- /section -->\nafter\n"
    )
    assert figures.main(["--root", str(root)]) == 0


@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        ("<!-- table none -->\n<!-- /table -->", "there is no table 'none'"),
        ("<!-- table networks -->\n<!-- /table -->", "networks.json"),
        ("<!-- table engines -->\n", "malformed"),
        ("<!-- table engines -->\n<!-- /section -->", "malformed"),
        ("<!-- figure val.json scores.mean .1f -->1<!-- /figure -->", "malformed"),
        ("<!-- section table.md Three -->\n<!-- /section -->", "no section 'Three', only One, Two"),
        ("<!-- section none.md One -->\n<!-- /section -->", "none.md"),
    ],
)
def test_markers_that_cannot_be_resolved(
    root: Path, capsys: pytest.CaptureFixture[str], marker: str, reason: str
) -> None:
    write(root, "docs/results.md", marker)
    assert figures.main(["--root", str(root), "--write"]) == 1
    assert reason in capsys.readouterr().err


def test_other_pages_have_no_markers(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, "docs/other.md", "<!-- table engines -->\n<!-- /table -->")
    assert figures.main(["--root", str(root)]) == 1
    assert "docs/other.md: has a marker" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("column", "value"), [("hand IoU, %", "99.9"), ("false alarms", "0 of 267 frames"), ("number", "18")]
)
def test_a_cell_of_readme_that_differs_is_found_and_mended(
    root: Path, capsys: pytest.CaptureFixture[str], column: str, value: str
) -> None:
    right = (root / "README.md").read_text()
    lines = right.splitlines()
    header = next(index for index, line in enumerate(lines) if line.startswith("| frames"))
    place = [cell.strip() for cell in lines[header].split("|")].index(column)
    row = header + (4 if column == "false alarms" else 2)
    cells = lines[row].split("|")
    cells[place] = f" {value} "
    lines[row] = "|".join(cells)
    write(root, "README.md", "\n".join(lines) + "\n")
    assert figures.main(["--root", str(root)]) == 1
    assert "README.md: figures differ" in capsys.readouterr().err
    assert figures.main(["--root", str(root), "--write"]) == 0
    assert (root / "README.md").read_text() == right


def test_how_readme_aligns_its_columns_does_not_matter(root: Path) -> None:
    path = root / "README.md"
    path.write_text(path.read_text().replace("| ---: |", "|    ---: |").replace(" | ", "   |   "))
    assert figures.main(["--root", str(root)]) == 0


def test_speed_in_readme_is_that_of_the_results(root: Path) -> None:
    path = root / "README.md"
    right = path.read_text()
    milliseconds = json.loads((root / "benchmarks/results/speed.json").read_text())["end_to_end_ms"]["p50"]
    assert f"Speed: {milliseconds:.1f} ms a frame" in right
    path.write_text(right.replace(f"{milliseconds:.1f} ms", "1.0 ms"))
    assert figures.main(["--root", str(root)]) == 1


@pytest.mark.parametrize(
    ("added", "reason"),
    [
        ("x" * 201, "wider than 200"),
        ("line\n" * 90, "longer than 90"),
        ("<!-- table engines -->\n<!-- /table -->", "marker"),
        ("| a |\n|---|\n", "2 tables"),
    ],
)
def test_readme_stays_short_and_plain(root: Path, capsys: pytest.CaptureFixture[str], added: str, reason: str) -> None:
    path = root / "README.md"
    path.write_text(f"{path.read_text()}\n{added}\n")
    assert figures.main(["--root", str(root)]) == 1
    assert reason in capsys.readouterr().err


def test_the_projects_own_figures_are_up_to_date() -> None:
    assert figures.main([]) == 0
