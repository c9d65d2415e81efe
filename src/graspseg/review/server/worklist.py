"""In which order frames are looked at, page by page, and who has which of them."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from graspseg.review.server.database import Busy, Database, DiskFull
from graspseg.review.server.index import ranking_version
from graspseg.review.server.state import FrameState, Reviewer

Order = Literal["confidence", "name"]
Filter = Literal["todo", "accepted", "rejected", "edited", "all"]
LEASE_S = 120.0

_WHERE: dict[Filter, str] = {
    "todo": "decision IS NULL AND present = 1",
    "accepted": "decision = 'accepted' AND present = 1",
    "rejected": "decision = 'rejected' AND present = 1",
    "edited": "edited = 1 AND present = 1",
    "all": "present = 1",
}
_ORDER: dict[Order, str] = {"confidence": "rank, position", "name": "position"}
# Of several tabs each gets frames that no other one holds.
_FREE = "NOT EXISTS (SELECT 1 FROM leases WHERE frame_id = frames.id AND client <> :client AND until_s > :now)"


@dataclass(frozen=True)
class Page:
    """Some frames of an order.

    Attributes:
        frames: the frames.
        total: how many the whole order has.
    """

    frames: list[FrameState]
    total: int


@dataclass(frozen=True)
class Handout:
    """Frames for one reviewer.

    Attributes:
        frames: what to look at next.
        wrapped: whether some come from the start of the order again.
        held_by_others: frames that others hold now.
        ranking: which `confidence.csv` the order by confidence comes from.
    """

    frames: list[FrameState]
    wrapped: bool
    held_by_others: int
    ranking: str


class Worklist:
    """The orders of a review and its leases.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def has_confidence(self) -> bool:
        """Whether `graspseg annotate` said how sure it is of any frame."""
        query = "SELECT EXISTS (SELECT 1 FROM frames WHERE present = 1 AND rank >= 0)"
        return bool(self._database.connection().execute(query).fetchone()[0])

    def page(self, *, order: Order, only: Filter, offset: int, limit: int) -> Page:
        """Frames by their place in an order."""
        connection = self._database.connection()
        rows = connection.execute(
            f"SELECT * FROM frames WHERE {_WHERE[only]} ORDER BY {_ORDER[order]} LIMIT ? OFFSET ?", (limit, offset)
        )
        (total,) = connection.execute("SELECT number FROM tally WHERE state = ?", (only,)).fetchone()
        return Page([FrameState.of(row) for row in rows], total)

    def hand_out(
        self,
        who: Reviewer,
        *,
        order: Order,
        only: Filter,
        after: int | None,
        count: int,
        ranking: str | None = None,
    ) -> Handout:
        """The next frames of an order that nobody else holds; `who` holds them from now on, and no others.

        Behind the last frame comes the first one again, because skipped frames are still to be decided. When the
        ranking is another one, the worst of what is left come next, and `after` is still kept: its new place says
        nothing about what was looked at.

        Args:
            who: the reviewer.
            order: the order.
            only: which frames.
            after: the frame that is looked at now, which `who` keeps; None = before the first.
            count: how many frames at most.
            ranking: that of the handout in which `after` came; None = the one there is now.
        """
        now = time.time()
        requested = _Asked(who.client, order, only, after, count, ranking, now)
        # On a full disk frames can still be looked at, and two may look at the same one.
        with contextlib.suppress(DiskFull, Busy), self._database.writing(durable=False) as connection:
            handout = _select(connection, requested)
            kept = [frame.id for frame in handout.frames] + ([] if after is None else [after])
            connection.execute("DELETE FROM leases WHERE client = ? OR until_s < ?", (who.client, now))
            connection.executemany(
                "INSERT OR IGNORE INTO leases (frame_id, client, reviewer, until_s) SELECT id, ?, ?, ? FROM frames "
                "WHERE id = ?",
                [(who.client, who.name, now + LEASE_S, frame_id) for frame_id in dict.fromkeys(kept)],
            )
            return handout
        return _select(self._database.connection(), requested)

    def release(self, who: Reviewer) -> None:
        """Give back all that a reviewer holds."""
        with self._database.writing(durable=False) as connection:
            connection.execute("DELETE FROM leases WHERE client = ?", (who.client,))

    def holders(self, frames: Sequence[FrameState], who: Reviewer) -> dict[int, str]:
        """Names of those who hold frames, by frame, without `who`."""
        marks = ", ".join("?" * len(frames))
        rows = self._database.connection().execute(
            f"SELECT frame_id, reviewer FROM leases WHERE client <> ? AND until_s > ? AND frame_id IN ({marks})",
            (who.client, time.time(), *(frame.id for frame in frames)),
        )
        return {row["frame_id"]: row["reviewer"] for row in rows}


@dataclass(frozen=True)
class _Asked:
    """A question for frames; see `Worklist.hand_out`."""

    client: str
    order: Order
    only: Filter
    after: int | None
    count: int
    ranking: str | None
    now: float


def _select(connection: sqlite3.Connection, requested: _Asked) -> Handout:
    """Frames behind `after`, then from the start, that no other client holds at the time `now`."""
    ranking, order, count = ranking_version(connection), requested.order, requested.count
    renewed = order == "confidence" and requested.ranking not in (None, ranking)
    after = None if renewed else requested.after
    start = connection.execute("SELECT rank, position FROM frames WHERE id = ?", (after,)).fetchone()
    values = {"client": requested.client, "now": requested.now, "count": count}
    if start is not None:
        values |= {"rank": start["rank"], "position": start["position"]}
    behind, upto = (
        f"({_ORDER[order]}) {sign} ({_ORDER[order].replace('rank', ':rank').replace('position', ':position')})"
        for sign in (">", "<=")
    )
    shown = _WHERE[requested.only]
    query = f"SELECT * FROM frames WHERE {shown} AND {_FREE} AND %s ORDER BY {_ORDER[order]} LIMIT :count"
    first = connection.execute(query % ("1" if start is None else behind), values).fetchall()
    again: list[sqlite3.Row] = []
    if start is not None and len(first) < count:
        again = connection.execute(query % upto, {**values, "count": count - len(first)}).fetchall()
    (held,) = connection.execute(
        "SELECT count(*) FROM leases WHERE client <> :client AND until_s > :now", values
    ).fetchone()
    return Handout([FrameState.of(row) for row in [*first, *again]], bool(again), held, ranking)
