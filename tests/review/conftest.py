from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from graspseg.datasets.folder import FolderWriter
from graspseg.frame import Frame
from graspseg.review.server.database import Database
from graspseg.review.server.folder import ReviewFolder
from graspseg.review.server.index import update_index
from graspseg.review.server.serve import open_review
from graspseg.review.server.store import Store

TOKEN = "secret-of-this-test"
SHAPE = (20, 30)


def labels_of(number: int) -> np.ndarray:
    """Hand over an object, something to ignore, background; another picture for every number."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:10, 3 : 10 + number] = 1
    labels[8:15, 5:20] = 2
    labels[-1, number] = 255
    return labels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five frames `take/0` to `take/4`; the first two in color, the last without labels; `take/2` the least sure."""
    writer = FolderWriter(tmp_path / "set", {"depth_unit_m": 0.001, "licence": "CC0-1.0"})
    for number in range(5):
        depth = np.full(SHAPE, 900, np.uint16)
        depth[2:10, 3 : 10 + number] = 400 + number
        depth[10:15, 5:20] = 600
        color = np.full((*SHAPE, 3), 40 * number, np.uint8) if number < 2 else None
        writer.write(f"take/{number}", Frame(depth), labels_of(number) if number < 4 else None, color=color)
    lines = ["stem,confidence,leak_px", "take/0,0.9,1", "take/1,0.5,2", "take/2,0.1,30", "take/3,0.7,", "take/4,0.8,x"]
    (tmp_path / "set" / "confidence.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "set"


@contextlib.contextmanager
def client_of(folder: Path, **options: Any) -> Iterator[TestClient]:
    with (
        open_review(folder, token=TOKEN, **options) as application,
        TestClient(application, base_url="http://127.0.0.1:8000", headers={"X-Token": TOKEN}) as client,
    ):
        yield client


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    with client_of(folder) as client:
        yield client


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    database = Database(folder)
    reviewed = ReviewFolder(folder)
    update_index(database, reviewed)
    yield Store(database, reviewed)
    database.close()
