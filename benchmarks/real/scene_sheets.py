"""Contact sheets of a set: depth with the labels of an earlier run, of this one, and the truth where there is one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from graspseg.datasets.atomic import write_png
from graspseg.datasets.dataset import Sample
from graspseg.datasets.images import read_labels
from graspseg.labels import BACKGROUND, contact_sheet, overlay

WIDTH_PX = 320
COLUMNS = 2


class SheetBook:
    """Pictures of one set, written as one PNG.

    Args:
        against: folder of an earlier run; its labels are drawn before this one's.
    """

    def __init__(self, against: Path | None) -> None:
        self._against = against
        self._pictures: list[np.ndarray] = []

    def add(self, place: str, sample: Sample, target: np.ndarray, labels: np.ndarray) -> None:
        """Draw one frame: before, after, truth; what is not there is left out."""
        depth = sample.frame.depth
        pictures = [("this run", labels)]
        if self._against is not None:
            path = self._against / "labels" / place / f"{sample.stem}.png"
            pictures = [("before", read_labels(path, depth.shape)), ("after", labels)]
        if (target != BACKGROUND).any():
            pictures.append(("truth", target))
        height = max(1, round(depth.shape[0] * WIDTH_PX / depth.shape[1]))
        cells = []
        for title, shown in pictures:
            cell = cv2.resize(overlay(depth, shown), (WIDTH_PX, height), interpolation=cv2.INTER_AREA)
            stem = f"  {sample.stem[-28:]}" if not cells else ""
            cv2.putText(cell, title + stem, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
            cells.append(cell)
        self._pictures.append(np.hstack(cells))

    def write(self, path: Path) -> None:
        """Write what was drawn; nothing when there is no frame."""
        if not self._pictures:
            return
        write_png(path, contact_sheet(self._pictures, COLUMNS))
