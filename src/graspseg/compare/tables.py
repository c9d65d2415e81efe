"""The report of a comparison as tables and sentences, and these as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graspseg.compare.report import OUR_COLUMNS, PAPER_COLUMNS, Column

BETTER = (
    "Bold: best of its column. Shares are in percent. Hand leak: hand pixels called object. ECE: expected calibration "
    "error where truth or prediction is hand or object; the weights of classes in training are divided out."
)
DIFFERENCE_HEAD = ["", "difference, points", "95 % interval", "better on", "seeds"]
DIFFERENCE_NOTE = (
    "Points of percent. The interval is a bootstrap over judged frames, drawn for both alike, widened by what other "
    "seeds may change (Student's t times the standard error over pairs of equal seeds). An interval that holds 0 says "
    "that this comparison cannot tell the two apart. Better on: frames whose own mean IOU is higher, equal ones half."
)


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        title: its heading.
        head: of the columns.
        rows: the first text of each is its name; a row of two texts is one that failed.
        best: row and column of the best figures.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    best: frozenset[tuple[int, int]] = frozenset()


def tables(report: dict[str, Any]) -> list[Table]:
    """The paper's columns, what we judge beyond them, and the differences; what no row has a figure for is left out."""
    found = [
        _scores_table("The paper's columns", report, PAPER_COLUMNS, {"time": "eager_ms"}),
        _scores_table(
            "Beyond the paper",
            report,
            OUR_COLUMNS,
            {"time, OpenVINO": "runtime_ms", "M parameters": "parameters_m", "GFLOP": "gflop"},
        ),
    ]
    if report["differences"]:
        rows = [_difference_row(each) for each in report["differences"]]
        found.append(Table(f"Mean IOU against {report['reference']}", DIFFERENCE_HEAD, rows))
    return found


def _scores_table(title: str, report: dict[str, Any], columns: Sequence[Column], others: dict[str, str]) -> Table:
    shown = [column for column in columns if any(row["scores"][column.title] for row in report["rows"])]
    rows = []
    for row in report["rows"]:
        if not row["cells"]:
            rows.append([row["name"], f"failed: {row['failures'][0]['reason']}"])
            continue
        failed = f" ({len(row['failures'])} of {len(row['failures']) + len(row['cells'])} seeds failed)"
        rows.append(
            [
                row["name"] + (failed if row["failures"] else ""),
                *(_score(row["scores"][column.title], column) for column in shown),
                *(_figure(row[name]) for name in others.values()),
            ]
        )
    best: set[tuple[int, int]] = set()
    for number, column in enumerate(shown, start=1):
        told = [(row["scores"][column.title] or {}).get("mean") for row in report["rows"]]
        top = (max if column.more_is_better else min)(value for value in told if value is not None)
        best |= {(index, number) for index, value in enumerate(told) if value == top}
    return Table(title, ["", *(column.title for column in shown), *others], rows, frozenset(best))


def as_markdown(report: dict[str, Any], *, pictures: Sequence[str] = ()) -> str:
    """The report of `as_json` as Markdown, shares in percent.

    Args:
        report: the figures.
        pictures: files beside it to show.
    """
    lines = [f"# {report['title']}", ""]
    lines += [line for fact in facts(report) for line in (fact, "")]
    lines += [BETTER, ""]
    for table in tables(report):
        lines += [f"## {table.title}", ""]
        lines += [DIFFERENCE_NOTE, ""] if table.head is DIFFERENCE_HEAD else []
        lines += [_line(table.head), "|---" * len(table.head) + "|"]
        for index, row in enumerate(table.rows):
            texts = [f"**{text}**" if (index, number) in table.best else text for number, text in enumerate(row)]
            lines.append(_line([*texts, *[""] * (len(table.head) - len(texts))]))
        lines.append("")
    lines += ["## Pictures", ""] if pictures else []
    lines += [line for name in pictures for line in (f"![{name.partition('.')[0]}]({name})", "")]
    if report["failures"]:
        lines += ["## Failed", "", *(f"- {reason}" for reason in report["failures"]), ""]
    return "\n".join(lines)


def facts(report: dict[str, Any]) -> list[str]:
    """Sentences that say what was done."""
    frames, timing, machine = report["frames"], report["timing"], report["machine"]
    seeds = sorted({seed for row in report["rows"] for seed in row["seeds"]})
    trained = f" Trained on {frames['trained_on']} frames of {frames['train']}." if frames["trained_on"] else ""
    left_out = f" {len(frames['left_out'])} frames could not be used." if frames["left_out"] else ""
    return [
        f"{frames['judged']} frames of {frames['data']} at {frames['size']}.{left_out}{trained} Seeds: "
        f"{', '.join(map(str, seeds)) or 'none'}. Budget of every network: {report['budget']}. "
        "± is the standard deviation over seeds.",
        f"Times: batch 1 at {timing['size']}, {timing['threads']} thread(s), median and 99th percentile of "
        f"{timing['calls']} calls, rows in turns, on {machine['processor']}; of exported models with their windows.",
        f"Command: `{report['command']}`",
    ]


def _difference_row(difference: dict[str, Any]) -> list[str]:
    """One difference as texts, in points of percent."""
    mean, low, high = (100 * difference[name] for name in ("value", "low", "high"))
    share = f"{100 * difference['better_share']:.0f} % of frames"
    return [difference["name"], f"{mean:+.2f}", f"{low:+.2f} to {high:+.2f}", share, str(difference["seeds"])]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _score(spread: dict[str, float | None] | None, column: Column) -> str:
    if spread is None or spread["mean"] is None:
        return "-"
    text = f"{column.factor * spread['mean']:.2f}"
    return text if spread["std"] is None else f"{text} ± {column.factor * spread['std']:.2f}"


def _figure(value: float | dict[str, float] | None) -> str:
    """Milliseconds as median / 99th percentile, other figures as they are."""
    if isinstance(value, dict):
        return f"{value['p50']:.1f} / {value['p99']:.1f} ms"
    return "-" if value is None else f"{value:.2f}"
