"""The server's calls, as docs/annotate/review-server.md lists them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import unquote

import numpy as np
from fastapi import Body, FastAPI, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from graspseg.datasets.images import check_labels
from graspseg.errors import InputError
from graspseg.labels import CLASS_NAMES, PALETTE
from graspseg.review.server.errors import add_errors
from graspseg.review.server.index import Ranking
from graspseg.review.server.media import Kind, Media, Medium
from graspseg.review.server.page_files import page_file
from graspseg.review.server.requests import ToldVersions
from graspseg.review.server.state import Conflict, Decision, FrameState, Reviewer, Seen, check_name
from graspseg.review.server.store import Store
from graspseg.review.server.worklist import LEASE_S, Filter, Order, Worklist

_LARGEST = (1 << 63) - 1  # whole number of SQLite
FrameId = Annotated[int, Path(ge=0, le=_LARGEST)]
_LONGEST_VERSION = 64
_FOREVER = "private, max-age=31536000, immutable"


class Review:
    """What the calls do.

    Args:
        store: the record.
        worklist: orders and leases.
        ranking: the order by confidence.
        media: pictures.
        reviewer: name of who does not give one.
        model: name of the network, None without one.

    Raises:
        InputError: the name cannot be used.
    """

    def __init__(
        self, store: Store, worklist: Worklist, ranking: Ranking, media: Media, *, reviewer: str, model: str | None
    ) -> None:
        self._store = store
        self._worklist = worklist
        self._ranking = ranking
        self._media = media
        self._reviewer = check_name(reviewer)
        self._model = model
        self._told_versions = ToldVersions()

    def application(self) -> FastAPI:
        """The application; it has no page of its own documentation, which would load from elsewhere."""
        application = FastAPI(title="graspseg review", docs_url=None, redoc_url=None, openapi_url=None)
        calls = (
            ("GET", "/", self.page),
            ("GET", "/static/{name}", self.static),
            ("GET", "/api/session", self.session),
            ("GET", "/api/progress", self.progress),
            ("GET", "/api/queue", self.queue),
            ("GET", "/api/frame/{frame_id}", self.frame),
            ("GET", "/api/frame/{frame_id}/history", self.history),
            ("POST", "/api/frame/{frame_id}/decision", self.decide),
            ("PUT", "/api/frame/{frame_id}/labels", self.save_labels),
            ("POST", "/api/next", self.next),
            ("POST", "/api/release", self.release),
            ("POST", "/api/undo", self.undo),
            ("GET", "/media/{frame_id}/{kind}", self.medium),
        )
        for method, path, call in calls:
            application.add_api_route(path, call, methods=[method], response_model=None)
        add_errors(application, self._store.database, lambda error, request: self._conflict(error, self._who(request)))
        return application

    def _conflict(self, error: Conflict, who: Reviewer) -> dict[str, Any]:
        """Both sides of a conflict: what was seen, and what is there now."""
        seen = {"revision": error.seen.revision, "labels_version": error.seen.labels}
        return {"frame": self._one(error.frame_id, who), "seen": seen}

    def page(self) -> Response:
        """The page itself."""
        return page_file("index.html")

    def static(self, name: str) -> Response:
        """A file of the page."""
        return page_file(name)

    def session(self) -> dict[str, Any]:
        """What holds for the whole review."""
        store = self._store
        return {
            "folder": store.folder.name,
            "reviewer": self._reviewer,
            "model": self._model,
            "read_only": store.database.read_only,
            "depth_unit_m": store.folder.depth_unit_m,
            "has_confidence": self._worklist.has_confidence(),
            "lease_s": LEASE_S,
            "classes": [
                {"value": value, "name": (*CLASS_NAMES, "ignore")[min(value, len(CLASS_NAMES))], "color": color}
                for value, color in PALETTE.items()
            ],
            "progress": store.progress(),
        }

    def progress(self) -> dict[str, Any]:
        """How far the review is, and who did how much."""
        return {**self._store.progress(), "reviewers": self._store.reviewers()}

    def queue(
        self,
        request: Request,
        order: Order = "confidence",
        only: Annotated[Filter, Query(alias="filter")] = "todo",
        offset: Annotated[int, Query(ge=0, le=_LARGEST)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> dict[str, Any]:
        """Frames by their place in an order."""
        self._ranking.follow()
        page = self._worklist.page(order=order, only=only, offset=offset, limit=limit)
        return {"frames": self._told(page.frames, self._who(request)), "offset": offset, "total": page.total}

    def frame(self, request: Request, frame_id: FrameId) -> dict[str, Any]:
        """One frame."""
        return self._one(frame_id, self._who(request))

    def history(self, frame_id: FrameId) -> dict[str, Any]:
        """All that was done to a frame."""
        return {"history": self._store.history(frame_id)}

    def decide(
        self,
        request: Request,
        frame_id: FrameId,
        decision: Annotated[Decision | None, Body()],
        expected_revision: Annotated[int, Body(ge=0, le=_LARGEST)],
        expected_labels: Annotated[str | None, Body(max_length=_LONGEST_VERSION)] = None,
    ) -> dict[str, Any]:
        """Accept, reject or open a frame."""
        who = self._who(request)
        labels = expected_labels or self._told_versions.last(who, frame_id)
        self._store.decide(frame_id, decision, expected_revision=expected_revision, expected_labels=labels, who=who)
        return {"frame": self._one(frame_id, who), "progress": self._store.progress()}

    async def save_labels(
        self,
        request: Request,
        frame_id: FrameId,
        expected_revision: Annotated[int, Query(ge=0, le=_LARGEST)],
        expected_labels: Annotated[str | None, Query(max_length=_LONGEST_VERSION)] = None,
    ) -> dict[str, Any]:
        """Save corrected labels, sent as plain pixels."""
        who = self._who(request)
        seen = Seen(expected_revision, expected_labels or self._told_versions.last(who, frame_id))
        frame = await run_in_threadpool(self._store.frame, frame_id)
        shape = (await run_in_threadpool(self._media.depth, frame)).depth.shape
        # Refused before it is read: what was sent may be as long as its header says.
        if int(request.headers["content-length"]) != shape[0] * shape[1]:
            raise InputError(
                f"The labels sent for {frame.stem} have {request.headers['content-length']} bytes, expected "
                f"{shape[0] * shape[1]}, one a pixel of {shape[1]}x{shape[0]}: reload the page."
            )
        pixels = np.frombuffer(await request.body(), np.uint8).reshape(shape)
        return await run_in_threadpool(self._save_labels, frame, pixels, seen, who)

    def _save_labels(self, frame: FrameState, labels: np.ndarray, seen: Seen, who: Reviewer) -> dict[str, Any]:
        check_labels(labels, f"What was sent for {frame.stem}", labels.shape)
        assert seen.revision is not None
        self._store.save_labels(frame.id, labels, expected_revision=seen.revision, expected_labels=seen.labels, who=who)
        return {"warning": self._write_file(frame.id), **self._after(frame.id, who)}

    def _write_file(self, frame_id: int) -> str | None:
        """Bring `labels/` up to date; what cannot be written is in the record and is tried again."""
        try:
            return self._store.images.write(frame_id)
        except InputError as error:
            return f"Saved in the record, but not yet in labels/: {error}"

    def next(
        self,
        request: Request,
        order: Annotated[Order, Body()] = "confidence",
        only: Annotated[Filter, Body(alias="filter")] = "todo",
        after: Annotated[int | None, Body(ge=0, le=_LARGEST)] = None,
        count: Annotated[int, Body(ge=1, le=64)] = 8,
        ranking: Annotated[str | None, Body()] = None,
    ) -> dict[str, Any]:
        """Frames for this reviewer alone."""
        who = self._who(request)
        self._ranking.follow()
        handout = self._worklist.hand_out(who, order=order, only=only, after=after, count=count, ranking=ranking)
        self._media.prepare(handout.frames)
        return {
            "frames": self._told(handout.frames, who),
            "wrapped": handout.wrapped,
            "held_by_others": handout.held_by_others,
            "ranking": handout.ranking,
            "progress": self._store.progress(),
        }

    def release(self, request: Request) -> dict[str, Any]:
        """Give frames back to the others."""
        self._worklist.release(self._who(request))
        return {}

    def undo(
        self,
        request: Request,
        frame: Annotated[int | None, Body(ge=0, le=_LARGEST)] = None,
        expected_revision: Annotated[int | None, Body(ge=0, le=_LARGEST)] = None,
        expected_labels: Annotated[str | None, Body(max_length=_LONGEST_VERSION)] = None,
    ) -> dict[str, Any]:
        """Take back what this reviewer did last."""
        who = self._who(request)
        frame_id, undone = self._store.undo(frame, who, Seen(expected_revision, expected_labels))
        return {"undone": undone, "warning": self._write_file(frame_id), **self._after(frame_id, who)}

    def medium(
        self,
        request: Request,
        frame_id: FrameId,
        kind: Kind,
        v: str | None = None,
        image: Annotated[int | None, Query(ge=0, le=_LARGEST)] = None,
    ) -> Response:
        """A picture of a frame."""
        frame = self._store.frame(frame_id)
        if image is not None:
            return _answer(self._media.kept_labels(frame, image), f'"image-{image}"', request, forever=True)
        version = self._media.version(frame, kind)
        tag = f'"{frame_id}-{kind}-{version}"'
        if version is not None and tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"etag": tag})
        return _answer(self._media.get(frame, kind), tag, request, forever=v is not None and v == version)

    def _after(self, frame_id: int, who: Reviewer) -> dict[str, Any]:
        return {"frame": self._one(frame_id, who), "progress": self._store.progress()}

    def _one(self, frame_id: int, who: Reviewer) -> dict[str, Any]:
        return self._told([self._store.frame(frame_id)], who)[0]

    def _told(self, frames: Sequence[FrameState], who: Reviewer) -> list[dict[str, Any]]:
        """Frames as the page knows them."""
        held = self._worklist.holders(frames, who)
        versions = {frame.id: self._store.images.version(frame) for frame in frames}
        self._told_versions.tell(who, versions)
        return [
            {
                "id": frame.id,
                "stem": frame.stem,
                "confidence": frame.confidence,
                "evidence": frame.evidence,
                "decision": frame.decision,
                "edited": frame.edited,
                "revision": frame.revision,
                "labels_version": versions[frame.id],
                "media": self._media.addresses(frame),
                "depth_is_cut": self._media.is_cut(frame),
                "held_by": held.get(frame.id),
                "last": self._store.last(frame),
            }
            for frame in frames
        ]

    def _who(self, request: Request) -> Reviewer:
        """The person and the tab of a request."""
        name = check_name(unquote(request.headers.get("x-reviewer", "")).strip() or self._reviewer)
        client, asked = request.headers.get("x-client", name), request.headers.get("x-request")
        for text in (client, asked):
            if text is not None and text != name and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", text):
                raise InputError("X-Client or X-Request has another form, expected 1 to 64 letters, digits and -.")
        return Reviewer(name, client, asked)


def _answer(medium: Medium, tag: str, request: Request, *, forever: bool) -> Response:
    headers = {**medium.headers, "etag": tag, "cache-control": _FOREVER if forever else "private, no-cache"}
    return Response(medium.data, media_type=medium.kind, headers=headers)
