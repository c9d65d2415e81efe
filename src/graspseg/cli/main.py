"""Entry point of `graspseg`: finds the subcommand, runs it, turns errors into one sentence and an exit code.

A command's module has `main(argv) -> int | None`, which parses its own arguments (tyro) and returns the exit code.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":  # `python -m` puts the current folder first on the path of what is imported below
    from graspseg.parallel.start import leave_current_folder

    leave_current_folder()

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from graspseg import __version__
from graspseg.errors import InputError, printable

OK, SOME_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Command:
    """A subcommand: `module:function` and one line of help."""

    target: str
    help: str


COMMANDS: dict[str, Command] = {
    "segment": Command("graspseg.cli.segment:main", "label hand, object and background in depth images"),
    "live": Command("graspseg.cli.live:main", "segment a camera or recording as it comes"),
    "synth": Command("graspseg.cli.synth:main", "make labelled synthetic depth frames"),
    "annotate": Command("graspseg.cli.annotate:main", "label hand and object in recordings of depth and color"),
    "train": Command("graspseg.cli.train:main", "train a network, or fine-tune one on your own frames"),
    "evaluate": Command("graspseg.cli.evaluate:main", "measure a model on labelled frames"),
    "compare": Command("graspseg.cli.compare:main", "train, judge and time several networks in one table"),
    "review": Command("graspseg.cli.review:main", "check labels in a web page: accept, reject, correct"),
    "export": Command("graspseg.cli.export:main", "turn a training run into a model file that runs without torch"),
    "networks": Command("graspseg.cli.networks:main", "list the networks with parameters and cost"),
    "info": Command("graspseg.cli.info:main", "say what a model file holds"),
    "dataset": Command("graspseg.cli.dataset:main", "count, check, draw and convert data sets (folders and shards)"),
    "record": Command("graspseg.cli.record:main", "record depth and color of a RealSense camera under fixed light"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `graspseg` with the given arguments (default: the process's own).

    Returns:
        0 done, 1 some frames failed, 2 bad input or usage, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _main(arguments)
        if sys.stdout is not None:  # it is when closed by the shell
            sys.stdout.flush()
        return code
    except InputError as error:
        return _fail(str(error))
    except MemoryError:
        return _fail("The memory of this machine is too small for this input: use smaller frames or fewer workers.")
    except KeyboardInterrupt as stop:
        print(printable(f"graspseg: stopped {stop}".rstrip()), file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _abandon_stdout()
        return OK
    except OSError as error:
        if error.errno is None:
            raise
        if error.filename is None:
            _abandon_stdout()
        what = "The output" if error.filename is None else str(error.filename)
        return _fail(f"{what} cannot be used ({error.strerror}), expected something this system can open: check it.")


def _main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help())
        return OK if arguments else BAD_INPUT
    if arguments[0] in ("-V", "--version"):
        print(f"graspseg {__version__}")
        return OK
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        return _fail(f"There is no command {name!r}, expected one of {', '.join(COMMANDS)}: see graspseg --help.")
    return _run(COMMANDS[name], rest)


def _run(command: Command, arguments: list[str]) -> int:
    module_name, function_name = command.target.split(":")
    try:
        module = import_module(module_name)
        return getattr(module, function_name)(arguments) or OK
    except ModuleNotFoundError as error:
        return _fail(_missing(error))
    except SystemExit as error:  # raised by argument parsing
        return error.code if isinstance(error.code, int) else OK if error.code is None else BAD_INPUT


def _abandon_stdout() -> None:
    """Let go of a stdout that cannot be written to, else Python complains again while it closes it."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _missing(error: ModuleNotFoundError) -> str:
    name = error.name or "a module"
    if name.startswith("graspseg"):
        return f"This installation has no {name}: install the release of graspseg that documents this command."
    extras = {
        "numba": "synth",
        "pycocotools": "coco",
        "ray": "cluster",
        "backports": "ros",
        "lz4": "ros",
        "rosbags": "ros",
        "rerun": "live",
        "fastapi": "review",
        "uvicorn": "review",
    }
    extra = extras.get(name.partition(".")[0], "train")
    return f"This command needs {name}, which is not installed: pip install 'graspseg[{extra}]'."


def _fail(sentence: str) -> int:
    print(f"graspseg: {printable(sentence)}", file=sys.stderr)
    return BAD_INPUT


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.help}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: graspseg COMMAND [OPTIONS]",
            "",
            "Segment a hand, the object it holds and the background from depth images.",
            "",
            "commands:",
            *lines,
            "",
            "graspseg COMMAND --help explains a command's options.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
