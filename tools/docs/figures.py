"""Keep the figures in README.md, docs/ and the model card equal to the recorded results.

A figure stands between markers that name its origin, a file of benchmarks/results/, the path in it and a format:

    <!-- figure val.json scores.iou_dataset.mean x100 .1f -->82.3<!-- /figure -->

`x100` (optional) turns a share into percent. Whole sections of a recorded Markdown file, from a heading of second
level to the next one, stand between

    <!-- section comparison.md The paper's columns -->
    <!-- /section -->

Without arguments the script fails if anything differs; `--write` updates.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

MARKED = re.compile(
    r"(<!-- figure (?P<file>\S+) (?P<path>\S+)(?P<percent> x100)? (?P<format>\S+) -->)(?P<text>.*?)(<!-- /figure -->)"
)
SECTION = re.compile(
    r"(<!-- section (?P<file>\S+) (?P<title>[^\n]+?) -->\n)(?P<text>.*?)(<!-- /section -->)", re.DOTALL
)
STARTED = re.compile(r"<!-- (?:figure|section)\b")


class FigureError(ValueError):
    """A marker that cannot be resolved."""


def documents(root: Path) -> list[Path]:
    """Files whose figures are checked."""
    return sorted(
        p for pattern in ("README.md", "docs/**/*.md", "src/graspseg/models/weights/*.md") for p in root.glob(pattern)
    )


def render(text: str, results: Path) -> str:
    """The text with every figure and section as the recorded results have it.

    Raises:
        FigureError: A marker is malformed, or names a file or path that is not there.
    """
    found = [*MARKED.finditer(text), *SECTION.finditer(text)]
    if len(found) != len(STARTED.findall(text)):
        raise FigureError(
            "a marker is malformed: expected <!-- figure FILE PATH [x100] FORMAT -->...<!-- /figure --> or "
            "<!-- section FILE TITLE -->, lines, <!-- /section -->"
        )
    text = MARKED.sub(lambda match: f"{match[1]}{_value(match, results)}{match[match.re.groups]}", text)
    return SECTION.sub(lambda match: f"{match[1]}\n{_section(match, results)}\n\n{match[match.re.groups]}", text)


def _value(match: re.Match[str], results: Path) -> str:
    file = results / match["file"]
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        for key in match["path"].split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
        if value is None:
            return "-"
        return format(value * 100 if match["percent"] else value, match["format"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise FigureError(f"{file.name} {match['path']} {match['format']}: {type(error).__name__}: {error}") from error


def _section(match: re.Match[str], results: Path) -> str:
    file = results / match["file"]
    try:
        sections = re.split(r"^## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    except (OSError, UnicodeError) as error:
        raise FigureError(f"{file.name}: {type(error).__name__}: {error}") from error
    by_title = {title.strip(): body.strip() for title, _, body in (section.partition("\n") for section in sections)}
    if match["title"] not in by_title:
        raise FigureError(f"{file.name} has no section {match['title']!r}, only {', '.join(by_title) or 'none'}")
    return by_title[match["title"]]


def main(argv: list[str] | None = None) -> int:
    """Check or update; 0 all equal, 1 something differs or cannot be resolved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="update figures and sections")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    status = 0
    for path in documents(arguments.root):
        name = path.relative_to(arguments.root)
        text = path.read_text(encoding="utf-8")
        try:
            right = render(text, arguments.root / "benchmarks" / "results")
        except FigureError as error:
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
