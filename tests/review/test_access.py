from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from .conftest import TOKEN, client_of

OWN = "127.0.0.1:8000"


@pytest.fixture
def stranger(client: TestClient) -> TestClient:
    """A client without the token."""
    del client.headers["X-Token"]
    return client


@pytest.mark.parametrize(
    "path",
    ["/api/session", "/api/queue", "/media/1/depth", "/?token=", "/api/session?token=" + TOKEN],
)
def test_nothing_of_the_folder_without_the_token(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 401 and "token" in answer.json()["error"]


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "x", "ä", TOKEN.upper()])
def test_a_wrong_token(stranger: TestClient, token: str) -> None:
    assert stranger.get("/api/session", headers={b"X-Token": token.encode()}).status_code == 401
    assert stranger.get("/", params={"token": token}).status_code == 401


def test_the_page_comes_without_a_cookie_which_other_ports_would_get(stranger: TestClient) -> None:
    for path in ("/", f"/?token={TOKEN}", "/static/main.js"):
        answer = stranger.get(path)
        assert answer.status_code == 200 and "set-cookie" not in answer.headers
        assert TOKEN not in answer.text and "take/" not in answer.text
    assert stranger.post("/static/main.js").status_code == 401
    cookies = f"graspseg-review={TOKEN}; graspseg-review-8000={TOKEN}"
    assert stranger.get("/api/session", headers={"Cookie": cookies}).status_code == 401
    assert stranger.get("/api/session", headers={"X-Token": TOKEN}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "user@127.0.0.1", "", "[", "192.168.0.7"]
)
def test_another_name_for_this_machine(client: TestClient, host: str) -> None:
    answer = client.get("/api/session", headers={"Host": host})
    assert answer.status_code == 403 and "is not this server's" in answer.json()["error"]


@pytest.mark.parametrize("host", [OWN, "localhost:9000", "[::1]:8000", "LOCALHOST"])
def test_own_names_whatever_the_port(client: TestClient, host: str) -> None:
    assert client.get("/api/session", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8000", 200),
        ("http://127.0.0.1:9000", 403),
        ("http://localhost:8000", 403),
        ("http://evil.example", 403),
        ("null", 403),
    ],
)
def test_pages_of_others(client: TestClient, origin: str, status: int) -> None:
    assert client.get("/api/session", headers={"Origin": origin}).status_code == status
    changed = client.post(
        "/api/frame/1/decision", json={"decision": "accepted", "expected_revision": 0}, headers={"Origin": origin}
    )
    assert changed.status_code == status
    assert client.get("/api/progress").json()["accepted"] == (status == 200)


def test_headers_that_are_there_twice(client: TestClient) -> None:
    once = {"Host": OWN, "Origin": f"http://{OWN}", "X-Token": TOKEN}
    for name, status in (("", 200), ("Host", 403), ("Origin", 403), ("X-Token", 401)):
        request = client.build_request("GET", "/api/session")
        twice = [(name, once[name])] if name else []
        request.headers = type(request.headers)([*once.items(), *twice])
        assert client.send(request).status_code == status, name


def test_where_everybody_may_come_numbers_are_names_too(folder: Path) -> None:
    with client_of(folder, host="0.0.0.0") as client:
        assert client.get("/api/session", headers={"Host": "192.168.0.7:8000"}).status_code == 200
        assert client.get("/api/session", headers={"Host": "evil.example:8000"}).status_code == 403


def test_content_that_is_too_long_or_has_no_length(client: TestClient) -> None:
    def endless():
        yield b"{}"

    assert client.post("/api/undo", content=endless()).status_code == 411
    both = {"Transfer-Encoding": "chunked", "Content-Length": "2"}
    for method, path in (("POST", "/api/undo"), ("PUT", "/api/frame/1/labels"), ("GET", "/api/session"), ("GET", "/")):
        refused = client.request(method, path, content=b"{}", headers=both)
        assert refused.status_code == 411 and "Transfer-Encoding" in refused.json()["error"]
    assert client.post("/api/undo", content=b" " * 70_000).status_code == 413
    assert (
        client.put("/api/frame/1/labels?expected_revision=0", headers={"Content-Length": "99999999"}).status_code == 413
    )


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/server.py",
        "/static/..%5cserver.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/media/1/..%2f..%2freview.sqlite",
        "/media/..%2f1/depth",
        "/media/1%2f..%2f..%2freview.sqlite/depth",
        "/../review.sqlite",
        "/review.sqlite",
        "/static/index.html%00.js",
    ],
)
def test_paths_that_lead_elsewhere(client: TestClient, path: str) -> None:
    request = client.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=path.encode())
    answer = client.send(request)
    assert answer.status_code in (404, 422), answer.text[:200]
    assert b"SQLite format" not in answer.content and b"import" not in answer.content


def test_links_that_lead_out_are_neither_read_nor_written(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for kind in ("depth", "labels", "color"):
        inside = folder / kind / "take" / "0.png"
        (outside / f"{kind}.png").write_bytes(inside.read_bytes())
        inside.unlink()
        inside.symlink_to(outside / f"{kind}.png")
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    with client_of(folder) as client:
        frames = client.get("/api/queue").json()["frames"]
        frame = next(frame for frame in frames if frame["stem"] == "take/0")
        for kind in ("depth", "labels", "color"):
            answer = client.get(frame["media"][kind])
            assert answer.status_code == 403 and "leads out of" in answer.json()["error"]
        answer = client.put(f"/api/frame/{frame['id']}/labels?expected_revision=0", content=bytes(600))
        assert answer.status_code == 403
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before


def test_a_linked_labels_folder_is_not_written_through(folder: Path, tmp_path: Path) -> None:
    (folder / "labels").rename(tmp_path / "labels")
    (folder / "labels").symlink_to(tmp_path / "labels")
    before = sorted(path.read_bytes() for path in (tmp_path / "labels").rglob("*.png"))
    with client_of(folder) as client:
        (frame,) = client.post("/api/next", json={"count": 1}).json()["frames"]
        answer = client.put(f"/api/frame/{frame['id']}/labels?expected_revision=0", content=bytes(600))
        assert answer.status_code == 403 and "leads out of" in answer.json()["error"]
        assert client.get(f"/api/frame/{frame['id']}").json()["revision"] == 0
    assert sorted(path.read_bytes() for path in (tmp_path / "labels").rglob("*.png")) == before


def test_stems_of_a_foreign_record_stay_inside(folder: Path, tmp_path: Path) -> None:
    import sqlite3

    with client_of(folder) as client:
        client.get("/api/session")
    connection = sqlite3.connect(folder / "review.sqlite")
    connection.execute("UPDATE frames SET depth = '../secret.png' WHERE stem = 'take/0'")
    connection.commit()
    connection.close()
    (tmp_path / "secret.png").write_bytes((folder / "depth" / "take" / "1.png").read_bytes())
    with client_of(folder) as client:  # the list on disk counts
        frames = client.get("/api/queue").json()["frames"]
        answer = client.get(next(frame for frame in frames if frame["stem"] == "take/0")["media"]["depth"])
        assert answer.status_code == 200 and b"\x90\x01" in answer.content
