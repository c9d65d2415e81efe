"""What several tests of the review page do and wait for."""

from __future__ import annotations

from playwright.sync_api import APIResponse, Page, Route, expect

# The disk of the browser's store is as slow as the test wants: transactions are over once `letGo` was called;
# `writes` counts those that were begun.
SLOW_STORE = """
window.writes = 0;
const gone = new Promise((resolve) => (window.letGo = resolve));
const { set } = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, "oncomplete");
Object.defineProperty(IDBTransaction.prototype, "oncomplete", {
  set(handler) {
    window.writes += 1;
    set.call(this, (event) => gone.then(() => handler(event)));
  },
});"""


def shows(page: Page, stem: str) -> None:
    """Wait until the page shows a frame."""
    expect(page.locator("#stem")).to_have_text(stem)


def saved(page: Page) -> None:
    """Wait until the server has everything and the browser has written that nothing is left to send."""
    expect(page.locator("#saved")).to_have_attribute("data-state", "saved")


def asked_for_more(page: Page, times: int) -> None:
    """Wait until the page has the answers to so many questions for frames: one at the start, one behind each frame."""
    page.wait_for_function(
        "times => performance.getEntriesByType('resource').filter(e => e.name.endsWith('/next')).length >= times",
        arg=times,
    )


class Held:
    """Requests that are kept back while `holding`: a handler for the routes of `visit`.

    Args:
        holding: whether the first requests are kept.
        answered: whether the server hears a request when it is made, and only its answer is kept back.
    """

    def __init__(self, *, holding: bool = True, answered: bool = False) -> None:
        self.holding = holding
        self._answered = answered
        self._kept: list[tuple[Route, APIResponse | None]] = []

    def meet(self, route: Route) -> None:
        """Keep a request or let it go on."""
        if not self.holding:
            route.continue_()
            return
        self._kept.append((route, route.fetch() if self._answered else None))

    def wait(self, page: Page) -> None:
        """Wait until a request is kept back."""
        while not self._kept:
            page.wait_for_timeout(20)  # handlers run meanwhile

    def release(self) -> None:
        """Let everything go on, and what comes from now on."""
        self.holding = False
        while self._kept:
            route, answer = self._kept.pop(0)
            if answer is None:
                route.continue_()
            else:
                route.fulfill(response=answer)
