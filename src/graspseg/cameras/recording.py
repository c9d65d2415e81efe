"""What every recording of a depth camera can do, whatever its file format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
from jaxtyping import UInt8

from graspseg.cameras.pairing import pair_by_time
from graspseg.cameras.rgbd import ColorCamera, RgbdFrame, straighten
from graspseg.cameras.undistort import DepthLens
from graspseg.errors import InputError
from graspseg.frame import Frame

_APART_S = 0.025


class Recording(ABC):
    """Depth images and color pictures of one recording, each by its own index.

    Copies travel to other processes. Reading forward is quick; a jump costs a seek.

    Attributes:
        path: the file.
        depth_s: time of every depth image in seconds.
        color_s: time of every color picture on the same clock; empty without color.
        cut: the sentence for what is lost when the recording ends early, None for a whole one.
        depth_lens: how the lens of the depth camera bends what `frame` gives.
        color_camera: where the color camera is, None without color and where color is aligned with depth.
    """

    path: Path
    depth_s: Sequence[float]
    color_s: Sequence[float]
    cut: str | None
    depth_lens: DepthLens
    color_camera: ColorCamera | None

    @abstractmethod
    def frame(self, index: int, *, depth_unit_m: float | None = None) -> Frame:
        """Depth image `index` with unit, camera and time.

        Args:
            index: its number.
            depth_unit_m: meters per stored unit, None takes what the recording says.

        Raises:
            InputError: it cannot be read.
        """

    @abstractmethod
    def color(self, index: int) -> UInt8[np.ndarray, "hc wc 3"]:
        """Color picture `index` as RGB.

        Raises:
            InputError: it cannot be read.
        """

    def __len__(self) -> int:
        """Number of depth images."""
        return len(self.depth_s)

    def name(self, index: int) -> str:
        """Name of depth image `index` inside the recording."""
        return f"{index:06d}"


class RecordedRgbd:
    """The depth images of a recording that have a color picture, paired by time, with their lens corrected.

    Attributes:
        names: number of the depth image of every frame.

    Args:
        recording: the file.
        depth_unit_m: meters per stored unit, None takes what the recording says.

    Raises:
        InputError: the recording has no color, or none that fits its depth in time.
    """

    def __init__(self, recording: Recording, *, depth_unit_m: float | None = None) -> None:
        self._recording, self._depth_unit_m = recording, depth_unit_m
        if not recording.color_s:
            raise InputError(
                f"{recording.path} has {len(recording)} depth images and no color, expected both streams: record it "
                "with graspseg record."
            )
        self._color_camera = recording.color_camera
        self._pairs = pair_by_time(recording.depth_s, recording.color_s)
        if not self._pairs:
            raise InputError(
                f"{recording.path} has {len(recording)} depth images and {len(recording.color_s)} color pictures, none "
                "within 0.1 s of each other, expected both at the same time: record both at once."
            )
        self.names = [recording.name(depth) for depth, _ in self._pairs]

    @property
    def path(self) -> Path:
        """The file."""
        return self._recording.path

    @property
    def sequences(self) -> list[range]:
        """All frames follow each other."""
        return [range(len(self))]

    @property
    def cut(self) -> str | None:
        """What is lost when the recording ends early."""
        return self._recording.cut

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about the times of depth and color."""
        depth_s, color_s = self._recording.depth_s, self._recording.color_s
        found: list[str] = []
        if len(self._pairs) < len(depth_s):
            found.append(
                f"{self.path}: {len(depth_s) - len(self._pairs)} of {len(depth_s)} depth images have no color picture "
                "of their time and are left out"
            )
        apart_s = median(abs(depth_s[depth] - color_s[color]) for depth, color in self._pairs)
        if apart_s > _APART_S:
            found.append(
                f"{self.path}: color was taken {1000 * apart_s:.0f} ms before or after its depth (median), in which a "
                "hand moves: record both at one rate, synchronized"
            )
        return tuple(found)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> RgbdFrame:
        """Read one frame.

        Raises:
            InputError: depth or color cannot be read.
        """
        depth, color = self._pairs[index]
        frame = self._recording.frame(depth, depth_unit_m=self._depth_unit_m)
        try:
            taken = RgbdFrame(self.names[index], frame, self._recording.color(color), self._color_camera)
            return straighten(taken, self._recording.depth_lens)
        except InputError as error:
            raise error if str(self.path) in str(error) else InputError(f"{self.path}: {error}") from None
