"""The paper's table on a GPU that is lent for half an hour, in slices of at most nine minutes.

    PYTHONPATH=src python benchmarks/gpu.py STAGE --state DIR --out DIR [--minutes 8.5] [--miniature]

Stages: `data`, `train`, `evaluate`, `speed`, `pack --call K`; `next` does whatever comes next, and leaves the report of
what there is in `--out`; `all` prints which commands to run; `join --state LOTS --out DIR` puts what was brought back
together, on any machine. Each stage goes on where an earlier slice stopped; its state lies under `--state`.

docs/gpu.md says how to run it, what comes back, and which wheels the machine lacks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gpu_plan import FULL, MINIATURE, NETWORKS, Clock, State, chosen_networks
from graspseg.errors import InputError

Stage = Literal["data", "train", "evaluate", "speed", "pack", "next", "all", "join"]
WORK: tuple[Stage, ...] = ("data", "train", "evaluate", "speed")
# Kept at the end of a slice for finishing a step, saving and writing the report.
RESERVE_S = 35.0


@dataclass(frozen=True)
class Arguments:
    """What to do.

    Attributes:
        stage: See above.
        state: Folder on the machine's disk where slices go on; for `join` the folder that holds the lots.
        out: Where what is to be brought back is written.
        minutes: Length of this slice.
        train_minutes: Training time of all networks together: 17 for a machine lent for 30 minutes, 25 for 45.
        networks: Which networks to train; default: all of the table.
        steps: Steps of each network; 0 = as many as fit into the minutes. Give the steps of an earlier lease to train
            more networks for the same table.
        call: Which lot to pack.
        miniature: 64x48 pixels, small networks, two steps: tries everything in a minute on a CPU.
    """

    stage: Annotated[Stage, tyro.conf.Positional]
    state: Path
    out: Path
    minutes: float = 8.5
    train_minutes: float = 17.0
    networks: tuple[str, ...] = NETWORKS
    steps: int = 0
    call: int = 1
    miniature: bool = False


def main(argv: Sequence[str] | None = None) -> int:
    """Run one slice."""
    arguments = tyro.cli(Arguments, args=argv, prog="python benchmarks/gpu.py", description=__doc__)
    try:
        _run(arguments)
    except InputError as error:
        print(f"gpu.py: {error}", file=sys.stderr)
        return 2
    return 0


def _run(arguments: Arguments) -> None:
    if arguments.stage == "all":
        print(plan(arguments))
        return
    if arguments.stage == "join":
        from gpu_pack import join

        missing = join(arguments.state, arguments.out)
        print(f"join: {arguments.out}; still incomplete: {', '.join(missing) or 'nothing'}")
        return
    state = opened_state(arguments)
    clock = Clock(arguments.minutes, reserve_s=0.0 if arguments.miniature else RESERVE_S)
    if arguments.stage == "pack":
        from gpu_pack import pack

        pack(state, arguments.out, call=arguments.call)
    elif arguments.stage == "next":
        do_next(state, arguments.out, clock)
    else:
        finished = do(arguments.stage, state, clock)
        print(f"{arguments.stage}: {'done' if finished else 'to be continued'}", flush=True)


def opened_state(arguments: Arguments) -> State:
    """The state, whose first slice decided what is done.

    Raises:
        InputError: this slice was told something else.
    """
    scale = MINIATURE if arguments.miniature else FULL
    scale = replace(scale, steps=arguments.steps or scale.steps)
    state = State(arguments.state, scale, chosen_networks(arguments.networks), arguments.train_minutes)
    settings = {"scale": asdict(scale), "networks": list(state.networks), "train_minutes": state.train_minutes}
    if not state.read("settings.json"):
        state.write("settings.json", settings)
    elif state.read("settings.json") != settings:
        raise InputError(f"{arguments.state} was begun with other options, expected the same: name another --state.")
    return state


def do(stage: Stage, state: State, clock: Clock) -> bool:
    """Go on with a stage until it is done or the slice is over; whether it is done."""
    if stage == "data":
        from gpu_frames import make_frames

        return make_frames(state, clock)
    if stage == "train":
        from gpu_train import train

        return train(state, clock)
    if stage == "evaluate":
        from gpu_evaluate import evaluate

        return evaluate(state, clock)
    from gpu_speed import speed

    return speed(state, clock)


def do_next(state: State, out: Path, clock: Clock) -> None:
    """Do one stage after the other; then, or in later slices, hand out one lot a slice."""
    done = state.read("done.json").get("stages", [])
    for stage in WORK:
        if stage not in done:
            if clock.over or not do(stage, state, clock):
                break
            done.append(stage)
            state.write("done.json", {"stages": done})
            print(f"next: {stage} is done", flush=True)
    from gpu_pack import pack
    from gpu_report import write_report

    if len(done) < len(WORK):
        write_report(state, out)
        print("next: call again", flush=True)
        return
    lot = int(state.read("lots.json").get("handed", 0)) + 1
    lots = pack(state, out, call=lot)
    state.write("lots.json", {"handed": lot})
    print("next: call again for another lot" if lot < lots else "next: that was the last lot", flush=True)


def plan(arguments: Arguments) -> str:
    """Which commands to run back to back, for a machine lent for half an hour."""
    options = f" --train-minutes {arguments.train_minutes:g}" if arguments.train_minutes != 17 else ""
    options += f" --steps {arguments.steps}" if arguments.steps else ""
    options += f" --networks {' '.join(arguments.networks)}" if arguments.networks != NETWORKS else ""
    options += " --miniature" if arguments.miniature else ""
    command = (
        f"PYTHONUNBUFFERED=1 PYTHONPATH=src:$HOME/site python3 benchmarks/gpu.py next --state {arguments.state} "
        f"--out {arguments.out} --minutes {arguments.minutes:g}{options}"
    )
    return f"""\
The same command again and again, each call right after the other: a machine that waits is given back, and its disk
with it. Before the first: the wheels of docs/gpu.md into $HOME/site.
  {command}
Of 30 minutes: 2 for the start, 2 for frames and compiling their generator, {arguments.train_minutes:g} for training,
2 for the exams, 3 for latencies, the rest for lots. Copy what each call brings back into one folder, then
  PYTHONPATH=src python benchmarks/gpu.py join --state THAT_FOLDER --out runs/gpu"""


if __name__ == "__main__":
    sys.exit(main())
