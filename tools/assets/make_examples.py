"""Write the frames of `examples/frames`: synthetic, of hands and objects that no shipped model was trained on.

Chosen to show what works; how often it does is in the table of README.md.

python tools/assets/make_examples.py
"""

from __future__ import annotations

from pathlib import Path

from graspseg.datasets.folder import FolderWriter
from graspseg.frame import Intrinsics
from graspseg.synth.generate import HEIGHT, WIDTH, FrameMaker
from graspseg.synth.write import Job

FRAMES = (3, 8, 26, 27, 28, 30)
SEED = 2026


def main() -> None:
    out = Path(__file__).parents[2] / "examples" / "frames"
    job = Job(out, max(FRAMES) + 1, SEED, "unseen")
    writer = FolderWriter(out, job.description())
    maker = FrameMaker("unseen", SEED, intrinsics=Intrinsics.default(WIDTH, HEIGHT))
    for index in FRAMES:
        made = maker.make(index)
        writer.write(job.stem(index), made.frame(), made.labels)
    print(f"{len(FRAMES)} frames in {out}")


if __name__ == "__main__":
    main()
