"""Nothing is decided, saved or taken back on a frame that is not as it was seen; both sides are shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from graspseg.datasets.atomic import write_png
from graspseg.datasets.images import read_labels
from graspseg.review.server.store import Store

from .conftest import SHAPE, client_of, labels_of
from .test_api import frame_of
from .test_store import ANNA, number_of

ANN, BEN = {"X-Reviewer": "Anna", "X-Client": "tab-a"}, {"X-Reviewer": "Ben", "X-Client": "tab-b"}


def edit(path: Path) -> bytes:
    """Change a label image as another program does, so that size and time of the file say nothing."""
    before = path.stat()
    write_png(path, labels_of(4)[:, ::-1].copy())
    data = path.read_bytes()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return data


def reported(frame: dict, *, version: bool) -> dict:
    """What a program says that it saw; without `version`, what the server told it last counts."""
    return {"expected_revision": frame["revision"]} | ({"expected_labels": frame["labels_version"]} if version else {})


def decide(client: TestClient, frame: dict, *, version: bool):
    body = {"decision": "accepted", **reported(frame, version=version)}
    return client.post(f"/api/frame/{frame['id']}/decision", json=body, headers=ANN)


def save(client: TestClient, frame: dict, *, version: bool):
    params = reported(frame, version=version)
    return client.put(f"/api/frame/{frame['id']}/labels", params=params, content=labels_of(1).tobytes(), headers=ANN)


@pytest.mark.parametrize("version", [True, False], ids=["said", "remembered"])
@pytest.mark.parametrize("act", [decide, save])
def test_labels_that_changed_on_disk_after_they_were_shown(
    client: TestClient, folder: Path, act: Callable, version: bool
) -> None:
    client.headers.update(ANN)
    frame, path = frame_of(client, "take/0"), folder / "labels" / "take" / "0.png"
    now = edit(path)
    refused = act(client, frame, version=version)
    assert refused.status_code == 409 and "labels/take/0.png was changed by another program" in refused.json()["error"]
    seen, there = refused.json()["seen"], refused.json()["frame"]
    assert seen == {"revision": 0, "labels_version": frame["labels_version"]}
    assert there["labels_version"] != frame["labels_version"] and there["decision"] is None
    assert path.read_bytes() == now
    assert act(client, there, version=version).status_code == 200  # who saw both may


def test_the_same_labels_saved_again_are_no_change(client: TestClient, folder: Path) -> None:
    frame, path = frame_of(client, "take/0"), folder / "labels" / "take" / "0.png"
    path.write_bytes(path.read_bytes())
    assert decide(client, frame, version=True).status_code == 200


def test_the_picture_says_which_labels_it_shows(client: TestClient, folder: Path) -> None:
    frame = frame_of(client, "take/0")
    shown = client.get(frame["media"]["labels"])
    assert shown.headers["x-labels-version"] == frame["labels_version"]
    edit(folder / "labels" / "take" / "0.png")
    assert client.get(f"/media/{frame['id']}/labels").headers["x-labels-version"] != frame["labels_version"]
    assert frame_of(client, "take/4")["labels_version"] == "none"


@pytest.mark.parametrize("says", [True, False])
def test_undo_leaves_labels_another_program_wrote(client: TestClient, folder: Path, says: bool) -> None:
    frame, path = frame_of(client, "take/0"), folder / "labels" / "take" / "0.png"
    saved = save(client, frame, version=True).json()["frame"]
    now = edit(path)
    body = {"frame": frame["id"], **(reported(saved, version=True) if says else {})}
    refused = client.post("/api/undo", json=body, headers=ANN)
    assert refused.status_code == 409 and "by another program" in refused.json()["error"]
    assert refused.json()["frame"]["labels_version"] != saved["labels_version"]
    assert path.read_bytes() == now and frame_of(client, "take/0")["revision"] == 1


def test_undo_leaves_the_same_decision_of_another(client: TestClient) -> None:
    frame = frame_of(client, "take/0")
    address = f"/api/frame/{frame['id']}/decision"
    for revision, (decision, who) in enumerate([("accepted", ANN), (None, BEN), ("accepted", BEN)]):
        body = {"decision": decision, "expected_revision": revision}
        assert client.post(address, json=body, headers=who).status_code == 200
    refused = client.post("/api/undo", json={"frame": frame["id"]}, headers=ANN)
    assert refused.status_code == 409 and "by Ben since" in refused.json()["error"]
    assert refused.json()["frame"]["decision"] == "accepted"
    for _ in range(2):
        assert client.post("/api/undo", json={"frame": frame["id"]}, headers=BEN).status_code == 200
    undone = client.post("/api/undo", json={"frame": frame["id"]}, headers=ANN)  # what Ben did is taken back
    assert undone.status_code == 200 and undone.json()["frame"]["decision"] is None


def test_undo_of_a_frame_that_somebody_touched_in_another_way(client: TestClient) -> None:
    frame = frame_of(client, "take/0")
    mine = decide(client, frame, version=True).json()["frame"]
    body = {"expected_revision": 1}
    client.put(f"/api/frame/{frame['id']}/labels", params=body, content=labels_of(2).tobytes(), headers=BEN)
    refused = client.post("/api/undo", json={"frame": frame["id"], **reported(mine, version=True)}, headers=ANN)
    assert refused.status_code == 409 and "by Ben meanwhile" in refused.json()["error"]
    assert refused.json()["seen"] == {"revision": 1, "labels_version": mine["labels_version"]}
    assert refused.json()["frame"]["revision"] == 2


def test_a_request_name_used_again_for_something_else(client: TestClient, folder: Path) -> None:
    first, other = frame_of(client, "take/0"), frame_of(client, "take/1")
    named = {"X-Request": "a-1"}
    body = {"decision": "accepted", "expected_revision": 0}
    assert client.post(f"/api/frame/{first['id']}/decision", json=body, headers=named).status_code == 200
    calls = (
        client.post(f"/api/frame/{other['id']}/decision", json=body, headers=named),
        client.post(f"/api/frame/{first['id']}/decision", json={**body, "decision": "rejected"}, headers=named),
        client.put(f"/api/frame/{first['id']}/labels?expected_revision=1", content=bytes(600), headers=named),
        client.post("/api/undo", json={"frame": first["id"]}, headers=named),
    )
    for answer in calls:
        assert answer.status_code == 422 and "X-Request a-1 named another action before" in answer.json()["error"]
    assert frame_of(client, "take/1")["decision"] is None and frame_of(client, "take/0")["decision"] == "accepted"
    named = {"X-Request": "a-2"}
    address = f"/api/frame/{other['id']}/labels?expected_revision=0"
    for _ in range(2):
        assert client.put(address, content=labels_of(2).tobytes(), headers=named).status_code == 200
    assert client.put(address, content=labels_of(3).tobytes(), headers=named).status_code == 422
    np.testing.assert_array_equal(read_labels(folder / "labels" / "take" / "1.png", SHAPE), labels_of(2))


def test_labels_another_program_wrote_while_the_server_was_dead_are_kept(store: Store, folder: Path) -> None:
    frame, path = number_of(store, "take/0"), folder / "labels" / "take" / "0.png"
    store.save_labels(frame, labels_of(3), expected_revision=0, who=ANNA)  # and the server dies before labels/
    stranger = edit(path)
    said: list[str] = []
    with client_of(folder, say=said.append):
        np.testing.assert_array_equal(read_labels(path, SHAPE), labels_of(3))
    assert len(said) == 1 and "labels/take/0.png was changed by another program" in said[0]
    number = int(said[0].split()[-1].rstrip("."))
    kept = store.database.connection().execute("SELECT png FROM label_images WHERE id = ?", (number,)).fetchone()
    assert kept[0] == stranger


@pytest.mark.parametrize(
    "target", ["../../review.sqlite", "1.png", "../../depth/take/0.png", "../../../elsewhere.png", "missing.png"]
)
def test_label_paths_that_are_links(folder: Path, tmp_path: Path, target: str) -> None:
    with client_of(folder) as client:
        client.get("/api/session")
    (tmp_path / "elsewhere.png").write_bytes((folder / "labels" / "take" / "1.png").read_bytes())
    path = folder / "labels" / "take" / "0.png"
    path.unlink()
    path.symlink_to(target)
    aim = path.parent / target
    before = aim.read_bytes() if aim.exists() and "sqlite" not in target else None
    with client_of(folder) as client:
        frame = frame_of(client, "take/0")
        assert frame["labels_version"] == "refused"
        answers = (
            client.get(f"/media/{frame['id']}/labels"),
            client.put(f"/api/frame/{frame['id']}/labels?expected_revision=0", content=bytes(600)),
        )
        for answer in answers:
            assert answer.status_code == 403
            assert "is a link" in answer.json()["error"] or "leads out of" in answer.json()["error"]
        decided = decide(client, frame, version=True)
        assert decided.status_code in (403, 422)
        assert frame_of(client, "take/0")["revision"] == 0
    assert path.is_symlink() and (before is None or aim.read_bytes() == before)
    assert aim.exists() == (target != "missing.png")


@pytest.mark.parametrize("link", ["labels", "labels/take"])
def test_linked_folders_of_labels_inside_the_set(folder: Path, link: str) -> None:
    (folder / link).rename(folder / "own")
    (folder / link).symlink_to(folder / "own")
    with client_of(folder) as client:
        frame = frame_of(client, "take/0")
        answer = client.put(f"/api/frame/{frame['id']}/labels?expected_revision=0", content=bytes(600))
        assert answer.status_code == 403 and "labels/take/0.png" in answer.json()["error"]


@pytest.mark.parametrize("kind", ["depth", "color"])
def test_pictures_that_lead_out_of_their_folder(folder: Path, kind: str) -> None:
    path = folder / kind / "take" / "0.png"
    path.rename(folder / "other.png")
    path.symlink_to("../../other.png")
    with client_of(folder) as client:
        frame = frame_of(client, "take/0")
        answer = client.get(f"/media/{frame['id']}/{kind}")
        assert answer.status_code == 403 and f"leads out of {kind}/" in answer.json()["error"]


def test_a_pipe_is_not_waited_for(client: TestClient, folder: Path) -> None:
    path, frame = folder / "labels" / "take" / "0.png", frame_of(client, "take/0")
    path.unlink()
    os.mkfifo(path)
    answer = client.get(f"/media/{frame['id']}/labels")
    assert answer.status_code == 404 and "labels/take/0.png is neither file nor folder" in answer.json()["error"]
