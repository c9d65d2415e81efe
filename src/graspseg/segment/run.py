"""Segments a list of frames to a folder, one after the other, in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from graspseg.datasets.atomic import check_png_size, encode_png, ends_run, sync_files, write_bytes
from graspseg.datasets.output_folder import remove_results
from graspseg.datasets.stamp import stamped
from graspseg.errors import InputError
from graspseg.segment.earlier import clear_earlier, files_of
from graspseg.segment.extras import Extra, Extras
from graspseg.segment.inputs import CameraOptions, Source
from graspseg.segment.results import Stage, Summary
from graspseg.segment.segmenter import Segmenter

_SYNC_EVERY = 256  # frames: one by one it would take longer than segmenting


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
        noticed: called with a sentence about the whole run.
        advanced: called after every frame.
    """

    failed: Callable[[str], None]
    warned: Callable[[str, str], None]
    noticed: Callable[[str], None]
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

    Results of an earlier run are removed first. Times are from opening the depth image to the label image in its place;
    extras come after and do not count.

    Raises:
        InputError: the folder holds what is not `segment`'s own; see `clear_earlier`.
        OutputError: the results cannot be written.
    """
    cleared = clear_earlier(out, sources)
    if cleared.again:
        report.noticed(f"{cleared.again} results of an earlier run in {out} are made anew.")
    if cleared.gone:
        report.noticed(
            f"{len(cleared.gone)} results of an earlier run in {out} were removed, their frames are gone: the first is "
            f"{cleared.gone[0]}."
        )
    head = {"model": segmenter.path.name, "network": segmenter.info.network, **segmenter.predictor.described()}
    extras = Extras(out, overlays=overlays, save=save)
    with Summary(out, head) as summary:
        for number, source in enumerate(sources, 1):
            try:
                _segment_one(segmenter, source, out, summary, camera, extras, report)
            except InputError as error:
                if ends_run(error):
                    raise
                remove_results(files_of(out, source.name), out)
                summary.failures.append({"file": str(source.path), "reason": str(error)})
                report.failed(str(error))
            if number % _SYNC_EVERY == 0 or number == len(sources):
                latest = sources[(number - 1) // _SYNC_EVERY * _SYNC_EVERY : number]
                sync_files(out / "labels" / f"{one.name}.png" for one in latest)
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
    try:
        frame = source.read(camera)
        read = perf_counter()
        result = segmenter(frame)
    except MemoryError as error:
        raise InputError(
            f"{source.path} does not fit into the memory of this machine, expected a smaller frame: reduce it."
        ) from error
    segmented = perf_counter()
    labels = out / "labels" / f"{source.name}.png"
    check_png_size(labels, result.labels)
    write_bytes(labels, stamped(encode_png(result.labels), "segment"), durable=False)
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
    summary.add(source.name, frame, result, times_ms=times_ms, warnings=warnings, source=source.path)
