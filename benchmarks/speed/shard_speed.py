"""Frames a second in one process: synthetic frames written as folder and as shards, and read from both.

    python benchmarks/speed/shard_speed.py --frames 300

Processor time stands beside wall time, because it does not depend on what else the machine does.
Writes `benchmarks/results/shard_speed.json`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import cv2
import numpy as np

from graspseg.datasets.open import open_dataset
from graspseg.datasets.shards import ShardDataset
from graspseg.evaluation.machine import describe_machine
from graspseg.synth.job import Job
from graspseg.synth.write import write_frames
from throughput import timed

RESULT = Path(__file__).parents[1] / "results" / "shard_speed.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    count = parser.parse_args().frames
    cv2.setNumThreads(1)
    result: dict[str, object] = {"frames": count}
    order = np.random.default_rng(0).permutation(count).tolist()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        list(write_frames(Job(folder / "warm", 20, 0, "train")))
        for kind in ("folder", "shards"):
            job = Job(folder / kind, count, 0, "train", kind)
            written = timed(lambda job=job: list(write_frames(job)), count)
            dataset = open_dataset(folder / kind)
            read = timed(lambda dataset=dataset: [dataset[index] for index in order], count)
            size = sum(path.stat().st_size for path in (folder / kind).rglob("*") if path.is_file())
            result[kind] = {"written": written, "read_at_random": read, "bytes_per_frame": size // count}
        indexed = timed(lambda: ShardDataset(folder / "shards").stems, count)
    result |= {"indexed": indexed, "machine": describe_machine()}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
