"""The report of a comparison as tables and sentences, and these as Markdown and as one HTML page.

Everything comes from the JSON of `report.as_json`, so that a recorded report.json renders again.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from graspseg.compare.figures import Picture
from graspseg.compare.report import OUR_COLUMNS, PAPER_COLUMNS, Column, figure_at, seed_pairs
from graspseg.metrics.paired import student_confidence

BETTER = (
    "Bold: better than every other row by more than seeds differ (95 % interval of Student's t over pairs of equal "
    "seeds); with one seed nothing is bold. Shares are in percent. Hand leak: hand pixels called object. ECE: expected "
    "calibration error where truth or prediction is hand or object; the weights of classes in training are divided out."
)
DIFFERENCE_HEAD = ["", "difference, points", "95 % interval", "better on", "seeds"]
DIFFERENCE_NOTE = (
    "Points of percent. The interval is a bootstrap over judged frames, drawn for both alike, widened by what other "
    "seeds may change (Student's t times the standard error over pairs of equal seeds). An interval that holds 0 says "
    "that this comparison cannot tell the two apart; one seed has none. Of two models that were not trained here, it "
    "is over frames alone. Better on: frames whose own mean IOU is higher, equal ones half."
)

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --mark: #0072b2; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .2rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
td small { display: block; font-size: .68rem; white-space: nowrap; opacity: .75; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: Canvas; }
thead th { border-bottom: 2px solid var(--line); vertical-align: bottom; }
tbody tr:hover td { background: var(--soft); }
td.best { font-weight: 700; }
td.failed { text-align: left; color: #d55e00; white-space: normal; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; background: #fff; }
figcaption, .note { font-size: .9rem; opacity: .85; max-width: 60rem; }
code { background: var(--soft); padding: .1rem .3rem; overflow-wrap: anywhere; }
svg text { font: 13px system-ui, sans-serif; fill: currentColor; }
"""


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
    best = {
        (index, number)
        for number, column in enumerate(shown, start=1)
        if (index := _best(report["rows"], column)) is not None
    }
    return Table(title, ["", *(column.title for column in shown), *others], rows, frozenset(best))


def _best(rows: Sequence[dict[str, Any]], column: Column) -> int | None:
    """The row that is better than every other one by more than seeds differ, None where there is none such."""
    means = {index: spread["mean"] for index, row in enumerate(rows) if (spread := row["scores"][column.title])}
    if len(means) < 2:
        return None
    sign = 1 if column.more_is_better else -1
    top = max(means, key=lambda index: sign * means[index])
    values = [{cell["seed"]: figure_at(cell["scores"], column.path) for cell in row["cells"]} for row in rows]
    return top if all(_exceeds(values[top], values[index], sign) for index in means if index != top) else None


def _exceeds(ours: dict[int | None, float | None], theirs: dict[int | None, float | None], sign: int) -> bool:
    """Whether the 95 % interval of a difference over equal seeds lies above 0."""
    differences = np.array([sign * (own - other) for own, other in seed_pairs(ours, theirs)])
    if len(differences) < 2 or differences.mean() <= 0:
        return False
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return not error or student_confidence(float(differences.mean() / error), len(differences) - 1) > 0.95


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
    device = timing.get("device", "cpu")
    card = "" if device == "cpu" else f"; PyTorch on {device}"
    seeds = sorted({seed for row in report["rows"] for seed in row["seeds"]})
    trained = f" Trained on {frames['trained_on']} frames of {frames['train']}." if frames["trained_on"] else ""
    left_out = f" {len(frames['left_out'])} frames could not be used." if frames["left_out"] else ""
    return [
        f"{frames['judged']} frames of {frames['data']} at {frames['size']}.{left_out}{trained} Seeds: "
        f"{', '.join(map(str, seeds)) or 'none'}. Budget of every network: {report['budget']}. "
        "± is the standard deviation over seeds.",
        f"Times: batch 1 at {timing['size']}, {timing['threads']} thread(s), median and 99th percentile of "
        f"{timing['calls']} calls, rows in turns, on {machine['processor']}{card}; of exported models with their "
        "windows.",
        f"Command: `{report['command']}`",
    ]


def _difference_row(difference: dict[str, Any]) -> list[str]:
    """One difference as texts, in points of percent."""
    interval = "-"
    if difference["low"] is not None:
        interval = f"{100 * difference['low']:+.2f} to {100 * difference['high']:+.2f}"
    share = f"{100 * difference['better_share']:.0f} % of frames"
    return [difference["name"], f"{100 * difference['value']:+.2f}", interval, share, str(difference["seeds"])]


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


def as_html(report: dict[str, Any], pictures: Sequence[Picture]) -> str:
    """The report of `as_json` with its pictures inside.

    Args:
        report: the figures.
        pictures: in the order they are shown.
    """
    title = escape(report["title"])
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>",
        *(f'<p class="note">{_sentence(fact)}</p>' for fact in facts(report)),
        f'<p class="note">{escape(BETTER)}</p>',
    ]
    for table in tables(report):
        parts.append(f"<h2>{escape(table.title)}</h2>")
        if table.head is DIFFERENCE_HEAD:
            parts += [f'<p class="note">{escape(DIFFERENCE_NOTE)}</p>', _intervals(report["differences"])]
        parts.append(_table(table))
    for picture in pictures:
        data = base64.b64encode(picture.path.read_bytes()).decode()
        image = f'<img alt="{escape(picture.title)}" src="data:image/png;base64,{data}">'
        caption = f"<figcaption>{escape(picture.caption)}</figcaption>"
        parts.append(f"<h2>{escape(picture.title)}</h2><figure>{image}{caption}</figure>")
    if report["failures"]:
        items = "".join(f"<li>{escape(reason)}</li>" for reason in report["failures"])
        parts.append(f"<h2>Failed</h2><ul>{items}</ul>")
    return "\n".join([*parts, "</body></html>\n"])


def _sentence(fact: str) -> str:
    """Text with what stands between backquotes as code."""
    pieces = [escape(piece) for piece in fact.split("`")]
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))


def _table(table: Table) -> str:
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in table.head)
    lines = []
    for index, row in enumerate(table.rows):
        if len(row) < len(table.head):
            cells = f'<td>{escape(row[0])}</td><td class="failed" colspan="{len(table.head) - 1}">{escape(row[1])}</td>'
        else:
            marks = (' class="best"' if (index, column) in table.best else "" for column in range(len(row)))
            cells = "".join(f"<td{mark}>{_cell(text)}</td>" for mark, text in zip(marks, row, strict=True))
        lines.append(f"<tr>{cells}</tr>")
    body = "".join(lines)
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: str) -> str:
    """A figure with its spread below it, which halves the width of a column."""
    for mark in (" ± ", " / "):
        value, found, spread = text.partition(mark)
        if found:
            return f"{escape(value)}<small>{escape(mark.lstrip() + spread)}</small>"
    return escape(text)


def _intervals(differences: Sequence[dict[str, Any]]) -> str:
    """Every difference that has an interval as a point with it, on one axis with 0 in it."""
    differences = [each for each in differences if each["low"] is not None]
    if not differences:
        return ""
    left, width, height, top = 300, 560, 26, 30
    values = [100 * each[name] for each in differences for name in ("low", "high")]
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0

    def x(points: float) -> float:
        return left + 20 + (width - 20) * (points - low) / span

    bottom = top + height * len(differences)
    lines = [
        f'<svg role="img" aria-label="differences with intervals" viewBox="0 0 {left + width + 40} {bottom + 30}" '
        'style="max-width:60rem;width:100%">',
        f'<line x1="{x(0.0):.1f}" x2="{x(0.0):.1f}" y1="{top - 12}" y2="{bottom}" stroke="currentColor" opacity=".5"/>',
    ]
    for index, each in enumerate(differences):
        y = top + height * (index + 0.5)
        start, end, middle = (x(100 * each[name]) for name in ("low", "high", "value"))
        lines += [
            f'<text x="{left - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(each["name"])}</text>',
            f'<line x1="{start:.1f}" x2="{end:.1f}" y1="{y}" y2="{y}" stroke="#0072b2" stroke-width="3"/>',
            f'<circle cx="{middle:.1f}" cy="{y}" r="5" fill="#e69f00" stroke="#0072b2"/>',
        ]
    ends = {low: "start", high: "end", 0.0: "middle"} if low < 0 < high else {low: "start", high: "end"}
    lines += [f'<text x="{x(v):.1f}" y="{bottom + 18}" text-anchor="{a}">{v:+.1f}</text>' for v, a in ends.items()]
    return "".join([*lines, "</svg>"])
