"""Several sets in one table: what is found, what is lost, and what is found where nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graspseg.evaluation.scene_scores import FALSE_ALARM_PX

_HEAD = (
    "set",
    "frames",
    "hand",
    "object",
    "mean",
    "hand called object",
    "hands lost",
    f"hand-free with > {FALSE_ALARM_PX} px",
    "false px",
    "seam px",
    "ms (CPU)",
)


def scene_table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown table of `SceneScores.summary` by name of the set; IoU and shares in percent, pixels are a frame."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    for name, row in rows.items():
        cells = (
            name,
            str(row["frames"]),
            *(_percent(row["iou"][key]) for key in ("hand", "object", "mean")),
            _percent(row["hand_called_object"]),
            f"{row['hands_lost']} of {row['hand_frames']}" if row["hand_frames"] else "-",
            f"{row['false_alarms']} of {row['hand_free_frames']}" if row["hand_free_frames"] else "-",
            _number(row["false_px_a_frame"], 0),
            _number(row["seam_px_a_frame"], 1),
            "-" if row["wall_ms"] is None else f"{row['wall_ms']:.1f} ({row['cpu_ms']:.1f})",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
