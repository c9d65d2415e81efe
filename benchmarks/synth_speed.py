"""Synthetic frames a second on one core: in memory (rendering, labels, sensor noise) and written to a folder.

    python benchmarks/synth_speed.py --frames 300

Processor time stands beside wall time, because it does not depend on what else the machine does.
Writes `benchmarks/results/synth_speed.json`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import cv2

from graspseg.evaluation.machine import describe_machine
from graspseg.frame import Intrinsics
from graspseg.synth.generate import HEIGHT, WIDTH, FrameMaker
from graspseg.synth.job import Job
from graspseg.synth.write import write_frames
from throughput import timed

RESULT = Path(__file__).parent / "results" / "synth_speed.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    count = parser.parse_args().frames
    cv2.setNumThreads(1)
    maker = FrameMaker("train", 0, intrinsics=Intrinsics.default(WIDTH, HEIGHT))
    for index in range(20):
        maker.make(index)
    in_memory = timed(lambda: [maker.make(index) for index in range(count)], count)
    with tempfile.TemporaryDirectory() as folder:
        written = timed(lambda: list(write_frames(Job(Path(folder) / "set", count, 0, "train"))), count)
    result = {"frames": count, "in_memory": in_memory, "written": written, "machine": describe_machine()}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
