"""Which frames of a data set meet conditions, such as `hand_px>=500` or `decision=accepted`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graspseg.datasets.confidence import CONFIDENCE, parse_confidence
from graspseg.datasets.dataset import Sample, StoredDataset
from graspseg.datasets.decisions import REVIEW_FILE, Decisions, read_decisions
from graspseg.datasets.files import LARGEST_TEXT, read_file
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.read_ahead import read_ahead
from graspseg.datasets.selection import Selection
from graspseg.errors import InputError, did_you_mean, print_escaped
from graspseg.labels import HAND, OBJECT

_PIXELS = {"hand_px": HAND, "object_px": OBJECT}
_NUMBERS = (*_PIXELS, "confidence")
_TEXTS = ("decision", "interaction", "stems")
_DECISIONS = ("accepted", "rejected", "undecided")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_FORM = re.compile(r"\s*(\w+)\s*(>=|<=|!=|=|>|<)\s*(.*\S)\s*")


@dataclass(frozen=True)
class Condition:
    """What must hold of a frame.

    Attributes:
        text: as it was given.
        about: `hand_px`, `object_px`, `confidence`, `decision`, `interaction` or `stems`.
        comparison: of two numbers, or `=` or `!=`.
        number: to compare with, where it is about a number.
        names: any of which is meant, where it is about a name.
    """

    text: str
    about: str
    comparison: str
    number: float = 0.0
    names: frozenset[str] = frozenset()

    def holds(self, value: float | str | None) -> bool:
        """Whether it holds of what is known of a frame; never where that is nothing."""
        if value is None:
            return False
        if isinstance(value, str):
            return (value in self.names) == (self.comparison == "=")
        return _COMPARISONS[self.comparison](value, self.number)


def parse_condition(text: str) -> Condition:
    """A condition from `NAME OPERATOR VALUE`, with or without blanks; several names have commas between them.

    Raises:
        InputError: it has another form, or the file of stems cannot be read.
    """
    found = _FORM.fullmatch(text)
    known = (*_NUMBERS, *_TEXTS)
    if found is None:
        raise InputError(f"--where has {text!r}, expected a condition such as 'hand_px>=500' or interaction=hold.")
    about, comparison, value = found.groups()
    if about not in known:
        meant = did_you_mean(about, known, otherwise="see graspseg dataset filter --help.")
        raise InputError(f"--where has {about!r}, expected one of {', '.join(known)}: {meant}")
    if about in _NUMBERS:
        try:
            return Condition(text, about, comparison, number=float(value))
        except ValueError:
            raise InputError(f"--where has {text!r}, expected a number to compare {about} with: correct it.") from None
    if comparison not in ("=", "!="):
        raise InputError(f"--where has {text!r}, expected = or != between {about} and names: correct it.")
    if about == "stems":
        return Condition(text, about, comparison, names=_read_stems(Path(value)))
    names = frozenset(name.strip() for name in value.split(","))
    wrong = sorted(names - set(_DECISIONS)) if about == "decision" else []
    if wrong:
        raise InputError(f"--where has the decision {wrong[0]!r}, expected {', '.join(_DECISIONS)}: correct it.")
    return Condition(text, about, comparison, names=names)


def filter_dataset(
    dataset: StoredDataset,
    conditions: Sequence[Condition],
    *,
    threads: int = 1,
    say: Callable[[str], None] = print_escaped,
    advance: Callable[[int], None] = lambda count: None,
) -> tuple[Selection, int]:
    """The frames of which all conditions hold.

    Args:
        dataset: all frames.
        conditions: at least one.
        threads: frames read at once.
        say: called with the sentence of every frame that could not be judged; it is left out.
        advance: called with a number of frames that are judged.

    Returns:
        The frames, and how many could not be judged.

    Raises:
        InputError: there is no confidence or decision to go by, or not one frame is left.
    """
    judge = _Judge(dataset, conditions)
    chosen: list[int] = []
    failed = 0
    for index, found in read_ahead(judge.holds, range(len(dataset)), threads=threads):
        advance(1)
        if isinstance(found, InputError):
            failed += 1
            say(str(found))
        elif found:
            chosen.append(index)
    if not chosen:
        asked = " and ".join(condition.text for condition in conditions)
        raise InputError(f"None of the {len(dataset)} frames of {dataset.name} has {asked}: ask for less.")
    made = {"where": [condition.text for condition in conditions]}
    return Selection(dataset, chosen, made=made), failed


class _Judge:
    """What is known of the frames of a data set, as far as conditions ask for it.

    Raises:
        InputError: there is no confidence or decision to go by.
    """

    def __init__(self, dataset: StoredDataset, conditions: Sequence[Condition]) -> None:
        self._dataset, self._conditions = dataset, conditions
        asked = {condition.about for condition in conditions}
        self._stems = dataset.stems
        self._sees = bool(asked & set(_PIXELS))
        self._knows = bool(asked & {"interaction", "stems"})
        self._confidence = _read_confidence(dataset.path) if "confidence" in asked else {}
        self._decisions = _read_decisions(dataset) if "decision" in asked else None

    def holds(self, index: int) -> bool:
        """Whether all conditions hold of a frame.

        Raises:
            InputError: it cannot be read.
        """
        sample = self._dataset[index] if self._sees else None
        facts = self._dataset.facts(index) if sample is None and self._knows else sample.facts if sample else {}
        values = {condition.about: self._value(condition.about, index, sample, facts) for condition in self._conditions}
        return all(condition.holds(values[condition.about]) for condition in self._conditions)

    def _value(self, about: str, index: int, sample: Sample | None, facts: Mapping[str, Any]) -> float | str | None:
        stem = self._stems[index]
        if about in _PIXELS:
            labels = None if sample is None else sample.labels
            return None if labels is None else float(np.count_nonzero(labels == _PIXELS[about]))
        if about == "confidence":
            return self._confidence.get(stem)
        if about == "decision":
            decided = self._decisions
            assert decided is not None
            return "accepted" if stem in decided.accepted else "rejected" if stem in decided.rejected else "undecided"
        value = facts.get("stem", stem) if about == "stems" else facts.get("interaction")
        return value if isinstance(value, str) else None


def _read_confidence(path: Path) -> dict[str, float]:
    file = path / CONFIDENCE
    if not file.is_file():
        raise InputError(f"{path} has no {CONFIDENCE}, expected a folder of graspseg annotate: leave confidence out.")
    rows = parse_confidence(read_file(file, LARGEST_TEXT), file)
    return {stem: row.value for stem, row in rows if row.value is not None}


def _read_decisions(dataset: StoredDataset) -> Decisions:
    found = read_decisions(dataset.path) if isinstance(dataset, FolderDataset) else None
    if found is None:
        raise InputError(
            f"{dataset.path} has no decisions in {REVIEW_FILE}, expected a folder that was reviewed: decide with "
            "graspseg review, or leave decision out."
        )
    if found.pending:
        raise InputError(
            f"{dataset.path} has {len(found.pending)} corrected label images that are not yet in labels/: start "
            f"graspseg review {dataset.path} once, which writes them."
        )
    return found


def _read_stems(path: Path) -> frozenset[str]:
    """The lines of a file without empty ones.

    Raises:
        InputError: it cannot be read.
    """
    try:
        lines = read_file(path, LARGEST_TEXT).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text ({error}), expected a stem a line in UTF-8: save it again.") from error
    return frozenset(line.strip() for line in lines if line.strip())
