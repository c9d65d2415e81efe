"""The page of a comparison, as a browser lays it out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from graspseg.compare.render import as_html

pytestmark = pytest.mark.browser
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


@pytest.mark.parametrize("width", [1280, 1024])
def test_all_tables_fit_on_the_page(chromium: Browser, tmp_path: Path, width: int) -> None:
    path = tmp_path / "report.html"
    path.write_text(as_html(json.loads((RESULTS / "comparison.json").read_text()), []))
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto(path.as_uri())
    sizes = page.evaluate("[...document.querySelectorAll('.wide')].map(e => [e.scrollWidth, e.clientWidth])")
    page.close()
    assert len(sizes) == 3
    assert all(needed <= there for needed, there in sizes), sizes
