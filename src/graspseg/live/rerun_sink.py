"""Results in the Rerun viewer, or in a file that it opens."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np

from graspseg.datasets.atomic import OutputError, make_folder
from graspseg.errors import InputError, not_installed
from graspseg.frame import Frame
from graspseg.labels import BACKGROUND, CLASS_NAMES, HAND, OBJECT, PALETTE
from graspseg.live.sink import SinkClosedError
from graspseg.live.stream import LiveResult
from graspseg.segment.cloud import cloud

_LEAST_S = 0.1  # between pictures: the viewer's memory limit does not hold at 30 a second
_MOST_POINTS = 5000
_STARTS_WITHIN_S = 3.0
_LEAVE_S = 0.5
_PORT = 9876
_MEMORY = "1GB"


class RerunSink:
    """Depth, labels, confidence, points of hand and object, camera and times for Rerun, at most ten times a second.

    A viewer gets pictures that replace each other, so that it does not grow; a file keeps them on the timelines `frame`
    and `time`.

    Args:
        path: a new `.rrd` file; None starts a viewer.
        command: what starts the viewer, None is that of the package.

    Raises:
        InputError: Rerun is not installed, the viewer does not start (no display), or the file is there already.
        OutputError: the file cannot be made.
    """

    def __init__(self, path: Path | None = None, *, command: Sequence[str] | None = None) -> None:
        self._rerun = _load_rerun()
        self._viewer: subprocess.Popen[bytes] | None = None
        self._static = path is None
        self._rec: Any = self._rerun.RecordingStream("graspseg")
        if path is None:
            self._start_viewer(
                command or (sys.executable, "-m", "rerun", "--port", str(_PORT), "--memory-limit", _MEMORY)
            )
        else:
            if path.exists():
                raise InputError(f"{path} is there already, expected a new file: choose another --save.")
            make_folder(path.parent)
            try:
                self._rec.save(path)
            except (OSError, RuntimeError) as error:
                raise OutputError(f"{path} could not be written ({error}): choose another place.") from error
        rerun = self._rerun
        names = [rerun.AnnotationInfo(id=i, label=name, color=PALETTE[i]) for i, name in enumerate(CLASS_NAMES)]
        self._log("/", rerun.AnnotationContext(names), static=True)
        self._begin_s = monotonic()
        self._shown_s = -1.0
        self._camera: tuple[object, ...] | None = None

    def add(self, result: LiveResult) -> None:
        """See `Sink`."""
        if self._viewer is not None and self._viewer.poll() is not None:
            raise SinkClosedError("The Rerun viewer was closed: the stream goes on without it.")
        now_s = monotonic()
        if now_s - self._shown_s < _LEAST_S:
            return
        self._shown_s = now_s
        rerun, frame, found = self._rerun, result.frame, result.segmentation
        if not self._static:
            self._rec.set_time("frame", sequence=result.number)
            self._rec.set_time("time", duration=now_s - self._begin_s)
        self._log_camera(frame)
        self._log("camera/depth", rerun.DepthImage(frame.depth, meter=1 / frame.depth_unit_m))
        self._log("camera/labels", rerun.SegmentationImage(found.labels))
        self._log("camera/confidence", rerun.Image(_confidence(found)))
        for label in (HAND, OBJECT):
            points = cloud(frame, found.labels == label)
            points = points[:: max(1, -(-len(points) // _MOST_POINTS))]
            self._log(f"points/{CLASS_NAMES[label]}", rerun.Points3D(points, colors=PALETTE[label], radii=0.001))
        self._log("times/segment_ms", rerun.Scalars(result.segment_ms))
        self._log("times/latency_ms", rerun.Scalars(result.latency_ms))
        if found.hand_present is not None:
            self._log("hand_present", rerun.Scalars(found.hand_present))

    def close(self) -> None:
        """See `Sink`: a viewer stays open for whoever looks at it."""
        if self._viewer is None:
            self._rec.disconnect()
            return
        # To a viewer that is gone or hangs the library would try to deliver for ten seconds, here and when Python ends.
        ending = threading.Thread(target=self._rec.disconnect, daemon=True)
        ending.start()
        ending.join(_LEAVE_S)
        if ending.is_alive():
            self._rerun.unregister_shutdown()

    def _log(self, entity: str, what: Any, *, static: bool = False) -> None:
        self._rec.log(entity, what, static=static or self._static)

    def _log_camera(self, frame: Frame) -> None:
        camera, (height, width) = frame.intrinsics_or_default(), frame.depth.shape
        if self._camera == (camera, height, width):
            return
        self._camera = (camera, height, width)
        matrix = [[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]]
        view = self._rerun.ViewCoordinates.RDF
        self._log("camera", self._rerun.Pinhole(image_from_camera=matrix, resolution=[width, height]), static=True)
        self._log("points", view, static=True)

    def _start_viewer(self, command: Sequence[str]) -> None:
        with tempfile.TemporaryFile() as said:
            try:
                self._viewer = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    start_new_session=True,  # Ctrl-C is for the stream
                )
            except OSError as error:
                raise InputError(
                    f"The Rerun viewer could not be started ({error.strerror}), expected the package's own: use "
                    "--viewer web."
                ) from error
            end_s = monotonic() + _STARTS_WITHIN_S
            while monotonic() < end_s:
                if self._viewer.poll() is not None:
                    said.seek(0)
                    lines = said.read().decode(errors="replace").strip().splitlines()
                    raise InputError(
                        f"The Rerun viewer ended at once ({lines[-1][:120] if lines else 'without a word'}), expected "
                        "a display: use --viewer web, or --save FILE.rrd to look at it elsewhere."
                    )
                sleep(0.1)
        self._rec.connect_grpc(f"rerun+http://127.0.0.1:{_PORT}/proxy")


def _confidence(found: Any) -> np.ndarray:
    """Probability of the chosen class at hand and object, as gray."""
    gray = np.zeros(found.labels.shape, np.uint8)
    here = found.labels != BACKGROUND
    gray[here] = np.rint(255 * found.probabilities[:, here].max(axis=0))
    return gray


def _load_rerun() -> Any:
    try:
        import rerun
    except ModuleNotFoundError as error:
        raise InputError(not_installed("--viewer rerun", "rerun", "live")) from error
    return rerun
