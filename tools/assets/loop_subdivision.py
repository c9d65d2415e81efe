"""Loop subdivision of a triangle mesh as one sparse matrix; used by `bake_hands.py`."""

from __future__ import annotations

import numpy as np


def loop_operator(faces: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One step of Loop subdivision as a sparse matrix (CSR) and the new faces."""
    edges: dict[tuple[int, int], list[int]] = {}
    for a, b, c in faces.tolist():
        for p, q, r in ((a, b, c), (b, c, a), (c, a, b)):
            edges.setdefault((min(p, q), max(p, q)), []).append(r)
    number = {e: n + i for i, e in enumerate(edges)}
    near: list[set[int]] = [set() for _ in range(n)]
    border: list[set[int]] = [set() for _ in range(n)]
    for (p, q), opposite in edges.items():
        for store in (near, border) if len(opposite) == 1 else (near,):
            store[p].add(q)
            store[q].add(p)
    rows: list[dict[int, float]] = []
    for v in range(n):
        around, k = border[v] or near[v], len(border[v] or near[v])
        beta = 1 / 8 if border[v] else (5 / 8 - (3 / 8 + np.cos(2 * np.pi / k) / 4) ** 2) / k
        rows.append({v: 1 - k * beta, **dict.fromkeys(around, beta)})
    for (p, q), opposite in edges.items():
        rows.append({p: 0.5, q: 0.5} if len(opposite) == 1 else {p: 3 / 8, q: 3 / 8, **dict.fromkeys(opposite, 1 / 8)})
    corner = [number[min(p, q), max(p, q)] for t in faces.tolist() for p, q in zip(t, t[1:] + t[:1], strict=True)]
    ab, bc, ca = np.array(corner).reshape(-1, 3).T
    a, b, c = faces.T
    fine = np.stack([a, ab, ca, b, bc, ab, c, ca, bc, ab, bc, ca], 1).reshape(-1, 3)
    starts = np.concatenate([[0], np.cumsum([len(r) for r in rows])])
    return starts, np.concatenate([list(r) for r in rows]), np.concatenate([list(r.values()) for r in rows]), fine
