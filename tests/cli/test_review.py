from __future__ import annotations

import contextlib
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.frame import Frame

SHAPE = (48, 64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty frames, `0` to `19`, with labels."""
    writer = FolderWriter(tmp_path / "set", {})
    for number in range(20):
        writer.write(str(number), Frame(np.full(SHAPE, 500, np.uint16)), np.full(SHAPE, number % 3, np.uint8))
    return tmp_path / "set"


class Server:
    """`graspseg review` as a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "graspseg.cli.main", "review", str(folder), "--model", "none", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Review at http://127.0.0.1:"), self.process.communicate()[1]
        self.base, token = line.split()[-1].split("/?token=")
        self.client = httpx.Client(base_url=self.base, headers={"X-Token": token}, timeout=30)

    def frames(self) -> list[dict]:
        answer = self.client.get("/api/queue", params={"filter": "all", "order": "name", "limit": 100})
        return answer.json()["frames"]

    def decide(self, frame: dict, decision: str) -> httpx.Response:
        body = {"decision": decision, "expected_revision": frame["revision"]}
        return self.client.post(f"/api/frame/{frame['id']}/decision", json=body)

    def save(self, frame: dict, labels: np.ndarray) -> httpx.Response:
        address = f"/api/frame/{frame['id']}/labels?expected_revision={frame['revision']}"
        return self.client.put(address, content=labels.tobytes())

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """Send a signal; exit code and what was said on stderr."""
        self.client.close()
        self.process.send_signal(how)
        said = self.process.communicate(timeout=30)[1]
        return self.process.returncode, said


Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Server] = []

    def begin(folder: Path, *options: str) -> Server:
        started.append(Server(folder, *options))
        return started[-1]

    yield begin
    for server in started:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)


@pytest.mark.slow
def test_killed_in_the_middle_nothing_that_was_answered_is_lost(folder: Path, start: Start) -> None:
    server = start(folder)
    answered: dict[str, tuple[str, int]] = {}

    def review() -> None:
        with contextlib.suppress(httpx.HTTPError):
            for turn in range(1000):
                for number, frame in enumerate(server.frames()):
                    value = (turn + number) % 3
                    saved = server.save(frame, np.full(SHAPE, value, np.uint8)).json()["frame"]
                    decision = "accepted" if (turn + number) % 2 else "rejected"
                    if server.decide(saved, decision).status_code == 200:
                        answered[frame["stem"]] = (decision, value)

    thread = threading.Thread(target=review)
    thread.start()
    while len(answered) < 15:
        time.sleep(0.01)
    code, _ = server.end(signal.SIGKILL)
    thread.join()
    assert code == -signal.SIGKILL
    server = start(folder)
    frames = {frame["stem"]: frame for frame in server.frames()}
    # The frame being worked on may be one step further than its answer.
    differing = [stem for stem, (decision, _) in answered.items() if frames[stem]["decision"] != decision]
    assert len(answered) >= 15 and len(differing) <= 1
    images = {sample.stem: np.unique(np.asarray(sample.labels)).tolist() for sample in FolderDataset(folder)}
    assert sum(images[stem] != [value] for stem, (_, value) in answered.items()) <= 1
    code, said = server.end(signal.SIGINT)
    assert (code, said) == (130, "graspseg: stopped\n")
    assert not (folder / "review.sqlite-wal").exists()
    connection = sqlite3.connect(folder / "review.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()


@pytest.mark.slow
def test_a_second_server_on_a_folder_is_refused_until_the_first_has_ended(
    folder: Path, start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = start(folder, "--reviewer", "Anna")
    drawn = tmp_path / "a.json"
    drawn.write_text("{}")
    for options in ((str(folder), "--model", "none"), ("import", str(folder), str(drawn))):
        assert main(["review", *options]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and f"{folder} is being worked on by another process" in said
    # Writing into it is refused in every other command by the same lock.
    assert main(["segment", str(folder / "depth" / "0.png"), "--out", str(folder)]) == 2
    capsys.readouterr()
    assert server.decide(server.frames()[0], "accepted").status_code == 200
    assert server.end(signal.SIGKILL)[0] == -signal.SIGKILL
    again = start(folder, "--reviewer", "Ben")
    assert again.client.get("/api/progress").json()["accepted"] == 1


@pytest.mark.slow
def test_a_disk_that_fills_up_meanwhile(folder: Path, start: Start) -> None:
    server = start(folder)
    frame = server.frames()[0]
    noise = np.random.default_rng(1).choice(np.array([0, 1, 2, 255], np.uint8), SHAPE)
    used = max(path.stat().st_size for path in folder.glob("review.sqlite*"))
    free = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (used, resource.RLIM_INFINITY))
    refused = server.save(frame, noise)
    assert refused.status_code == 507 and "free space there, then save again" in refused.json()["error"]
    assert server.client.post("/api/next", json={}).status_code == 200  # looking goes on
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, free)
    saved = server.save(frame, noise)
    assert saved.status_code == 200 and saved.json()["frame"]["revision"] == 1
    np.testing.assert_array_equal(FolderDataset(folder)[0].labels, noise)


def test_there_is_no_page_without_its_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("graspseg.review")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["review", str(folder)]) == 2
    assert capsys.readouterr().err == (
        "graspseg: This command needs uvicorn, which is not installed: pip install 'graspseg[review]', "
        "or from a clone pip install '.[review]'.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "70000"], "--port is 70000, expected 0 to 65535"),
        (["--model", "no-such-model"], "There is no model 'no-such-model'"),
        (["--model", "none", "--reviewer", "x" * 81], "cannot be used, expected 1 to 80 letters"),
        (["--host", "no-such-host.invalid"], "cannot be listened on"),
    ],
)
def test_what_cannot_be_done(
    folder: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["review", str(folder), *arguments]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "arguments", "sentence"),
    [
        ("export", ["--to", "png"], "--out is missing"),
        ("export", ["--to", "png", "--out", "x"], "has not been reviewed"),
        ("import", ["no.xml"], "no.xml could not be read"),
    ],
)
def test_what_cannot_be_exported_or_imported(
    folder: Path, command: str, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["review", command, str(folder), *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_a_taken_port(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["review", str(folder), "--model", "none", "--port", str(taken.getsockname()[1])]) == 2
    assert "Address already in use" in capsys.readouterr().err


def test_the_usual_port_unless_it_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import socket

    import uvicorn

    from graspseg.review.server import serve as server

    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        usual = taken.getsockname()[1]
        monkeypatch.setattr(server, "USUAL_PORT", usual)
        assert main(["review", str(folder), "--model", "none"]) == 0
        assert f"http://127.0.0.1:{usual}/" not in capsys.readouterr().out
    assert main(["review", str(folder), "--model", "none"]) == 0
    assert f"http://127.0.0.1:{usual}/" in capsys.readouterr().out


def test_other_machines_are_let_in_with_a_warning(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import uvicorn

    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    assert main(["review", str(folder), "--model", "none", "--host", "0.0.0.0"]) == 0
    captured = capsys.readouterr()
    assert "whoever has the address can change labels, and nothing is encrypted" in captured.err
    assert "/?token=" in captured.out
    assert main(["review", str(folder), "--model", "none"]) == 0
    assert capsys.readouterr().err == ""


def test_a_browser_is_opened_without_the_token_in_its_command_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import urllib.parse
    import webbrowser

    import uvicorn

    seen: list[tuple[str, str, int]] = []

    def look(url: str) -> bool:
        page = Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path))
        seen.append((url, page.read_text(), page.stat().st_mode | page.parent.stat().st_mode))
        return True

    monkeypatch.setattr(webbrowser, "open", look)
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    assert main(["review", str(folder), "--model", "none", "--open"]) == 0
    address = capsys.readouterr().out.split()[-1]
    (url, page, mode) = seen[0]
    token = address.partition("token=")[2]
    assert token and token not in url and url.startswith("file://")
    assert f'url={address}"' in page
    assert not mode & 0o077  # nobody else may read it, nor look into its folder
    assert not Path(urllib.parse.urlsplit(url).path).exists()


def test_out_and_back_in(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from graspseg.review.server.serve import open_store
    from graspseg.review.server.state import Reviewer

    with open_store(folder) as store:
        for frame in store.frames()[:3]:
            store.decide(frame.id, "accepted", expected_revision=0, who=Reviewer("Anna", "tab"))
    (folder / "labels" / "1.png").unlink()
    out = tmp_path / "out"
    assert main(["review", "export", str(folder), "--to", "cvat", "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert "1 has no label image" in error and f"2 of 3 accepted frames in {out}" in error
    (out / "annotations.xml").write_text((out / "annotations.xml").read_text().replace("object", "hand"))
    assert main(["review", "import", str(folder), str(out / "annotations.xml")]) == 0
    assert "1 frames have new labels, 0 had them before, 1 without any shape" in capsys.readouterr().err
    labels = FolderDataset(folder)[2].labels
    assert labels is not None and (labels == 1).all()
