"""Label images in the record and in `labels/`: the record is written first, so that no correction can be lost."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.atomic import StagedFiles, encode_png, new_file, unwritable
from graspseg.datasets.images import decode_labels
from graspseg.datasets.output_folder import clear_partial
from graspseg.errors import InputError
from graspseg.review.server.database import Database
from graspseg.review.server.folder import Missing, Outside, ReviewFolder
from graspseg.review.server.state import FrameState, read_state

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
        png: bytes,
        origin: Origin,
    ) -> int:
        """Keep new labels of a frame inside a transaction; the number they have in the history."""
        return _insert(connection, frame, origin=origin, png=png)

    def keep_present(self, connection: sqlite3.Connection, frame: FrameState) -> int:
        """Keep the labels a frame has before they are replaced, which another program may have written.

        Raises:
            Outside: the label image is not in the folder.
            Missing: it cannot be read.
        """
        present = self._file(frame)
        if frame.labels_id is not None and (frame.pending or _png(connection, frame.labels_id) == present):
            return frame.labels_id
        return _insert(connection, frame, origin="file", png=present)

    def version(self, frame: FrameState, connection: sqlite3.Connection | None = None) -> str:
        """Names the labels a frame has now by their content: another program that saves the same changes nothing.

        Args:
            frame: the frame.
            connection: that of a transaction.

        Returns:
            A digest, or one of `none`, `refused`, `unreadable`.
        """
        try:
            if frame.pending and frame.labels_id is not None:
                data = _png(connection or self._database.connection(), frame.labels_id)
            else:
                data = self._file(frame)
        except Outside:
            return "refused"
        except Missing:
            return "unreadable"
        return "none" if data is None else hashlib.sha256(data).hexdigest()[:32]

    def replaced(self, connection: sqlite3.Connection, frame: FrameState, *, expected: int) -> bool:
        """Whether another program put a file of its own where labels of the record should be.

        Args:
            connection: that of a transaction.
            frame: the frame.
            expected: the label image that should be there.
        """
        if frame.pending or not self._folder.has(self._folder.labels_name(frame.stem)):
            return False
        return self._file(frame) != _png(connection, expected)

    def check_readable(self, frame: FrameState) -> None:
        """See that the label image can be read, or is not there.

        Raises:
            Outside: it is not in the folder, or a link.
            Missing: it cannot be read.
        """
        self._file(frame)

    def is_same(self, connection: sqlite3.Connection, image: int, labels: UInt8[np.ndarray, "h w"]) -> bool:
        """Whether a label image of the record holds these labels."""
        return _png(connection, image) == bytes(encode_png(labels))

    def _file(self, frame: FrameState) -> bytes | None:
        """Content of the label image in `labels/`; None when there is none."""
        name = self._folder.labels_name(frame.stem)
        return self._folder.bytes_of(name) if self._folder.inside(name).exists() else None

    def kept(self, frame: FrameState, image: int, *, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
        """A label image of a frame's history; no labels are background everywhere.

        Raises:
            Missing: the frame has none of that number.
            InputError: it was damaged when it was found.
        """
        query = "SELECT png FROM label_images WHERE id = ? AND frame_id = ?"
        connection = self._database.connection()
        if connection.execute(query, (image, frame.id)).fetchone() is None:
            raise Missing(f"{frame.stem} has no labels of number {image}: reload its history.")
        png = _png(connection, image)
        return np.zeros(shape, np.uint8) if png is None else decode_labels(png, self._database.path, shape)

    def exist(self, frame: FrameState) -> bool:
        """Whether a frame has labels now.

        Raises:
            Outside: the label image is a link or not in the folder.
        """
        name = self._folder.labels_name(frame.stem)
        return frame.pending or (self._folder.has(name) and self._folder.inside(name).is_file())

    def present(self, frame: FrameState, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
        """The labels a frame has now.

        Raises:
            InputError: missing, damaged, or of another size than the depth.
        """
        if frame.pending and frame.labels_id is not None:
            return self.kept(frame, frame.labels_id, shape=shape)
        name = self._folder.labels_name(frame.stem)
        return decode_labels(self._folder.bytes_of(name), self._folder.root / name, shape)

    def write(self, frame_id: int) -> str | None:
        """Bring the file in `labels/` up to date with the record.

        The record is held meanwhile: of two servers the one that saves last also writes last. A file that another
        program put there and that the record does not have is kept in it first.

        Returns:
            A sentence when there was such a file.

        Raises:
            OutputError: it could not be written; the record still has the labels.
            InputError: the label image is not in the folder.
        """
        with self._database.writing(durable=False) as connection:
            frame = read_state(connection, frame_id)
            if frame is None or not frame.pending or frame.labels_id is None:
                return None
            png = _png(connection, frame.labels_id)
            path = self._folder.inside(self._folder.labels_name(frame.stem))
            kept = self._keep_stranger(connection, frame)
            if png is None:
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise unwritable(path, error) from error
            else:
                with new_file(path) as file:
                    file.write(png)
            connection.execute("UPDATE frames SET file_id = labels_id WHERE id = ?", (frame.id,))
            return kept

    def place(self, frame: FrameState) -> Path:
        """Where the label image of a frame is or will be.

        Raises:
            InputError: not in the folder, or a link.
        """
        return self._folder.inside(self._folder.labels_name(frame.stem))

    def put(self, frame_ids: Iterable[int], staged: StagedFiles) -> None:
        """Bring the files of several frames up to date from copies that were staged at their places.

        Raises:
            OutputError: a file could not be put into its place; those before it were.
            InputError: a label image is not in the folder.
        """
        failure: InputError | None = None
        with self._database.writing(durable=False) as connection:
            for frame_id in frame_ids:
                frame = read_state(connection, frame_id)
                assert frame is not None
                try:
                    self._keep_stranger(connection, frame)
                    staged.put(self.place(frame))
                except InputError as error:
                    failure = error  # what was put is to be recorded all the same
                    break
                connection.execute("UPDATE frames SET file_id = labels_id WHERE id = ?", (frame.id,))
        if failure is not None:
            raise failure

    def _keep_stranger(self, connection: sqlite3.Connection, frame: FrameState) -> str | None:
        """Keep the file that will be replaced, unless the record has it; a sentence when it was kept."""
        name = self._folder.labels_name(frame.stem)
        present = self._file(frame) if self._folder.has(name) else None
        known = "SELECT 1 FROM label_images WHERE frame_id = ? AND png IS ?"
        if present is None or connection.execute(known, (frame.id, present)).fetchone():
            return None
        number = _insert(connection, frame, origin="file", png=present)
        return (
            f"{name} was changed by another program after {frame.stem} was corrected here: the correction is in its "
            f"place, and what it held is kept in {self._database.path.name} as label image {number}."
        )

    def write_pending(self) -> list[str]:
        """Write what a server that was killed had saved but not yet written to `labels/`.

        What it left half-written goes first.

        Returns:
            A sentence for every file that could not be written, or that another program had changed.

        Raises:
            OutputError: a half-written file cannot be removed.
        """
        clear_partial(self._folder.root, "labels")
        query = "SELECT id FROM frames WHERE labels_id IS NOT file_id AND present = 1"
        sentences = []
        for (frame_id,) in self._database.connection().execute(query).fetchall():
            try:
                reported = self.write(frame_id)
            except InputError as error:
                reported = str(error)
            sentences += [reported] if reported else []
        return sentences


def _png(connection: sqlite3.Connection, image: int) -> bytes | None:
    """A label image of the record; None stands for no file.

    Raises:
        sqlite3.DatabaseError: the record lacks it, or has something else.
    """
    row = connection.execute("SELECT png FROM label_images WHERE id = ?", (image,)).fetchone()
    if row is None or not isinstance(row[0], bytes | None):
        raise sqlite3.DatabaseError(f"label image {image} is missing or damaged")
    return row[0]


def _insert(connection: sqlite3.Connection, frame: FrameState, *, origin: Origin, png: bytes | None) -> int:
    made = connection.execute(
        "INSERT INTO label_images (frame_id, origin, png) VALUES (?, ?, ?)", (frame.id, origin, png)
    )
    assert made.lastrowid is not None
    return made.lastrowid
