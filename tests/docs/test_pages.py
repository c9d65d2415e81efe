"""What the pages of docs/ say of the code is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
INCLUDED = "--8<--"


def test_architecture_names_every_package_once_in_the_order_of_the_layers() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    packages = {path.parent.name for path in (ROOT / "src" / "graspseg").glob("*/__init__.py")}
    named = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    order = [name.strip("()") for name in layers]
    assert packages <= set(named)
    assert named == [name for name in order if name in named]


def test_architecture_names_every_contract() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    for contract in PROJECT["tool"]["importlinter"]["contracts"]:
        assert f"| {contract['name']} |" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT / "docs").as_posix())
def test_a_page_opens_with_a_command_or_code(page: Path) -> None:
    text = page.read_text()
    if INCLUDED in text.splitlines()[0] or page.name == "paper-map.md":
        return
    before = text[:3000].split("\n## ")[0]
    assert text.startswith("# ")
    assert re.search(r"^(?:    \S|```)", before, re.MULTILINE)


def test_every_line_that_includes_a_file_is_read_as_such() -> None:
    for page in PAGES:
        for line in page.read_text().splitlines():
            if re.match(r"\s*-+\s*8\s*<", line):
                found = re.fullmatch(r'\s*--8<-- "(.+)"', line)
                assert found and (ROOT / found[1]).is_file(), f"{page.name}: {line}"


def test_every_picture_is_shown_and_small() -> None:
    text = "\n".join(path.read_text() for path in [*PAGES, ROOT / "README.md"])
    for picture in (ROOT / "docs" / "images").iterdir():
        assert f"images/{picture.name}" in text, f"{picture.name} is on no page"
        assert picture.stat().st_size < 500_000, f"{picture.name} is larger than 500 kB"


def test_files_that_pages_name_are_there() -> None:
    paths = re.compile(r"`((?:src|tests|tools|benchmarks|examples|docs)/[\w./-]+\.\w+)(?:::\w+)?`")
    for page in [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        for name in paths.findall(page.read_text()):
            assert (ROOT / name).exists(), f"{page.name} names {name}"


def test_every_package_says_what_comes_in_and_goes_out_and_where_to_begin() -> None:
    for path in (ROOT / "src" / "graspseg").rglob("__init__.py"):
        text = path.read_text()
        assert re.search(r"^In: .*Out: ", text, re.MULTILINE | re.DOTALL), path
        begin = re.search(r"Begin with (.*?)\.\s*$", text, re.MULTILINE | re.DOTALL)
        assert begin is not None, path
        for name in re.findall(r"`(\w+)", begin[1]):
            inside = (path.parent / f"{name}.py").exists() or (path.parent / name).is_dir()
            assert inside or f"{name}" in text.replace(f"`{name}", ""), f"{path}: there is no {name}"


def test_install_sentences_name_extras_that_exist_in_the_same_words() -> None:
    extras = set(PROJECT["project"]["optional-dependencies"])
    pages = [*PAGES, ROOT / "README.md"]
    for path in [*pages, *(ROOT / "src" / "graspseg").rglob("*.py")]:
        for requirement in re.findall(r"pip install ('?[\w.]+\[[^\]]*\]'?)", path.read_text()):
            if "{" in requirement:
                assert path.name == "errors.py", f"{path} words the sentence itself: use errors.not_installed"
                continue
            form = re.fullmatch(r"'(graspseg|\.|ray)\[([\w,]+)\]'", requirement)
            assert form is not None, f"{path.name}: {requirement}"
            assert form[1] == "ray" or set(form[2].split(",")) <= extras, f"{path.name}: {requirement}"
            assert path in pages, f"{path} words the sentence itself: use errors.not_installed"
