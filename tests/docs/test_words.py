import importlib.util
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("check_words", ROOT / "tools" / "dev" / "check_words.py")
assert _SPEC and _SPEC.loader
words = importlib.util.module_from_spec(_SPEC)
sys.modules["check_words"] = words  # dataclasses and named tuples look their module up
_SPEC.loader.exec_module(words)

VOCABULARY = words.read_vocabulary()


def in_identifier(name: str) -> list[str]:
    return [word.name for word in words.find_in_identifier(name, VOCABULARY)]


def in_text(line: str) -> list[str]:
    return [word.name for word in words.find_in_text(line, VOCABULARY)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ExamFrame", ["exam"]),
        ("EXAM_SEED", ["exam"]),
        ("_told_versions", ["told"]),
        ("ToldVersions", ["told"]),
        ("still_sample", ["still_sample"]),
        ("steps_per_budget", []),
        ("still", []),
        ("example", []),
        ("nothing", []),
        ("everything_px", []),
        ("sample_look", ["look"]),
        ("looked_at", []),
        ("look_at", []),
        ("first_look_share", ["look"]),
    ],
)
def test_identifiers_are_split_into_words(name: str, expected: list[str]) -> None:
    assert in_identifier(name) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("The thing on the table, and two more things.", ["thing", "thing"]),
        ("Nothing and everything are words of their own.", []),
        ("The first look covers the frame.", ["look"]),
        ("It looks like depth: look at the overlay.", []),
        ("Orange and blue are told apart by everyone.", []),
        ("The user is told.", ["told"]),
        ('SPLITS = ("exam1", "val")', []),
        ("frames of the exam", ["exam"]),
        ("an example of examination", []),
        ("What is around has had its say.", ["say"]),
        ("dataset.json says so", []),
    ],
)
def test_text_is_read_word_by_word(line: str, expected: list[str]) -> None:
    assert in_text(line) == expected


@pytest.fixture
def root(tmp_path: Path) -> Path:
    module = tmp_path / "src" / "graspseg" / "annotate" / "steps.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        '"""What a thing is.\n\nThe second thing."""\n\nthing_px = 1  # a thing\nprint(f"{thing_px} told")\n'
    )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("# Page\n\nThings, said once.\n")
    (tmp_path / "README.md").write_text("Objects only.\n")
    return tmp_path


def test_names_comments_strings_and_pages_are_read_with_their_lines(root: Path) -> None:
    found = [(each.path, each.line, each.word.name) for each in words.find(root, VOCABULARY)]
    steps = "src/graspseg/annotate/steps.py"
    assert [each for each in found if each[0] == "docs/page.md"] == [
        ("docs/page.md", 3, "thing"),
        ("docs/page.md", 3, "said"),
    ]
    # Before Python 3.12 an f-string is one token: its identifiers count as text, in which thing_px is another word.
    assert [line for path, line, name in found if path == steps and name == "thing"][:4] == [1, 3, 5, 5]
    assert (steps, 6, "told") in found and not any(path == "README.md" for path, *_ in found)


def test_a_word_that_returns_fails_and_one_that_went_lowers_the_record(root: Path) -> None:
    pending = tomllib.loads(words.as_toml(words.count(words.find(root, VOCABULARY))))
    assert words.compare(words.find(root, VOCABULARY), pending) == []

    page = root / "docs" / "page.md"
    page.write_text(page.read_text() + "A thing again.\n")
    (message,) = words.compare(words.find(root, VOCABULARY), pending)
    assert message.startswith("docs has 2 of 'thing', expected at most 1: write object") and "docs/page.md:3" in message

    page.write_text("# Page\n")
    gone = words.compare(words.find(root, VOCABULARY), pending)
    assert len(gone) == 2 and all("record the lower number" in each for each in gone)


def test_a_file_may_move_inside_its_package(root: Path) -> None:
    pending = tomllib.loads(words.as_toml(words.count(words.find(root, VOCABULARY))))
    package = root / "src" / "graspseg" / "annotate"
    (package / "paper").mkdir()
    (package / "steps.py").rename(package / "paper" / "order.py")
    assert words.compare(words.find(root, VOCABULARY), pending) == []


def test_this_project_has_no_more_than_its_record() -> None:
    pending = tomllib.loads(words.PENDING.read_text(encoding="utf-8"))
    assert words.compare(words.find(ROOT, VOCABULARY), pending) == []
