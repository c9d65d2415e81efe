"""What must hold before a frame is changed: it is as it was seen, an action is still there, a request is a new one."""

from __future__ import annotations

import sqlite3
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from graspseg.errors import InputError
from graspseg.review.server.folder import ReviewFolder
from graspseg.review.server.label_images import LabelImages
from graspseg.review.server.state import Conflict, FrameState, Reviewer, Seen

Action = Literal["accept", "reject", "clear", "labels"]
_KINDS = {"labels": ("labels", "import"), "decision": ("accept", "reject", "clear")}
# What was done to the same frame since, and still holds.
_SINCE = """
SELECT reviewer FROM history AS later WHERE frame_id = ? AND id > ? AND action IN (%s)
AND NOT EXISTS (SELECT 1 FROM history WHERE undoes = later.id) ORDER BY id DESC LIMIT 1"""


class Checks:
    """Made inside the transaction that then changes the frame.

    Args:
        folder: the frames.
        images: their labels.
    """

    def __init__(self, folder: ReviewFolder, images: LabelImages) -> None:
        self._folder = folder
        self._images = images

    def seen(self, connection: sqlite3.Connection, frame: FrameState, seen: Seen) -> None:
        """See that a frame is as it was seen.

        Raises:
            Conflict: it is not.
            InputError: what is there instead of its labels cannot be read.
        """
        if seen.revision not in (None, frame.revision):
            last = last_of(connection, frame)
            by = f" by {last['reviewer']}" if last else ""
            raise Conflict(f"{frame.stem} was changed{by} meanwhile: look at it again, then decide.", frame.id, seen)
        if seen.labels not in (None, self._images.version(frame, connection)):
            self._images.check_readable(frame)
            name = self._folder.labels_name(frame.stem)
            raise Conflict(
                f"{name} was changed by another program after it was shown: look at {frame.stem} again, then decide.",
                frame.id,
                seen,
            )

    def still_holds(self, connection: sqlite3.Connection, frame: FrameState, own: sqlite3.Row, seen: Seen) -> None:
        """See that what an action led to is still there, and still its doing: the same state may be another's by now.

        Raises:
            Conflict: it is not.
        """
        kind = "labels" if own["action"] == "labels" else "decision"
        now = frame.labels_id if kind == "labels" else frame.decision
        marks = ", ".join("?" * len(_KINDS[kind]))
        since = connection.execute(_SINCE % marks, (frame.id, own["id"], *_KINDS[kind])).fetchone()
        if since is not None:
            by = f" by {since['reviewer']}"
        elif kind == "labels" and self._images.replaced(connection, frame, expected=own["labels_after"]):
            by = f" by another program ({self._folder.labels_name(frame.stem)})"
        elif now != own[f"{kind}_after"]:
            by = ""
        else:
            return
        raise Conflict(f"{frame.stem} was changed{by} since, so nothing was taken back: look at it.", frame.id, seen)

    def replayed(
        self,
        connection: sqlite3.Connection,
        frame_id: int | None,
        action: Literal[Action, "import", "undo"],
        who: Reviewer,
        labels: UInt8[np.ndarray, "h w"] | None = None,
    ) -> sqlite3.Row | None:
        """The line of history a request made when it came before; None when it did not.

        Raises:
            InputError: it requested something else then.
        """
        done = connection.execute("SELECT * FROM history WHERE request = ?", (who.request,)).fetchone()
        if done is None:
            return None
        same = done["action"] == action and frame_id in (None, done["frame_id"])
        if not same or (labels is not None and not self._images.is_same(connection, done["labels_after"], labels)):
            raise InputError(
                f"X-Request {who.request} named another action before ({done['action']} of frame {done['frame_id']}), "
                "expected a new name for every action: nothing was done."
            )
        return done


def last_of(connection: sqlite3.Connection, frame: FrameState) -> dict[str, Any] | None:
    """Who did what to a frame last."""
    row = connection.execute("SELECT reviewer, action, at_s FROM history WHERE id = ?", (frame.last_id,)).fetchone()
    return dict(row) if row else None
