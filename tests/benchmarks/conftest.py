from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gpu_frames import frame_chunks
from gpu_plan import MINIATURE, PEER, State


def toy_frame(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A wall, a hand before it and an object before that, in 0.1 mm, and their labels."""
    depth = np.full((MINIATURE.height, MINIATURE.width), 9000, np.uint16)
    labels = np.zeros(depth.shape, np.uint8)
    y, x = int(rng.integers(4, 20)), int(rng.integers(4, 30))
    depth[y : y + 20, x : x + 20], labels[y : y + 20, x : x + 20] = 4500, 1
    depth[y + 5 : y + 15, x + 15 : x + 28], labels[y + 5 : y + 15, x + 15 : x + 28] = 4200, 2
    depth[:, :3] = 0
    return depth, labels


@pytest.fixture
def state(tmp_path: Path) -> State:
    """The state of a miniature whose frames are made already, by a quicker hand than the generator's."""
    state = State(tmp_path / "state", MINIATURE, ("denseattentionseg", PEER))
    rng = np.random.default_rng(0)
    for chunk in frame_chunks(state.folder / "frames", state.scale):
        frames = [toy_frame(rng) for _ in range(chunk.start, chunk.stop)]
        chunk.stem.parent.mkdir(parents=True, exist_ok=True)
        for path, values in zip(chunk.files, zip(*frames, strict=True), strict=True):
            path.write_bytes(np.stack(values).tobytes())
    return state
