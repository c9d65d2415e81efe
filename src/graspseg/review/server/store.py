"""What reviewers do with a frame: decide, correct labels, take back; all of it kept in the history."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.atomic import OutputError, StagedFiles, encode_png
from graspseg.errors import InputError
from graspseg.review.server.checks import Action, Checks, last_of
from graspseg.review.server.database import Database, ReadOnly
from graspseg.review.server.folder import Missing, ReviewFolder
from graspseg.review.server.label_images import LabelImages
from graspseg.review.server.state import NOT_SAID, Decision, FrameState, Reviewer, Seen, read_state

_ACTIONS: dict[Decision | None, Action] = {"accepted": "accept", "rejected": "reject", None: "clear"}
_LAST_OWN = """
SELECT * FROM history AS own WHERE reviewer = :reviewer AND action IN ('accept', 'reject', 'clear', 'labels')
AND (:frame IS NULL OR frame_id = :frame) AND NOT EXISTS (SELECT 1 FROM history WHERE undoes = own.id)
ORDER BY id DESC LIMIT 1"""


class Store:
    """The record of a review.

    Args:
        database: where it is kept.
        folder: the frames; corrected labels are written to its `labels/`.
    """

    def __init__(self, database: Database, folder: ReviewFolder) -> None:
        self.database = database
        self.folder = folder
        self.images = LabelImages(database, folder)
        self._checks = Checks(folder, self.images)

    def frame(self, frame_id: int) -> FrameState:
        """The state of a frame.

        Raises:
            Missing: there is no such frame.
        """
        return self._frame(self.database.connection(), frame_id)

    def _frame(self, connection: sqlite3.Connection, frame_id: int) -> FrameState:
        found = read_state(connection, frame_id)
        if found is None:
            raise Missing(f"There is no frame {frame_id} in {self.folder.root}: reload the page.")
        return found

    def frames(self) -> list[FrameState]:
        """The states of all frames, by name."""
        rows = self.database.connection().execute("SELECT * FROM frames WHERE present = 1 ORDER BY position")
        return [FrameState.of(row) for row in rows]

    def last(self, frame: FrameState) -> dict[str, Any] | None:
        """Who did what to a frame last."""
        return last_of(self.database.connection(), frame)

    def progress(self) -> dict[str, int | float | None]:
        """How many frames are in which state, and the share of the decided ones that was accepted."""
        counts = dict(self.database.connection().execute("SELECT state, number FROM tally"))
        decided = counts["accepted"] + counts["rejected"]
        return {**counts, "acceptance_rate": counts["accepted"] / decided if decided else None}

    def reviewers(self) -> dict[str, dict[str, int]]:
        """How many frames each reviewer was the last to decide or to correct, by name."""
        rows = self.database.connection().execute(
            """SELECT reviewer, count(DISTINCT CASE action WHEN 'accept' THEN frame_id END) AS accepted,
               count(DISTINCT CASE action WHEN 'reject' THEN frame_id END) AS rejected,
               count(DISTINCT CASE action WHEN 'labels' THEN frame_id END) AS edited
               FROM history AS own WHERE NOT EXISTS (SELECT 1 FROM history WHERE undoes = own.id) GROUP BY reviewer"""
        )
        return {row["reviewer"]: {key: row[key] for key in ("accepted", "rejected", "edited")} for row in rows}

    def history(self, frame_id: int) -> list[dict[str, Any]]:
        """All that was done to a frame, newest first."""
        self.frame(frame_id)
        rows = self.database.connection().execute(
            """SELECT id, at_s, reviewer, action, decision_before, decision_after, labels_before, labels_after, undoes
               FROM history WHERE frame_id = ? ORDER BY id DESC""",
            (frame_id,),
        )
        return [dict(row) for row in rows]

    def decide(
        self,
        frame_id: int,
        decision: Decision | None,
        *,
        expected_revision: int,
        who: Reviewer,
        expected_labels: str | None = None,
    ) -> None:
        """Accept a frame, reject it, or leave it open again.

        Args:
            frame_id: the frame.
            decision: what it is from now on.
            expected_revision: the revision that was seen.
            who: the reviewer.
            expected_labels: the version of the labels that were seen; None = not known.

        Raises:
            InputError: a frame without labels is accepted, or the request was another one before.
            Conflict: the frame has another revision or other labels than expected.
            OutputError: it could not be saved.
            Missing: there is no such frame.
        """
        seen, action = Seen(expected_revision, expected_labels), _ACTIONS[decision]
        with self._changing(frame_id, seen, action, who) as (connection, frame):
            if frame is None or frame.decision == decision:
                return
            if decision == "accepted" and not self.images.exist(frame):
                raise InputError(f"{frame.stem} has no labels that could be accepted: draw some, or reject it.")
            values = {"decision_before": frame.decision, "decision_after": decision}
            self._record(connection, frame, action, who, values)

    def save_labels(
        self,
        frame_id: int,
        labels: UInt8[np.ndarray, "h w"],
        *,
        expected_revision: int,
        who: Reviewer,
        expected_labels: str | None = None,
    ) -> None:
        """Keep corrected labels, and those they replace; `images.write` then puts them into `labels/`.

        Raises:
            InputError: the request was another one before.
            Conflict: the frame has another revision or other labels than expected.
            OutputError: they could not be saved.
            Missing: there is no such frame.
        """
        seen = Seen(expected_revision, expected_labels)
        with self._changing(frame_id, seen, "labels", who, labels) as (connection, frame):
            if frame is None:
                return
            values = {
                "decision_before": frame.decision,
                "decision_after": frame.decision,
                "labels_before": self.images.keep_present(connection, frame),
                "labels_after": self.images.keep(connection, frame, png=bytes(encode_png(labels)), origin="person"),
            }
            self._record(connection, frame, "labels", who, values)

    def save_all(self, changes: Sequence[tuple[FrameState, bytes]], *, who: Reviewer) -> None:
        """Keep label images of several frames, in the record and in `labels/`: of all of them, or of none.

        Nothing is recorded before all files are written beside their places. When one then cannot take its place, what
        was done is taken back; the history shows both.

        Args:
            changes: frames as they were seen, each with the PNG of its new labels.
            who: the reviewer.

        Raises:
            Conflict: a frame has another revision.
            OutputError: something could not be saved.
            InputError: the labels a frame has are a link or cannot be read.
        """
        with StagedFiles() as staged:
            for frame, png in changes:
                staged.add(self.images.place(frame), png)
            with self._writing() as connection:
                for seen, png in changes:
                    frame = self._frame(connection, seen.id)
                    self._checks.seen(connection, frame, Seen(seen.revision))
                    values = {
                        "decision_before": frame.decision,
                        "decision_after": frame.decision,
                        "labels_before": self.images.keep_present(connection, frame),
                        "labels_after": self.images.keep(connection, frame, png=png, origin="import"),
                    }
                    self._record(connection, frame, "import", who, values)
            try:
                self.images.put((frame.id for frame, _ in changes), staged)
            except BaseException:
                with contextlib.suppress(OutputError):  # then the next start finishes what is recorded
                    self._take_back([frame for frame, _ in changes], who)
                raise

    def _take_back(self, frames: Sequence[FrameState], who: Reviewer) -> None:
        """Undo the last action on each frame, an import, and put its former labels back where they were replaced.

        Raises:
            OutputError: it could not be saved, or a file not be written.
        """
        with self._writing() as connection:
            for before in frames:
                frame = self._frame(connection, before.id)
                own = connection.execute("SELECT * FROM history WHERE id = ?", (frame.last_id,)).fetchone()
                values = {
                    "decision_before": frame.decision,
                    "decision_after": own["decision_before"],
                    "labels_before": own["labels_after"],
                    "labels_after": own["labels_before"],
                    "undoes": own["id"],
                }
                self._record(connection, frame, "undo", who, values)
                if frame.pending and not before.pending:  # its file was not touched
                    connection.execute("UPDATE frames SET file_id = labels_id WHERE id = ?", (frame.id,))
        for frame in frames:
            self.images.write(frame.id)

    def undo(self, frame_id: int | None, who: Reviewer, seen: Seen = NOT_SAID) -> tuple[int, Action]:
        """Take back this person's last action that is not yet taken back, of one frame or of all.

        Returns:
            The frame and what was taken back.

        Raises:
            InputError: the request was another one before.
            Missing: there is nothing to take back.
            Conflict: somebody, or another program, changed the same frame since, or the frame is not as it was seen.
            OutputError: it could not be saved.
        """
        with self._writing() as connection:
            done = self._checks.replayed(connection, frame_id, "undo", who)
            if done is not None:
                own = connection.execute("SELECT * FROM history WHERE id = ?", (done["undoes"],)).fetchone()
                return own["frame_id"], own["action"]
            own = connection.execute(_LAST_OWN, {"reviewer": who.name, "frame": frame_id}).fetchone()
            if own is None:
                raise Missing(f"There is nothing of {who.name} to take back.")
            frame = self._frame(connection, own["frame_id"])
            self._checks.seen(connection, frame, seen)
            labels = own["action"] == "labels"
            self._checks.still_holds(connection, frame, own, seen)
            values = {
                "decision_before": frame.decision,
                "decision_after": frame.decision if labels else own["decision_before"],
                "labels_before": own["labels_after"],
                "labels_after": own["labels_before"],
                "undoes": own["id"],
            }
            self._record(connection, frame, "undo", who, values)
            return frame.id, own["action"]

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if self.database.read_only:
            raise ReadOnly(self.database.read_only)
        with self.database.writing() as connection:
            yield connection

    @contextlib.contextmanager
    def _changing(
        self,
        frame_id: int,
        seen: Seen,
        action: Action,
        who: Reviewer,
        labels: UInt8[np.ndarray, "h w"] | None = None,
    ) -> Iterator[tuple[sqlite3.Connection, FrameState | None]]:
        """A transaction over a frame that is as the reviewer saw it; None when the request was answered before."""
        with self._writing() as connection:
            if self._checks.replayed(connection, frame_id, action, who, labels) is not None:
                yield connection, None
                return
            frame = self._frame(connection, frame_id)
            self._checks.seen(connection, frame, seen)
            yield connection, frame

    @staticmethod
    def _record(
        connection: sqlite3.Connection,
        frame: FrameState,
        action: Literal[Action, "import", "undo"],
        who: Reviewer,
        values: Mapping[str, Any],
    ) -> None:
        """Add a line of history and bring the frame's row to where it leads."""
        row = {
            "frame_id": frame.id,
            "at_s": time.time(),
            "reviewer": who.name,
            "action": action,
            "request": who.request,
        }
        row |= values
        names = ", ".join(row)
        made = connection.execute(
            f"INSERT INTO history ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
        )
        connection.execute(
            """UPDATE frames SET decision = :decision, labels_id = coalesce(:labels, labels_id),
               edited = coalesce((SELECT origin <> 'file' FROM label_images WHERE id = :labels), edited),
               revision = revision + 1, last_id = :last WHERE id = :id""",
            {
                "decision": values["decision_after"],
                "labels": values.get("labels_after"),
                "last": made.lastrowid,
                "id": frame.id,
            },
        )
        if action in ("accept", "reject"):
            connection.execute("DELETE FROM leases WHERE frame_id = ? AND client = ?", (frame.id, who.client))
