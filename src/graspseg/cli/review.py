"""`graspseg review`: a web page where people check labels, and what comes of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from graspseg.frame import InputError

_LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Options:
    """Check labels in a web page on this machine: accept, reject, correct; worst confidence first.

    Every decision is in DIR/review.sqlite at once; corrected labels replace those in DIR/labels. Several people may
    review one folder at the same time. Stop with Ctrl-C.
    """

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder with depth/, labels/, and color/ and confidence.csv where there are any (graspseg annotate makes it)."""
    port: int = 0
    """Port of the page; 0 = any free one."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 lets other machines in, unencrypted."""
    model: str = "denseattentionseg-lite"
    """Network whose prediction is shown beside: a shipped model, an exported .onnx file, or none."""
    reviewer: str | None = None
    """Name of the person in the history, when the page is not given another; default: the user of this process."""
    open: bool = False
    """Open the page in a browser."""


def main(argv: list[str]) -> int:
    """Run the command.

    Raises:
        InputError: the folder cannot be reviewed.
    """
    options = tyro.cli(Options, args=argv, prog="graspseg review")
    if not 0 <= options.port < 1 << 16:
        raise InputError(f"--port is {options.port}, expected 0 to 65535: leave it out for any free one.")
    _serve(options)
    return 0


def _serve(options: Options) -> None:
    from graspseg.review.server import serve

    if options.host not in _LOCAL:
        _say(
            f"--host {options.host} lets other machines in: whoever has the address can change labels, and nothing is "
            "encrypted."
        )

    def announce(address: str) -> None:
        print(f"Review at {address}", flush=True)
        if options.open:
            import webbrowser

            webbrowser.open(address)

    serve(
        options.folder,
        host=options.host,
        port=options.port,
        reviewer=options.reviewer or _user(),
        model=None if options.model == "none" else options.model,
        say=_say,
        announce=announce,
    )


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return "reviewer"


def _say(sentence: str) -> None:
    print(f"graspseg: {sentence}", file=sys.stderr, flush=True)
