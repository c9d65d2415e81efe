"""Judge a model over real data sets, and over sets without any hand, in one table and contact sheets.

    python benchmarks/real/judge_real.py ../shared/real --hand-free ../shared/background --out runs/real/before
    python benchmarks/real/judge_real.py ../shared/real --hand-free ../shared/background --model new.onnx \
        --out runs/real/after --against runs/real/before --json benchmarks/results/real.json

DATA may also be a single data set, or frames of the generator such as synth:wild/val:200. `--out` keeps the answers as
label images; a later run with `--against` draws them beside its own. Wall times mean something on an idle machine
only; processor time is the steadier figure.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import numpy as np
import tyro

from graspseg import __version__
from graspseg.datasets.atomic import make_folder, write_bytes, write_json, write_png
from graspseg.datasets.collection import data_sets_in
from graspseg.datasets.dataset import Dataset
from graspseg.errors import InputError
from graspseg.evaluation.machine import describe_machine
from graspseg.evaluation.samples import open_samples
from graspseg.evaluation.scene_report import scene_table
from graspseg.evaluation.scene_scores import SceneScores, closer_windows, merged
from graspseg.segment.segmenter import Segmenter
from scene_sheets import SheetBook


@dataclass(frozen=True)
class Arguments:
    """Judge a model over real data sets.

    Attributes:
        data: Folders of data sets, single data sets, or synth: names, with labels.
        hand_free: The same without labels: nothing in them is hand or object.
        out: Folder for labels, table, figures and contact sheets.
        against: Folder of an earlier run, drawn beside this one.
        model: Shipped model by name, or an exported .onnx file.
        windows: Most windows of a frame; default: what the model says.
        mirror: Look at closer windows a second time, mirrored, where the model says so.
        hands: Most groups with a closer window of their own; default: what the model says.
        full_side: Side of the first window in network pixels; default: what the model says.
        presence: Leave out what is hardly a hand, where the model says how.
        precision: Arithmetic of the engine.
        threads: CPU threads.
        limit: At most so many frames of each set.
        sheets: Draw contact sheets.
        all_rows: Also print the single hand-free sets, not only all of them together.
        json: Also write the figures to this file.
        markdown: Also write the table to this file, as a section with model and settings.
    """

    data: Annotated[tuple[str, ...], tyro.conf.Positional]
    out: Path
    hand_free: tuple[str, ...] = ()
    against: Path | None = None
    model: str = "denseattentionseg-lite"
    windows: int | None = None
    mirror: bool = True
    hands: int | None = None
    full_side: int | None = None
    presence: bool = True
    precision: Literal["float32", "bf16", "int8"] = "float32"
    threads: int = 1
    limit: int | None = None
    sheets: bool = True
    all_rows: bool = False
    json: Path | None = None
    markdown: Path | None = None


def main(argv: list[str] | None = None) -> int:
    """Judge, print the table, and write everything below --out."""
    arguments = tyro.cli(Arguments, args=argv, description=__doc__)
    cv2.setNumThreads(arguments.threads)
    segmenter = Segmenter(
        arguments.model,
        threads=arguments.threads,
        precision=arguments.precision,
        mirror=None if arguments.mirror else False,
        windows=arguments.windows,
        hands=arguments.hands,
        full_side=arguments.full_side,
        presence=arguments.presence,
    )
    make_folder(arguments.out)
    scores: dict[str, SceneScores] = {}
    groups: dict[str, list[str]] = {"with labels": [], "hand-free": []}
    for group, names in (("with labels", arguments.data), ("hand-free", arguments.hand_free)):
        for name, samples in _open(names, arguments.limit):
            book = SheetBook(arguments.against) if arguments.sheets else None
            scores[name] = judge(segmenter, samples, name, arguments.out, hand_free=group == "hand-free", book=book)
            groups[group].append(name)
            print(f"{name}: {scores[name].confusion.images} frames", file=sys.stderr)
    report = _report(arguments, segmenter, scores, groups)
    table = scene_table(_rows(scores, groups, all_rows=arguments.all_rows))
    write_bytes(arguments.out / "table.md", table.encode())
    if arguments.markdown is not None:
        write_bytes(arguments.markdown, _section(report, table).encode())
    for path in (arguments.out / "result.json", arguments.json):
        if path is not None:
            write_json(path, report)
    print(table, end="")
    return 0


def _open(names: tuple[str, ...], limit: int | None) -> Iterator[tuple[str, Dataset]]:
    """Sets by the name they have in the table."""
    for name in names:
        folders = [] if ":" in name else data_sets_in(name)
        for path in folders or [name]:
            yield (
                Path(path).name if isinstance(path, Path) or ":" not in path else path,
                open_samples(str(path), limit=limit),
            )


def judge(
    segmenter: Segmenter, samples: Dataset, name: str, out: Path, *, hand_free: bool, book: SheetBook | None = None
) -> SceneScores:
    """Scores on one set; labels and sheets are written below `out`."""
    scores = SceneScores()
    place = name.replace(":", "-").replace("/", "-")
    for index in range(len(samples)):
        sample = samples[index]
        target = np.zeros(sample.frame.depth.shape, np.uint8) if hand_free else sample.labels
        if target is None:
            raise InputError(f"{name} has no labels for {sample.stem}: give it as --hand-free if it holds no hand.")
        if not index:
            segmenter(sample.frame)
        wall, cpu = time.perf_counter(), time.process_time()
        found = segmenter(sample.frame)
        scores.time(1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu))
        scores.update(found.labels, target, sample.frame.depth_m(), windows=closer_windows(found))
        write_png(out / "labels" / place / f"{sample.stem}.png", found.labels)
        if book is not None:
            book.add(place, sample, target, found.labels)
    if book is not None:
        book.write(out / "sheets" / f"{place}.png")
    return scores


def _rows(
    scores: dict[str, SceneScores], groups: dict[str, list[str]], *, all_rows: bool
) -> dict[str, dict[str, object]]:
    rows = {}
    for group, names in groups.items():
        if group == "with labels" or all_rows or len(names) == 1:
            rows |= {name: scores[name].summary() for name in names}
        if len(names) > 1:
            rows[f"all {group}"] = merged([scores[name] for name in names]).summary()
    return rows


def _report(
    arguments: Arguments, segmenter: Segmenter, scores: dict[str, SceneScores], groups: dict[str, list[str]]
) -> dict[str, Any]:
    return {
        "model": Path(arguments.model).name,
        "settings": {
            "windows": segmenter.windows,
            "mirror": segmenter.mirror,
            "hands": segmenter.hands,
            "full_side": segmenter.full_side,
            "presence": arguments.presence and segmenter.info.presence is not None,
            "precision": arguments.precision,
            "threads": arguments.threads,
        },
        "sets": {name: part.summary() for name, part in scores.items()},
        "all": {group: merged([scores[name] for name in names]).summary() for group, names in groups.items() if names},
        "graspseg": __version__,
        "machine": describe_machine(),
    }


def _section(report: Mapping[str, Any], table: str) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in report["settings"].items())
    return f"## Real frames\n\n{table}\n{report['model']}; {settings}.\n"


if __name__ == "__main__":
    sys.exit(main())
