"""Label images in the record and in `labels/`: the record is written first, so that no correction can be lost."""

from __future__ import annotations

import sqlite3
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.atomic import encode_png, new_file, unwritable
from graspseg.datasets.images import decode_labels
from graspseg.frame import InputError
from graspseg.review.database import Database
from graspseg.review.folder import Missing, ReviewFolder
from graspseg.review.state import FrameState, read_state

Origin = Literal["file", "person", "import"]


def keep_labels(
    connection: sqlite3.Connection, frame: FrameState, labels: UInt8[np.ndarray, "h w"], origin: Origin
) -> int:
    """Keep a label image; the number it has in the history."""
    return _keep(connection, frame, origin, bytes(encode_png(labels)))


def keep_present(connection: sqlite3.Connection, frame: FrameState, folder: ReviewFolder) -> int:
    """Keep the labels a frame has before they are replaced, which another program may have written.

    Raises:
        Outside: the label image is not in the folder.
        Missing: it cannot be read.
    """
    name = folder.labels_name(frame.stem)
    path = folder.inside(name)
    present = folder.bytes_of(name) if path.exists() else None
    if frame.labels_id is not None:
        (png,) = connection.execute("SELECT png FROM label_images WHERE id = ?", (frame.labels_id,)).fetchone()
        if frame.pending or png == present:
            return frame.labels_id
    return _keep(connection, frame, "file", present)


def _keep(connection: sqlite3.Connection, frame: FrameState, origin: Origin, png: bytes | None) -> int:
    made = connection.execute(
        "INSERT INTO label_images (frame_id, origin, png) VALUES (?, ?, ?)", (frame.id, origin, png)
    )
    assert made.lastrowid is not None
    return made.lastrowid


def kept_image(database: Database, frame: FrameState, image: int, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """A label image of a frame's history; no labels are background everywhere.

    Raises:
        Missing: the frame has none of that number.
        InputError: it was damaged when it was found.
    """
    row = (
        database.connection()
        .execute("SELECT png FROM label_images WHERE id = ? AND frame_id = ?", (image, frame.id))
        .fetchone()
    )
    if row is None:
        raise Missing(f"{frame.stem} has no labels of number {image}: reload its history.")
    if row["png"] is None:
        return np.zeros(shape, np.uint8)
    return decode_labels(row["png"], database.path, shape)


def present_labels(
    database: Database, folder: ReviewFolder, frame: FrameState, shape: tuple[int, int]
) -> UInt8[np.ndarray, "h w"]:
    """The labels a frame has now.

    Raises:
        InputError: missing, damaged, or of another size than the depth.
    """
    if frame.pending and frame.labels_id is not None:
        return kept_image(database, frame, frame.labels_id, shape)
    return folder.labels(folder.labels_name(frame.stem), shape)


def write_file(database: Database, folder: ReviewFolder, frame_id: int) -> None:
    """Bring the file in `labels/` up to date with the record.

    The record is held meanwhile: of two servers the one that saves last also writes last.

    Raises:
        OutputError: it could not be written; the record still has the labels.
        InputError: the label image is not in the folder.
    """
    with database.writing(durable=False) as connection:
        frame = read_state(connection, frame_id)
        if frame is None or not frame.pending:
            return
        (png,) = connection.execute("SELECT png FROM label_images WHERE id = ?", (frame.labels_id,)).fetchone()
        path = folder.inside(folder.labels_name(frame.stem))
        if png is None:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise unwritable(path, error) from error
        else:
            with new_file(path) as file:
                file.write(png)
        connection.execute("UPDATE frames SET file_id = labels_id WHERE id = ?", (frame.id,))


def write_pending(database: Database, folder: ReviewFolder) -> list[str]:
    """Write what a server that was killed had saved but not yet written to `labels/`.

    Returns:
        A sentence for every file that could not be written.
    """
    rows = database.connection().execute("SELECT id FROM frames WHERE labels_id IS NOT file_id AND present = 1")
    sentences = []
    for (frame_id,) in rows.fetchall():
        try:
            write_file(database, folder, frame_id)
        except InputError as error:
            sentences.append(str(error))
    return sentences
