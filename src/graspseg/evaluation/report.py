"""What an evaluation found, as JSON, Markdown and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg import __version__
from graspseg.evaluation.evaluate import Evaluation
from graspseg.evaluation.machine import describe_machine
from graspseg.evaluation.rules import RULES
from graspseg.labels import CLASS_NAMES, HAND, OBJECT, contact_sheet
from graspseg.segment.inputs import CameraOptions

PAPERS_FOUR = ("pixel_accuracy", "mean_accuracy", "mean_iu", "frequency_weighted_iu")
REGIONS = {"measured": "all pixels with depth", "foreground": "those of hand and object, true or predicted"}


def as_json(evaluation: Evaluation, *, data: str, model: str, camera: CameraOptions | None = None) -> dict[str, Any]:
    """All figures as plain JSON values; shares are fractions of 1, None where nothing could be judged.

    Args:
        evaluation: The figures.
        data: What was judged on, as the user named it.
        model: What was judged, as the user named it.
        camera: Unit and camera of the depth images as the user gave them; what was left out is not in the JSON.
    """
    confusion = evaluation.confusion
    absent = [label for label in (HAND, OBJECT) if not confusion.shown[label]]
    return {
        "data": data,
        "model": model,
        "camera": {name: value for name, value in asdict(camera or CameraOptions()).items() if value is not None},
        "frames": confusion.images,
        "failed": evaluation.failed,
        "invented_px": {
            CLASS_NAMES[label]: int(confusion.matrix[:, label].sum()) for label in (HAND, OBJECT) if label in absent
        },
        "scores": {
            **confusion.summary(),
            "boundary_f": without_classes(evaluation.boundary.summary(), absent),
            "boundary_iou": {
                kind: without_classes(scores, absent) for kind, scores in evaluation.boundary_iou.summary().items()
            },
            "boundary_error": evaluation.boundary_error.summary(),
            "contact_f": evaluation.contact.summary(),
            "hand_leak": evaluation.leak.summary(),
            "calibration": evaluation.calibration.summary(),
            "flicker": evaluation.flicker.summary(),
            "scenes": evaluation.scenes.summary(),
        },
        "rules": {
            name: {"iou_dataset": rule.iou_dataset, "iou_image": rule.iou_image}
            for name, rule in evaluation.rules.items()
        },
        "worst_frames": [{"stem": frame.stem, "mean_iou": frame.score} for frame in evaluation.worst],
        "failures": evaluation.failures,
        "graspseg": __version__,
        "machine": describe_machine(),
    }


def without_classes(
    scores: Mapping[str, Mapping[str, float | None]], absent: Sequence[int]
) -> dict[str, dict[str, float | None]]:
    """Scores by class and tolerance in which classes that the truth never shows are None, and no part of the mean."""
    kept = [name for label, name in enumerate(CLASS_NAMES) if label in (HAND, OBJECT) and label not in absent]
    found: dict[str, dict[str, float | None]] = {}
    for name, values in scores.items():
        if name == "mean":
            each = {key: [scores[one][key] for one in kept] for key in values}
            known = {key: [value for value in values if value is not None] for key, values in each.items()}
            found[name] = {key: sum(values) / len(values) if values else None for key, values in known.items()}
        else:
            found[name] = dict(values) if name in kept else dict.fromkeys(values)
    return found


def as_markdown(report: dict[str, Any]) -> str:
    """The report of `as_json` as Markdown, shares in percent."""
    scores = report["scores"]
    lines = [
        f"# {report['model']} on {report['data']}",
        "",
        f"{report['frames']} frames judged, {report['failed']} could not be used. Shares are in percent.",
        "",
        *_table_of_classes(scores),
        "",
        "| pixel accuracy | mean accuracy | mean IU (with background) | frequency-weighted IU |",
        "|---|---|---|---|",
        "| " + " | ".join(_percent(scores[name]) for name in PAPERS_FOUR) + " |",
        "",
        *_sentences(scores),
    ]
    if report["rules"]:
        lines += [
            "",
            "What trivial rules reach on the same frames (IoU, whole data set):",
            "",
            "| rule | hand | object | mean |",
            "|---|---|---|---|",
            *(_row(RULES[name].title, rule["iou_dataset"]) for name, rule in report["rules"].items()),
        ]
    if report["worst_frames"]:
        worst = ", ".join(f"{frame['stem']} ({_percent(frame['mean_iou'])})" for frame in report["worst_frames"][:5])
        lines += ["", f"Worst frames: {worst}."]
    return "\n".join(lines) + "\n"


def _table_of_classes(scores: dict[str, Any]) -> list[str]:
    """Scores of hand and object as a table."""
    by_tolerance = (
        ("boundary F-score", scores["boundary_f"]),
        ("boundary IoU, whole data set", scores["boundary_iou"]["dataset"]),
    )
    by_tolerance += (("boundary IoU, mean over images", scores["boundary_iou"]["image"]),)
    return [
        "| | hand | object | mean |",
        "|---|---|---|---|",
        _row("IoU, whole data set", scores["iou_dataset"]),
        _row("IoU, mean over images", scores["iou_image"]),
        _row("F1, whole data set", scores["f1_dataset"]),
        *(
            _row(f"{title}, {tolerance}", {name: values[name][tolerance] for name in values})
            for title, values in by_tolerance
            for tolerance in values["mean"]
        ),
        *(
            f"| outlines are off by, {title} | {_millimeters(scores['boundary_error']['hand'][key])} | "
            f"{_millimeters(scores['boundary_error']['object'][key])} | |"
            for title, key in (("mean", "mean_mm"), ("median", "median_mm"), ("95 % quantile", "p95_mm"))
        ),
    ]


def _sentences(scores: dict[str, Any]) -> list[str]:
    """Scores that are not of a class, one sentence each."""
    contact, leak, flicker = scores["contact_f"], scores["hand_leak"], scores["flicker"]
    tolerances = [name for name in contact if name.endswith("px")]
    found = [
        f"Line where hand and object meet, F1 at {', '.join(tolerances)}: "
        f"{', '.join(_percent(contact[name]) for name in tolerances)} ({contact['images']} images).",
        f"Hand pixels called object: {_percent(leak['rate'])}{_interval(leak['interval_95'])}.",
    ]
    for region, values in (scores["calibration"] or {}).items():
        found.append(
            f"Calibration over {REGIONS[region]}: expected error {_percent(values['ece'], 2)}, "
            f"area under risk-coverage {_percent(values['aurc'], 2)} "
            f"({_percent(values['excess_aurc'], 2)} above the best order)."
        )
    if flicker is not None:
        found.append(
            f"Flicker over {flicker['pairs']} pairs of frames: {_percent(flicker['rate'], 2)} of still pixels, "
            f"{_percent(flicker['foreground_rate'], 2)} of those of hand and object; the truth changes in "
            f"{_percent(flicker['truth_change_rate'], 2)}."
        )
    return [line for sentence in found for line in (sentence, "")][:-1]


def worst_sheet(*evaluations: Evaluation, columns: int = 2) -> UInt8[np.ndarray, "h w 3"] | None:
    """Contact sheet of the worst frames of all sets, each as depth, target and prediction; None if none was kept."""
    pictures = []
    most = max((len(evaluation.worst) for evaluation in evaluations), default=0)
    worst = sorted((frame for evaluation in evaluations for frame in evaluation.worst), reverse=True)
    for frame in worst[:most]:
        picture = frame.picture.copy()
        text = f"{frame.stem}  {_percent(frame.score)}"
        cv2.putText(picture, text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
        pictures.append(picture)
    return contact_sheet(pictures, columns) if pictures else None


def _row(name: str, scores: dict[str, float | None]) -> str:
    return f"| {name} | {_percent(scores['hand'])} | {_percent(scores['object'])} | {_percent(scores['mean'])} |"


def _percent(share: float | None, digits: int = 1) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}"


def _millimeters(length: float | None) -> str:
    return "-" if length is None else f"{length:.1f} mm"


def _interval(bounds: list[float] | None) -> str:
    if bounds is None:
        return ""
    return f" (95 % interval over frames {_percent(bounds[0])} to {_percent(bounds[1])})"
