"""What is wrong with an input, in one sentence, and text that a terminal may show."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# Control characters, marks that turn the direction of writing, and bytes of names that are no characters.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def printable(text: object, *, lines: bool = False) -> str:
    """Text whose control characters are escaped: the name of a file may hold commands to a terminal.

    Args:
        text: anything that is shown.
        lines: whether it has several lines; else the end of one is escaped too.
    """

    def escaped(match: re.Match[str]) -> str:
        return match[0] if lines and match[0] == "\n" else match[0].encode("unicode_escape").decode()

    return _UNPRINTABLE.sub(escaped, str(text))


def print_escaped(text: object) -> None:
    """Print one line that may hold names of files."""
    print(printable(text))


def did_you_mean(name: object, known: Iterable[str], *, otherwise: str) -> str:
    """The end of a sentence about an unknown name.

    Args:
        name: what was given.
        known: what there is.
        otherwise: what to do when nothing there is like it, with its full stop.
    """
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else otherwise


class InputError(ValueError):
    """Input that cannot be used: one sentence that says what, where, what was expected and what to do.

    Its text has control characters escaped, wherever it is shown.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


def not_installed(what: str, package: object, extra: str) -> str:
    """The sentence about a package that is missing; the same words in the documentation.

    Args:
        what: what needs it, as the sentence begins.
        package: its name.
        extra: the extra of graspseg that has it.
    """
    return (
        f"{what} needs {package}, which is not installed: pip install 'graspseg[{extra}]', "
        f"or from a clone pip install '.[{extra}]'."
    )
