"""`graspseg review`: a web page where people check labels, and what comes of it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from graspseg.cli.help import Usage
from graspseg.cli.options import Runnable, parse
from graspseg.errors import InputError, did_you_mean, printable

_OF_THE_PAGE = ("--model", "--port", "--host", "--reviewer")
_LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Options:
    """Check labels in a web page on this machine: accept, reject, correct; worst confidence first.

    Every decision is in DIR/review.sqlite at once; corrected labels replace those in DIR/labels. Several people may
    review one folder at the same time. Stop with Ctrl-C.

    Two commands without a page: graspseg review export DIR --out OUT writes accepted frames for other programs,
    graspseg review import DIR FILE reads labels corrected there.
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


@dataclass(frozen=True)
class Export:
    """Write the accepted frames of a reviewed folder, with their corrected labels, for other programs."""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder that was reviewed."""
    out: Path
    """New or empty folder to write to."""
    to: Literal["folder", "shards", "coco", "png", "cvat"] = "folder"
    """Kind of data set; png: colored masks only; cvat: for images 1.1."""

    def run(self) -> int:
        """0 done, 1 some frames could not be written."""
        from graspseg.cli.progress import MessageLog, frames_bar
        from graspseg.review.server.exports import export, open_accepted
        from graspseg.segment.engine import available_threads

        accepted = open_accepted(self.folder)
        say = MessageLog()
        with frames_bar(len(accepted)) as advance:
            done = export(accepted, self.out, self.to, threads=available_threads(), say=say, advance=advance)
        say.close(done.frames - done.written)
        print(f"{done.written:,} of {done.frames:,} accepted frames in {printable(self.out)}", file=sys.stderr)
        return 0 if done.written == done.frames else 1


@dataclass(frozen=True)
class Import:
    """Take over labels that were corrected in another program."""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder under review."""
    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """CVAT for images 1.1 (.xml, .zip) or COCO (.json)."""

    def run(self) -> int:
        """0 done, 1 some images could not be used."""
        from graspseg.cli.progress import MessageLog
        from graspseg.review.server.imports import import_labels
        from graspseg.review.server.serve import open_store

        say = MessageLog()
        with open_store(self.folder, say=_say) as store:
            done = import_labels(store, self.file, say=say)
        say.close(done.failed)
        empty = f", {done.empty:,} without any shape and left as they are" if done.empty else ""
        print(f"{done.changed:,} frames have new labels, {done.same:,} had them before{empty}", file=sys.stderr)
        return 1 if done.failed else 0


USAGE = Usage(
    "graspseg review",
    examples=(
        "graspseg review labeled",
        "graspseg review labeled --open --model none --reviewer Ada",
    ),
)
COMMANDS: dict[str, tuple[type[Runnable], Usage]] = {
    "export": (
        Export,
        Usage(
            "graspseg review export",
            examples=(
                "graspseg review export labeled --out accepted",
                "graspseg review export labeled --out for_cvat --to cvat",
            ),
        ),
    ),
    "import": (
        Import,
        Usage(
            "graspseg review import",
            examples=(
                "graspseg review import labeled annotations.xml",
                "graspseg review import labeled coco.json",
            ),
        ),
    ),
}


def main(argv: list[str]) -> int:
    """Run the command.

    Raises:
        InputError: the folder cannot be reviewed.
    """
    argv = _as_command(argv)
    if argv and argv[0] in COMMANDS:
        kind, usage = COMMANDS[argv[0]]
        return parse(kind, argv[1:], usage).run()
    _refuse_mistyped(argv)
    options = parse(Options, argv, USAGE)
    if options.port is not None and not 0 <= options.port < 1 << 16:
        raise InputError(f"--port is {options.port}, expected 0 to 65535: leave it out.")
    _serve(options)
    return 0


def _as_command(argv: Sequence[str]) -> list[str]:
    """Arguments with `--import FILE` and `--export KIND`, options of earlier releases, as the commands of today."""
    words = [
        part
        for word in argv
        for part in (word.split("=", 1) if word.startswith(("--import=", "--export=")) else [word])
    ]
    for name in COMMANDS:
        if f"--{name}" not in words[:-1] or words[0] in COMMANDS:
            continue
        at = words.index(f"--{name}")
        value = words[at + 1]
        rest = _without_page([*words[:at], *words[at + 2 :]])
        _say(f"--{name} is a command of its own now, see graspseg review {name} --help.")
        return ["export", *rest, "--to", value] if name == "export" else ["import", *rest, value]
    return words


def _without_page(words: Sequence[str]) -> list[str]:
    """Arguments without the options of the page, which had no effect beside `--import` and `--export`."""
    kept, skip = [], False
    for word in words:
        name, given, _ = word.partition("=")
        if not skip and name not in (*_OF_THE_PAGE, "--open"):
            kept.append(word)
        skip = not skip and name in _OF_THE_PAGE and not given
    return kept


def _refuse_mistyped(argv: Sequence[str]) -> None:
    """Say what a mistyped command probably means.

    Raises:
        InputError: the arguments hold one.
    """
    if len(argv) > 1 and not argv[1].startswith("-") and not Path(argv[0]).exists():
        meant = did_you_mean(argv[0], COMMANDS, otherwise="see graspseg review --help.")
        raise InputError(f"{argv[0]} is no folder, expected DIR, or a command {' or '.join(COMMANDS)}: {meant}")


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
