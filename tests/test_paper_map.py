import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "paper-map.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| ")]
ENTRIES = [tuple(row) for row in ROWS[1:]]


@cache
def functions_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def resolve(dotted: str) -> object:
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            found = getattr(found, name)
        return found
    raise AssertionError(f"nothing of {dotted} can be imported")


def test_the_table_was_read():
    assert ROWS[0] == ["Paper", "What", "Function", "Test"]
    assert len(ENTRIES) >= 15
    assert {len(row) for row in ROWS} == {4}


@pytest.mark.parametrize(("place", "what", "function", "test"), ENTRIES, ids=[f"{e[0]}: {e[1]}" for e in ENTRIES])
def test_every_row_resolves(place: str, what: str, function: str, test: str):
    assert place
    assert what
    assert callable(resolve(function.strip("`")))
    path, _, name = test.strip("`").partition("::")
    assert name in functions_in(ROOT / path)


def test_every_equation_is_mapped_or_said_to_be_missing():
    mapped = {int(number) for entry in ENTRIES for number in re.findall(r"eq\. (\d)", entry[0])}
    missing = {int(number) for number in re.findall(r"eq\. (\d)", TEXT.partition("Not implemented yet")[2])}
    assert mapped | missing == set(range(1, 7))
    assert not mapped & missing


def test_every_equation_named_in_the_code_is_mapped():
    named = set()
    for path in (ROOT / "src").rglob("*.py"):
        for line in re.findall(r"Paper: eqs?\..*", path.read_text(encoding="utf-8")):
            first, *last = [int(number) for number in re.findall(r"\d", line)]
            named |= set(range(first, (last or [first])[-1] + 1))
    mapped = {int(number) for entry in ENTRIES for number in re.findall(r"eq\. (\d)", entry[0])}
    assert named
    assert named <= mapped
