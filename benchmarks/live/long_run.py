"""Whether `graspseg live` can run for long: memory, frames a second, tail of the times, drops.

    graspseg synth --out CLIPS --preset wild --clips 2 --length 60 --split val --seed 61
    graspseg live CLIPS --rate 0 --save take.mcap
    python benchmarks/live/long_run.py take.mcap --minutes 10 --json-path benchmarks/results/live_long_run.json

Plays a recording again and again at its own rate, with tracking and filter, as the command does. Memory is that of the
process, read every ten seconds; `drift_mb` is the largest distance from its value after the first minute.
"""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic

import tyro

from graspseg import Segmenter
from graspseg.evaluation.machine import describe_machine, resident_mb
from graspseg.live.played import PlayedFrames
from graspseg.live.run import Reporter, run
from graspseg.live.statistics import Statistics
from graspseg.live.stream import Stream
from graspseg.segment.stream import StreamSegmenter
from graspseg.segment.temporal_filter import TemporalFilter

_EVERY_S = 10.0
_WARM_S = 60.0


def main(
    recording: tyro.conf.Positional[Path],
    *,
    model: str = "denseattentionseg-lite",
    minutes: float = 10.0,
    threads: int | None = None,
    json_path: Path | None = None,
) -> None:
    """Measures a long run."""
    notices, memory = list[str](), list[tuple[float, float]]()
    segmenter = StreamSegmenter(Segmenter(model, threads=threads), smooth=TemporalFilter())
    stream = Stream(PlayedFrames([recording], loop=1_000_000), segmenter, notice=notices.append)
    statistics, begin_s = Statistics(), monotonic()

    def sample() -> None:
        elapsed_s, held_mb = monotonic() - begin_s, resident_mb()
        if held_mb is not None and (not memory or elapsed_s - memory[-1][0] >= _EVERY_S):
            memory.append((round(elapsed_s, 1), round(held_mb, 1)))

    run(stream, [], statistics, Reporter(notices.append, sample), seconds=60 * minutes)
    warm = [held_mb for elapsed_s, held_mb in memory if elapsed_s >= min(_WARM_S, 6 * minutes)]
    result = {
        "model": segmenter.segmenter.path.name,
        "seconds": round(statistics.seconds, 1),
        "frames": statistics.frames,
        "frames_a_second": round(statistics.rate_hz, 2),
        "segment_ms": {f"p{p}": round(statistics.segment_ms(p), 1) for p in (50, 95, 99)},
        "latency_ms": {f"p{p}": round(statistics.latency_ms(p), 1) for p in (50, 95, 99)},
        "dropped": stream.dropped,
        "failed": stream.failed,
        "notices": notices,
        "frames_by_pass": {reason or "focus": count for reason, count in statistics.passes.most_common()},
        "memory_mb": {
            "after_warm_up": warm[0] if warm else None,
            "drift_mb": round(max(abs(each - warm[0]) for each in warm), 1) if warm else None,
            "samples": memory,
        },
        "machine": describe_machine(),
    }
    text = json.dumps(result, indent=1)
    print(text)
    if json_path is not None:
        json_path.write_text(text + "\n")


if __name__ == "__main__":
    tyro.cli(main)
