"""The options of a command: read from its dataclass, checked in plain sentences, parsed by tyro."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)

import tyro

from graspseg.cli.help import Option, Usage, group_help, option_help
from graspseg.errors import InputError, did_you_mean

T = TypeVar("T")
_HELP = ("-h", "--help", "--help-all")
_METAVARS = {int: "INT", float: "NUMBER", str: "TEXT", Path: "PATH"}
_NUMBERS: dict[type, Callable[[str], object]] = {int: int, float: float}


@runtime_checkable
class Runnable(Protocol):
    """A subcommand: a dataclass of options that can run."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        ...


def parse(kind: type[T], argv: Sequence[str], usage: Usage, *, default: T | None = None) -> T:
    """Options of a command from its arguments; `--help` and `--help-all` print and end the process.

    Args:
        kind: a dataclass; its fields are the options, the text under a field or in "Attributes:" is their help.
        argv: the arguments.
        usage: what the help says besides.
        default: options that are not given; None takes the dataclass's own.

    Raises:
        InputError: an option is unknown or missing, or a value is none of its choices or no number.
        SystemExit: 0 after help, 2 for other arguments that cannot be read.
    """
    options = options_of(kind, default)
    asked = [argument for argument in argv if argument in _HELP]
    if asked:
        print(option_help(options, usage, _description(kind), everything="--help-all" in asked))
        raise SystemExit(0)
    _check(options, argv, usage)
    if default is None:
        return tyro.cli(kind, args=list(argv), prog=usage.prog)
    return tyro.cli(kind, args=list(argv), prog=usage.prog, default=default)


def run_subcommand(
    commands: Mapping[str, tuple[type[Runnable], Usage]], argv: Sequence[str], *, prog: str, description: str
) -> int:
    """Run the subcommand that the first argument names.

    Raises:
        InputError: there is none of that name.
    """
    if not argv or argv[0] in _HELP:
        lines = {name: _description(kind).partition(".")[0] for name, (kind, _) in commands.items()}
        print(group_help(prog, description, lines))
        return 0 if argv else 2
    name = argv[0]
    if name not in commands:
        meant = did_you_mean(name, commands, otherwise=f"see {prog} --help.")
        raise InputError(f"There is no command {prog} {name}, expected one of {', '.join(commands)}: {meant}")
    kind, usage = commands[name]
    return parse(kind, argv[1:], usage).run()


def options_of(kind: Any, default: Any = None, prefix: str = "") -> list[Option]:
    """All options of a dataclass, those of nested ones with their name before a dot."""
    hints, docs = get_type_hints(kind, include_extras=True), _field_docs(kind)
    found: list[Option] = []
    for each in dataclasses.fields(kind):
        hint = hints[each.name]
        extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        config = next((extra for extra in extras if hasattr(extra, "metavar")), None)
        bare = get_args(hint)[0] if extras else hint
        name = each.name if config is None or config.name is None else config.name
        value = _default(each) if default is None else getattr(default, each.name)
        if dataclasses.is_dataclass(bare):
            inner = None if value is dataclasses.MISSING else value
            found += options_of(bare, inner, f"{prefix}{name}." if name else prefix)
            continue
        text = (config and config.help) or docs.get(each.name, "")
        positional = tyro.conf.Positional in extras
        found.append(_option(f"{prefix}{name}", bare, value, text, positional, config and config.metavar))
    return found


def _option(name: str, bare: Any, value: Any, text: str, positional: bool, metavar: str | None) -> Option:
    flag = "--" + name.replace("_", "-")
    optional = get_origin(bare) in (Union, types.UnionType) and type(None) in get_args(bare)
    if optional:
        inner = [kind for kind in get_args(bare) if kind is not type(None)]
        bare = inner[0]
    many = get_origin(bare) is tuple
    element = get_args(bare)[0] if many else bare
    several = " ..." if many and Ellipsis in get_args(bare) else ""
    choices = tuple(map(str, get_args(element))) if get_origin(element) is Literal else ()
    number = _NUMBERS.get(element)
    shown = metavar or ("|".join(choices) if choices else _METAVARS.get(element, "TEXT"))
    if many and not several:
        shown = " ".join([shown] * len(get_args(bare)))
    required = value is dataclasses.MISSING and not (positional and many)
    flags = (flag, f"--no-{flag[2:]}") if bare is bool else (flag,)
    return Option(
        flags=() if positional else flags,
        metavar="" if bare is bool else shown + ("" if positional else several),
        text=text,
        default=None if value is dataclasses.MISSING else value,
        required=required,
        choices=choices,
        number=number,
        many=many,
        optional=optional,
    )


def _default(each: dataclasses.Field[Any]) -> Any:
    if each.default_factory is not dataclasses.MISSING:
        return each.default_factory()
    return each.default


def _check(options: Sequence[Option], argv: Sequence[str], usage: Usage) -> None:
    """See that options are known, values possible and none is missing.

    Raises:
        InputError: they are not.
    """
    known = {flag: option for option in options for flag in option.flags}
    given, current = set[str](), None
    for argument in argv:
        name, equals, value = argument.partition("=")
        name = "--" + name[2:].replace("_", "-") if name.startswith("--") else name
        if name.startswith("--") and len(name) > 2:
            if name not in known:
                meant = did_you_mean(name, known, otherwise=f"see {usage.prog} --help-all.")
                raise InputError(f"There is no option {name} of {usage.prog}: {meant}")
            current = known[name]
            given.update(current.flags)
            if equals:
                _check_value(name, current, value, usage)
                current = None
        elif current is not None and current.metavar:
            _check_value(current.flags[0], current, argument, usage)
            current = current if current.many else None
    missing = [option for option in options if option.required and option.flags and option.flags[0] not in given]
    if missing:
        name = missing[0].flags[0]
        raise InputError(
            f"{name} is missing, expected {name} {missing[0].metavar} ({_short(missing[0].text)}): for example "
            f"{usage.examples[0]}"
        )


def _check_value(name: str, option: Option, value: str, usage: Usage) -> None:
    if option.optional and value == "None":
        return
    if option.choices and value not in option.choices:
        meant = did_you_mean(value, option.choices, otherwise=f"see {usage.prog} --help.")
        raise InputError(f"{name} is {value!r}, expected one of {', '.join(option.choices)}: {meant}")
    if option.number is not None:
        try:
            option.number(value)
        except ValueError:
            kind = "a whole number" if option.number is int else "a number"
            raise InputError(f"{name} is {value!r}, expected {kind}: correct it.") from None


def _short(text: str) -> str:
    return re.split(r"[;.:](?:\s|$)", text)[0]


def _description(kind: Any) -> str:
    """What a dataclass says of itself, without its attributes."""
    return inspect.cleandoc(kind.__doc__ or "").partition("\nAttributes:")[0].strip()


@cache
def _field_docs(kind: Any) -> dict[str, str]:
    """Text of each field: the string under it, or its entry in "Attributes:"."""
    found: dict[str, str] = {}
    _, _, listed = inspect.cleandoc(kind.__doc__ or "").partition("\nAttributes:\n")
    for entry in re.split(r"\n(?=    \w)", "\n" + listed):
        name, colon, text = entry.strip().partition(":")
        if colon:
            found.update({each.strip(): " ".join(text.split()) for each in name.split(",")})
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    for line, after in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(line, ast.AnnAssign)
            and isinstance(line.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[line.target.id] = " ".join(str(after.value.value).split())
    return found
