from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from graspseg.datasets.atomic import write_png
from graspseg.datasets.images import read_depth, read_labels
from graspseg.frame import Frame
from graspseg.labels import PALETTE
from graspseg.segment.segmenter import Segmenter

from .conftest import SHAPE, client_of, labels_of


def frame_of(client: TestClient, stem: str) -> dict:
    frames = client.get("/api/queue", params={"filter": "all"}).json()["frames"]
    return next(frame for frame in frames if frame["stem"] == stem)


def stems(answer: dict) -> list[str]:
    return [frame["stem"] for frame in answer["frames"]]


def picture(client: TestClient, address: str, dtype: type = np.uint8) -> np.ndarray:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    size = int(answer.headers["x-height"]), int(answer.headers["x-width"])
    return np.frombuffer(answer.content, dtype).reshape(size)


def test_the_session(client: TestClient) -> None:
    session = client.get("/api/session").json()
    assert session["classes"][1] == {"value": 1, "name": "hand", "color": list(PALETTE[1])}
    assert session["classes"][3]["name"] == "ignore"
    assert (session["folder"], session["model"], session["read_only"]) == ("set", None, None)
    assert session["depth_unit_m"] == 0.001 and session["has_confidence"]
    empty = {"all": 5, "todo": 5, "accepted": 0, "rejected": 0, "edited": 0, "acceptance_rate": None}
    assert session["progress"] == empty


def test_the_page_and_its_files(client: TestClient) -> None:
    assert client.get("/").headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in client.get("/").headers["content-security-policy"]
    unknown = client.get("/static/no-such.js")
    assert unknown.status_code == 404 and "no file 'no-such.js'" in unknown.json()["error"]


def test_worst_confidence_comes_first(client: TestClient) -> None:
    answer = client.get("/api/queue").json()
    assert stems(answer) == ["take/2", "take/1", "take/3", "take/4", "take/0"] and answer["total"] == 5
    assert answer["frames"][0]["evidence"] == {"leak_px": 30.0} and answer["frames"][0]["confidence"] == 0.1
    assert answer["frames"][2]["evidence"] == {}
    page = client.get("/api/queue", params={"order": "name", "offset": 1, "limit": 2}).json()
    assert stems(page) == ["take/1", "take/2"] and page["total"] == 5


def test_decisions_filter_and_count(client: TestClient) -> None:
    for stem, decision in (
        ("take/0", "accepted"),
        ("take/1", "accepted"),
        ("take/2", "accepted"),
        ("take/3", "rejected"),
    ):
        frame = frame_of(client, stem)
        answer = client.post(
            f"/api/frame/{frame['id']}/decision", json={"decision": decision, "expected_revision": 0}
        ).json()
        assert answer["frame"]["decision"] == decision and answer["frame"]["revision"] == 1
    progress = answer["progress"]
    assert (progress["accepted"], progress["rejected"], progress["todo"]) == (3, 1, 1)
    assert progress["acceptance_rate"] == 0.75
    assert stems(client.get("/api/queue", params={"filter": "rejected"}).json()) == ["take/3"]
    assert stems(client.get("/api/queue").json()) == ["take/4"]


def test_media_are_plain_pixels(client: TestClient, folder: Path) -> None:
    frame = frame_of(client, "take/1")
    answer = client.get(frame["media"]["depth"])
    depth = np.frombuffer(answer.content, "<u2").reshape(SHAPE)
    assert (depth[0, 0], depth[3, 4], depth[12, 6]) == (900, 401, 600)
    assert float(answer.headers["x-depth-unit-m"]) == 0.001
    np.testing.assert_array_equal(picture(client, frame["media"]["labels"]), labels_of(1))
    color = client.get(frame["media"]["color"])
    assert color.headers["content-type"] == "image/png"
    assert color.content == (folder / "color" / "take" / "1.png").read_bytes()
    assert frame_of(client, "take/3")["media"]["color"] is None
    assert frame_of(client, "take/4")["media"]["labels"] is None
    assert frame["media"]["prediction"] is None
    assert client.get(f"/media/{frame['id']}/prediction").status_code == 404


def test_media_are_kept_by_the_browser_until_they_change(client: TestClient) -> None:
    frame = frame_of(client, "take/1")
    answer = client.get(frame["media"]["labels"])
    assert "immutable" in answer.headers["cache-control"]
    again = client.get(frame["media"]["labels"], headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    saved = client.put(f"/api/frame/{frame['id']}/labels?expected_revision=0", content=labels_of(3).tobytes()).json()
    assert saved["frame"]["media"]["labels"] != frame["media"]["labels"]
    assert saved["frame"]["media"]["depth"] == frame["media"]["depth"]
    late = client.get(frame["media"]["labels"], headers={"If-None-Match": answer.headers["etag"]})
    assert late.status_code == 200 and late.headers["cache-control"] == "private, no-cache"


def test_corrected_labels_and_the_way_back(client: TestClient, folder: Path) -> None:
    frame = frame_of(client, "take/0")
    path, address = folder / "labels" / "take" / "0.png", f"/api/frame/{frame['id']}/labels"
    original = path.read_bytes()
    saved = client.put(f"{address}?expected_revision=0", content=labels_of(2).tobytes()).json()
    assert saved["warning"] is None and saved["frame"]["edited"] and saved["frame"]["decision"] is None
    np.testing.assert_array_equal(read_labels(path, SHAPE), labels_of(2))
    saved = client.put(f"{address}?expected_revision=1", content=labels_of(3).tobytes()).json()
    history = client.get(f"/api/frame/{frame['id']}/history").json()["history"]
    assert [line["action"] for line in history] == ["labels", "labels"]
    assert history[1]["labels_after"] == history[0]["labels_before"]
    first = f"/media/{frame['id']}/labels?image={history[1]['labels_before']}"
    np.testing.assert_array_equal(picture(client, first), labels_of(0))
    for expected in (labels_of(2), labels_of(0)):
        undone = client.post("/api/undo", json={"frame": None}).json()
        assert undone["undone"] == "labels"
        np.testing.assert_array_equal(picture(client, undone["frame"]["media"]["labels"]), expected)
    assert not undone["frame"]["edited"] and path.read_bytes() == original
    assert client.post("/api/undo", json={"frame": None}).status_code == 404


def test_first_labels_of_a_frame_that_had_none(client: TestClient, folder: Path) -> None:
    frame, path = frame_of(client, "take/4"), folder / "labels" / "take" / "4.png"
    client.put(f"/api/frame/{frame['id']}/labels?expected_revision=0", content=labels_of(1).tobytes())
    np.testing.assert_array_equal(read_labels(path, SHAPE), labels_of(1))
    undone = client.post("/api/undo", json={"frame": frame["id"]}).json()
    assert undone["frame"]["media"]["labels"] is None and not path.exists()


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (b"", 422, "have 0 bytes, expected 600"),
        (bytes(599), 422, "have 599 bytes, expected 600, one a pixel of 30x20"),
        (bytes([3] * 600), 422, "holds the values [3], expected only 0"),
    ],
)
def test_labels_that_cannot_be_used(
    client: TestClient, folder: Path, content: bytes, status: int, sentence: str
) -> None:
    before = (folder / "labels" / "take" / "0.png").read_bytes()
    frame = frame_of(client, "take/0")
    answer = client.put(f"/api/frame/{frame['id']}/labels?expected_revision=0", content=content)
    assert answer.status_code == status and sentence in answer.json()["error"]
    assert (folder / "labels" / "take" / "0.png").read_bytes() == before
    assert frame_of(client, "take/0")["revision"] == 0


def test_the_second_of_two_reviewers_is_told(client: TestClient) -> None:
    frame = frame_of(client, "take/0")
    address = f"/api/frame/{frame['id']}/decision"
    anna, ben = {"X-Reviewer": "Anna%20%C3%84"}, {"X-Reviewer": "Ben"}
    assert client.post(address, json={"decision": "accepted", "expected_revision": 0}, headers=anna).status_code == 200
    late = client.post(address, json={"decision": "rejected", "expected_revision": 0}, headers=ben)
    assert late.status_code == 409 and "by Anna Ä" in late.json()["error"]
    assert late.json()["frame"]["decision"] == "accepted" and late.json()["frame"]["last"]["reviewer"] == "Anna Ä"
    late = client.put(f"/api/frame/{frame['id']}/labels?expected_revision=0", content=bytes(600), headers=ben)
    assert late.status_code == 409 and late.json()["frame"]["revision"] == 1
    assert client.post("/api/undo", json={"frame": frame["id"]}, headers=ben).status_code == 404
    client.post(address, json={"decision": "rejected", "expected_revision": 1}, headers=ben)
    overtaken = client.post("/api/undo", json={"frame": None}, headers=anna)
    assert overtaken.status_code == 409 and overtaken.json()["frame"]["decision"] == "rejected"
    reviewers = client.get("/api/progress").json()["reviewers"]
    assert reviewers["Ben"] == {"accepted": 0, "rejected": 1, "edited": 0}


def test_an_answer_that_was_lost_is_asked_for_again(client: TestClient) -> None:
    frame = frame_of(client, "take/0")
    body, named = {"decision": "accepted", "expected_revision": 0}, {"X-Request": "a-1"}
    for _ in range(2):
        answer = client.post(f"/api/frame/{frame['id']}/decision", json=body, headers=named)
        assert answer.status_code == 200 and answer.json()["frame"]["revision"] == 1
    for _ in range(2):
        answer = client.post("/api/undo", json={"frame": None}, headers={"X-Request": "a-2"})
        assert answer.json()["undone"] == "accept" and answer.json()["frame"]["revision"] == 2


def test_two_tabs_get_different_frames(client: TestClient) -> None:
    anna, ben = {"X-Client": "tab-a", "X-Reviewer": "Anna"}, {"X-Client": "tab-b"}
    first = client.post("/api/next", json={"count": 2}, headers=anna).json()
    assert stems(first) == ["take/2", "take/1"]
    second = client.post("/api/next", json={"count": 9}, headers=ben).json()
    assert stems(second) == ["take/3", "take/4", "take/0"] and second["held_by_others"] == 2
    held = client.get(f"/api/frame/{first['frames'][0]['id']}", headers=ben).json()
    assert held["held_by"] == "Anna"
    assert client.get(f"/api/frame/{held['id']}", headers=anna).json()["held_by"] is None
    client.post("/api/release", json={}, headers=anna)
    assert stems(client.post("/api/next", json={"count": 9}, headers=ben).json())[:2] == ["take/2", "take/1"]


def test_going_on_behind_a_frame_and_round_the_end(client: TestClient) -> None:
    after = frame_of(client, "take/4")["id"]
    answer = client.post("/api/next", json={"after": after, "count": 3, "order": "confidence"}).json()
    assert stems(answer) == ["take/0", "take/2", "take/1"] and answer["wrapped"]
    answer = client.post("/api/next", json={"after": after, "count": 9}).json()
    assert stems(answer)[-1] == "take/4" and len(answer["frames"]) == 5
    answer = client.post("/api/next", json={"after": after, "count": 9, "order": "name"}).json()
    assert stems(answer) == [f"take/{number}" for number in (0, 1, 2, 3, 4)] and answer["wrapped"]


def test_after_a_new_ranking_the_worst_come_next_and_the_place_is_kept(client: TestClient, folder: Path) -> None:
    anna, ben = {"X-Client": "tab-a"}, {"X-Client": "tab-b"}
    first = client.post("/api/next", json={"count": 2}, headers=anna).json()
    assert stems(first) == ["take/2", "take/1"]
    table = "stem,confidence\ntake/0,0.3\ntake/1,0.9\ntake/2,0.8\ntake/3,0.1\ntake/4,0.2\n"
    (folder / "confidence.csv").write_text(table)
    here = first["frames"][1]["id"]  # take/1, now the surest
    requested = {"after": here, "count": 2, "ranking": first["ranking"]}
    answer = client.post("/api/next", json=requested, headers=anna).json()
    assert stems(answer) == ["take/3", "take/4"] and answer["ranking"] != first["ranking"]
    assert answer["frames"][0]["confidence"] == 0.1
    others = stems(client.post("/api/next", json={"count": 9}, headers=ben).json())
    assert others == ["take/0", "take/2"]  # take/1 is still Anna's
    requested = {"after": answer["frames"][0]["id"], "count": 1, "ranking": answer["ranking"]}
    assert stems(client.post("/api/next", json=requested, headers=anna).json()) == ["take/4"]
    by_name = {"after": here, "count": 1, "order": "name", "ranking": "another"}
    assert stems(client.post("/api/next", json=by_name, headers=anna).json()) == ["take/3"]


def test_a_prediction_beside(folder: Path, depth_rule_model: Path) -> None:
    with client_of(folder, model=str(depth_rule_model)) as client:
        assert client.get("/api/session").json()["model"] == "depth-rule"
        (frame,) = client.post("/api/next", json={"count": 1}).json()["frames"]
        prediction = picture(client, frame["media"]["prediction"])
        assert prediction[5, 5] == 1 and prediction[13, 10] == 2 and prediction[0, 0] == 0


def test_the_model_sees_the_whole_depth_where_the_stored_one_was_cut(folder: Path, depth_rule_model: Path) -> None:
    full = read_depth(folder / "depth" / "take" / "2.png").depth
    cut = np.where(full <= 560, full, 0).astype(np.uint16)  # as `annotate` stores it: without the object at 0.6 m
    (folder / "full_depth" / "take").mkdir(parents=True)
    cv2.imwrite(str(folder / "full_depth" / "take" / "2.png"), full)
    cv2.imwrite(str(folder / "depth" / "take" / "2.png"), cut)
    with client_of(folder, model=str(depth_rule_model)) as client:
        frame, other = frame_of(client, "take/2"), frame_of(client, "take/1")
        assert frame["depth_is_cut"] and not other["depth_is_cut"]
        assert np.array_equal(picture(client, frame["media"]["depth"], np.uint16), cut)
        seen = picture(client, frame["media"]["prediction"])
        assert np.array_equal(seen, Segmenter(depth_rule_model)(Frame(full)).labels)
        assert seen[13, 10] == 2 and cut[13, 10] == 0
        cv2.imwrite(str(folder / "full_depth" / "take" / "2.png"), full[:-1])
        damaged = client.get(frame_of(client, "take/2")["media"]["prediction"])
        assert damaged.status_code == 422 and "annotate the frame anew" in damaged.json()["error"]


def test_frames_that_are_damaged_or_gone(client: TestClient, folder: Path) -> None:
    frames = {stem: frame_of(client, stem) for stem in ("take/0", "take/1", "take/2")}
    (folder / "depth" / "take" / "0.png").write_bytes(b"")
    (folder / "depth" / "take" / "1.png").unlink()
    shutil.copy(folder / "color" / "take" / "0.png", folder / "labels" / "take" / "2.png")
    damaged = client.get(f"/media/{frames['take/0']['id']}/depth")
    assert damaged.status_code == 422 and "0.png is an empty file" in damaged.json()["error"]
    gone = client.get(f"/media/{frames['take/1']['id']}/labels")
    assert gone.status_code == 404 and "depth/take/1.png is not there" in gone.json()["error"]
    wrong = client.get(f"/media/{frames['take/2']['id']}/labels")
    assert wrong.status_code == 422 and "8-bit color PNG" in wrong.json()["error"]
    assert len(client.get("/api/queue").json()["frames"]) == 5
    saved = client.put(
        f"/api/frame/{frames['take/2']['id']}/labels?expected_revision=0", content=labels_of(2).tobytes()
    )
    assert saved.status_code == 200  # a damaged label image is no reason not to draw a new one


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/frame/999", None, 404),
        ("GET", "/api/frame/x", None, 422),
        ("GET", f"/api/frame/{1 << 70}", None, 422),
        ("GET", "/api/queue?limit=501", None, 422),
        ("GET", "/media/1/shadow", None, 422),
        ("GET", "/media/1/labels?image=77", None, 404),
        ("POST", "/api/frame/1/decision", {"decision": "perhaps", "expected_revision": 0}, 422),
        ("POST", "/api/next", {"count": 65}, 422),
        ("DELETE", "/api/frame/1", {}, 404),
        ("GET", "/docs", None, 404),
        ("GET", "/openapi.json", None, 404),
    ],
)
def test_requests_that_are_wrong(client: TestClient, method: str, path: str, body: dict | None, status: int) -> None:
    answer = client.request(method, path, json=body)
    assert answer.status_code == status and answer.json()["error"].endswith((".", "?"))


def test_color_of_another_size_or_kind(client: TestClient, folder: Path) -> None:
    path, frame = folder / "color" / "take" / "0.png", frame_of(client, "take/0")
    write_png(path, np.zeros((SHAPE[0], SHAPE[1] + 1, 3), np.uint8))
    answer = client.get(f"/media/{frame['id']}/color")
    assert answer.status_code == 422 and "is 31x20 pixels, expected 30x20 like its depth" in answer.json()["error"]
    path.write_bytes(b"no picture")
    answer = client.get(f"/media/{frame['id']}/color")
    assert answer.status_code == 422 and "is no readable picture" in answer.json()["error"]
    path.unlink()
    cv2.imwrite(str(path.with_suffix(".jpg")), np.zeros((*SHAPE, 3), np.uint8))
    answer = client.get(frame_of(client, "take/0")["media"]["color"])
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
    # A browser would turn a picture that names an orientation: it gets the pixels as they are stored.
    stored = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
    data = cv2.imencode(".jpg", stored)[1].tobytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03" + bytes(6)
    path.with_suffix(".jpg").write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
    answer = client.get(frame_of(client, "take/0")["media"]["color"])
    shown = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    plain = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None and plain is not None and answer.headers["content-type"] == "image/png"
    np.testing.assert_array_equal(shown, plain)


@pytest.mark.parametrize(
    "headers", [{"X-Reviewer": "x" * 81}, {"X-Reviewer": "a%0Ab"}, {"X-Client": "a b"}, {"X-Request": "x" * 65}]
)
def test_names_that_cannot_be_used(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/api/undo", json={"frame": None}, headers=headers)
    assert answer.status_code == 422 and "expected 1 to" in answer.json()["error"]
