"""Names of files may hold commands to a terminal: whatever prints one escapes it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import graspseg

SOURCES = sorted(Path(graspseg.__file__).parent.rglob("*.py"))
SAFE = ("printable", "len")
# Expressions that hold a name of a file, or a sentence with one; numbers and words of ours are shown as they are.
NAMES = re.compile(
    r"print|\b(path|out|folder|names?|title|stem|file|reasons?|sentence|notice|address|root|data|model|what)\b"
)


def raw_values(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """What is printed, or handed on to be printed, as it is: line and expression."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == "print":
                yield from ((node.lineno, ast.unparse(part)) for arg in node.args for part in _raw(arg))
        for value in [
            *getattr(node, "keywords", []),
            *getattr(node, "kw_defaults", []),
            *getattr(node, "defaults", []),
        ]:
            value = value.value if isinstance(value, ast.keyword) else value
            if isinstance(value, ast.Name) and value.id == "print":
                yield value.lineno, "print"


def _raw(value: ast.expr) -> Iterator[ast.expr]:
    match value:
        case ast.JoinedStr(values):
            for part in values:
                # Only numbers have a format here; a name would be shown with !r or through printable.
                if isinstance(part, ast.FormattedValue) and part.format_spec is None and part.conversion != ord("a"):
                    yield from _raw(part.value)
        case ast.Constant() | ast.BinOp():
            pass
        case ast.Call(ast.Name(name)) if name in SAFE:
            pass
        case _:
            yield value


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_raw_name(path: Path) -> None:
    found = raw_values(ast.parse(path.read_text(encoding="utf-8")))
    assert not [(line, text) for line, text in found if NAMES.search(text)]
