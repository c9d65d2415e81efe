"""The report as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

from graspseg.compare.figures import Picture
from graspseg.compare.tables import BETTER, DIFFERENCE_HEAD, DIFFERENCE_NOTE, Table, facts, tables

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --mark: #0072b2; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
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
            cells = "".join(f"<td{mark}>{escape(text)}</td>" for mark, text in zip(marks, row, strict=True))
        lines.append(f"<tr>{cells}</tr>")
    body = "".join(lines)
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def _intervals(differences: Sequence[dict[str, Any]]) -> str:
    """Every difference as a point with its interval, on one axis with 0 in it."""
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
