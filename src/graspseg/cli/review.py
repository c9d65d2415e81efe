"""`graspseg review`: a web page where people check labels, and what comes of it."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from graspseg.errors import InputError, printable

if TYPE_CHECKING:
    from graspseg.review.server.exports import Form

_LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Options:
    """Check labels in a web page on this machine: accept, reject, correct; worst confidence first.

    Every decision is in DIR/review.sqlite at once; corrected labels replace those in DIR/labels. Several people may
    review one folder at the same time. Stop with Ctrl-C. With --export or --import there is no page: accepted frames
    are written for other programs, or labels corrected there are read.
    """

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder with depth/, labels/, and color/ and confidence.csv where there are any (graspseg annotate makes it)."""
    port: int | None = None
    """Port of the page; 0 = any free one; default: 8420 when it is free."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 lets other machines in, unencrypted."""
    model: str = "denseattentionseg-lite"
    """Network whose prediction is shown beside: a shipped model, an exported .onnx file, or none."""
    reviewer: str | None = None
    """Name of the person in the history, when the page is not given another; default: the user of this process."""
    open: bool = False
    """Open the page in a browser."""
    export: Literal["folder", "shards", "coco", "png", "cvat"] | None = None
    """Write the accepted frames with their corrected labels to --out. png: colored masks only; cvat: for images 1.1."""
    out: Path | None = None
    """New or empty folder for --export."""
    import_file: Annotated[Path | None, tyro.conf.arg(name="import", metavar="FILE")] = None
    """Take over labels corrected elsewhere: CVAT for images 1.1 (.xml, .zip) or COCO (.json)."""


def main(argv: list[str]) -> int:
    """Run the command.

    Raises:
        InputError: the folder cannot be reviewed.
    """
    options = tyro.cli(Options, args=argv, prog="graspseg review")
    if options.port is not None and not 0 <= options.port < 1 << 16:
        raise InputError(f"--port is {options.port}, expected 0 to 65535: leave it out.")
    if (options.export is None) != (options.out is None):
        raise InputError("--export and --out belong together, expected both or neither: name what to write and where.")
    if options.export is not None and options.out is not None:
        return _export(options.folder, options.out, form=options.export)
    if options.import_file is not None:
        return _import(options.folder, options.import_file)
    _serve(options)
    return 0


def _export(folder: Path, out: Path, *, form: Form) -> int:
    """0 done, 1 some frames could not be written."""
    from graspseg.cli.progress import Voice, frames_bar
    from graspseg.review.server.exports import export, open_accepted
    from graspseg.segment.engine import available_threads

    accepted = open_accepted(folder)
    say = Voice()
    with frames_bar(len(accepted)) as advance:
        done = export(accepted, out, form, threads=available_threads(), say=say, advance=advance)
    say.close(done.frames - done.written)
    print(f"{done.written:,} of {done.frames:,} accepted frames in {printable(out)}", file=sys.stderr)
    return 0 if done.written == done.frames else 1


def _import(folder: Path, file: Path) -> int:
    """0 done, 1 some images could not be used."""
    from graspseg.cli.progress import Voice
    from graspseg.review.server.imports import import_labels
    from graspseg.review.server.serve import open_store

    say = Voice()
    with open_store(folder, say=_say) as store:
        done = import_labels(store, file, say=say)
    say.close(done.failed)
    empty = f", {done.empty:,} without any shape and left as they are" if done.empty else ""
    print(f"{done.changed:,} frames have new labels, {done.same:,} had them before{empty}", file=sys.stderr)
    return 1 if done.failed else 0


def _serve(options: Options) -> None:
    from graspseg.review.server.browser import opened
    from graspseg.review.server.serve import serve

    if options.host not in _LOCAL:
        _say(
            f"--host {options.host} lets other machines in: whoever has the address can change labels, and nothing is "
            "encrypted."
        )

    with contextlib.ExitStack() as stack:

        def announce(address: str) -> None:
            print(f"Review at {printable(address)}", flush=True)
            if options.open:
                stack.enter_context(opened(address))

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
    print(f"graspseg: {printable(sentence)}", file=sys.stderr, flush=True)
