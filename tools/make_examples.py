"""Write the frames of `examples/frames`: synthetic, of hands and objects that no shipped model was trained on.

python tools/make_examples.py
"""

from __future__ import annotations

from pathlib import Path

from graspseg.datasets.folder import FolderWriter
from graspseg.frame import Intrinsics
from graspseg.synth.generate import HEIGHT, WIDTH, FrameMaker
from graspseg.synth.write import Job

FRAMES = (0, 3, 4, 7, 9, 11)
SEED = 2026


def main() -> None:
    out = Path(__file__).parents[1] / "examples" / "frames"
    job = Job(out, max(FRAMES) + 1, SEED, "unseen")
    writer = FolderWriter(out, job.description())
    maker = FrameMaker("unseen", SEED, intrinsics=Intrinsics.default(WIDTH, HEIGHT))
    for index in FRAMES:
        made = maker.make(index)
        writer.write(job.stem(index), made.frame(), made.labels)
    print(f"{len(FRAMES)} frames in {out}")


if __name__ == "__main__":
    main()
