"""What the paper's two ideas bring at a small, equal budget: attention on/off, contour fine-tuning on/off.

    python benchmarks/ablation.py --steps 3000 --seeds 0 1 --out runs/ablation

Every run has the same number of steps, the same frames and the same windows (96 x 96); "contour off" fine-tunes with
cross-entropy alone for as many steps. Judged on the same validation frames (other objects), window by window.
Finished runs are not redone, so that seeds may be run side by
side (`--seeds 0` and `--seeds 1`) and gathered by a last call. Writes `benchmarks/results/ablation.json`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from graspseg.evaluation.machine import describe_machine
from graspseg.training.presets import TrainConfig, preset
from graspseg.training.run import train

RESULT = Path(__file__).parent / "results" / "ablation.json"
VARIANTS = {
    "attention and contour": {"attention": True, "contour": True},
    "no contour": {"attention": True, "contour": False},
    "no attention": {"attention": False, "contour": True},
}


def config(variant: str, *, steps: int, seed: int, frames: int, threads: int) -> TrainConfig:
    """Settings of one run."""
    lite = preset("lite")
    return replace(
        lite,
        **VARIANTS[variant],
        seed=seed,
        steps=steps,
        batch=16,
        views=replace(lite.views, side=96, per_frame=4),
        optimizer=replace(lite.optimizer, average_decay=0.99),
        loss=replace(lite.loss, contour_share=0.25),
        validation=replace(lite.validation, frames=frames, every_steps=steps),
        compute=replace(lite.compute, workers=1, threads=threads),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--frames", type=int, default=300, help="validation frames")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    args = parser.parse_args()
    rows = []
    for seed in args.seeds:
        for variant in VARIANTS:
            settings = config(variant, steps=args.steps, seed=seed, frames=args.frames, threads=args.threads)
            folder = args.out / f"{variant.replace(' ', '-')}-{seed}"
            record = folder / "result.json"
            if not record.exists():
                result = train(settings, folder, resume=(folder / "config.json").exists())
                record.write_text(json.dumps({"scores": result.scores, "seconds": result.seconds}))
            rows.append({"variant": variant, "seed": seed, **json.loads(record.read_text())})
            print(f"{variant}, seed {seed}: {rows[-1]['scores']}", flush=True)
    seeds = " ".join(map(str, args.seeds))
    command = f"python benchmarks/ablation.py --steps {args.steps} --seeds {seeds} --frames {args.frames}"
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"command": command, "machine": describe_machine(), "runs": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
