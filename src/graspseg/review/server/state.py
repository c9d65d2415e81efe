"""What is known of a frame and of the person who asks."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from graspseg.errors import InputError

Decision = Literal["accepted", "rejected"]
_LONGEST_NAME = 80


@dataclass(frozen=True)
class Seen:
    """What somebody saw of a frame before acting on it; what is None was not said.

    Attributes:
        revision: its revision.
        labels: version of its labels.
    """

    revision: int | None = None
    labels: str | None = None


NOT_SAID = Seen()


class Conflict(InputError):
    """A frame is not as it was seen: somebody, or another program, changed it first.

    Attributes:
        frame_id: the frame.
        seen: what it was seen as.
    """

    def __init__(self, sentence: str, frame_id: int, seen: Seen) -> None:
        super().__init__(sentence)
        self.frame_id = frame_id
        self.seen = seen


def check_name(name: str) -> str:
    """A reviewer's name, if the history can hold it.

    Raises:
        InputError: empty, longer than 80 characters, or not to be printed.
    """
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise InputError(f"The reviewer's name {name!r:.90} cannot be used, expected 1 to 80 letters: choose another.")
    return name


@dataclass(frozen=True)
class Reviewer:
    """Who asks.

    Attributes:
        name: what the history calls the person.
        client: the browser tab, which holds leases.
        request: names one action, so that asking again after a lost answer does nothing twice; None = not named.
    """

    name: str
    client: str
    request: str | None = None


@dataclass(frozen=True)
class FrameState:
    """A frame as the record has it.

    Attributes:
        id: its number, the same in every run.
        stem: its name.
        depth: its depth image, below the folder.
        confidence: of `graspseg annotate`, 0 to 1, None when unknown.
        evidence: what that was judged by.
        decision: None while it is open.
        edited: whether its labels are not those that were found.
        revision: counts its changes.
        labels_id: the label image it should have, None while nobody changed the labels.
        file_id: the one that was last written to `labels/`.
        last_id: its last line of history, None when it has none.
    """

    id: int
    stem: str
    depth: str
    confidence: float | None
    evidence: Mapping[str, float]
    decision: Decision | None
    edited: bool
    revision: int
    labels_id: int | None
    file_id: int | None
    last_id: int | None

    @property
    def pending(self) -> bool:
        """Whether `labels/` does not yet hold the labels that were saved."""
        return self.labels_id != self.file_id

    @classmethod
    def of(cls, row: sqlite3.Row) -> FrameState:
        """The state that a row of `frames` holds.

        Raises:
            sqlite3.DatabaseError: it holds none.
        """
        values = {each.name: row[each.name] for each in fields(cls)}
        try:
            evidence = json.loads(row["evidence"])
        except (TypeError, ValueError) as error:
            raise sqlite3.DatabaseError(f"evidence of frame {row['id']} is damaged") from error
        return cls(**{**values, "evidence": evidence, "edited": bool(row["edited"])})


def read_state(connection: sqlite3.Connection, frame_id: int) -> FrameState | None:
    """The state of a frame, None when there is none of that number."""
    row = connection.execute("SELECT * FROM frames WHERE id = ? AND present = 1", (frame_id,)).fetchone()
    return None if row is None else FrameState.of(row)
