"""The files of the page."""

from __future__ import annotations

from importlib import resources

from fastapi.responses import Response

from graspseg.review.server.folder import Missing

_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


def page_file(name: str) -> Response:
    """A file of the page by its name, of those there are: no path is put together.

    Raises:
        Missing: there is none of that name.
    """
    folder = resources.files("graspseg.review") / "page"
    for file in folder.iterdir() if folder.is_dir() else ():
        kind = next((kind for suffix, kind in _TYPES.items() if file.name.endswith(suffix)), None)
        if file.name == name and kind is not None:
            return Response(file.read_bytes(), media_type=kind, headers={"cache-control": "no-cache"})
    raise Missing(f"The page has no file {name!r:.90}, expected one of its own: reload the page.")
