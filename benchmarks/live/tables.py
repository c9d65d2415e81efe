"""The tables of docs/results.md#live from what `tracking.py` and `long_run.py` recorded.

python benchmarks/live/tables.py && python tools/docs/figures.py --write
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"
_WAYS = {
    "single": "each frame by itself",
    "tracking": "tracking",
    "filter": "filter",
    "both": "tracking and filter (default)",
}


def main() -> None:
    """Writes benchmarks/results/live.md."""
    tracking, long_run = (_read(f"live_{name}.json") for name in ("tracking", "long_run"))
    text = f"# Live\n\n## Tracking and filter\n\n{_tracking(tracking)}\n\n## A long run\n\n{_long_run(long_run)}\n"
    (RESULTS / "live.md").write_text(text)


def _read(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / name).read_text())


def _tracking(result: dict[str, Any]) -> str:
    lines = [
        "| clips | preset | way | mean IoU | hand | object | flicker, all | flicker, hand and object | "
        "CPU ms a frame | closer windows alone |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in ("moving", "still"):
        for preset, ways in result[kind].items():
            for way, name in _WAYS.items():
                row = ways[way]
                iou, flicker, passes = row["iou"], row["flicker"], row["frames_by_pass"]
                lines.append(
                    f"| {kind} | {preset} | {name} | {iou['mean']:.1f} | {iou['hand']:.1f} | {iou['object']:.1f} | "
                    f"{100 * flicker['rate']:.2f} % | {100 * flicker['foreground_rate']:.2f} % | {row['cpu_ms']:.1f} | "
                    f"{passes.get('focus', 0) / sum(passes.values()):.0%} |"
                )
    clips = result["clips"]
    note = (
        f"`python benchmarks/live/tracking.py --clips {clips['number']} --length {clips['length']}`: synthetic, split "
        f"`{result['split']}`, seed {result['seed']}; {clips['number']} clips of {clips['length']} frames, still ones "
        f"of {clips['still_length']}; one thread, {result['machine']['processor']}."
    )
    return "\n".join([*lines, "", note])


def _long_run(result: dict[str, Any]) -> str:
    memory, segment, latency = result["memory_mb"], result["segment_ms"], result["latency_ms"]
    came = (result["frames"] + result["dropped"]) / result["seconds"]
    return "\n".join(
        [
            "| minutes | frames | a second | segmented in, p50 / p99 | latency, p50 / p99 | dropped | failed | memory "
            "after a minute | largest change since |",
            "|---|---|---|---|---|---|---|---|---|",
            f"| {result['seconds'] / 60:.1f} | {result['frames']:,} | {result['frames_a_second']:.1f} | "
            f"{segment['p50']:.0f} / {segment['p99']:.0f} ms | {latency['p50']:.0f} / {latency['p99']:.0f} ms | "
            f"{result['dropped']:,} | {result['failed']} | {memory['after_warm_up']:.0f} MB | "
            f"{memory['drift_mb']:.1f} MB |",
            "",
            "`python benchmarks/live/long_run.py take.mcap`: a 640x480 recording at 30 a second, over and over, "
            f"on {result['machine']['cores']} cores of {result['machine']['processor']} with a load of 16 to 20 from "
            "other work: rates and times say what is left on such a machine, memory and failures what the program "
            f"does. Even reading was slower than the recording there: {came:.1f} frames a second came.",
        ]
    )


if __name__ == "__main__":
    main()
