"""What is shown and saved of a stream."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import cv2
import numpy as np
import pytest

from graspseg import InputError
from graspseg.cameras.recordings import open_recording
from graspseg.datasets.atomic import OutputError
from graspseg.datasets.open import open_dataset
from graspseg.datasets.output_folder import working_in
from graspseg.live.folder_sink import FolderSink
from graspseg.live.mcap_sink import McapSink
from graspseg.live.rerun_sink import RerunSink
from graspseg.live.sink import Background, Sink, SinkClosedError
from graspseg.live.stream import LiveResult
from graspseg.live.web_sink import WebSink
from stand_ins import result


class Memory:
    """Keeps numbers of results; fails when told to."""

    def __init__(self) -> None:
        self.numbers, self.closed = list[int](), 0
        self.go_on = Event()
        self.go_on.set()
        self.error: InputError | None = None

    def add(self, result: LiveResult) -> None:
        self.go_on.wait(10)
        if self.error is not None:
            raise self.error
        self.numbers.append(result.number)

    def close(self) -> None:
        self.closed += 1


def test_a_folder_is_a_data_set_in_one_unit(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "out")
    assert isinstance(sink, Sink)
    given = [result(0), result(3), result(4, unit_m=0.0005), result(5, width=40)]
    for each in given:
        sink.add(each)
    with pytest.raises(InputError, match="another process"), working_in(tmp_path / "out"):
        pass
    sink.close()
    dataset = open_dataset(tmp_path / "out")
    assert list(dataset.stems) == ["000000", "000003", "000004", "000005"]
    for index, each in enumerate(given):
        sample = dataset[index]
        assert sample.labels is not None and np.array_equal(sample.labels, each.segmentation.labels)
        assert sample.frame.depth_m() == pytest.approx(each.frame.depth_m(), abs=6e-4)
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
    with pytest.raises(InputError, match="not empty"):
        FolderSink(tmp_path / "out")


def test_a_folder_without_a_result_leaves_nothing(tmp_path: Path) -> None:
    FolderSink(tmp_path / "out").close()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("unit_m", [0.001, 0.0001])
def test_mcap_is_a_recording_that_is_read_again(tmp_path: Path, unit_m: float) -> None:
    path = tmp_path / "take.mcap"
    sink = McapSink(path)
    for number in range(4):
        sink.add(result(number, unit_m=unit_m))
    assert not path.exists()
    sink.close()
    assert [each.name for each in tmp_path.iterdir()] == ["take.mcap"]
    recording = open_recording(path)
    assert len(recording) == 4
    read, given = recording.frame(2), result(2, unit_m=unit_m).frame
    assert read.depth_m() == pytest.approx(given.depth_m(), abs=1e-4)
    assert read.intrinsics == given.intrinsics_or_default()
    assert np.diff(recording.depth_s) == pytest.approx(1 / 30, abs=1e-6)
    with pytest.raises(InputError, match="there already"):
        McapSink(path)


def test_mcap_without_a_result_leaves_nothing(tmp_path: Path) -> None:
    McapSink(tmp_path / "take.mcap").close()
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rosbags.rosbag2", None)
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(InputError, match=r"graspseg\[ros\]"):
        McapSink(tmp_path / "take.mcap")
    with pytest.raises(InputError, match=r"graspseg\[live\]"):
        RerunSink(tmp_path / "take.rrd")


def test_rerun_file_holds_what_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rerun", reason="NOT TESTED: rerun-sdk is not installed: pip install 'graspseg[live]'")
    monkeypatch.setattr("graspseg.live.rerun_sink._LEAST_S", 0.0)
    path = tmp_path / "take.rrd"
    sink = RerunSink(path)
    for number in range(3):
        sink.add(result(number))
    sink.close()
    command = [str(Path(sys.executable).with_name("rerun")), "rrd", "print", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for entity in ("camera/depth", "camera/labels", "camera/confidence", "points/hand", "times/segment_ms"):
        assert f"/{entity}" in said, said[-2000:]
    with pytest.raises(InputError, match="there already"):
        RerunSink(path)


def test_a_viewer_that_does_not_start_says_why() -> None:
    pytest.importorskip("rerun", reason="NOT TESTED: rerun-sdk is not installed")
    with pytest.raises(InputError, match=r"ended at once \(no display\), expected a display: use --viewer web"):
        RerunSink(command=["sh", "-c", "echo no display >&2; exit 1"])
    with pytest.raises(InputError, match="could not be started"):
        RerunSink(command=["/no/such/viewer"])


def test_a_viewer_that_is_closed_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rerun", reason="NOT TESTED: rerun-sdk is not installed")
    monkeypatch.setattr("graspseg.live.rerun_sink._STARTS_WITHIN_S", 0.1)
    sink = RerunSink(command=["sleep", "60"])
    viewer = sink._viewer
    assert viewer is not None
    viewer.terminate()
    viewer.wait()
    with pytest.raises(SinkClosedError, match="viewer was closed"):
        sink.add(result())
    sink.close()


@pytest.fixture
def page() -> Any:
    sink = WebSink(lambda: "12 frames/s")
    yield sink
    sink.close()


def _get(sink: WebSink, path: str, **headers: str) -> Any:
    request = urllib.request.Request(sink.address.rstrip("/") + path, headers=headers)
    return urllib.request.urlopen(request, timeout=10)


def test_a_page_shows_pictures_and_figures(page: WebSink) -> None:
    assert "stream.mjpg" in _get(page, "/").read().decode() and "fetch" in _get(page, "/page.js").read().decode()
    assert json.load(_get(page, "/state.json")) == {"line": "12 frames/s"}
    stop = Event()

    def feed() -> None:
        number = 0
        while not stop.wait(0.02):
            page.add(result(number := number + 1))

    thread = Thread(target=feed)
    thread.start()
    try:
        with _get(page, "/stream.mjpg") as answer:
            pictures = [_picture(answer) for _ in range(3)]
    finally:
        stop.set()
        thread.join()
    for picture in pictures:
        assert picture.shape == (24, 32, 3)
        blue, _, red = picture[10:14, 10:14].reshape(-1, 3).mean(axis=0)
        assert red > blue + 40, "the hand is orange"


def _picture(answer: Any) -> np.ndarray:
    length = 0
    while (line := answer.readline().strip()) or not length:
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    data = np.frombuffer(answer.read(length), np.uint8)
    answer.readline()
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def test_no_picture_is_made_while_nobody_looks(page: WebSink) -> None:
    page.add(result())
    assert page._picture is None


def test_only_this_machine_by_its_own_name_is_answered(page: WebSink) -> None:
    assert page.address.startswith("http://127.0.0.1:")
    for path, headers, code in (("/", {"Host": "evil.example"}, 403), ("/secret", {}, 404)):
        with pytest.raises(urllib.error.HTTPError) as caught:
            _get(page, path, **headers)
        assert caught.value.code == code
        caught.value.close()
    with _get(page, "/", Host="localhost:1") as answer:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_port_that_is_taken_is_told_of(page: WebSink) -> None:
    port = int(page.address.rstrip("/").rpartition(":")[2])
    with pytest.raises(InputError, match=f"Port {port} of 127.0.0.1 cannot be used"):
        WebSink(lambda: "", port=port)


def test_a_slow_disk_costs_results_but_no_time() -> None:
    slow = Memory()
    slow.go_on.clear()
    sink = Background(slow)
    start = monotonic()
    for number in range(50):
        sink.add(result(number))
    assert monotonic() - start < 2.0 and 17 <= sink.lost <= 18
    slow.go_on.set()
    sink.close()
    assert slow.numbers == sorted(slow.numbers) and len(slow.numbers) == 50 - sink.lost and slow.closed == 1


def test_nothing_is_lost_when_every_result_counts() -> None:
    slow = Memory()
    slow.go_on.clear()
    sink = Background(slow, wait=True)
    Thread(target=lambda: (sleep(0.1), slow.go_on.set())).start()
    for number in range(50):
        sink.add(result(number))
    sink.close()
    assert slow.numbers == list(range(50)) and sink.lost == 0


def _fails(act: Callable[[], object]) -> bool:
    try:
        act()
    except OutputError:
        return True
    return False


def test_what_goes_wrong_while_writing_is_raised_to_whoever_adds() -> None:
    full = Memory()
    full.error = OutputError("disk full")
    sink = Background(full)
    end = monotonic() + 5
    while not _fails(lambda: sink.add(result())) and monotonic() < end:
        sleep(0.01)
    assert monotonic() < end
    assert _fails(sink.close) and full.closed == 1


def test_a_full_disk_is_told_of_and_the_folder_stays_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from graspseg.datasets import atomic

    sink = FolderSink(tmp_path / "out")
    sink.add(result(0))

    def replace(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "replace", replace)
        with pytest.raises(OutputError, match="No space left on device"):
            sink.add(result(1))
    sink.close()
    assert list(open_dataset(tmp_path / "out").stems) == ["000000"]
