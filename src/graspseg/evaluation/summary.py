"""What people ask first of an evaluation, as an aligned table; and everything as one HTML page."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

_TOLERANCE = "2px"
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #8886; text-align: right; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; }
"""


def as_table(report: dict[str, Any]) -> str:
    """The first figures of `graspseg.evaluation.report.as_json` in columns: hand, object and their mean.

    Shares are in percent; `-` is what nothing is known of, such as a class that the truth never shows.
    """
    scores = report["scores"]
    boundary = {name: values.get(_TOLERANCE) for name, values in scores["boundary_f"].items()}
    off_mm = {name: values["median_mm"] for name, values in scores["boundary_error"].items()}
    rows = [
        ("IoU, %", *(_percent(scores["iou_dataset"][name]) for name in ("hand", "object", "mean"))),
        (f"boundary F-score at {_TOLERANCE}, %", *(_percent(boundary[name]) for name in ("hand", "object", "mean"))),
        ("outlines are off by, mm (median)", _number(off_mm["hand"]), _number(off_mm["object"]), ""),
        ("hand called object, %", _percent(scores["hand_leak"]["rate"]), "", ""),
    ]
    wide = max(len(row[0]) for row in rows)
    lines = [
        f"{report['model']} on {report['data']}: "
        f"{report['frames']} frames judged, {report['failed']} could not be used",
        "",
        f"{'':{wide}}  {'hand':>7}  {'object':>7}  {'mean':>7}",
        *(f"{row[0]:<{wide}}  {row[1]:>7}  {row[2]:>7}  {row[3]:>7}".rstrip() for row in rows),
    ]
    for name, pixels in report["invented_px"].items():
        lines += ["", f"No frame shows {name} in truth, so it has no score; {pixels:,} pixels were called {name}."]
    return "\n".join([*lines, "", "--all prints every figure, --json and --html write them."]) + "\n"


def as_html(title: str, markdown: str, sheet: UInt8[np.ndarray, "h w 3"] | None) -> str:
    """A page that needs nothing beside it.

    Args:
        title: heading.
        markdown: figures, as headings, paragraphs and tables of Markdown.
        sheet: picture of the worst frames, RGB.
    """
    parts = [f"<h1>{escape(title)}</h1>"]
    for block in markdown.strip().split("\n\n"):
        if block.startswith("|"):
            head, _, *rows = [line.strip("|").split("|") for line in block.splitlines()]
            parts.append(f"<div><table>{_row(head, 'th')}{''.join(_row(row, 'td') for row in rows)}</table></div>")
        elif not block.startswith("#"):
            parts.append(f"<p>{escape(block)}</p>")
    if sheet is not None:
        _, png = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
        data = base64.b64encode(png.tobytes()).decode()
        alt = "Worst frames: depth, truth, prediction"
        parts += [f"<h2>{alt}</h2>", f'<img alt="{alt}" src="data:image/png;base64,{data}">']
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _row(cells: list[str], kind: str) -> str:
    return "<tr>" + "".join(f"<{kind}>{escape(cell.strip())}</{kind}>" for cell in cells) + "</tr>"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
