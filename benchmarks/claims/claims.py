"""Which of the paper's claims hold here, and what other readings of its attention and its contour loss change.

    python benchmarks/claims/claims.py --steps 3000 --fine-steps 600 --seeds 0 1 2 --out runs/compare

Every network trains on the same reduced frames for as many steps with cross-entropy. What concerns the contour loss, or
a loss in its place, starts from one such model per seed and does `--fine-steps` more: with the loss, or with
cross-entropy alone. So a pair differs in nothing but the loss, and the long first stage is paid for once.

Cells are those of `graspseg compare`: in the same `--out`, with the same frames, steps and batch, neither does again
what the other has done. Writes `benchmarks/results/claims.json` and `claims.md`; stopped, it goes on when called again.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from claims_cells import MEAN_IOU, cells_needed, run_cells
from graspseg.compare.cells import Cell
from graspseg.compare.data import compared_frames
from graspseg.compare.frames import Size
from graspseg.compare.recipes import comparison_config, with_budget
from graspseg.compare.report import value_at
from graspseg.datasets.atomic import make_folder, write_bytes, write_json
from graspseg.evaluation.machine import describe_machine
from graspseg.metrics.paired import PairedDifference, paired_difference_over_seeds

RESULT = Path(__file__).parents[1] / "results" / "claims.json"
DENSE, PLAIN, DEEPLAB = "denseattentionseg-small", "denseattentionseg-small-noattention", "deeplabv3plus-small"
SCORES = {
    "iou_dataset": MEAN_IOU,
    "hand_iou": ("iou_dataset", "hand"),
    "object_iou": ("iou_dataset", "object"),
    "iou_image": ("iou_image", "mean"),
    "boundary_f_2px": ("boundary_f", "mean", "2px"),
}


@dataclass(frozen=True)
class Claim:
    """That `entry` is better than `reference`.

    Attributes:
        name: what is claimed, in a few words.
        entry, reference: cells: a network, or NETWORK-then-STAGE with a name of `claims_cells.SECOND_STAGES`.
        paper: difference of mean IOU in the paper, in points; None where it has none.
    """

    name: str
    entry: str
    reference: str
    paper: float | None = None


CLAIMS = (
    Claim("attention", DENSE, PLAIN, 0.84),
    Claim("deep decoder", PLAIN, DEEPLAB, 0.05),
    Claim("network", DENSE, DEEPLAB, 0.89),
    Claim("contour loss", f"{DENSE}-then-contour", f"{DENSE}-then-ce", 0.29),
    Claim("network with contour loss", f"{DENSE}-then-contour", f"{DEEPLAB}-then-ce", 1.18),
    Claim("contour loss on DeepLabv3+", f"{DEEPLAB}-then-contour", f"{DEEPLAB}-then-ce"),
    Claim("contour loss, ten times the weight", f"{DENSE}-then-contour-strong", f"{DENSE}-then-ce"),
    Claim("contour loss, mean over all pixels", f"{DENSE}-then-contour-mean", f"{DENSE}-then-ce"),
    Claim("contour loss, classes summed", f"{DENSE}-then-contour-summed", f"{DENSE}-then-ce"),
    Claim("contour loss, of logits", f"{DENSE}-then-contour-logits", f"{DENSE}-then-ce"),
    Claim("contour loss, all three literally", f"{DENSE}-then-contour-literal", f"{DENSE}-then-ce"),
    Claim("Lovasz-softmax instead", f"{DENSE}-then-lovasz", f"{DENSE}-then-ce"),
    Claim("boundary loss instead", f"{DENSE}-then-boundary", f"{DENSE}-then-ce"),
    Claim("gate of plain sigmoids", f"{DENSE}-sigmoid", DENSE),
    Claim("gate of open factors", f"{DENSE}-open", DENSE),
    Claim("residual gate", f"{DENSE}-residual", DENSE),
    Claim("gate on the encoder's levels", f"{DENSE}-levels", DENSE),
    Claim("squeezed levels twice as wide", f"{DENSE}-wide", DENSE),
    Claim("remedy: gate of plain sigmoids", f"{DENSE}-sigmoid", DEEPLAB),
    Claim("remedy: gate of open factors", f"{DENSE}-open", DEEPLAB),
    Claim("remedy: residual gate", f"{DENSE}-residual", DEEPLAB),
    Claim("remedy: gate on the encoder's levels", f"{DENSE}-levels", DEEPLAB),
    Claim("remedy: squeezed levels twice as wide", f"{DENSE}-wide", DEEPLAB),
    Claim("remedy: strong contour loss", f"{DENSE}-then-contour-strong", f"{DEEPLAB}-then-ce"),
    Claim("remedy: Lovasz-softmax", f"{DENSE}-then-lovasz", f"{DEEPLAB}-then-ce"),
)


def difference(claim: Claim, cells: dict[tuple[str, int], Cell], seeds: Sequence[int]) -> dict[str, Any]:
    """A claim as plain JSON values; differences are entry minus reference, in fractions of 1."""
    pairs = [(cells[claim.entry, seed], cells[claim.reference, seed]) for seed in seeds]
    pairs = [(entry, reference) for entry, reference in pairs if not (entry.failure or reference.failure)]
    found: dict[str, Any] = {**asdict(claim), "seeds": len(pairs)}
    if not pairs:
        return {**found, "verdict": "failed"}
    compared = paired_difference_over_seeds(
        np.stack([reference.matrices() for _, reference in pairs]), np.stack([entry.matrices() for entry, _ in pairs])
    )
    by_seed = {
        score: [_minus(value_at(entry, path), value_at(reference, path)) for entry, reference in pairs]
        for score, path in SCORES.items()
    }
    return {**found, **compared.summary(), "by_seed": by_seed, "verdict": verdict(compared, len(pairs))}


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def verdict(compared: PairedDifference, seeds: int) -> str:
    """What the 95 % interval of the data set's IoU says; one seed tells nothing of how seeds differ."""
    if seeds < 2:
        return "undecided: one seed"
    if compared.iou_dataset.low > 0:
        return "holds"
    return "the reverse holds" if compared.iou_dataset.high < 0 else "undecided"


def as_markdown(result: dict[str, Any]) -> str:
    """Claims and cells as two sections with a table each, in points of IoU."""
    lines = [
        "## Claims",
        "",
        "| claim | entry - reference | paper | here, data set [95 %] | per image [95 %] | boundary F 2 px | seeds | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for claim in result["claims"]:
        pair = f"{claim['entry']} - {claim['reference']}"
        paper = "" if claim["paper"] is None else f"{claim['paper']:+.2f}"
        here = [_interval(claim.get(name)) for name in ("iou_dataset", "iou_image")]
        outline = _mean_points(claim.get("by_seed", {}).get("boundary_f_2px", []))
        cells = [claim["name"], pair, paper, *here, outline, str(claim["seeds"]), claim["verdict"]]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "## Cells",
        "",
        "| cell | steps | mean IOU by seed | hand | object | boundary F 2 px |",
        "|---|---|---|---|---|---|",
    ]
    for name, rows in result["cells"].items():
        told = [row for row in rows if row["failure"] is None]
        by_seed = ", ".join(f"{100 * row['scores']['iou_dataset']:.2f}" for row in told) or rows[0]["failure"]
        means = [_mean_points([row["scores"][score] for row in told], "") for score in list(SCORES)[1:3]]
        outline = _mean_points([row["scores"]["boundary_f_2px"] for row in told], "")
        lines.append(f"| {' | '.join([name, str(rows[0]['steps']), by_seed, *means, outline])} |")
    return "\n".join(lines) + "\n"


def _interval(given: dict[str, float] | None) -> str:
    if given is None:
        return ""
    return f"{100 * given['value']:+.2f} [{100 * given['low']:+.2f}, {100 * given['high']:+.2f}]"


def _mean_points(values: Sequence[float | None], sign: str = "+") -> str:
    told = [100 * value for value in values if value is not None]
    return f"{np.mean(told):{sign}.2f}" if told else ""


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/compare"), help="folder of frames and cells")
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument("--data", default="synth:interseghands/unseen:1000", help="frames to judge on")
    parser.add_argument("--train", default="synth:interseghands", help="frames to train on")
    parser.add_argument("--frames", type=int, default=20_000, help="frames to make for training")
    parser.add_argument("--size", default="160x120")
    parser.add_argument("--steps", type=int, default=3000, help="steps of the first stage")
    parser.add_argument("--fine-steps", type=int, default=600, help="steps of the second stage")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes that make frames")
    names = [claim.name for claim in CLAIMS]
    parser.add_argument("--claims", nargs="+", default=names, choices=names, metavar="CLAIM")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> None:
    args = _arguments(argv)
    claims = [claim for claim in CLAIMS if claim.name in args.claims]
    frames = compared_frames(
        args.data,
        args.train,
        count=args.frames,
        size=Size.parse(args.size),
        folder=args.out / "frames",
        workers=args.workers,
        progress=lambda *_: None,
    )
    cells = run_cells(
        cells_needed([name for claim in claims for name in (claim.reference, claim.entry)]),
        frames,
        args.out,
        seeds=args.seeds,
        config=with_budget(comparison_config(), steps=args.steps, batch=args.batch, threads=args.threads),
        fine_steps=args.fine_steps,
        threads=args.threads,
    )
    rows: dict[str, list[dict[str, Any]]] = {}
    for (name, seed), cell in cells.items():
        scores = {score: value_at(cell, path) for score, path in SCORES.items()}
        steps, seconds = cell.trained.get("steps"), cell.trained.get("seconds")
        row = {"seed": seed, "steps": steps, "seconds": seconds, "scores": scores, "failure": cell.failure}
        rows.setdefault(name, []).append(row)
    result = {
        "command": shlex.join(["python", "benchmarks/claims/claims.py", *argv]),
        "seeds": args.seeds,
        "frames": {**frames.described, "judged": len(frames.judged)},
        "machine": describe_machine(),
        "claims": [difference(claim, cells, args.seeds) for claim in claims],
        "cells": rows,
    }
    write_json(make_folder(args.result.parent) / args.result.name, result)
    write_bytes(args.result.with_suffix(".md"), as_markdown(result).encode())
    print(as_markdown(result), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
