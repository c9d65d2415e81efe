"""Segments a list of frames to a folder, one after the other, in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from graspseg.datasets.atomic import OutputError, write_png
from graspseg.frame import InputError
from graspseg.segment.extras import Extra, Extras
from graspseg.segment.inputs import CameraOptions, Source
from graspseg.segment.results import Stage, Summary
from graspseg.segment.segmenter import Segmenter


@dataclass(frozen=True)
class Totals:
    """What became of the frames."""

    segmented: int
    failed: int
    with_warnings: int
    without_hand: int


@dataclass(frozen=True)
class Reporter:
    """Where a run tells what happens.

    Attributes:
        failed: called with the sentence of a frame that could not be used.
        warned: called with a name and what is odd about the frame.
        advanced: called after every frame.
    """

    failed: Callable[[str], None]
    warned: Callable[[str, str], None]
    advanced: Callable[[], None]


def run(
    segmenter: Segmenter,
    sources: Sequence[Source],
    out: Path,
    *,
    camera: CameraOptions,
    overlays: bool,
    save: Collection[Extra],
    report: Reporter,
) -> Totals:
    """Write labels, extras and `summary.json`; a frame that cannot be used is reported and skipped.

    Times are from opening the depth image to the label image in its place; extras come after and do not count.

    Raises:
        OutputError: the results cannot be written.
    """
    head = {"model": segmenter.path.name, "network": segmenter.info.network, "engine": segmenter.engine}
    extras = Extras(out, overlays=overlays, save=save)
    with Summary(out, head) as summary:
        for source in sources:
            try:
                _segment_one(segmenter, source, out, summary, camera, extras, report)
            except OutputError:
                raise
            except InputError as error:
                summary.failures.append({"file": str(source.path), "reason": str(error)})
                report.failed(str(error))
            report.advanced()
        extras.finish()
        if summary.done:
            summary.finish()
        return Totals(summary.done, len(summary.failures), summary.warnings, summary.without_hand)


def _segment_one(
    segmenter: Segmenter,
    source: Source,
    out: Path,
    summary: Summary,
    camera: CameraOptions,
    extras: Extras,
    report: Reporter,
) -> None:
    start = perf_counter()
    frame = source.read(camera)
    read = perf_counter()
    result = segmenter(frame)
    segmented = perf_counter()
    write_png(out / "labels" / f"{source.name}.png", result.labels)
    written = perf_counter()
    times_ms: dict[Stage, float] = {
        "read_ms": 1e3 * (read - start),
        "segment_ms": 1e3 * (segmented - read),
        "write_ms": 1e3 * (written - segmented),
        "end_to_end_ms": 1e3 * (written - start),
    }
    warnings = frame.oddities()
    assumption = extras.assumption(frame)
    if assumption is not None:
        warnings.append(assumption)
    for warning in warnings:
        report.warned(source.name, warning)
    extras.write(source.name, frame, result)
    summary.add(source.name, frame, result, times_ms=times_ms, warnings=warnings)
