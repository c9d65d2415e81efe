"""Results of a camera or recording, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, perf_counter
from types import TracebackType
from typing import Protocol, runtime_checkable

from graspseg.cameras.camera import Camera, StreamEndError
from graspseg.frame import Frame
from graspseg.live.latest import LatestFrame
from graspseg.segment.segmenter import Segmentation
from graspseg.segment.stream import Reason

_LISTEN_S = 0.2
STALLED_S = 5.0


@runtime_checkable
class FrameSegmenter(Protocol):
    """Segments frames that follow each other, as `StreamSegmenter` does."""

    @property
    def reason(self) -> Reason | None:
        """Why everything was looked at in the last frame; see `StreamSegmenter`."""
        ...

    def __call__(self, frame: Frame, /) -> Segmentation:
        """Segment the next frame."""
        ...


@dataclass(frozen=True)
class LiveResult:
    """A frame of a stream and what was found in it.

    Attributes:
        number: of the frame, counting those that were dropped too, from 0.
        frame: the depth image.
        segmentation: see `Segmentation`.
        segment_ms: how long segmenting took.
        latency_ms: from when the frame came to when it was segmented.
        reason: why everything was looked at, None where windows followed the hands.
    """

    number: int
    frame: Frame
    segmentation: Segmentation
    segment_ms: float
    latency_ms: float
    reason: Reason | None


class Stream:
    """Segments the newest frame of a source, again and again; frames that come meanwhile are dropped and counted.

    Examples:
        >>> with Stream(RealSenseCamera(), StreamSegmenter(Segmenter())) as stream:  # doctest: +SKIP
        ...     for result in stream:
        ...         result.segmentation.labels

    Args:
        camera: where frames come from; see `graspseg.cameras.camera.Camera`.
        segmenter: segments frames that follow each other.
        notice: called with sentences that a person should hear: a camera that is gone or back, a frame that cannot be
            used, a size that changes.
        every: drop nothing: the source waits. For recordings.
        live: whether the source is a camera that may fall silent and come back.

    Raises:
        InputError: the source cannot be opened (when the iteration or the `with` block begins).
    """

    def __init__(
        self,
        camera: Camera,
        segmenter: FrameSegmenter,
        *,
        notice: Callable[[str], None] = lambda sentence: None,
        every: bool = False,
        live: bool = False,
    ) -> None:
        self._segmenter, self._notice = segmenter, notice
        self._latest = LatestFrame(camera, notice=notice, every=every, live=live)
        self._shape: tuple[int, int, float] | None = None
        self._started = False

    @property
    def dropped(self) -> int:
        """Frames that came and were not segmented, because a newer one came before."""
        return self._latest.dropped

    @property
    def failed(self) -> int:
        """Frames that could not be used."""
        return self._latest.failed

    def __enter__(self) -> Stream:
        if not self._started:
            self._started = True
            self._latest.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the source, in less than a second; the iteration ends."""
        self._latest.stop()

    def __iter__(self) -> Iterator[LiveResult]:
        self.__enter__()
        heard_s, told = monotonic(), False
        try:
            while True:
                arrival = self._latest.take(_LISTEN_S)
                if arrival is None:
                    if not told and monotonic() - heard_s > STALLED_S:
                        self._notice(f"No frame came for {STALLED_S:g} s: waiting, Ctrl-C ends.")
                        told = True
                    continue
                self._tell_change(arrival.frame)
                start = perf_counter()
                found = self._segmenter(arrival.frame)
                segment_ms = 1e3 * (perf_counter() - start)
                latency_ms = 1e3 * (monotonic() - arrival.came_s)
                yield LiveResult(arrival.number, arrival.frame, found, segment_ms, latency_ms, self._segmenter.reason)
                heard_s, told = monotonic(), False
        except StreamEndError:
            return
        finally:
            self.close()

    def _tell_change(self, frame: Frame) -> None:
        height, width = frame.depth.shape
        shape = (width, height, frame.depth_unit_m)
        if self._shape is not None and shape != self._shape:
            was_w, was_h, was_unit = self._shape
            self._notice(
                f"Frames changed from {was_w}x{was_h} in units of {was_unit:g} m to {width}x{height} in "
                f"{shape[2]:g} m: tracking begins anew."
            )
        self._shape = shape
