"""What brush, polygon, flood and draft cover, worked by hand; run in the browser, in the page's own modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

MODULES = """async () => {
  const shapes = await import("/static/shapes.js");
  const editor = await import("/static/editor.js");
  const shading = await import("/static/shading.js");
  const drawn = (cover) => {
    const found = [];
    cover((index) => found.push(index));
    return found.sort((a, b) => a - b);
  };
  %s
}"""


@pytest.fixture
def run(serve: Callable[..., Any], visit: Callable[..., Page]) -> Callable[[str], Any]:
    """Function that runs lines of JavaScript beside the page's modules and returns what they return."""
    server, _ = serve(1)
    page = visit(server.url)
    return lambda lines: page.evaluate(MODULES % lines)


def test_shapes_cover_the_pixels_worked_by_hand(run: Callable[[str], Any]) -> None:
    covered = run(
        """
  const at = (x, y) => ({ x: x + 0.5, y: y + 0.5 });
  const square = [{ x: 1, y: 1 }, { x: 4, y: 1 }, { x: 4, y: 3 }, { x: 1, y: 3 }];
  return {
    dot: drawn((visit) => shapes.capsule(at(2, 1), at(2, 1), 0.5, 5, 4, visit)),
    plus: drawn((visit) => shapes.capsule(at(2, 1), at(2, 1), 1, 5, 4, visit)),
    line: drawn((visit) => shapes.capsule(at(0, 3), at(4, 3), 0.5, 5, 4, visit)),
    beyond: drawn((visit) => shapes.capsule(at(-3, 0), at(1, 0), 0.5, 5, 4, visit)),
    square: drawn((visit) => shapes.polygon(square, 5, 4, visit)),
  };"""
    )
    assert covered == {
        "dot": [7],
        "plus": [2, 6, 7, 8, 12],
        "line": [15, 16, 17, 18, 19],
        "beyond": [0, 1],
        "square": [6, 7, 8, 11, 12, 13],
    }


def test_flood_ends_at_steps_holes_and_twelve_tolerances(run: Callable[[str], Any]) -> None:
    flooded = run(
        """
  const flood = (values, seed, tolerance) => {
    const depth = Uint16Array.from(values);
    const found = new shapes.Flood(depth.length);
    const joins = shapes.similarDepth(depth, seed, tolerance);
    return [...found.from(seed, depth.length, 1, joins).indices].sort((a, b) => a - b);
  };
  const slope = Array.from({ length: 20 }, (_, i) => 500 + 10 * i);
  return [
    flood([500, 505, 520, 521], 0, 10),
    flood([500, 0, 500, 500], 2, 10),
    flood(slope, 0, 10),
  ];"""
    )
    assert flooded == [[0, 1], [2, 3], list(range(13))]


def test_a_draft_holds_strokes_so_that_each_can_be_taken_back(run: Callable[[str], Any]) -> None:
    states = run(
        """
  const frame = { labels: Uint8Array.from([0, 1, 2, 0]), width: 4, height: 1 };
  const first = new editor.Editor(frame);
  const paint = (index, label) => {
    first.begin();
    editor.pen(first.labels, { label, erase: false, protect: false })(index);
    first.touch({ x0: index, y0: 0, x1: index + 1, y1: 1 });
    return first.commit();
  };
  const changed = [paint(0, 2), paint(1, 2), paint(2, 2)];
  const again = new editor.Editor(frame, structuredClone(first.draft()));
  const states = [[...again.labels]];
  for (const step of ["undo", "undo", "redo"]) {
    again[step]();
    states.push([...again.labels]);
  }
  return { changed, states, base: [...frame.labels], end: again.undo() && again.undo() };"""
    )
    assert states == {
        "changed": [True, True, False],
        "states": [[2, 2, 2, 0], [2, 1, 2, 0], [0, 1, 2, 0], [2, 1, 2, 0]],
        "base": [0, 1, 2, 0],
        "end": None,
    }


def test_depth_is_shaded_over_inverse_depth_as_everywhere_else(run: Callable[[str], Any]) -> None:
    grays = run(
        """
  const pixels = new Uint32Array(5);
  const window = { nearM: 0.5, farM: 2 };
  new shading.DepthShader().shade(Uint16Array.from([0, 400, 500, 1000, 3000]), 0.001, window, pixels);
  return [...pixels].map((pixel) => pixel & 255);"""
    )
    assert grays == [0, 255, 255, round(40 + (255 - 40) / 3), 40]
