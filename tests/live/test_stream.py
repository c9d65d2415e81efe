"""The newest frame is segmented, whatever the camera does."""

from __future__ import annotations

import threading
from time import monotonic, sleep
from typing import Any

import pytest

from graspseg import InputError
from graspseg.cameras.camera import Camera
from graspseg.live import latest as latest_module
from graspseg.live import stream as stream_module
from graspseg.live.stream import Stream
from stand_ins import StandInCamera, StandInSegmenter, frame, lost


def stream_of(camera: Any, segmenter: Any = None, **options: Any) -> tuple[Stream, list[str]]:
    notices: list[str] = []
    return Stream(camera, segmenter or StandInSegmenter(), notice=notices.append, **options), notices


def test_frames_that_come_meanwhile_are_dropped_and_counted() -> None:
    segmenter = StandInSegmenter(wait_s=0.05)
    stream, notices = stream_of(StandInCamera([frame(i) for i in range(60)], wait_s=0.005), segmenter)
    results = list(stream)
    numbers = [result.number for result in results]
    assert len(results) + stream.dropped == 60 and stream.dropped > 30
    assert numbers == sorted(numbers) == segmenter.seen and numbers[-1] == 59, "the last one is never dropped"
    assert all(result.latency_ms >= result.segment_ms >= 50 for result in results) and not notices
    assert max(result.latency_ms for result in results) < 500, "no queue grows"


def test_every_frame_of_a_recording_when_asked() -> None:
    segmenter = StandInSegmenter(wait_s=0.01)
    stream, _ = stream_of(StandInCamera([frame(i) for i in range(20)]), segmenter, every=True)
    assert [result.number for result in stream] == list(range(20)) == segmenter.seen and stream.dropped == 0


def test_a_stream_that_is_left_has_dropped_nothing_of_a_recording() -> None:
    stream, _ = stream_of(StandInCamera([frame(i) for i in range(50)]), every=True)
    for result in stream:
        if result.number == 3:
            break
    stream.close()
    assert stream.dropped == 0


def test_a_camera_that_was_pulled_out_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest_module, "_AGAIN_S", 0.01)
    camera = StandInCamera([])

    def unplug() -> None:
        camera.refuse = 3

    camera.script = iter([frame(0), None, unplug, lost(), frame(1), None])
    assert isinstance(camera, Camera)
    stream, notices = stream_of(camera, live=True)
    assert [result.number for result in stream] == [0, 1]
    assert camera.opened == 2 and camera.closed == 2 and camera.refuse == 0
    assert [notice.partition(":")[0] for notice in notices] == [
        "Stand-in camera stopped (unplugged), expected it to stream",
        "Stand-in camera is back.",
    ]


def test_a_silent_camera_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest_module, "SILENCE_S", 0.3)
    camera = StandInCamera([frame(0), None, None, None, None, frame(1)])
    stream, notices = stream_of(camera, live=True)
    assert len(list(stream)) == 2 and camera.opened >= 2
    assert "sent nothing for 0.3 s: waiting for it, Ctrl-C ends." in notices[0] and "is back" in notices[1]


def test_a_stalled_recording_is_told_of_once_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "STALLED_S", 0.3)
    camera = StandInCamera([frame(0), None, None, None, None, None, frame(1)])
    stream, notices = stream_of(camera)
    assert len(list(stream)) == 2 and camera.opened == 1
    assert notices == ["No frame came for 0.3 s: waiting, Ctrl-C ends."]


def test_a_frame_that_cannot_be_used_is_counted_and_the_stream_goes_on() -> None:
    stream, notices = stream_of(StandInCamera([frame(0), InputError("000001.png is 8-bit."), frame(1)]), every=True)
    assert len(list(stream)) == 2 and stream.failed == 1 and notices == ["000001.png is 8-bit."]


def test_a_size_or_unit_that_changes_is_told() -> None:
    frames = [frame(0), frame(1, width=40), frame(2, width=40, unit_m=0.0001), frame(3, width=40, unit_m=0.0001)]
    stream, notices = stream_of(StandInCamera(frames), every=True)
    assert len(list(stream)) == 4
    assert len(notices) == 2 and "from 32x24 in units of 0.001 m to 40x24" in notices[0] and "0.0001 m" in notices[1]


def test_what_cannot_be_opened_says_so_to_the_caller() -> None:
    camera = StandInCamera([])
    camera.refuse = 1
    stream, _ = stream_of(camera, live=True)
    with pytest.raises(InputError, match="There is no camera"):
        list(stream)


def test_an_error_of_the_thread_is_raised_where_results_are_taken() -> None:
    stream, _ = stream_of(StandInCamera([frame(0), ZeroDivisionError("a bug")]), every=True)
    with pytest.raises(ZeroDivisionError):
        list(stream)


def test_a_stream_that_is_left_lets_go_of_its_camera() -> None:
    camera = StandInCamera([frame(i) for i in range(1000)], wait_s=0.002)
    with stream_of(camera)[0] as stream:
        for result in stream:
            if result.number > 3:
                break
    end = monotonic() + 2
    while camera.closed == 0 and monotonic() < end:
        sleep(0.01)
    assert camera.closed == 1


def test_a_driver_that_hangs_does_not_hold_the_program() -> None:
    stuck = threading.Event()
    camera = StandInCamera([frame(0), lambda: stuck.wait(20)])
    stream, _ = stream_of(camera)
    iterator = iter(stream)
    next(iterator)
    start = monotonic()
    stream.close()
    assert monotonic() - start < 1.0
    stuck.set()
