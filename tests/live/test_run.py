"""The loop of `graspseg live`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pytest

from graspseg import InputError
from graspseg.datasets.atomic import OutputError
from graspseg.live.run import Reporter, run
from graspseg.live.sink import SinkClosedError
from graspseg.live.statistics import Statistics
from graspseg.live.stream import LiveResult, Stream
from stand_ins import StandInCamera, StandInSegmenter, frame, result


class Counter:
    """A sink that fails at some result."""

    def __init__(self, fails_at: int = -1, error: InputError | None = None) -> None:
        self.fails_at, self.error, self.numbers, self.closed = fails_at, error, list[int](), 0

    def add(self, given: LiveResult) -> None:
        if given.number == self.fails_at and self.error is not None:
            raise self.error
        self.numbers.append(given.number)

    def close(self) -> None:
        self.closed += 1


def play(script: Iterable[Any], *sinks: Any, **options: Any) -> tuple[int, Statistics, list[str], StandInCamera]:
    camera, notices, statistics = StandInCamera(script), list[str](), Statistics()
    stream = Stream(camera, StandInSegmenter(), notice=notices.append, every=True)
    failed = run(stream, sinks, statistics, Reporter(notices.append, lambda: None), **options)
    return failed, statistics, notices, camera


def test_a_sink_that_fails_is_left_out_and_the_others_go_on() -> None:
    full, closed, fine = Counter(2, OutputError("disk full")), Counter(3, SinkClosedError("closed")), Counter()
    failed, statistics, notices, _ = play([frame(i) for i in range(6)], full, closed, fine)
    assert failed == 1 and statistics.frames == 6
    assert full.numbers == [0, 1] and closed.numbers == [0, 1, 2] and fine.numbers == list(range(6))
    assert (full.closed, closed.closed, fine.closed) == (0, 0, 1)
    assert notices == ["disk full", "Nothing more is saved there; the stream goes on.", "closed"]


def test_ctrl_c_ends_and_finishes_what_is_saved() -> None:
    class Interrupts(Counter):
        def add(self, given: LiveResult) -> None:
            super().add(given)
            if given.number == 3:
                raise KeyboardInterrupt

    sink = Interrupts()
    failed, statistics, _, camera = play([frame(i) for i in range(10)], sink)
    assert failed == 0 and statistics.frames == 4 and sink.closed == 1 and camera.closed == 1


def test_a_time_limit_ends() -> None:
    failed, statistics, _, _ = play((frame(i % 999) for i in range(10_000)), seconds=0.2)
    assert failed == 0 and 0 < statistics.frames < 10_000


def test_statistics_are_percentiles_of_all_and_memory_does_not_grow() -> None:
    statistics = Statistics()
    assert statistics.summary(0, 0) == "no frame was segmented" and math.isnan(statistics.segment_ms(50))
    size = None
    for number in range(1, 201):
        given = result(number)
        statistics.add(LiveResult(number, given.frame, given.segmentation, number * 0.1, 9999.0, given.reason))
        size = statistics._segment.nbytes
    assert statistics.segment_ms(50) == pytest.approx(10.0, abs=0.15)
    assert statistics.segment_ms(99) == pytest.approx(19.8, abs=0.15)
    assert statistics.latency_ms(50) == pytest.approx(2000, abs=1), "the last bin holds all that is longer"
    assert size == 160_000
    assert "200 frames in" in statistics.summary(7, 2) and "7 dropped, 2 could not be used" in statistics.summary(7, 2)
    assert "100% tracked, hand in 200" in statistics.summary(0, 0)
    assert "hand 64 px, object 0 px, hand present 0.80" in statistics.line(7)
