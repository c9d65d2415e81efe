"""Every failure of a call as a sentence and a status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from graspseg.datasets.atomic import OutputError
from graspseg.datasets.decisions import DAMAGED
from graspseg.errors import InputError
from graspseg.review.server.database import Busy, Database, ReadOnly
from graspseg.review.server.folder import Missing, Outside
from graspseg.review.server.state import Conflict

_STATUS: tuple[tuple[type[InputError], int], ...] = (  # the first class that fits counts
    (Conflict, 409),
    (Missing, 404),
    (Outside, 403),
    (ReadOnly, 403),
    (Busy, 503),
    (OutputError, 507),
    (InputError, 422),
)


def add_errors(
    application: FastAPI, database: Database, both_sides: Callable[[Conflict, Request], dict[str, Any]]
) -> None:
    """Have every error answered.

    Args:
        application: whose calls fail.
        database: the record, which may be damaged.
        both_sides: what more is answered to a conflict.
    """

    def answer_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, InputError)
        content: dict[str, Any] = {"error": str(error)}
        if isinstance(error, Conflict):
            content |= both_sides(error, request)
        status = next(status for kind, status in _STATUS if isinstance(error, kind))
        return JSONResponse(content, status)

    def answer_damaged(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": str(database.unreadable(error))}, 500)

    application.add_exception_handler(InputError, answer_error)
    for kind in DAMAGED:
        application.add_exception_handler(kind, answer_damaged)
    application.add_exception_handler(RequestValidationError, _answer_invalid)
    application.add_exception_handler(Exception, _answer_failure)
    application.add_exception_handler(404, _answer_unknown)
    application.add_exception_handler(405, _answer_unknown)


def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return JSONResponse({"error": f"The request has a wrong {where}: {first['msg']}."}, 422)


def _answer_failure(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": f"The server failed ({type(error).__name__}): what it printed says where."}, 500)


def _answer_unknown(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": f"There is no {request.method} {request.url.path} here: reload the page."}, 404)
