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


class LabelImages:
    """The labels of a review.

    Args:
        database: the record.
        folder: the frames.
    """

    def __init__(self, database: Database, folder: ReviewFolder) -> None:
        self._database = database
        self._folder = folder

    def keep(
        self,
        connection: sqlite3.Connection,
        frame: FrameState,
        *,
        labels: UInt8[np.ndarray, "h w"],
        origin: Origin,
    ) -> int:
        """Keep new labels of a frame inside a transaction; the number they have in the history."""
        return _insert(connection, frame, origin=origin, png=bytes(encode_png(labels)))

    def keep_present(self, connection: sqlite3.Connection, frame: FrameState) -> int:
        """Keep the labels a frame has before they are replaced, which another program may have written.

        Raises:
            Outside: the label image is not in the folder.
            Missing: it cannot be read.
        """
        name = self._folder.labels_name(frame.stem)
        path = self._folder.inside(name)
        present = self._folder.bytes_of(name) if path.exists() else None
        if frame.labels_id is not None:
            (png,) = connection.execute("SELECT png FROM label_images WHERE id = ?", (frame.labels_id,)).fetchone()
            if frame.pending or png == present:
                return frame.labels_id
        return _insert(connection, frame, origin="file", png=present)

    def kept(self, frame: FrameState, image: int, *, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
        """A label image of a frame's history; no labels are background everywhere.

        Raises:
            Missing: the frame has none of that number.
            InputError: it was damaged when it was found.
        """
        query = "SELECT png FROM label_images WHERE id = ? AND frame_id = ?"
        row = self._database.connection().execute(query, (image, frame.id)).fetchone()
        if row is None:
            raise Missing(f"{frame.stem} has no labels of number {image}: reload its history.")
        if row["png"] is None:
            return np.zeros(shape, np.uint8)
        return decode_labels(row["png"], self._database.path, shape)

    def exist(self, frame: FrameState) -> bool:
        """Whether a frame has labels now."""
        return frame.pending or self._folder.has(self._folder.labels_name(frame.stem))

    def present(self, frame: FrameState, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
        """The labels a frame has now.

        Raises:
            InputError: missing, damaged, or of another size than the depth.
        """
        if frame.pending and frame.labels_id is not None:
            return self.kept(frame, frame.labels_id, shape=shape)
        name = self._folder.labels_name(frame.stem)
        return decode_labels(self._folder.bytes_of(name), self._folder.root / name, shape)

    def write(self, frame_id: int) -> None:
        """Bring the file in `labels/` up to date with the record.

        The record is held meanwhile: of two servers the one that saves last also writes last.

        Raises:
            OutputError: it could not be written; the record still has the labels.
            InputError: the label image is not in the folder.
        """
        with self._database.writing(durable=False) as connection:
            frame = read_state(connection, frame_id)
            if frame is None or not frame.pending:
                return
            (png,) = connection.execute("SELECT png FROM label_images WHERE id = ?", (frame.labels_id,)).fetchone()
            path = self._folder.inside(self._folder.labels_name(frame.stem))
            if png is None:
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise unwritable(path, error) from error
            else:
                with new_file(path) as file:
                    file.write(png)
            connection.execute("UPDATE frames SET file_id = labels_id WHERE id = ?", (frame.id,))

    def write_pending(self) -> list[str]:
        """Write what a server that was killed had saved but not yet written to `labels/`.

        Returns:
            A sentence for every file that could not be written.
        """
        query = "SELECT id FROM frames WHERE labels_id IS NOT file_id AND present = 1"
        sentences = []
        for (frame_id,) in self._database.connection().execute(query).fetchall():
            try:
                self.write(frame_id)
            except InputError as error:
                sentences.append(str(error))
        return sentences


def _insert(connection: sqlite3.Connection, frame: FrameState, *, origin: Origin, png: bytes | None) -> int:
    made = connection.execute(
        "INSERT INTO label_images (frame_id, origin, png) VALUES (?, ?, ?)", (frame.id, origin, png)
    )
    assert made.lastrowid is not None
    return made.lastrowid
