"""What long commands show: a bar over frames, and the first of many sentences."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from graspseg.errors import printable

_SHOWN = 20


@contextlib.contextmanager
def frames_bar(total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar over frames, on a terminal only; without a total it counts."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("frames"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("frames", total=total)
        yield lambda count: progress.advance(task, count)


class MessageLog:
    """Says the first sentences on stderr and counts the rest."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, sentence: str) -> None:
        """Say a sentence, or count it."""
        self._said += 1
        if self._said <= _SHOWN:
            print(f"graspseg: {printable(sentence)}", file=sys.stderr)

    def close(self, total: int) -> None:
        """Say how many were kept back of all that there are."""
        if total > _SHOWN:
            print(f"graspseg: {total - _SHOWN:,} more like these", file=sys.stderr)
