"""The review page in a real browser, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from graspseg.datasets.images import read_depth
from review_steps import SLOW_STORE, Held, asked_for_more, saved, shows

pytestmark = pytest.mark.browser

HAND, OBJECT = 1, 2
HEIGHT, WIDTH = 72, 96  # of the frames, see conftest


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


@pytest.mark.parametrize("width", [1280, 700])
def test_tools_and_classes_show_their_names_at_any_width(
    serve: Callable[..., Any], visit: Callable[..., Page], width: int
) -> None:
    server, stems = serve(2)
    page = visit(server.url)
    page.set_viewport_size({"width": width, "height": 800})
    shows(page, stems[0])
    names = page.locator("nav button > span")
    assert names.count() == page.locator("nav button").count()
    for index in range(names.count()):
        box = names.nth(index).bounding_box()
        assert box is not None and box["width"] > 10 and box["x"] >= 0 and box["x"] + box["width"] <= width
    for part in ("header", "nav", "footer", "#stage"):
        assert page.locator(part).evaluate("part => part.scrollWidth <= part.clientWidth + 1"), part
    stage = page.locator("#stage").bounding_box()
    assert stage is not None and stage["height"] > 200


def test_the_end_of_a_folder_says_what_comes_next(serve: Callable[..., Any], visit: Callable[..., Page]) -> None:
    server, stems = serve(2)
    page = visit(server.url)
    shows(page, stems[0])
    page.keyboard.press("m")  # says that there is no prediction
    expect(page.locator("#toast")).to_have_class("toast shown")
    page.keyboard.press("a")
    shows(page, stems[1])
    page.keyboard.press("m")
    page.keyboard.press("r")
    expect(page.locator("#finished-title")).to_have_text("All 2 frames are checked")
    expect(page.locator("#finished-text")).to_contain_text("1 accepted, 1 rejected")
    expect(page.locator("#next-commands")).to_contain_text("graspseg train --init lite --data frames")
    expect(page.locator("#next-commands")).to_contain_text("graspseg review export frames --out frames_accepted")
    page.keyboard.press("a")  # nothing to decide: the screen says so already
    expect(page.locator("#toast")).to_have_class("toast")
    page.keyboard.press("z")
    shows(page, stems[1])


def test_pixels_that_were_clicked_are_copied_for_annotate(
    serve: Callable[..., Any], visit: Callable[..., Page], prepared: Callable[[str], BrowserContext]
) -> None:
    server, stems = serve(2)
    context = prepared("")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit(server.url, context=context)
    shows(page, stems[0])
    click_pixel(page, 20, 12)
    expect(page.locator("#pixel-here")).to_have_text("x 20, y 12 · 0.400 m · hand")
    click_pixel(page, 40, 15)
    click_pixel(page, 40, 15)  # a second click forgets it
    page.keyboard.press("n")
    shows(page, stems[1])
    click_pixel(page, 5, 65)
    expect(page.locator("#pixel-here")).to_have_text("x 5, y 65 · no depth · background")
    page.keyboard.press("h")
    expect(page.locator("#toast")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"--clicks {stems[0]}:20,12 {stems[1]}:5,65"
    page.locator("#pixel-drop").click()
    expect(page.locator("#pixel-copy")).to_be_hidden()


def test_labels_are_not_taken_where_only_the_model_had_depth(
    serve: Callable[..., Any], visit: Callable[..., Page], depth_rule_model: Path
) -> None:
    server, stems = serve(1, model=str(depth_rule_model))
    full = read_depth(server.folder / "depth" / f"{stems[0]}.png").depth.copy()
    full[62:70, 60:90] = 600  # was cut off: the stored depth has nothing there
    (server.folder / "full_depth").mkdir()
    cv2.imwrite(str(server.folder / "full_depth" / f"{stems[0]}.png"), full)
    page = visit(server.url)
    shows(page, stems[0])
    page.keyboard.press("m")
    expect(page.locator(".pane figcaption").nth(1)).to_have_text("Model")
    assert (server.labels(stems[0], "prediction")[64:68, 65:85] == OBJECT).all()
    page.keyboard.press("Shift+T")
    page.keyboard.press("a")
    expect(page.locator("#finished")).to_be_visible()
    saved(page)
    labels = server.labels(stems[0])
    assert (labels[12:28, 51:53] == OBJECT).all() and not labels[62:70].any()


def click_pixel(page: Page, x: int, y: int) -> None:
    """Click on a pixel of the frame, which is shown whole in the middle of the first pane."""
    box = page.locator(".pane").first.bounding_box()
    assert box is not None
    zoom = min(box["width"] / WIDTH, box["height"] / HEIGHT)
    left = box["x"] + (box["width"] - zoom * WIDTH) / 2
    top = box["y"] + (box["height"] - zoom * HEIGHT) / 2
    page.mouse.click(left + (x + 0.5) * zoom, top + (y + 0.5) * zoom)
