"""The page says where one's work is: on its way, kept in this browser, or with the server; never more than is so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from review_steps import SLOW_STORE, Held, shows

pytestmark = pytest.mark.browser

FULL_STORE = """
IDBObjectStore.prototype.put = function () { throw new DOMException("no room", "QuotaExceededError"); };"""


def state(page: Page, name: str, text: str) -> None:
    expect(page.locator("#saved-text")).to_have_text(text)
    expect(page.locator("#saved")).to_have_attribute("data-state", name)


def paint(page: Page) -> None:
    """One pixel of a hand, where there was none."""
    page.keyboard.press("b")
    page.keyboard.press("Space")
    expect(page.locator("#painted")).to_have_text("painted, not saved")


def test_kept_is_not_saved_before_the_server_answers(serve: Callable[..., Any], visit: Callable[..., Page]) -> None:
    server, stems = serve(3)
    held = Held()
    page = visit(server.url, routes={"**/decision": held.meet})
    shows(page, stems[0])
    state(page, "saved", "Saved on server")
    page.keyboard.press("a")
    shows(page, stems[1])
    state(page, "kept", "1 kept in browser")
    held.wait(page)
    assert server.decisions() == {}
    held.release()
    state(page, "saved", "Saved on server")
    assert server.decisions() == {stems[0]: "accepted"}


def test_it_is_not_saved_before_the_browsers_own_store_has_it(
    serve: Callable[..., Any], visit: Callable[..., Page], prepared: Callable[[str], BrowserContext]
) -> None:
    server, stems = serve(3)
    page = visit(server.url, context=prepared(SLOW_STORE))
    shows(page, stems[0])
    with page.expect_response("**/decision") as answer:
        page.keyboard.press("a")
    assert answer.value.ok and server.decisions() == {stems[0]: "accepted"}
    shows(page, stems[1])
    state(page, "pending", "Saving…")
    page.evaluate("letGo()")
    state(page, "saved", "Saved on server")


def test_work_that_no_store_keeps_is_never_called_kept(
    serve: Callable[..., Any], visit: Callable[..., Page], prepared: Callable[[str], BrowserContext]
) -> None:
    server, stems = serve(3)
    page = visit(server.url, context=prepared(FULL_STORE))
    shows(page, stems[0])
    paint(page)
    state(page, "unkept", "In this page only")
    page.keyboard.press("z")
    page.keyboard.press("a")
    shows(page, stems[1])
    state(page, "saved", "Saved on server")  # the server has it: what the browser could not keep no longer matters
    assert server.decisions() == {stems[0]: "accepted"}


def test_a_key_leads_to_strokes_that_were_left_behind(serve: Callable[..., Any], visit: Callable[..., Page]) -> None:
    server, stems = serve(4)
    page = visit(server.url)
    shows(page, stems[0])
    paint(page)
    page.keyboard.press("n")
    shows(page, stems[1])
    paint(page)
    page.keyboard.press("n")
    shows(page, stems[2])
    state(page, "kept", "2 painted, in browser")
    page.keyboard.press("u")
    shows(page, stems[0])
    page.keyboard.press("u")
    shows(page, stems[1])
    page.keyboard.press("a")
    shows(page, stems[2])
    state(page, "kept", "1 painted, in browser")
    page.keyboard.press("u")
    shows(page, stems[0])
    page.keyboard.press("z")
    state(page, "saved", "Saved on server")
    assert server.decisions() == {stems[1]: "accepted"}


def test_a_refused_action_is_not_saved_while_a_person_is_asked(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(3)
    page = visit(server.url)
    shows(page, stems[0])
    frame = server.frames()[stems[0]]
    body = {"decision": "rejected", "expected_revision": frame["revision"]}
    server.call("POST", f"/api/frame/{frame['id']}/decision", reviewer="ben", json=body)
    page.keyboard.press("a")
    expect(page.locator("#conflict")).to_be_visible()
    state(page, "kept", "1 kept in browser")
    page.keyboard.press("k")
    state(page, "saved", "Saved on server")
    assert server.decisions() == {stems[0]: "rejected"}
