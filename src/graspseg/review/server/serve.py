"""Serve a folder to reviewers until stopped."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from graspseg.datasets.atomic import OutputError
from graspseg.datasets.output_folder import working_in
from graspseg.errors import InputError, print_escaped
from graspseg.review.server.access import Application, Guard
from graspseg.review.server.api import Review
from graspseg.review.server.connections import BoundedServer
from graspseg.review.server.database import Database
from graspseg.review.server.folder import ReviewFolder
from graspseg.review.server.index import Ranking, update_index
from graspseg.review.server.media import Media
from graspseg.review.server.prediction import Predictor
from graspseg.review.server.store import Store
from graspseg.review.server.worklist import Worklist

USUAL_PORT = 8420


@contextlib.contextmanager
def open_store(path: Path, *, say: Callable[[str], None] = print_escaped) -> Iterator[Store]:
    """The record of a folder, brought up to date and held until the block ends.

    Args:
        path: folder data set.
        say: called with warnings.

    Raises:
        InputError: the folder cannot be used, or another process is working in it.
    """
    folder = ReviewFolder(path)
    with _alone_in(folder.root), contextlib.closing(Database(folder.root)) as database, database.sentences():
        update_index(database, folder)
        store = Store(database, folder)
        for sentence in [database.read_only] if database.read_only else store.images.write_pending():
            say(sentence)
        yield store


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder as every command does that writes to it; one that cannot be written to is only looked at.

    Raises:
        InputError: another process is working in it.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OutputError):
            stack.enter_context(working_in(folder))
        yield


@contextlib.contextmanager
def open_review(
    path: Path,
    *,
    token: str,
    host: str = "127.0.0.1",
    reviewer: str = "reviewer",
    model: str | None = None,
    say: Callable[[str], None] = print_escaped,
) -> Iterator[Application]:
    """The application for a folder, with everything it needs until the block ends.

    Args:
        path: folder data set.
        token: the secret of this run.
        host: the address it will be served at.
        reviewer: name of who does not give one.
        model: the network whose prediction is shown beside, None without.
        say: called with warnings.

    Raises:
        InputError: the folder or the model cannot be used.
    """
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_store(path, say=say))
        predictor = None if model is None else Predictor(model)
        if predictor is not None:
            stack.callback(predictor.close)
        review = Review(
            store,
            Worklist(store.database),
            Ranking(store.database, store.folder, say=say),
            Media(store, predictor),
            reviewer=reviewer,
            model=predictor.name if predictor else None,
        )
        yield Guard(review.application(), token=token, host=host)


def serve(
    path: Path,
    *,
    host: str,
    port: int | None,
    reviewer: str,
    model: str | None,
    say: Callable[[str], None],
    announce: Callable[[str], None],
) -> None:
    """Serve a folder until the process is told to stop.

    Args:
        path: folder data set.
        host: the address to listen on; anything but this machine's own is warned about.
        port: the port, 0 = any that is free; None prefers `USUAL_PORT`, because what a browser keeps of unsaved work
            belongs to host and port.
        reviewer: name of who does not give one.
        model: the network whose prediction is shown beside, None without.
        say: called with warnings.
        announce: called with the address of the page once it can be opened.

    Raises:
        InputError: the folder or the model cannot be used, or the address is taken.
    """
    token = secrets.token_urlsafe(24)
    with _listen(host, port) as listening:
        own_port = listening.getsockname()[1]
        with open_review(path, token=token, host=host, reviewer=reviewer, model=model, say=say) as app:
            announce(f"http://{_in_address(host)}:{own_port}/?token={token}")
            server = BoundedServer(app)
            server.run(sockets=[listening])
            if server.should_exit:  # by Ctrl-C, which now and then does not come through the event loop's end
                raise KeyboardInterrupt


def _listen(host: str, port: int | None) -> socket.socket:
    if port is None:
        with contextlib.suppress(InputError):
            return _listen(host, USUAL_PORT)
        port = 0
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"The address {host}:{port} cannot be listened on ({error}), expected a free port of this machine: leave "
            "--port out."
        ) from error


def _in_address(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
