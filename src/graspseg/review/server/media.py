"""Pictures of a frame as the page takes them: plain pixels, which need no decoding there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.byte_cache import ByteCache
from graspseg.errors import InputError
from graspseg.frame import Frame
from graspseg.review.server.database import Busy
from graspseg.review.server.folder import Missing, ReviewFolder
from graspseg.review.server.prediction import Predictor
from graspseg.review.server.state import FrameState
from graspseg.review.server.store import Store

Kind = Literal["depth", "color", "labels", "prediction"]
KINDS: tuple[Kind, ...] = ("depth", "color", "labels", "prediction")
_RAW = "application/octet-stream"
_KEPT_BYTES = 64 << 20
_ATTEMPTS = 5


class Medium(NamedTuple):
    """What is sent.

    Attributes:
        data: the content.
        kind: its media type.
        headers: what is needed to read it.
    """

    data: bytes
    kind: str
    headers: dict[str, str]


class Media:
    """The pictures of every frame.

    Args:
        store: the record, with the folder.
        predictor: the network, None without one.
    """

    def __init__(self, store: Store, predictor: Predictor | None) -> None:
        self._store = store
        self._folder: ReviewFolder = store.folder
        self._predictor = predictor
        self._frames: ByteCache[Frame] = ByteCache(_KEPT_BYTES, lambda frame: frame.depth.nbytes)

    def addresses(self, frame: FrameState) -> dict[Kind, str | None]:
        """Where the pictures of a frame are; each address means one content for ever."""
        return {kind: self._address(frame, kind) for kind in KINDS}

    def _address(self, frame: FrameState, kind: Kind) -> str | None:
        version = self.version(frame, kind)
        return None if version is None else f"/media/{frame.id}/{kind}?v={version}"

    def version(self, frame: FrameState, kind: Kind) -> str | None:
        """Changes whenever a picture does; None when there is none."""
        name = self._file(frame, kind)
        if name is None or (kind == "prediction" and self._predictor is None):
            return None
        try:
            version = self._folder.version(name)
        except Missing:
            return f"lost-{frame.revision}" if kind == "depth" else None
        except InputError:  # outside of the folder: whoever asks for it is told
            return "refused"
        return f"{version}-{frame.labels_id or 0}" if kind == "labels" else version

    def _file(self, frame: FrameState, kind: Kind) -> str | None:
        if kind == "color":
            return self._folder.color_name(frame.stem)
        if kind == "labels":
            return self._folder.labels_name(frame.stem)
        return self._recorded(frame) if kind == "prediction" else frame.depth

    def is_cut(self, frame: FrameState) -> bool:
        """Whether the depth that is shown is only a part of what the network sees."""
        return self._recorded(frame) != frame.depth

    def _recorded(self, frame: FrameState) -> str:
        return self._folder.recorded_name(frame.stem, frame.depth)

    def get(self, frame: FrameState, kind: Kind) -> Medium:
        """A picture of a frame.

        Raises:
            InputError: there is none, or it cannot be used.
        """
        depth = self.depth(frame)
        if kind == "depth":
            headers = {"X-Depth-Unit-M": repr(float(depth.depth_unit_m))}
            return _raw(depth.depth.astype("<u2", copy=False), headers)
        if kind == "labels":
            return self._labels(frame, depth.depth.shape)
        if kind == "prediction":
            return self._prediction(frame)
        name = self._folder.color_name(frame.stem)
        if name is None:
            raise Missing(f"{frame.stem} has no color picture.")
        data = self._folder.color(name, depth.depth.shape)
        return Medium(data, "image/png" if data.startswith(b"\x89PNG") else "image/jpeg", {})

    def _labels(self, frame: FrameState, shape: tuple[int, int]) -> Medium:
        """The labels with the version of exactly what is sent, which who decides on them sends back."""
        images = self._store.images
        for _ in range(_ATTEMPTS):
            version = images.version(frame)
            labels = images.present(frame, shape)
            if version == images.version(frame):
                return _raw(labels, {"X-Labels-Version": version})
        raise Busy(f"{self._folder.labels_name(frame.stem)} keeps changing, expected it to rest: try again.")

    def kept_labels(self, frame: FrameState, image: int) -> Medium:
        """Labels of a frame's history.

        Raises:
            InputError: there are none of that number, or they cannot be used.
        """
        return _raw(self._store.images.kept(frame, image, shape=self.depth(frame).depth.shape))

    def depth(self, frame: FrameState) -> Frame:
        """The depth image of a frame; the last ones are remembered.

        Raises:
            InputError: it cannot be used.
        """
        return self._read(frame.depth)

    def _read(self, name: str) -> Frame:
        return self._frames.get((name, self._folder.version(name)), lambda: self._folder.depth(name))

    def _seen(self, frame: FrameState) -> Frame:
        """What the network sees of a frame.

        Raises:
            InputError: it cannot be used, or is of another size than the depth that is shown.
        """
        shape, name = self.depth(frame).depth.shape, self._recorded(frame)
        seen = self._read(name)
        if seen.depth.shape != shape:
            raise InputError(
                f"{name} is {seen.depth.shape}, expected {shape} like {frame.depth}: annotate the frame anew."
            )
        return seen

    def _prediction(self, frame: FrameState) -> Medium:
        if self._predictor is None:
            raise Missing("There is no network to ask, expected one: start with --model.")
        found = self._predictor.predict(self._key(frame), lambda: self._seen(frame))
        headers = {} if found.confidence is None else {"X-Confidence": f"{found.confidence:.4f}"}
        return _raw(found.labels, headers)

    def prepare(self, frames: Sequence[FrameState]) -> None:
        """Start predicting frames that will be requested."""
        if self._predictor is None:
            return
        for frame in frames:
            if self._folder.has(frame.depth):
                self._predictor.request(self._key(frame), lambda frame=frame: self._seen(frame))

    def _key(self, frame: FrameState) -> str:
        name = self._recorded(frame)
        return f"{name} {self._folder.version(name)}"


def _raw(image: np.ndarray | UInt8[np.ndarray, "h w"], headers: dict[str, str] | None = None) -> Medium:
    height, width = image.shape
    return Medium(image.tobytes(), _RAW, {"X-Width": str(width), "X-Height": str(height), **(headers or {})})
