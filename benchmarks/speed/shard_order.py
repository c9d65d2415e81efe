"""What random reading of shards costs beside reading a window of shuffled shards at a time.

    python benchmarks/speed/shard_order.py --frames 2048

Frames are read cold: the system is told to forget the files before each of the two. Headers are what a process must
walk and keep for every frame that it may be asked for at random. Writes `benchmarks/results/shard_order.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import tracemalloc
from pathlib import Path

import cv2

from graspseg.datasets.tar_index import read_index
from graspseg.evaluation.machine import describe_machine
from graspseg.synth.job import Job
from graspseg.synth.write import write_frames
from graspseg.training import order
from graspseg.training.order import FrameOrder
from graspseg.training.sources import open_stored

RESULT = Path(__file__).parents[1] / "results" / "shard_order.json"
SHARD = 128


def forget(folder: Path) -> None:
    """Ask the system to drop the files of a folder from memory."""
    for path in folder.glob("*.tar"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bytes_from_disk() -> int:
    """What this process made the system read from the disk so far."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


def read(folder: Path, window: int, reads: int) -> dict[str, float]:
    """Read the first frames of a pass, headers not counted."""
    order.WINDOW = window
    source = open_stored([folder])
    indices = [FrameOrder(source, 0).frame_index(0, place) for place in range(reads)]
    forget(folder)
    wall, cpu, disk = time.perf_counter(), time.process_time(), bytes_from_disk()
    for index in indices:
        source.read(index)
    wall, cpu, disk = time.perf_counter() - wall, time.process_time() - cpu, bytes_from_disk() - disk
    speed = {"per_second": round(reads / wall, 1), "per_cpu_second": round(reads / cpu, 1)}
    return {**speed, "disk_bytes_per_frame": disk // reads}


def headers(folder: Path, frames: int) -> dict[str, float]:
    """What walking the headers of all shards and keeping them costs."""
    cpu = time.process_time()
    for path in folder.glob("*.tar"):
        read_index(path)
    cpu = time.process_time() - cpu
    tracemalloc.start()
    kept = [read_index(path) for path in folder.glob("*.tar")]
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert sum(map(len, kept)) == frames
    return {"cpu_us_per_frame": round(cpu / frames * 1e6, 1), "kept_bytes_per_frame": size // frames}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=2048)
    count = parser.parse_args().frames
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(dir=RESULT.parent) as name:
        folder = Path(name) / "set"
        list(write_frames(Job(folder, count, 0, "train", "shards", SHARD)))
        size = sum(path.stat().st_size for path in folder.glob("*.tar")) // count
        result = {"frames": count, "shard_size": SHARD, "bytes_per_frame": size, "headers": headers(folder, count)}
        for window in (count, 4 * SHARD):
            result[f"window_of_{window}"] = read(folder, window, count // 2)
    result["machine"] = describe_machine()
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
