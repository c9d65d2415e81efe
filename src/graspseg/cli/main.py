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
from importlib.util import find_spec

from graspseg import __version__
from graspseg.errors import InputError, did_you_mean, not_installed, printable

OK, SOME_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Command:
    """A subcommand: `module:function`, one line of help and the group it is listed in."""

    target: str
    help: str
    group: str = "Inspect"


GROUPS = {
    "Use": "masks of your depth images",
    "Data": "make, label and look at frames",
    "Learn": "models of your own",
    "Inspect": "what there is",
}
COMMANDS: dict[str, Command] = {
    "segment": Command("graspseg.cli.segment:main", "label hand, object and background in depth images", "Use"),
    "live": Command("graspseg.cli.live:main", "segment a camera or recording as it comes", "Use"),
    "record": Command("graspseg.cli.record:main", "record depth and color of a RealSense camera", "Use"),
    "synth": Command("graspseg.cli.synth:main", "make labeled synthetic depth frames", "Data"),
    "annotate": Command("graspseg.cli.annotate:main", "label hand and object in recordings with color", "Data"),
    "review": Command("graspseg.cli.review:main", "check labels in a web page: accept, reject, correct", "Data"),
    "dataset": Command("graspseg.cli.dataset:main", "count, check, draw and convert data sets", "Data"),
    "train": Command("graspseg.cli.train:main", "train a network, or fine-tune one on your own frames", "Learn"),
    "evaluate": Command("graspseg.cli.evaluate:main", "measure a model on labeled frames", "Learn"),
    "compare": Command("graspseg.cli.compare:main", "train, judge and time several networks in one table", "Learn"),
    "export": Command("graspseg.cli.export:main", "turn a trained network into a file that needs no torch", "Learn"),
    "speed": Command("graspseg.cli.speed:main", "time a model on this machine, stage by stage", "Inspect"),
    "networks": Command("graspseg.cli.networks:main", "list the networks with parameters and cost", "Inspect"),
    "info": Command("graspseg.cli.info:main", "say what a model file holds", "Inspect"),
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
        meant = did_you_mean(name, COMMANDS, otherwise="see graspseg --help.")
        return _fail(f"There is no command {name!r}, expected one of {', '.join(COMMANDS)}: {meant}")
    return _run(COMMANDS[name], rest)


def _run(command: Command, arguments: list[str]) -> int:
    module_name, function_name = command.target.split(":")
    try:
        module = import_module(module_name)
        return getattr(module, function_name)(arguments) or OK
    except ModuleNotFoundError as error:
        return _fail(_missing(error, command.target))
    except SystemExit as error:  # raised by argument parsing
        return error.code if isinstance(error.code, int) else OK if error.code is None else BAD_INPUT


def _abandon_stdout() -> None:
    """Let go of a stdout that cannot be written to, else Python complains again while it closes it."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_EXTRAS = {
    "numba": "synth",
    "pycocotools": "coco",
    "ray": "cluster",
    "backports": "ros",
    "lz4": "ros",
    "rosbags": "ros",
    "rerun": "live",
    "fastapi": "review",
    "uvicorn": "review",
    "segmentation_models_pytorch": "compare",
}
_NEEDS = {"train": ("torch", "numba"), "compare": ("torch", "numba", "segmentation_models_pytorch")}


def _missing(error: ModuleNotFoundError, target: str) -> str:
    """The sentence for a package that is not installed; one install line names all extras that the command lacks."""
    name = error.name or "a module"
    if name.startswith("graspseg"):
        return f"This installation has no {name}: install the release of graspseg that documents this command."
    command = target.partition(":")[0].rpartition(".")[2]
    lacking = [name.partition(".")[0], *(each for each in _NEEDS.get(command, ()) if find_spec(each) is None)]
    extras = dict.fromkeys(_EXTRAS.get(each, "train") for each in lacking)
    return not_installed("This command", name, ",".join(extras))


def _fail(sentence: str) -> int:
    print(f"graspseg: {printable(sentence)}", file=sys.stderr)
    return BAD_INPUT


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines: list[str] = []
    for group, about in GROUPS.items():
        lines += ["", f"{group}: {about}"]
        lines += [f"  {name:<{width}}  {each.help}" for name, each in COMMANDS.items() if each.group == group]
    return "\n".join(
        [
            "usage: graspseg COMMAND [OPTIONS]",
            "",
            "Segment a hand, the object it holds and the background from depth images.",
            *lines,
            "",
            "graspseg COMMAND --help explains a command's options.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
