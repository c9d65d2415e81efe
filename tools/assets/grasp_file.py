"""Reading, extending and writing `grasps.npz`; `graspseg.synth.objects.grasp` says what its arrays mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graspseg.synth.objects.grasp import GRASP_KINDS, PAIR_KINDS, Grasp, HandOnHand, PairKind

FULL = ("articulation", "object_scale", "object_pose")


class GraspFile:
    """The arrays of a library, with grasps added at the end: rows that exist never move."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as packed:
            self.arrays = {key: packed[key] for key in packed.files}
        self.hands, self.objects = self.arrays["hand_names"].tolist(), self.arrays["object_names"].tolist()
        self.shapes = {h: {s.tobytes(): i for i, s in enumerate(self.arrays[f"shape_{h}"])} for h in self.hands}

    @property
    def count(self) -> int:
        return len(self.arrays["hand"])

    def add(self, grasps: list[Grasp], *, edition_2: bool) -> np.ndarray:
        """Append grasps, sharing the shapes that are already there; returns their rows."""
        if not grasps:
            return np.zeros(0, np.int64)
        start = self.count
        new = {
            "hand": np.array([self.hands.index(g.hand) for g in grasps], np.uint8),
            "object": np.array([self.objects.index(g.object_name) for g in grasps], np.uint16),
            "row": np.array([self._shape_row(g) for g in grasps], np.uint16),
            "kind": np.array([GRASP_KINDS.index(g.kind) for g in grasps], np.uint8),
            "left": np.array([g.left for g in grasps]),
            "edition_1": np.zeros(len(grasps), bool),
            "edition_2": np.full(len(grasps), edition_2),
        }
        new |= {key: np.array([getattr(g, key) for g in grasps], np.float16) for key in FULL}
        for key, values in new.items():
            self.arrays[key] = np.concatenate([self.arrays[key], values])
        return np.arange(start, self.count)

    def add_pairs(self, kinds: list[PairKind], rows: np.ndarray) -> None:
        new = np.array([PAIR_KINDS.index(kind) for kind in kinds], np.uint8)
        self.arrays["pair_kind"] = np.concatenate([self.arrays["pair_kind"], new])
        self.arrays["pair_rows"] = np.concatenate([self.arrays["pair_rows"], rows.astype(np.uint16)])

    def set_covers(self, covers: list[HandOnHand]) -> None:
        for hand in self.hands:
            chosen = [cover for cover in covers if cover.hand == hand]
            for key, attribute in (("shape", "shape"), ("articulation", "articulations"), ("pose", "pose")):
                values = [getattr(cover, attribute) for cover in chosen]
                self.arrays[f"cover_{hand}_{key}"] = np.array(values, np.float16)

    def write(self, path: Path) -> None:
        temporary = path.with_suffix(".tmp.npz")
        np.savez_compressed(temporary, **self.arrays)
        temporary.replace(path)

    def _shape_row(self, grasp: Grasp) -> int:
        table, key = self.shapes[grasp.hand], f"shape_{grasp.hand}"
        shape = grasp.shape.astype(np.float16)
        if shape.tobytes() not in table:
            table[shape.tobytes()] = len(self.arrays[key])
            self.arrays[key] = np.concatenate([self.arrays[key], shape[None]])
        return table[shape.tobytes()]
