"""The review page in a real browser, by keyboard and by mouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

HAND, OBJECT = 1, 2


def shows(page: Page, stem: str) -> None:
    expect(page.locator("#stem")).to_have_text(stem)


def saved(page: Page) -> None:
    """Wait until the server has everything and the browser has written that nothing is left to send."""
    expect(page.locator("#saved")).to_have_attribute("data-state", "saved")


def brush(page: Page, *, size: int) -> None:
    """Take the brush, `size` pixels across, with the cursor in the middle of the frame at (48, 36)."""
    page.keyboard.press("b")
    for _ in range(40):
        page.keyboard.press("[")
    for _ in range(size - 1):
        page.keyboard.press("]")
    expect(page.locator("#size-value")).to_have_text(f"{size} px")


def stroke(page: Page, *moves: str) -> None:
    """Paint by keyboard: the space bar is held while the cursor moves."""
    page.keyboard.down("Space")
    for move in moves:
        page.keyboard.press(move)
    page.keyboard.up("Space")


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


def test_brush_undo_and_redo_change_exactly_the_pixels_painted(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(2)
    before = server.labels(stems[0])
    page = visit(server.url)
    shows(page, stems[0])
    brush(page, size=1)
    page.keyboard.press("2")
    stroke(page, "ArrowRight", "ArrowDown")
    stroke(page, "Shift+ArrowLeft")
    page.keyboard.press("z")
    page.keyboard.press("z")
    page.keyboard.press("y")
    expect(page.locator("#painted")).to_have_text("painted, not saved")
    page.keyboard.press("a")
    shows(page, stems[1])
    saved(page)
    expected = before.copy()
    expected[36, 48:53] = OBJECT
    expected[36:41, 52] = OBJECT
    np.testing.assert_array_equal(server.labels(stems[0]), expected)

    page.keyboard.press("z")  # decision and labels are taken back, the stroke is still there
    shows(page, stems[0])
    expect(page.locator("#painted")).to_have_text("painted, not saved")
    expect(page.locator("#saved-text")).to_have_text("1 painted, in browser")
    assert server.decisions() == {}
    np.testing.assert_array_equal(server.labels(stems[0]), before)


def test_brush_and_eraser_spare_the_protected_class(serve: Callable[..., Any], visit: Callable[..., Page]) -> None:
    server, stems = serve(2)
    page = visit(server.url)
    shows(page, stems[0])
    brush(page, size=1)
    page.keyboard.press("k")
    for _ in range(4):
        page.keyboard.press("ArrowUp")  # to (48, 20), on the object
    stroke(page, "Shift+ArrowRight")  # as a hand: only on background
    page.keyboard.press("ArrowDown")
    page.keyboard.press("e")
    page.keyboard.press("2")
    stroke(page, "Shift+ArrowLeft", "Shift+ArrowLeft")  # erases the object, not the hand
    page.keyboard.press("a")
    shows(page, stems[1])
    saved(page)
    expected = server.labels(stems[1]).copy()
    expected[20, 50:73] = HAND
    expected[24, 30:50] = 0
    np.testing.assert_array_equal(server.labels(stems[0]), expected)


def test_flood_stays_on_one_surface_and_polygon_fills_its_inside(
    serve: Callable[..., Any], visit: Callable[..., Page]
) -> None:
    server, stems = serve(2)
    page = visit(server.url)
    shows(page, stems[0])
    page.keyboard.press("f")
    page.keyboard.press("2")
    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)  # to (52, 20): the object, four columns of which have no label yet
    page.keyboard.press("Space")
    page.keyboard.press("g")
    page.keyboard.press("1")
    page.keyboard.press("Space")
    for corner in ("ArrowDown", "ArrowRight", "ArrowUp"):
        for _ in range(4):
            page.keyboard.press(corner)
        page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.keyboard.press("a")
    shows(page, stems[1])
    saved(page)
    expected = server.labels(stems[1]).copy()
    expected[10:30, 30:54] = OBJECT
    expected[20:36, 52:68] = HAND
    np.testing.assert_array_equal(server.labels(stems[0]), expected)


def test_mouse_paints_and_its_right_button_erases(serve: Callable[..., Any], visit: Callable[..., Page]) -> None:
    server, stems = serve(2)
    page = visit(server.url)
    shows(page, stems[0])
    page.keyboard.press("d")  # one pane
    brush(page, size=1)
    box = page.locator("#stage").bounding_box()
    assert box is not None
    zoom = min(box["width"] / 96, box["height"] / 72)

    def at(x: float, y: float) -> tuple[float, float]:
        middle_x, middle_y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        return middle_x + (x + 0.5 - 48) * zoom, middle_y + (y + 0.5 - 36) * zoom

    page.mouse.move(*at(60, 50))
    page.mouse.down()
    page.mouse.move(*at(70, 50), steps=5)
    page.mouse.up()
    page.mouse.move(*at(40, 12))
    page.mouse.down(button="right")
    page.mouse.move(*at(40, 20))
    page.mouse.up(button="right")
    page.keyboard.press("a")
    shows(page, stems[1])
    saved(page)
    expected = server.labels(stems[1]).copy()
    expected[50, 60:71] = HAND
    expected[12:21, 40] = 0
    np.testing.assert_array_equal(server.labels(stems[0]), expected)


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
