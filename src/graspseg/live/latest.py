"""The newest frame of a camera: read by a thread of its own, so that no queue grows while a frame is segmented."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from graspseg.cameras.camera import Camera, CameraLostError, StreamEndError
from graspseg.errors import InputError
from graspseg.frame import Frame

_LISTEN_S = 0.2  # between looks at whether to end
_AGAIN_S = 1.0  # between tries to open a camera that was lost
SILENCE_S = 3.0
LEAVE_S = 0.8
"""A thread that reads may take so long to end; one that hangs in a driver is left behind."""


@dataclass(frozen=True)
class Arrival:
    """A frame and when it came, by the monotonic clock; `number` counts those that came, dropped ones too."""

    number: int
    frame: Frame
    came_s: float


class LatestFrame:
    """Reads a camera in a thread and keeps the newest frame only.

    Args:
        camera: opened by `start`, in the thread of whoever calls it, so that what is wrong with it is told there.
        notice: called with sentences that a person should hear, from either thread.
        every: wait with the next frame until this one is taken, instead of dropping it.
        live: whether the camera may fall silent and come back; a recording that takes long to read is only told of.

    Attributes:
        dropped: frames that nobody took before the next one came.
        failed: frames that could not be used.
    """

    def __init__(
        self, camera: Camera, *, notice: Callable[[str], None], every: bool = False, live: bool = False
    ) -> None:
        self._camera, self._notice, self._every, self._live = camera, notice, every, live
        self._changed = threading.Condition()
        self._kept: Arrival | None = None
        self._over = self._stop = False
        self._error: BaseException | None = None
        self._count = self.dropped = self.failed = 0
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Open the camera and begin.

        Raises:
            InputError: it cannot be opened.
        """
        self._camera.open()
        self._thread.start()

    def take(self, timeout_s: float) -> Arrival | None:
        """The newest frame that was not taken yet; None when none comes in time.

        Raises:
            StreamEndError: there are no more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._kept is not None or self._over, timeout_s)
            kept, self._kept = self._kept, None
            if kept is None and self._over:
                if self._error is not None:
                    raise self._error
                raise StreamEndError
            self._changed.notify_all()
            return kept

    def stop(self) -> None:
        """End the thread and close the camera, in less than a second."""
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(LEAVE_S)

    def _run(self) -> None:
        try:
            self._read()
        except BaseException as error:  # told to whoever takes frames
            self._error = error
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()
            with contextlib.suppress(Exception):  # a driver that fails while it is closed
                self._camera.close()

    def _read(self) -> None:
        heard_s, told = monotonic(), False
        while not self._stop:
            try:
                frame = self._camera.read(_LISTEN_S)
            except StreamEndError:
                return
            except CameraLostError as error:
                self._find_again(str(error))
                heard_s, told = monotonic(), False
                continue
            except InputError as error:
                self.failed += 1
                heard_s = monotonic()
                self._notice(str(error))
                continue
            if frame is not None:
                heard_s, told = monotonic(), False
                self._keep(frame)
            elif self._live and monotonic() - heard_s > SILENCE_S and not told:
                self._find_again(f"{self._camera.describe()} sent nothing for {SILENCE_S:g} s.")
                heard_s = monotonic()

    def _keep(self, frame: Frame) -> None:
        with self._changed:
            if self._every:
                self._changed.wait_for(lambda: self._kept is None or self._stop)
            if self._stop:
                return
            self.dropped += self._kept is not None
            self._kept = Arrival(self._count, frame, monotonic())
            self._count += 1
            self._changed.notify_all()

    def _find_again(self, sentence: str) -> None:
        """Wait for a camera to come back."""
        self._notice(f"{sentence.rstrip('.')}: waiting for it, Ctrl-C ends.")
        with contextlib.suppress(Exception):
            self._camera.close()
        while not self._stop:
            try:
                self._camera.open()
            except InputError:
                with self._changed:
                    self._changed.wait_for(lambda: self._stop, _AGAIN_S)
                continue
            self._notice(f"{self._camera.describe()} is back.")
            return
