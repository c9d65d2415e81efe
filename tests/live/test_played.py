"""Stored frames come as if a camera took them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from graspseg import Frame, InputError
from graspseg.cameras.camera import Camera, StreamEndError
from graspseg.datasets.folder import FolderWriter
from graspseg.live.played import PlayedFrames
from ros_samples import write_take


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    def make(count: int = 3, **description: object) -> Path:
        folder = tmp_path / "clip"
        writer = FolderWriter(folder, {"depth_unit_m": 0.001})
        for index in range(count):
            depth = np.full((4, 6), 500 + index, np.uint16)
            writer.write(f"{index:03d}", Frame(depth), np.zeros((4, 6), np.uint8))
        said = json.loads((folder / "dataset.json").read_text()) if (folder / "dataset.json").exists() else {}
        (folder / "dataset.json").write_text(json.dumps({"depth_unit_m": 0.001, **said, **description}))
        return folder

    return make


def play(source: PlayedFrames) -> tuple[list[int], float]:
    """First pixel of every frame, and seconds from the first to the last."""
    values, times = list[int](), list[float]()
    source.open()
    while True:
        try:
            frame = source.read(0.2)
        except StreamEndError:
            return values, times[-1] - times[0]
        if frame is not None:
            values.append(int(frame.depth[0, 0]))
            times.append(monotonic())


def test_a_folder_is_played_at_its_rate_again_and_again(clip: Callable[..., Path]) -> None:
    folder = clip(rate_hz=20)
    source = PlayedFrames([folder], loop=2)
    assert isinstance(source, Camera)
    values, seconds = play(source)
    assert values == [500, 501, 502] * 2
    assert 0.25 <= seconds + 0.02 < 1.5
    assert source.describe() == f"{folder}, 3 frames at 20 a second, 2 times"


def test_a_rate_that_is_given_counts_and_zero_waits_for_nothing(clip: Callable[..., Path]) -> None:
    folder = clip(4, rate_hz=0.1)
    values, seconds = play(PlayedFrames([folder], rate_hz=10.0))
    assert values == [500, 501, 502, 503] and 0.3 <= seconds + 0.02 < 1.5
    values, seconds = play(PlayedFrames([folder], rate_hz=0.0, loop=3))
    assert len(values) == 12 and seconds < 1.0


@pytest.mark.parametrize("said", [None, "fast", 0, -5, float("inf"), True])
def test_a_rate_that_is_none_means_thirty(clip: Callable[..., Path], said: object) -> None:
    source = PlayedFrames([clip(4, rate_hz=said) if said is not None else clip(4)])
    assert "at 30 a second" in source.describe() or said is True


def test_a_recording_is_played_by_its_times(tmp_path: Path) -> None:
    path = write_take(tmp_path / "take", "folder-mcap", frames=5)
    values, seconds = play(PlayedFrames([path]))
    assert len(values) == 5 and 0.1 < seconds < 1.5


def test_single_frames_are_read_as_the_user_says(clip: Callable[..., Path]) -> None:
    from graspseg.segment.inputs import CameraOptions

    source = PlayedFrames([clip()], camera=CameraOptions(depth_unit_m=0.0005), rate_hz=0.0)
    source.open()
    frame = source.read(0.1)
    assert frame is not None and frame.depth_unit_m == 0.0005


@pytest.mark.parametrize(
    ("options", "found"),
    [({"loop": 0}, "--loop is 0"), ({"rate_hz": -1.0}, "--rate is -1"), ({"rate_hz": float("nan")}, "--rate is nan")],
)
def test_numbers_that_cannot_be(clip: Callable[..., Path], options: dict, found: str) -> None:
    with pytest.raises(InputError, match=found):
        PlayedFrames([clip()], **options)


def test_a_frame_that_is_damaged_does_not_end_the_stream(clip: Callable[..., Path]) -> None:
    folder = clip()
    (folder / "depth" / "001.png").write_bytes(b"no picture")
    source = PlayedFrames([folder], rate_hz=0.0)
    source.open()
    assert source.read(0.1) is not None
    with pytest.raises(InputError, match=r"001\.png"):
        source.read(0.1)
    assert source.read(0.1) is not None
