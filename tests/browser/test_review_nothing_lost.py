"""Reloads, a killed server, two people at one frame: nothing painted or decided is lost."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from review_steps import saved, shows

pytestmark = pytest.mark.browser

HAND = 1


def kept(page: Page, what: str) -> None:
    """Wait until the browser has written `what` to its disk: from then on the page may die."""
    expect(page.locator("#saved-text")).to_have_text(f"{what} in browser")


def loaded_ahead(page: Page, frames: int) -> None:
    """Wait until the pictures of so many frames (depth, labels and color of each) have come."""
    page.wait_for_function(
        "count => performance.getEntriesByType('resource').filter(e => e.name.includes('/media/')).length >= count",
        arg=3 * frames,
    )


def paint(page: Page) -> None:
    """Flood the wall as a hand: whatever is measured and has no label, in one key."""
    page.keyboard.press("f")
    page.keyboard.press("1")
    page.keyboard.press("Space")
    expect(page.locator("#painted")).to_have_text("painted, not saved")


def painted_labels(before: np.ndarray) -> np.ndarray:
    """Labels after `paint`: all of the wall, which ends where depth does at row 60."""
    after = before.copy()
    after[:60][before[:60] == 0] = HAND
    after[10:30, 50:54] = 0  # part of the object's surface
    return after


def test_a_reload_keeps_strokes_corners_and_the_place(serve: Callable[..., Any], visit: Callable[..., Page]) -> None:
    server, stems = serve(5)
    before = server.labels(stems[1])
    page = visit(server.url)
    shows(page, stems[0])
    page.keyboard.press("a")
    shows(page, stems[1])
    paint(page)
    page.keyboard.press("g")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Space")
    kept(page, "1 painted,")
    page.reload()
    shows(page, stems[1])
    expect(page.locator("#painted")).to_have_text("painted, not saved")
    expect(page.locator("#counts")).to_contain_text("1 of 5 checked")
    page.keyboard.press("g")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.press("a")
    shows(page, stems[2])
    saved(page)
    np.testing.assert_array_equal(server.labels(stems[1]), painted_labels(before))
    assert server.decisions() == {stems[0]: "accepted", stems[1]: "accepted"}


def test_a_killed_server_costs_neither_decisions_nor_strokes(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(12)
    before = server.labels(stems[0])
    page = visit(server.url)
    for stem in stems[:3]:
        shows(page, stem)
        page.keyboard.press("a")
    shows(page, stems[3])
    loaded_ahead(page, 6)
    saved(page)
    server.kill()
    paint(page)
    page.keyboard.press("a")
    shows(page, stems[4])  # loaded before the server died
    page.keyboard.press("r")
    shows(page, stems[5])
    paint(page)
    expect(page.locator("#banner")).to_contain_text("does not answer")
    kept(page, "3 kept")

    server.start()
    expect(page.locator("#banner")).to_contain_text("open the address")
    other_tab = visit(server.url, context=page.context)  # the new address lets the old tab go on, too
    expect(page.locator("#banner")).to_be_hidden()
    kept(page, "1 painted,")
    kept(other_tab, "1 painted,")
    expected = {**dict.fromkeys(stems[:4], "accepted"), stems[4]: "rejected"}
    assert server.decisions() == expected
    np.testing.assert_array_equal(server.labels(stems[3]), painted_labels(before))
    shows(page, stems[5])
    page.keyboard.press("a")
    shows(page, stems[6])
    saved(page)
    np.testing.assert_array_equal(server.labels(stems[5]), painted_labels(before))


def test_a_page_that_died_with_the_server_sends_what_it_kept_when_opened_again(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(5)
    before = server.labels(stems[0])
    page = visit(server.url)
    shows(page, stems[0])
    loaded_ahead(page, 2)
    server.kill()
    paint(page)
    page.keyboard.press("a")
    shows(page, stems[1])
    paint(page)
    context = page.context
    kept(page, "2 kept")
    page.close()
    server.start()
    page = visit(server.url, context=context)
    shows(page, stems[1])
    expect(page.locator("#painted")).to_have_text("painted, not saved")
    kept(page, "1 painted,")
    assert server.decisions() == {stems[0]: "accepted"}
    np.testing.assert_array_equal(server.labels(stems[0]), painted_labels(before))


def test_two_reviewers_get_different_frames_and_share_the_progress(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(40)
    pages = [visit(server.url, reviewer=name) for name in ("anna", "ben")]
    shows(pages[0], stems[0])
    expect(pages[1].locator("#stem")).to_contain_text("frame-")
    for _ in range(10):
        for page, key in zip(pages, "ar", strict=True):
            expect(page.locator("#stem")).to_have_text(re.compile(r"^frame-\d+$"))
            stem = page.locator("#stem").inner_text()
            page.keyboard.press(key)
            expect(page.locator("#stem")).not_to_have_text(stem)
    for page in pages:
        saved(page)
    decided = server.frames()
    judged = [frame["last"]["reviewer"] for frame in decided.values() if frame["decision"]]
    assert (judged.count("anna"), judged.count("ben")) == (10, 10)
    assert all(
        frame["decision"] == {"anna": "accepted", "ben": "rejected"}[frame["last"]["reviewer"]]
        for frame in decided.values()
        if frame["decision"]
    )


def test_a_reviewer_who_must_wait_goes_on_when_frames_become_free(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(3)
    anna = visit(server.url, reviewer="anna")
    shows(anna, stems[0])
    expect(anna.locator("#ribbon i")).to_have_count(3)  # all are set aside for her
    ben = visit(server.url, reviewer="ben")
    expect(ben.locator("#finished")).to_contain_text("open at other reviewers")
    anna.close()
    shows(ben, stems[0])


@pytest.mark.parametrize("choice", ["k", "m"])
def test_when_another_was_faster_a_person_chooses_and_keeps_the_strokes(
    serve: Callable[..., Any], visit: Callable[..., Page], choice: str
) -> None:
    server, stems = serve(3)
    before = server.labels(stems[0])
    page = visit(server.url)
    shows(page, stems[0])
    frame = server.frames()[stems[0]]
    body = {"decision": "rejected", "expected_revision": frame["revision"]}
    server.call("POST", f"/api/frame/{frame['id']}/decision", reviewer="ben", json=body)
    paint(page)
    page.keyboard.press("a")
    expect(page.locator("#conflict")).to_be_visible()
    expect(page.locator("#conflict")).to_contain_text("ben")
    page.keyboard.press(choice)
    expect(page.locator("#conflict")).to_be_hidden()
    expect(page.locator("#protect")).to_have_attribute("aria-pressed", "false")  # the key was for the question only
    shows(page, stems[1])
    if choice == "m":
        saved(page)
        assert server.decisions() == {stems[0]: "accepted"}
        np.testing.assert_array_equal(server.labels(stems[0]), painted_labels(before))
        return
    kept(page, "1 painted,")
    assert server.decisions() == {stems[0]: "rejected"}
    np.testing.assert_array_equal(server.labels(stems[0]), before)
    page.keyboard.press("p")
    shows(page, stems[0])
    expect(page.locator("#painted")).to_have_text("painted, not saved")


def test_a_full_disk_is_said_and_the_stroke_saved_when_there_is_room(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(3)
    before = server.labels(stems[0])
    full = [True]

    def answer(route: Route) -> None:
        if full and route.request.method == "PUT":  # what is shown has such an address, too
            route.fulfill(status=507, json={"error": "The disk is full."})
        else:
            route.continue_()

    page = visit(server.url, routes={"**/labels?*": answer})
    shows(page, stems[0])
    paint(page)
    page.keyboard.press("a")
    shows(page, stems[1])
    expect(page.locator("#banner")).to_contain_text("The disk is full.")
    kept(page, "2 kept")
    assert server.decisions() == {}
    full.clear()
    page.keyboard.press("u")  # at once, or the page tries again by itself
    saved(page)
    expect(page.locator("#banner")).to_be_hidden()
    assert server.decisions() == {stems[0]: "accepted"}
    np.testing.assert_array_equal(server.labels(stems[0]), painted_labels(before))


def test_labels_changed_on_disk_after_they_were_shown_are_not_decided_on_unseen(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(3)
    page = visit(server.url)
    shows(page, stems[0])
    (server.folder / "labels" / f"{stems[0]}.png").write_bytes(cv2.imencode(".png", np.full((72, 96), 2, np.uint8))[1])
    page.keyboard.press("a")
    expect(page.locator("#conflict")).to_contain_text("changed by another program after it was shown")
    expect(page.locator("#conflict-seen")).to_contain_text("revision 0, labels ")
    expect(page.locator("#conflict-now")).to_contain_text("open, revision 0, labels ")
    assert page.locator("#conflict-seen").inner_text().split()[-1] not in page.locator("#conflict-now").inner_text()
    page.keyboard.press("m")
    shows(page, stems[1])
    saved(page)
    assert server.decisions() == {stems[0]: "accepted"}
    (server.folder / "labels" / f"{stems[0]}.png").write_bytes(cv2.imencode(".png", np.ones((72, 96), np.uint8))[1])
    page.keyboard.press("z")
    expect(page.locator("#conflict")).to_be_visible()
    expect(page.locator("#conflict-seen")).to_contain_text("revision 1, labels ")
    page.keyboard.press("k")
    expect(page.locator("#conflict")).to_be_hidden()
    assert server.decisions() == {stems[0]: "accepted"} and (server.labels(stems[0]) == 1).all()


def test_a_server_of_another_port_does_not_get_the_token(serve: Callable[..., Any], visit: Callable[..., Page]) -> None:
    heard: list[str] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.path} {self.headers}")
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server, stems = serve(2)
    page = visit(server.url)
    shows(page, stems[0])
    page.reload()
    shows(page, stems[0])
    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        visitor = page.context.new_page()
        visitor.goto(f"http://127.0.0.1:{other.server_address[1]}/")
        assert visitor.evaluate("document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })") == "{}"
        other.shutdown()
        thread.join()
    assert heard and not any(server.token in each or "ookie" in each for each in heard)
