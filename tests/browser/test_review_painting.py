"""Painting on the review page in a real browser, by keyboard and by mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from review_steps import saved, shows

pytestmark = pytest.mark.browser

HAND, OBJECT = 1, 2


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
