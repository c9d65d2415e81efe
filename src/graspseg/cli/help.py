"""The text of `--help`: the options people use, or all of them, with two examples."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MOST_COLUMNS, _FEWEST_COLUMNS, _INDENT = 100, 50, 26


@dataclass(frozen=True)
class Usage:
    """How a command introduces itself.

    Attributes:
        prog: the command as it is typed, such as `graspseg segment`.
        examples: whole command lines that work.
        everyday: options that `--help` shows; the rest is behind `--help-all`. Empty = all.
    """

    prog: str
    examples: tuple[str, ...]
    everyday: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """One option, or a positional argument.

    Attributes:
        flags: `--name`, and `--no-name` for a switch; empty for a positional argument.
        metavar: what stands for its value; empty for a switch.
        text: its help.
        default: its value when it is not given; None where the text says what happens then.
        required: whether it must be given.
        choices: the only values it takes; empty = any.
        number: `int` or `float` where its value is one.
        many: whether it takes several values.
        optional: whether `None` is a value of it.
    """

    flags: tuple[str, ...]
    metavar: str
    text: str
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    number: Callable[[str], object] | None = None
    many: bool = False
    optional: bool = False

    @property
    def invocation(self) -> str:
        """How it is typed; of a switch the flag that changes something."""
        if not self.flags:
            return self.metavar
        if not self.metavar:
            return self.flags[1] if self.default is True else self.flags[0]
        return f"{self.flags[0]} {self.metavar}"

    @property
    def explained(self) -> str:
        """Its text, with the default where that says something."""
        if self.required:
            return f"{self.text} (required)".strip() if self.flags else self.text
        if not self.metavar:
            return f"switch off: {self.text}" if self.default is True else self.text
        if self.default is None or self.default in ((), "") or "default:" in self.text.lower():
            return self.text
        value = " ".join(map(str, self.default)) if isinstance(self.default, tuple) else str(self.default)
        return f"{self.text} (default: {value})"


def option_help(options: Sequence[Option], usage: Usage, description: str, *, everything: bool) -> str:
    """The help of a command.

    Args:
        options: all of its options.
        usage: its name, examples and everyday options.
        description: what it does.
        everything: show all options, not only the everyday ones.
    """
    positional = [option for option in options if not option.flags]
    named = {option.flags[0]: option for option in options if option.flags}
    everyday = [f"--{name}" for name in usage.everyday] or list(named)
    shown = list(named) if everything else everyday
    needed = " ".join(option.invocation for option in named.values() if option.required)
    head = " ".join(filter(None, [usage.prog, *(each.invocation for each in positional), needed, "[OPTIONS]"]))
    lines = [f"usage: {head}", "", *_paragraphs(description), ""]
    if positional:
        lines += ["arguments:", *(line for each in positional for line in _entry(each.invocation, each.explained)), ""]
    lines += ["options:", *(line for name in shown for line in _entry(named[name].invocation, named[name].explained))]
    hidden = len(named) - len(everyday)
    about = f"this text; --help-all shows {hidden} more options" if hidden and not everything else "this text"
    lines += [*_entry("-h, --help", about), "", "examples:", *(f"  {example}" for example in usage.examples)]
    return "\n".join(lines)


def group_help(prog: str, description: str, commands: Mapping[str, str]) -> str:
    """The help of a command that is a group of others, each with a line."""
    lines = [f"usage: {prog} COMMAND [OPTIONS]", "", *_paragraphs(description), "", "commands:"]
    lines += [line for name, text in commands.items() for line in _entry(name, text)]
    return "\n".join([*lines, "", f"{prog} COMMAND --help explains a command's options."])


def _columns() -> int:
    return max(_FEWEST_COLUMNS, min(shutil.get_terminal_size((_MOST_COLUMNS, 24)).columns, _MOST_COLUMNS))


def _paragraphs(text: str) -> list[str]:
    """Text whose paragraphs fill the screen."""
    filled = [textwrap.fill(" ".join(part.split()), _columns()) for part in text.split("\n\n")]
    return "\n\n".join(filled).splitlines()


def _entry(name: str, text: str) -> list[str]:
    """A name and beside it, or below a long one, what it is."""
    wrapped = textwrap.wrap(
        text.replace("`", ""), max(_columns() - _INDENT, 24), break_long_words=False, break_on_hyphens=False
    )
    if len(name) + 4 <= _INDENT and wrapped:
        first, *rest = wrapped
        return [f"  {name:<{_INDENT - 2}}{first}", *(f"{'':{_INDENT}}{line}" for line in rest)]
    return [f"  {name}", *(f"{'':{_INDENT}}{line}" for line in wrapped)]
