"""Open a secret address in a browser."""

from __future__ import annotations

import contextlib
import html
import tempfile
import webbrowser
from collections.abc import Iterator
from pathlib import Path

_PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>graspseg review</title>
<a href="{address}">graspseg review</a>
"""


@contextlib.contextmanager
def opened(address: str) -> Iterator[None]:
    """Have an address shown without naming it in a command line, which everybody on a machine can read.

    The browser is given a file that only this user can read, and that leads on; it is removed when the block ends.
    """
    with tempfile.TemporaryDirectory(prefix="graspseg-review-") as folder:  # of this user alone
        page = Path(folder) / "review.html"
        page.touch(mode=0o600)
        page.write_text(_PAGE.format(address=html.escape(address)), encoding="utf-8")
        webbrowser.open(page.as_uri())
        yield
