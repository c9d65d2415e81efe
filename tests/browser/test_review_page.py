"""The review page in a real browser, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from review_steps import SLOW_STORE, Held, asked_for_more, saved, shows

pytestmark = pytest.mark.browser

HAND, OBJECT = 1, 2


def test_fifty_frames_are_reviewed_by_keyboard_worst_first(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(50)
    page = visit(server.url)
    pressed = {}
    for index, stem in enumerate(stems):
        shows(page, stem)
        pressed[stem] = "rejected" if index % 5 == 4 else "accepted"
        page.keyboard.press("r" if pressed[stem] == "rejected" else "a")
    expect(page.locator("#finished")).to_be_visible()
    saved(page)
    expect(page.locator("#counts")).to_have_text("50 of 50 checked · 10 rejected")
    expect(page.locator("#rate")).to_have_text("80.0 %")
    assert server.decisions() == pressed


def test_skip_next_previous_and_undo_lead_where_they_should(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, (first, second, third) = serve(3)
    page = visit(server.url)
    shows(page, first)
    page.keyboard.press("s")
    shows(page, second)
    page.keyboard.press("ArrowRight")
    shows(page, third)
    page.keyboard.press("p")
    shows(page, second)
    page.keyboard.press("r")
    shows(page, third)
    page.keyboard.press("z")
    shows(page, second)
    expect(page.locator("#decision")).to_be_hidden()
    saved(page)
    assert server.decisions() == {}
    page.keyboard.press("a")
    shows(page, third)
    page.keyboard.press("a")
    shows(page, first)  # the skipped frame comes again
    saved(page)
    assert server.decisions() == {second: "accepted", third: "accepted"}


def test_a_new_ranking_leaves_the_frame_shown_and_orders_what_is_left(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(12)
    page = visit(server.url)
    shows(page, stems[0])
    page.keyboard.press("s")
    shows(page, stems[1])
    page.keyboard.press("a")
    shows(page, stems[2])
    saved(page)
    rows = [f"{stem},{0.9 - 0.05 * rank:.2f}" for rank, stem in enumerate(stems)]  # the other way round
    (server.folder / "confidence.csv").write_text("\n".join(["stem,confidence", *rows]) + "\n")
    page.keyboard.press("a")
    shows(page, stems[3])  # was on its way
    expect(page.locator("#toast")).to_contain_text("new order")
    expect(page.locator("#confidence")).to_have_text("confidence 0.75")
    page.keyboard.press("a")
    shows(page, stems[11])
    page.keyboard.press("p")
    shows(page, stems[3])
    page.keyboard.press("n")
    shows(page, stems[11])
    page.keyboard.press("a")
    shows(page, stems[10])
    saved(page)
    assert set(server.decisions()) == {*stems[1:4], stems[11]}


def test_a_held_accept_key_decides_one_frame(serve: Callable[..., Any], visit: Callable[..., Page]) -> None:
    server, stems = serve(4)
    page = visit(server.url)
    shows(page, stems[0])
    page.keyboard.down("a")
    shows(page, stems[1])
    page.keyboard.down("a")  # the browser repeats a held key
    page.keyboard.up("a")
    saved(page)
    assert server.decisions() == {stems[0]: "accepted"}


def test_the_models_patch_is_taken_where_labels_differ(
    serve: Callable[..., Any], visit: Callable[..., Page], depth_rule_model: Path
) -> None:
    server, stems = serve(2, model=str(depth_rule_model))
    page = visit(server.url)
    shows(page, stems[0])
    page.keyboard.press("m")
    expect(page.locator(".pane figcaption").nth(1)).to_have_text("Model")
    page.keyboard.press("x")
    expect(page.locator("#disagreement")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+T")
    page.keyboard.press("a")
    shows(page, stems[1])
    saved(page)
    assert (server.labels(stems[0])[12:28, 51:53] == OBJECT).all()


def test_the_page_works_from_the_keyboard_alone(serve: Callable[..., Any], visit: Callable[..., Page]) -> None:
    server, stems = serve(3)
    page = visit(server.url)
    shows(page, stems[0])
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    assert page.locator("#help dt").count() > 30
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("b")
    page.keyboard.press("?")
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    expect(page.locator("[data-tool=brush]")).to_have_attribute("aria-pressed", "true")
    reject = page.locator("button[data-action=reject]")
    for _ in range(60):
        if reject.evaluate("button => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    assert reject.evaluate("button => getComputedStyle(button).outlineStyle") == "solid"
    page.keyboard.press("Space")  # presses the button, paints nothing
    shows(page, stems[1])
    page.keyboard.press("q")
    expect(page.locator("#queue")).to_be_visible()
    page.locator("#queue input[value=rejected]").check()
    page.locator("#reviewer").fill("Änne")
    page.keyboard.press("Enter")
    shows(page, stems[0])
    expect(page.locator("#decision")).to_contain_text("rejected")
    page.keyboard.press("a")
    saved(page)
    frame = server.frames()[stems[0]]
    assert (frame["decision"], frame["last"]["reviewer"]) == ("accepted", "Änne")


def test_depth_window_moves_by_keys_and_follows_every_frame_again(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(2)
    page = visit(server.url)
    shows(page, stems[0])
    near, auto = page.locator("#near-value"), page.locator("#auto")
    expect(near).to_have_text("0.40 m")
    page.keyboard.press(".")
    expect(near).to_have_text("0.45 m")
    expect(auto).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("n")
    shows(page, stems[1])
    expect(near).to_have_text("0.45 m")
    page.keyboard.press("l")
    expect(near).to_have_text("0.40 m")


def accept_all_but_the_last(page: Page, stems: list[str]) -> None:
    """Accept frame after frame; over when the last one is shown and the page has asked for what is behind it."""
    for shown, stem in enumerate(stems, start=1):
        shows(page, stem)
        asked_for_more(page, 1 + shown)
        if stem != stems[-1]:
            page.keyboard.press("a")


def test_an_answer_older_than_a_decision_does_not_bring_its_frame_back(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(3)
    decisions, answers = Held(), Held(holding=False, answered=True)
    page = visit(server.url, routes={"**/decision": decisions.meet, "**/api/next": answers.meet})
    accept_all_but_the_last(page, stems)
    answers.holding = True
    page.keyboard.press("a")
    answers.wait(page)  # of a server that knows of no decision yet
    decisions.release()
    saved(page)
    answers.release()
    expect(page.locator("#finished")).to_be_visible()
    assert server.decisions() == dict.fromkeys(stems, "accepted")


def test_a_frame_does_not_come_back_while_the_browser_forgets_its_confirmed_decision(
    serve: Callable[..., Any], visit: Callable[..., Page], prepared: Callable[[str], BrowserContext]
) -> None:
    server, stems = serve(3)
    decisions, answers = Held(), Held(holding=False, answered=True)
    routes = {"**/decision": decisions.meet, "**/api/next": answers.meet}
    page = visit(server.url, context=prepared(SLOW_STORE), routes=routes)
    accept_all_but_the_last(page, stems)
    answers.holding = True
    page.keyboard.press("a")
    answers.wait(page)
    decisions.release()
    page.wait_for_function("count => writes === count", arg=len(stems) + 1)  # the first decision has been confirmed
    answers.release()
    expect(page.locator("#finished")).to_be_visible()
    page.evaluate("letGo()")
    saved(page)
    assert server.decisions() == dict.fromkeys(stems, "accepted")


def test_a_skipped_frame_decided_after_all_does_not_come_a_second_time(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(3)
    answers = Held(holding=False)
    page = visit(server.url, routes={"**/api/next": answers.meet})
    shows(page, stems[0])
    page.keyboard.press("s")
    shows(page, stems[1])
    page.keyboard.press("a")
    saved(page)
    shows(page, stems[2])
    asked_for_more(page, 4)  # the last answer holds the skipped frame
    answers.holding = True
    page.keyboard.press("p")
    shows(page, stems[1])
    page.keyboard.press("p")
    shows(page, stems[0])
    page.keyboard.press("a")
    shows(page, stems[2])
    page.keyboard.press("a")
    saved(page)
    answers.release()
    expect(page.locator("#finished")).to_be_visible()
    assert server.decisions() == dict.fromkeys(stems, "accepted")
