"""The loop of `graspseg live`: results of a stream go to sinks until the stream ends or somebody ends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from graspseg.errors import InputError
from graspseg.live.sink import Sink, SinkClosedError
from graspseg.live.statistics import Statistics
from graspseg.live.stream import Stream

_TELL_S = 0.5


@dataclass(frozen=True)
class Reporter:
    """Where a run tells what happens.

    Attributes:
        noticed: called with sentences that a person should hear.
        advanced: called twice a second.
    """

    noticed: Callable[[str], None]
    advanced: Callable[[], None]


def run(
    stream: Stream, sinks: Sequence[Sink], statistics: Statistics, report: Reporter, *, seconds: float | None = None
) -> int:
    """Hand results on until the stream ends, the time is over, or Ctrl-C.

    A sink that fails is told of once and left out from then on; the stream goes on.

    Args:
        stream: gives the results.
        sinks: take them; they are closed.
        statistics: counts them.
        report: hears how it goes.
        seconds: how long at most, None has no end.

    Returns:
        How many sinks failed; one that was closed by whoever looked at it did not.

    Raises:
        InputError: the source cannot be opened.
    """
    open_sinks, failed, told_s = list(sinks), 0, 0.0
    try:
        begin_s = monotonic()
        for result in stream:
            statistics.add(result)
            failed += _hand_on(open_sinks, lambda sink, result=result: sink.add(result), report)
            if monotonic() - told_s > _TELL_S:
                told_s = monotonic()
                report.advanced()
            if seconds is not None and monotonic() - begin_s >= seconds:
                break
    except KeyboardInterrupt:
        pass
    finally:
        stream.close()
        failed += _hand_on(open_sinks, lambda sink: sink.close(), report)
    return failed


def _hand_on(sinks: list[Sink], act: Callable[[Sink], None], report: Reporter) -> int:
    """Do something with every sink; those that fail are left out from now on. Returns how many failed."""
    failed = 0
    for sink in list(sinks):
        try:
            act(sink)
        except InputError as error:
            sinks.remove(sink)
            report.noticed(str(error))
            if not isinstance(error, SinkClosedError):
                failed += 1
                report.noticed("Nothing more is saved there; the stream goes on.")
    return failed
