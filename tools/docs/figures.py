"""Keep the figures of the documentation equal to the recorded results in benchmarks/results/.

Figures stand in whole tables, never in prose, and only in docs/results.md and the model card:

    <!-- table synthetic -->                       a table of tools/docs/tables.py
    <!-- section comparison.md The paper's columns -->    a section of second level of a recorded Markdown file

each closed by `<!-- /table -->` or `<!-- /section -->`. README has no markers: its one table and its line that begins
with "Speed:" are compared with what the results say. Without arguments the script fails if anything differs; `--write`
updates.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tables import TABLES, Results, readme, speed_line

GENERATED = ("docs/results.md", "src/graspseg/models/weights/model-card.md")
MOST_LINES, WIDEST = 90, 200
PART = re.compile(
    r"(<!-- (?P<kind>table|section) (?P<what>[^\n]+?) -->\n)(?P<text>.*?)(<!-- /(?P=kind) -->)", re.DOTALL
)
STARTED = re.compile(r"<!-- (?:figure|table|section)\b")
TABLE = re.compile(r"^\|.*(?:\n\|.*)*", re.MULTILINE)
SPEED = re.compile(r"^Speed:.*", re.MULTILINE)


class FigureError(ValueError):
    """A marker that cannot be resolved, or one that is where none may be."""


def documents(root: Path) -> list[Path]:
    """Files that are checked."""
    pages = {*root.glob("*.md"), *root.glob("docs/**/*.md"), *(root / name for name in GENERATED)}
    return sorted(path for path in pages if path.is_file())


def render(path: Path, root: Path) -> tuple[str, str]:
    """A document as it is, and as the recorded results have it.

    Raises:
        FigureError: A marker is malformed, not allowed here, or names something that is not there.
    """
    text = path.read_text(encoding="utf-8")
    name, results = path.relative_to(root).as_posix(), root / "benchmarks" / "results"
    if name == "README.md":
        return text, _readme(text, Results(results))
    if name not in GENERATED:
        if STARTED.search(text):
            raise FigureError(f"has a marker, expected them in {' and '.join(GENERATED)} only: link to the table there")
        return text, text
    if len(PART.findall(text)) != len(STARTED.findall(text)):
        raise FigureError("a marker is malformed, expected <!-- table NAME -->, lines, <!-- /table --> (or section)")
    return text, PART.sub(lambda match: f"{match[1]}\n{_part(match, results)}\n\n{match[5]}", text)


def _readme(text: str, results: Results) -> str:
    if STARTED.search(text):
        raise FigureError("has a marker, expected plain text")
    lines = text.splitlines()
    if len(lines) > MOST_LINES or max(map(len, lines), default=0) > WIDEST:
        raise FigureError(f"is longer than {MOST_LINES} lines or wider than {WIDEST} characters: shorten it")
    tables, speeds = TABLE.findall(text), SPEED.findall(text)
    if len(tables) != 1 or len(speeds) != 1:
        raise FigureError(f"has {len(tables)} tables and {len(speeds)} lines 'Speed: ...', expected one of each")
    rows = _cells(readme(results))
    if _cells(tables[0]) != rows:
        text = text.replace(tables[0], readme(results))
    return text.replace(speeds[0], speed_line(results))


def _cells(markdown: str) -> list[list[str]]:
    """Cells of a Markdown table without its alignment: how wide columns are drawn does not matter."""
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in markdown.splitlines()]
    return [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]


def _part(match: re.Match[str], results: Path) -> str:
    if match["kind"] == "section":
        file, _, title = match["what"].partition(" ")
        return _section(results / file, title)
    if match["what"] not in TABLES:
        raise FigureError(f"there is no table {match['what']!r}, only {', '.join(TABLES)}")
    try:
        return TABLES[match["what"]](Results(results))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise FigureError(f"table {match['what']}: {type(error).__name__}: {error}") from error


def _section(file: Path, title: str) -> str:
    try:
        sections = re.split(r"^## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    except (OSError, UnicodeError) as error:
        raise FigureError(f"{file.name}: {type(error).__name__}: {error}") from error
    by_title = {name.strip(): body.strip() for name, _, body in (section.partition("\n") for section in sections)}
    if title not in by_title:
        raise FigureError(f"{file.name} has no section {title!r}, only {', '.join(by_title) or 'none'}")
    return by_title[title]


def main(argv: list[str] | None = None) -> int:
    """Check or update; 0 all equal, 1 something differs or cannot be resolved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="update tables and sections")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    status = 0
    for path in documents(arguments.root):
        name = path.relative_to(arguments.root)
        try:
            text, right = render(path, arguments.root)
        except (FigureError, OSError, ValueError, LookupError, TypeError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            status = 1
            continue
        if right == text:
            continue
        if arguments.write:
            path.write_text(right, encoding="utf-8")
            print(f"{name}: updated")
        else:
            print(
                f"{name}: figures differ from benchmarks/results; run python tools/docs/figures.py --write",
                file=sys.stderr,
            )
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
