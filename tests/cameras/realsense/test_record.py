import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import realsense_samples
from graspseg.cameras.open import open_rgbd
from graspseg.cameras.realsense import capture, record
from graspseg.cameras.realsense.capture import Mode
from graspseg.cameras.realsense.record import RecordSettings, Reporter, find_camera
from graspseg.cameras.rgbd import RgbdSource
from graspseg.cli.main import main
from graspseg.datasets.atomic import OutputError, write_json
from graspseg.errors import InputError
from graspseg.frame import Intrinsics

MODE = Mode(32, 24, 30)
KINDS = ("take", "take.db3")


def take(camera: Any, out: Path, *, advanced: Callable[[int], None] = lambda frames: None, **fields: Any) -> Any:
    said: list[str] = []
    settings = RecordSettings(out, MODE, **{"seconds": 0.4, "settle_s": 0.1, **fields})
    done = record.record(camera.device, settings, Reporter(lambda: said.append("settling"), said.append, advanced))
    return SimpleNamespace(done=done, said=said)


def check_frames(source: RgbdSource) -> list[int]:
    """Numbers of the frames, each of which must hold the depth and color that were fed together."""
    numbers = []
    for index in range(len(source)):
        frame = source[index]
        number = int(frame.frame.depth[0, 0]) - 1000
        assert frame.color[0, 0, 2] == number % 256
        numbers.append(number)
    return numbers


@pytest.mark.parametrize("name", KINDS)
def test_recorded_frames_are_those_after_settling(streaming: Any, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    taken = take(streaming, out)
    source = open_rgbd(out)
    numbers = check_frames(source)
    assert taken.said == ["settling"] and taken.done.ended is None
    # What the SDK's recorder keeps may differ by the frames on their way when it is told to begin and to end.
    assert 5 <= taken.done.frames <= len(source) + (0 if name == "take" else 2)
    assert numbers == sorted(set(numbers))  # on a busy machine some are lost
    assert numbers[0] >= 8  # 0.1 s of settling and the frames in which the lock is looked at


@pytest.mark.parametrize("name", KINDS)
def test_description_holds_camera_and_locked_values(streaming: Any, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    take(streaming, out, gain=50.0)
    described = json.loads((out / "dataset.json" if name == "take" else out.with_suffix(".json")).read_text())
    assert described["locked"] == {"exposure": 156.0, "gain": 50.0, "white_balance": 4600.0}
    assert described["depth_unit_m"] == 0.000125 and described["rate_hz"] == 30
    assert described["camera"] == {
        "name": "Software camera",
        "serial_number": "0123",
        "firmware_version": "unknown",
    }
    option = streaming.sdk.option
    for automatic in (option.enable_auto_exposure, option.enable_auto_white_balance):
        assert streaming.color_sensor.get_option(automatic) == 0
    frame = open_rgbd(out)[0]
    assert frame.frame.intrinsics == Intrinsics(25.0, 26.0, 15.0, 12.0) and frame.frame.depth_unit_m == 0.000125
    assert frame.color_camera is not None and frame.color_camera.intrinsics == Intrinsics(40.0, 41.0, 23.0, 18.0)
    assert frame.color_camera.translation_m[0] == pytest.approx(0.025)
    assert frame.color_camera.rotation[1, 0] == pytest.approx(np.sin(0.1), abs=1e-6)
    assert frame.color_camera.distortion[0] == pytest.approx(0.01)


def test_a_change_of_brightness_by_locking_is_told(streaming: Any, tmp_path: Path) -> None:
    streaming.brighter_when_locked = 100
    taken = take(streaming, tmp_path / "take")
    assert "brighter" in taken.said[1] and "--exposure" in taken.said[1] and "now 156" in taken.said[1]


@pytest.mark.parametrize("name", KINDS)
def test_ctrl_c_ends_the_recording_and_keeps_it(streaming: Any, tmp_path: Path, name: str) -> None:
    def stop(frames: int) -> None:
        if frames >= 6:
            raise KeyboardInterrupt

    taken = take(streaming, tmp_path / name, seconds=None, advanced=stop)
    assert taken.done.frames >= 6 and taken.done.ended is None
    on_their_way = 0 if name == "take" else 2  # see the first test
    assert len(check_frames(open_rgbd(tmp_path / name))) >= taken.done.frames - on_their_way


@pytest.mark.parametrize("name", KINDS)
def test_an_unplugged_camera_ends_the_recording(
    camera: Any, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(record, "SILENCE_S", 0.4)
    monkeypatch.setattr(record, "find_camera", lambda serial: camera.device)
    stop = threading.Event()
    thread = threading.Thread(target=camera.stream, args=(stop,))
    thread.start()

    def unplug_soon(path: Path, content: Any) -> None:  # written between settling and the first frame
        write_json(path, content)
        threading.Timer(0.8, stop.set).start()

    monkeypatch.setattr(record, "write_json", unplug_soon)
    mode = ["--width", "32", "--height", "24", "--settle", "0.1"]
    assert main(["record", "--out", str(tmp_path / name), *mode]) == 1
    thread.join()
    printed = capsys.readouterr()
    assert "frames recorded" in printed.out and "graspseg annotate" in printed.out
    assert "what came before is kept: the camera sent nothing for 0.4 s" in printed.err
    recorded = int(printed.out.split()[0])
    on_their_way = 0 if name == "take" else 2  # see the first test
    assert len(check_frames(open_rgbd(tmp_path / name))) >= max(1, recorded - on_their_way)


@pytest.mark.parametrize("name", KINDS)
def test_a_silent_camera_leaves_nothing_behind(
    camera: Any, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "SILENCE_S", 0.3)
    with pytest.raises(InputError, match=r"Software camera sent no depth with color for 0.3 s, expected both"):
        take(camera, tmp_path / "deep" / name)
    assert not (tmp_path / "deep" / name).exists() and not list(tmp_path.rglob("*.json"))


def test_what_the_camera_does_not_offer_is_named(streaming: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--exposure is 20000, expected 1 to 10000"):
        take(streaming, tmp_path / "take", exposure=20000.0)
    settings = RecordSettings(tmp_path / "take", Mode(640, 480, 90))
    with pytest.raises(InputError, match=r"Software camera does not stream depth and color of 640x480 at 90"):
        record.record(streaming.device, settings, Reporter(lambda: None, print, lambda frames: None))
    assert not (tmp_path / "take").exists()


def test_a_full_disk_keeps_what_was_written(streaming: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, left = record.new_file, [12]

    def fill_up(path: Path) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise OutputError(f"{path} could not be written (No space left on device): free space there.")
        return real(path)

    monkeypatch.setattr(record, "new_file", fill_up)
    taken = take(streaming, tmp_path / "take", seconds=None)
    assert taken.done.ended is not None and "No space left" in taken.done.ended
    assert len(check_frames(open_rgbd(tmp_path / "take"))) == taken.done.frames > 0


def test_a_nearly_full_disk_stops_the_recorder(streaming: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = iter([10**9] * 5 + [10**6] * 100)
    monkeypatch.setattr(record.shutil, "disk_usage", lambda path: SimpleNamespace(free=next(free)))
    taken = take(streaming, tmp_path / "take.db3", seconds=None)
    assert taken.done.frames == 5 and taken.done.ended is not None and "200 MB left" in taken.done.ended
    assert len(open_rgbd(tmp_path / "take.db3")) >= 5


def test_slow_writers_lose_frames_and_count_them(
    streaming: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "_WAITING", 1)
    taken = take(streaming, tmp_path / "take")
    numbers = check_frames(open_rgbd(tmp_path / "take"))
    names = [int(name) for name in open_rgbd(tmp_path / "take").names]
    assert len(numbers) == taken.done.frames
    assert [number - numbers[0] for number in numbers] == names  # a gap in the names is a gap in time
    assert taken.done.lost >= names[-1] + 1 - len(names)


_KILLED = """
import importlib.util, os, sys, threading
from pathlib import Path
import pyrealsense2
spec = importlib.util.spec_from_file_location("made", sys.argv[1])
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)
from graspseg.cameras.realsense.record import Mode, Reporter, RecordSettings, record
camera = made.SoftwareCamera(pyrealsense2, color_size=(32, 24))
threading.Thread(target=camera.stream, args=(threading.Event(),), daemon=True).start()
tell = lambda frames: print(frames, flush=True)
record(camera.device, RecordSettings(Path(sys.argv[2]), Mode(32, 24, 30), settle_s=0.1), Reporter(print, print, tell))
"""


@pytest.mark.parametrize("name", KINDS)
def test_a_killed_recording_keeps_every_frame_it_reported(sdk: Any, tmp_path: Path, name: str) -> None:
    made, out = Path(realsense_samples.__file__), tmp_path / name
    with subprocess.Popen([sys.executable, "-c", _KILLED, made, out], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reported = 0
        while reported < 20 and (line := process.stdout.readline()):
            reported = int(line) if line.strip().isdigit() else 0
        process.send_signal(signal.SIGKILL)
    numbers = check_frames(open_rgbd(out))
    assert reported >= 20
    # The recorder of the SDK writes behind what it hands over.
    assert len(numbers) >= reported - (0 if name == "take" else 2)


def test_which_camera(sdk: Any, camera: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*devices: Any) -> None:
        context = SimpleNamespace(query_devices=lambda: list(devices))
        monkeypatch.setattr(record, "load_sdk", lambda: SimpleNamespace(context=lambda: context))

    connect()
    with pytest.raises(InputError, match=r"No RealSense camera is connected, expected one on USB 3: plug it in"):
        find_camera()
    connect(camera.device)
    assert find_camera() is camera.device and find_camera("0123") is camera.device
    with pytest.raises(InputError, match=r"No camera has the serial number 7, expected one of 0123"):
        find_camera("7")
    connect(camera.device, camera.device)
    with pytest.raises(InputError, match=r"2 cameras are connected \(0123, 0123\).*--serial"):
        find_camera()


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"seconds": 0.0}, "--seconds is 0"),
        ({"seconds": float("nan")}, "--seconds is nan"),
        ({"settle_s": -1.0}, "--settle is -1"),
        ({"mode": Mode(0, 480, 30)}, "0, 480 and 30"),
    ],
)
def test_impossible_settings(tmp_path: Path, fields: dict[str, Any], found: str) -> None:
    with pytest.raises(InputError, match=found):
        RecordSettings(**{"out": tmp_path / "new", "mode": MODE, **fields})


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    for name in ("a.db3", "b/depth/1.png", "c.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    for name in ("a.db3", "b", "c.db3"):
        with pytest.raises(InputError, match=rf"{name} is there already, expected a new recording"):
            RecordSettings(tmp_path / name, MODE)
    assert RecordSettings(tmp_path / "empty", MODE).is_folder
