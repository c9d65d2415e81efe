"""Names in tables that people open with a spreadsheet, which runs what looks like a formula."""

from __future__ import annotations

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_QUOTE = "'"


def as_cell(name: str) -> str:
    """A name as a cell that every spreadsheet takes for text: with a quote before it where it might be a formula."""
    return _QUOTE + name if name.startswith((*_RUNS, _QUOTE)) else name


def from_cell(cell: str) -> str:
    """The name that `as_cell` was given."""
    return cell[1:] if cell.startswith(_QUOTE) and cell[1:].startswith((*_RUNS, _QUOTE)) else cell
