"""Records depth and color of a RealSense camera whose light does not change: exposure, white balance and gain locked.

Paper: section 3 (skin is found by thresholds on color, which hold as long as light and camera settings stay).
"""

from __future__ import annotations

import contextlib
import math
import shutil
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from graspseg.cameras.realsense.capture import SILENCE_S, Capture, Mode, Taken, info
from graspseg.cameras.realsense.sdk import load_sdk
from graspseg.datasets.atomic import OutputError, encode_png, held, make_folder, new_file, write_json
from graspseg.datasets.output_folder import contents, remove_results, working_in
from graspseg.errors import InputError

_WRITERS = 4
_WAITING = 32  # frames in memory, about 50 MB at 640x480
_LISTEN_S = 0.2  # between looks at Ctrl-C
_LEAST_FREE = 200_000_000  # bytes; the SDK does not say when the disk is full


@dataclass(frozen=True)
class RecordSettings:
    """What to record.

    Attributes:
        out: a new `.db3`, or a new folder.
        mode: size and rate of both streams.
        seconds: length, None records until it is stopped.
        settle_s: seconds in which the camera finds exposure and white balance by itself before they are locked.
        exposure, gain, white_balance: fixed values in the camera's units, None keeps what it found.

    Raises:
        InputError: a number that no recording can have, or `out` is there already.
    """

    out: Path
    mode: Mode
    seconds: float | None = None
    settle_s: float = 2.0
    exposure: float | None = None
    gain: float | None = None
    white_balance: float | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds > 0):
            raise InputError(f"--seconds is {self.seconds:g}, expected more than 0: leave it out to stop by Ctrl-C.")
        width, height, fps = self.mode.width, self.mode.height, self.mode.fps
        if min(width, height, fps) < 1:
            raise InputError(
                f"--width, --height and --fps are {width}, {height} and {fps}, expected what the camera "
                "offers: leave them out for 640x480 at 30."
            )
        if not (math.isfinite(self.settle_s) and self.settle_s >= 0):
            raise InputError(f"--settle is {self.settle_s:g}, expected seconds from 0: leave it out for 2.")
        self.check_new()

    def check_new(self) -> None:
        """See that nothing is there.

        Raises:
            InputError: there is.
        """
        if self.out.is_file() or self.description_file.is_file() or contents(self.out):
            raise InputError(f"{self.out} is there already, expected a new recording: choose another --out.")

    @property
    def is_folder(self) -> bool:
        """Whether frames are written as files."""
        return self.out.suffix.lower() != ".db3"

    @property
    def description_file(self) -> Path:
        """Where camera, calibration and locked values are written before any frame."""
        return self.out / "dataset.json" if self.is_folder else self.out.with_suffix(".json")


@dataclass(frozen=True)
class Recorded:
    """What became of a recording.

    Attributes:
        frames: recorded, depth and color each.
        lost: frames of the camera in between that are not: too many to be written in time, or without color.
        ended: why it ended early; None when the time was over or somebody stopped it.
    """

    frames: int
    lost: int
    ended: str | None = None


@dataclass(frozen=True)
class Reporter:
    """Where a recording tells what happens.

    Attributes:
        settling: called before the camera finds its exposure.
        noticed: called with a sentence that a person should hear.
        advanced: called with the number of frames so far.
    """

    settling: Callable[[], None]
    noticed: Callable[[str], None]
    advanced: Callable[[int], None]


def find_camera(serial: str | None = None) -> Any:
    """The camera to record with.

    Args:
        serial: its number, None takes the only one.

    Raises:
        InputError: there is none, not this one, or several to choose from.
    """
    devices = list(load_sdk().context().query_devices())
    numbers = [info(device, "serial_number") for device in devices]
    if not devices:
        raise InputError(
            "No RealSense camera is connected, expected one on USB 3: plug it in, and on Linux check the udev rules."
        )
    if serial is None and len(devices) > 1:
        raise InputError(f"{len(devices)} cameras are connected ({', '.join(numbers)}), expected one: choose --serial.")
    if serial is not None and serial not in numbers:
        raise InputError(f"No camera has the serial number {serial}, expected one of {', '.join(numbers)}: check it.")
    return devices[0 if serial is None else numbers.index(serial)]


def record(device: Any, settings: RecordSettings, report: Reporter) -> Recorded:
    """Record until the time is over, the camera falls silent, the disk is full, or Ctrl-C.

    Every frame is on disk as soon as it is written: whatever ends the recording, what came before stays readable.

    Args:
        device: a device of the SDK.
        settings: what to record.
        report: hears how it goes.

    Raises:
        InputError: the camera does not offer these streams, or sends nothing; or another process records there.
        OutputError: not even the first frame can be written.
    """
    with working_in(settings.out) if settings.is_folder else held(settings.out.with_name(f".{settings.out.name}.lock")):
        settings.check_new()  # another process may have been here since
        return _record_to(_Files if settings.is_folder else _SdkFile, device, settings, report)


def _record_to(
    kind: type[_Files] | type[_SdkFile], device: Any, settings: RecordSettings, report: Reporter
) -> Recorded:
    """See `record`; the place is held."""
    sink = kind(device, settings)
    try:
        capture = Capture(sink.device, settings.mode)
        try:
            report.settling()
            given = {"exposure": settings.exposure, "gain": settings.gain, "white_balance": settings.white_balance}
            for note in capture.settle(settings.settle_s, given):
                report.noticed(note)
            write_json(settings.description_file, capture.description())
            sink.begin()
            return _record(capture, sink, settings, report)
        finally:
            capture.stop()
    finally:
        sink.close()


def _record(capture: Capture, sink: _Sink, settings: RecordSettings, report: Reporter) -> Recorded:
    """The loop that a recording spends its time in."""
    first, last, silent_s, end, ended = -1, -1, 0.0, math.inf, None
    try:
        while monotonic() < end and ended is None:
            pairs = capture.next(patience_s=_LISTEN_S)
            silent_s = 0.0 if pairs else silent_s + _LISTEN_S
            for depth, color in pairs or ():
                if first < 0:
                    first = depth.number
                    end = math.inf if settings.seconds is None else monotonic() + settings.seconds
                sink.add(depth.number - first, depth, color)
                last = depth.number
            report.advanced(sink.frames)
            if silent_s > SILENCE_S:
                ended = f"the camera sent nothing for {SILENCE_S:g} s: check its cable"
        sink.finish()
    except KeyboardInterrupt:
        sink.finish()
    except OutputError as error:
        with contextlib.suppress(OutputError):
            sink.finish()
        if not sink.frames:
            raise
        ended = str(error).rstrip(".")
    return Recorded(sink.frames, last - first + 1 - sink.frames if sink.frames else 0, ended)


class _Sink(Protocol):
    """Where frames go; `device` is what must be streamed for that, `frames` counts what is safe on disk."""

    device: Any
    frames: int

    def begin(self) -> None: ...

    def add(self, number: int, depth: Taken, color: Taken) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


class _Files:
    """Frames as files of a folder data set, written by threads; depth comes last, so that it says a frame is whole."""

    def __init__(self, device: Any, settings: RecordSettings) -> None:
        self.device, self.frames = device, 0
        self._out = settings.out
        self._threads = ThreadPoolExecutor(_WRITERS)
        self._waiting: deque[Future[None]] = deque()

    def begin(self) -> None:
        """The description is written; nothing else is to be done."""

    def add(self, number: int, depth: Taken, color: Taken) -> None:
        """Hand a frame to the writers; it is lost when they are too far behind."""
        while self._waiting and self._waiting[0].done():
            self._collect_one()
        if len(self._waiting) < _WAITING:
            self._waiting.append(self._threads.submit(self._write, f"{number:06d}.png", depth, color))

    def finish(self) -> None:
        """Wait for the writers; raises the first thing that went wrong, when all are done."""
        errors: list[OutputError] = []
        while self._waiting:
            try:
                self._collect_one()
            except OutputError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def close(self) -> None:
        """Let the writers go; a recording without a frame leaves nothing behind."""
        self._threads.shutdown(cancel_futures=True)
        if not self.frames:
            remove_results([self._out / "dataset.json"], self._out)

    def _collect_one(self) -> None:
        """Count the frame that has waited longest once it is written."""
        self._waiting.popleft().result()
        self.frames += 1

    def _write(self, name: str, depth: Taken, color: Taken) -> None:
        for folder, image in (("color", color.picture.rgb(self._out)), ("depth", depth.picture.depth(self._out))):
            with new_file(self._out / folder / name) as file:
                file.write(encode_png(image))


class _SdkFile:
    """Frames in a `.db3`, written by the SDK's recorder, row by row."""

    def __init__(self, device: Any, settings: RecordSettings) -> None:
        make_folder(settings.out.parent)
        self._out, self._description, self.frames = settings.out, settings.description_file, 0
        self.device: Any = None
        try:
            self.device = load_sdk().recorder(str(settings.out), device)
            self.device.pause()  # before the first frame, so that nothing is kept of the settling
        except RuntimeError as error:
            raise OutputError(
                f"{settings.out} could not be written ({error}): free space there or choose another --out."
            ) from error

    def begin(self) -> None:
        """Let the recorder write."""
        self.device.resume()

    def add(self, number: int, depth: Taken, color: Taken) -> None:
        """Count a frame, which the SDK writes by itself."""
        if shutil.disk_usage(self._out.parent).free < _LEAST_FREE:
            raise OutputError(f"{self._out.parent} has less than {_LEAST_FREE // 10**6} MB left: free space there.")
        self.frames += 1

    def finish(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Let the SDK close the file; a recording without a frame leaves nothing behind."""
        self.device = None  # the SDK closes the file when nobody holds the recorder
        if not self.frames:
            for path in (self._out, self._description):
                path.unlink(missing_ok=True)
