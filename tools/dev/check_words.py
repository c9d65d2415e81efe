"""Words that must not return: each has a standard term. `--write` records what is pending, `--list WORD` shows where.

Identifiers are split at underscores and capitals, so `ExamFrame` holds `exam`; text is comments, strings and Markdown.
"""

import argparse
import io
import re
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
VOCABULARY = Path(__file__).with_name("words.toml")
PENDING = Path(__file__).with_name("words_pending.toml")
_PLACES = ("src/**/*.py", "examples/**/*.py", "docs/**/*.md", "README.md", "CONTRIBUTING.md")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_TEXT = (tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))


class Word(NamedTuple):
    """A word that must not return.

    Attributes:
        name: what it is called in reports.
        use: the standard term.
        identifiers: parts of identifiers, in lower case, one after the other with `_` between them.
        text: how it looks in text; None = any of the identifiers as a whole word.
        allowed: identifiers and stretches of text that may hold it.
    """

    name: str
    use: str
    identifiers: frozenset[str]
    text: re.Pattern[str]
    allowed: re.Pattern[str] | None


class Finding(NamedTuple):
    """A word found in `path` (relative to the root) at a line counted from 1, in an identifier or a line of text."""

    path: str
    line: int
    word: Word
    where: str


def read_vocabulary(path: Path = VOCABULARY) -> list[Word]:
    """The words of a vocabulary file.

    Raises:
        KeyError: a word has no `use` or no `identifiers`.
    """
    words: list[Word] = []
    for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
        identifiers = frozenset(entry["identifiers"])
        text = entry.get("text") or r"\b(" + "|".join(sorted(identifiers)) + r")\b"
        allowed = "|".join(entry.get("allowed", []))
        words.append(
            Word(
                name, entry["use"], identifiers, re.compile(text, re.I), re.compile(allowed, re.I) if allowed else None
            )
        )
    return words


def find_in_identifier(name: str, words: list[Word]) -> Iterator[Word]:
    """Words among the parts of an identifier."""
    joined = "_" + "_".join(part.lower() for part in _PARTS.findall(name)) + "_"
    for word in words:
        if any(f"_{part}_" in joined for part in word.identifiers) and not (word.allowed and word.allowed.search(name)):
            yield word


def find_in_text(line: str, words: list[Word]) -> Iterator[Word]:
    """Words in a line of text, once for each time they occur."""
    for word in words:
        allowed = [found.span() for found in word.allowed.finditer(line)] if word.allowed else []
        for found in word.text.finditer(line):
            if not any(start <= found.start() and found.end() <= end for start, end in allowed):
                yield word


def find_in_python(source: str, words: list[Word]) -> Iterator[tuple[int, Word, str]]:
    """Line number, word and place of what a Python source holds, in identifiers, comments and strings."""
    in_names: dict[str, list[Word]] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            if token.string not in in_names:
                in_names[token.string] = list(find_in_identifier(token.string, words))
            for word in in_names[token.string]:
                yield token.start[0], word, token.string
        elif token.type in _TEXT:
            for offset, line in enumerate(token.string.split("\n")):
                for word in find_in_text(line, words):
                    yield token.start[0] + offset, word, line.strip()


def find(root: Path, words: list[Word]) -> list[Finding]:
    """Everything below a root, in the order of paths and lines."""
    found: list[Finding] = []
    for path in sorted({path for place in _PLACES for path in root.glob(place)}):
        source, name = path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()
        if path.suffix == ".py":
            found += [Finding(name, *each) for each in find_in_python(source, words)]
            continue
        for number, line in enumerate(source.splitlines(), 1):
            found += [Finding(name, number, word, line.strip()) for word in find_in_text(line, words)]
    return found


def area_of(path: str) -> str:
    """The package or folder a path belongs to: counts by area outlive moves of single files."""
    parts = path.split("/")[:-1]
    return "/".join(parts[: 3 if parts[:1] == ["src"] else 1]) or path


def count(found: list[Finding]) -> dict[str, Counter[str]]:
    """How often each word occurs, by area."""
    counts: dict[str, Counter[str]] = {}
    for each in found:
        counts.setdefault(area_of(each.path), Counter())[each.word.name] += 1
    return counts


def compare(found: list[Finding], pending: dict[str, dict[str, int]]) -> list[str]:
    """What differs from the record of pending words: one sentence each, empty when nothing does."""
    counts, messages = count(found), []
    for area in sorted({*counts, *pending}):
        now, then = counts.get(area, Counter()), pending.get(area, {})
        for name in sorted({*now, *then}):
            if now[name] > then.get(name, 0):
                places = [each for each in found if area_of(each.path) == area and each.word.name == name]
                shown = "; ".join(f"{each.path}:{each.line} {each.where[:60]}" for each in places[:3])
                messages.append(
                    f"{area} has {now[name]} of '{name}', expected at most {then.get(name, 0)}: "
                    f"write {places[0].word.use} ({shown}; all: tools/dev/check_words.py --list {name})"
                )
            elif now[name] < then.get(name, 0):
                messages.append(
                    f"{area} has {now[name]} of '{name}', {PENDING.name} has {then[name]}: "
                    "record the lower number with tools/dev/check_words.py --write"
                )
    return messages


def as_toml(counts: dict[str, Counter[str]]) -> str:
    """The record of pending words as a file."""
    head = "# Words that are still to be replaced, by area: only ever fewer. Written by `check_words.py --write`.\n"
    return head + "".join(
        f'\n["{area}"]\n' + "".join(f"{name} = {n}\n" for name, n in sorted(counts[area].items()))
        for area in sorted(counts)
    )


def main() -> int:
    """Exit code: 0 nothing but what is pending, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="record what is found as pending")
    parser.add_argument("--list", metavar="WORD", help="print where a word occurs")
    given = parser.parse_args()
    words = read_vocabulary()
    if given.list and given.list not in {word.name for word in words}:
        parser.error(f"'{given.list}' is no word of {VOCABULARY.name}: it has {', '.join(w.name for w in words)}")
    found = find(ROOT, words)
    if given.list:
        print("\n".join(f"{f.path}:{f.line}: {f.where}" for f in found if f.word.name == given.list))
        return 0
    if given.write:
        PENDING.write_text(as_toml(count(found)), encoding="utf-8")
        return 0
    messages = compare(found, tomllib.loads(PENDING.read_text(encoding="utf-8")))
    print("\n".join(messages), end="\n" if messages else "", file=sys.stderr)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
