"""How a chunk that is being done learns that the run shall end."""

from __future__ import annotations

from collections.abc import Callable


def _never() -> bool:
    return False


_asked: Callable[[], bool] = _never


def stopping() -> bool:
    """Whether this process shall finish what it began, begin nothing more and return."""
    return _asked()


def stop_when(requested: Callable[[], bool] | None) -> None:
    """Say what `stopping` asks in this process; None = nobody, it never stops."""
    global _asked
    _asked = requested or _never
