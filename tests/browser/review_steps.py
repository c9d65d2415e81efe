"""What several tests of the review page do and wait for."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def shows(page: Page, stem: str) -> None:
    """Wait until the page shows a frame."""
    expect(page.locator("#stem")).to_have_text(stem)


def saved(page: Page) -> None:
    """Wait until the server has everything and the browser has written that nothing is left to send."""
    expect(page.locator("#saved")).to_have_attribute("data-state", "saved")
