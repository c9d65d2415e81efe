"""Feed every reader and importer with damaged files: how many end in a traceback, a hang, or a silent wrong result.

    python benchmarks/robustness/fuzz.py [--inputs 10000] [--seed 0] [--kinds ros] [--json-path PATH]

Input `i` of a seed is always the same file (of the recordings that the RealSense SDK writes, the same damage to one of
another time); `--only I` runs one and prints its traceback. Files are read in a process
of their own, which is replaced when it hangs or crashes. Ends with 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from fuzz_kind import Kind, Reading
from fuzz_kinds import KINDS
from fuzz_mutations import Change, damaged, draw, is_cut
from graspseg.errors import InputError

LIMIT_S = 10.0  # of computing: this machine may be busy with other things
_START_S = 60.0  # for what is imported and made on the way
_MOST_WAITING_S = 600.0
_MOST_MIB = 1024
_VARIANTS = 0.05  # share of inputs that are good files written in another way
_RESULT = Path(__file__).parents[1] / "results" / "fuzz.json"

Outcome = Literal["refused", "same", "partial", "changed", "wrong", "traceback", "memory", "hang", "crash"]
_HANGS = "hangs"
FAULTS: tuple[Outcome, ...] = ("wrong", "traceback", "memory", "hang", "crash")


class Sample(NamedTuple):
    """A good file of a kind: its folder, its place in there, and what is read of it."""

    folder: Path
    file: Path
    truth: list[str]


@dataclass(frozen=True)
class Verdict:
    """What became of an input.

    Attributes:
        outcome: `refused` with a sentence, `same` as the good file, `partial` with a sentence for what is missing,
            `changed` where nothing tells damage from content, or a fault.
        truth_known: whether the right result is known, beyond "no traceback".
        detail: for a person.
    """

    outcome: Outcome
    truth_known: bool
    detail: str = ""


def make_sample(kind: Kind, folder: Path) -> Sample:
    """Write a good file and read it."""
    folder.mkdir(parents=True)
    file = kind.make(folder).relative_to(folder)
    with _copied(folder) as copy:
        truth = kind.read(copy / file)
    assert truth.items and not truth.said_loss, f"{kind.name}: the good file is not read as good"
    return Sample(folder, file, truth.items)


def judge(kind: Kind, sample: Sample, changes: Sequence[Change] | int) -> Verdict:
    """Read a damaged file, or a variant of that number, and compare."""
    data = (sample.folder / sample.file).read_bytes()
    variant = isinstance(changes, int)
    if isinstance(changes, int):
        assert kind.variant is not None
        data = kind.variant(data, changes)
    else:
        data = damaged(data, changes)
    known = variant or kind.checked or (kind.has_end and is_cut(changes))
    with _copied(sample.folder) as copy:
        (copy / sample.file).write_bytes(data)
        try:
            found = kind.read(copy / sample.file)
        except InputError as error:
            return _refusal(str(error), variant=variant, known=known)
        except Exception:
            return Verdict("traceback", known, traceback.format_exc())
    return _compared(found, sample.truth, variant=variant, known=known)


def _refusal(sentence: str, *, variant: bool, known: bool) -> Verdict:
    if "\n" in sentence or not sentence.endswith(".") or ": " not in sentence:
        return Verdict("wrong", known, f"no sentence: {sentence!r}")
    return Verdict("wrong" if variant else "refused", known, sentence)


def _compared(found: Reading, truth: list[str], *, variant: bool, known: bool) -> Verdict:
    lacking, added = Counter(truth) - Counter(found.items), Counter(found.items) - Counter(truth)
    if not lacking and not added:
        return Verdict("same", known)
    if added:
        return Verdict("wrong" if known else "changed", known, f"{sum(added.values())} of {len(truth)} differ")
    if found.said_loss and not variant:
        return Verdict("partial", known)
    return Verdict(
        "wrong" if known else "changed", known, f"{sum(lacking.values())} of {len(truth)} lost without a word"
    )


@contextlib.contextmanager
def _copied(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        yield Path(shutil.copytree(folder, Path(place) / "in"))


def plan(index: int, seed: int, kinds: Sequence[Kind]) -> tuple[Kind, list[Change] | int]:
    """Input number `index`: its kind and what is done to it."""
    rng = np.random.default_rng([seed, index])
    shares = np.array([kind.share for kind in kinds])
    kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
    if kind.variant is not None and rng.random() < 4 * _VARIANTS:
        return kind, int(rng.integers(64))
    return kind, draw(rng)


def chosen_kinds(part: str) -> list[Kind]:
    return [kind for kind in KINDS if any(one in kind.name for one in part.split(","))]


def work(arguments: argparse.Namespace) -> None:
    """In a process of its own: judge inputs from `start` on, a line for each."""
    import cv2

    cv2.setNumThreads(1)
    kinds = chosen_kinds(arguments.kinds)
    samples: dict[str, Sample] = {}
    with tempfile.TemporaryDirectory(prefix="fuzz-") as home:
        for index in range(arguments.start, arguments.inputs):
            kind, changes = plan(index, arguments.seed, kinds)
            print(json.dumps({"begins": index, "new": kind.name not in samples}), flush=True)
            if kind.name not in samples:
                samples[kind.name] = make_sample(kind, Path(home) / kind.name.replace(" ", "-"))
            before, start = _peak_mib(), time.process_time()
            verdict = judge(kind, samples[kind.name], changes)
            taken_s, grown = time.process_time() - start, _peak_mib() - before
            if grown > _MOST_MIB:
                verdict = Verdict("memory", verdict.truth_known, f"{grown:.0f} MiB more")
            told = f"{changes}"[:300] if verdict.outcome in FAULTS else ""
            row = {"ends": index, "kind": kind.name, "seconds": taken_s, "changes": told, **asdict(verdict)}
            row["detail"] = verdict.detail if verdict.outcome in FAULTS else ""
            print(json.dumps(row), flush=True)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Judge all inputs; a worker that hangs or crashes is replaced behind its input."""
    rows: list[dict[str, Any]] = []
    start, ends = 0, time.monotonic() + 60 * arguments.minutes
    while start < arguments.inputs and time.monotonic() < ends:
        begun, outcome = _watch(arguments, start, rows, ends)
        if outcome is None:
            break
        kind, changes = plan(begun, arguments.seed, chosen_kinds(arguments.kinds))
        rows.append(
            {"ends": begun, "kind": kind.name, "seconds": LIMIT_S, "changes": f"{changes}"[:300], "outcome": outcome}
            | {"truth_known": False, "detail": outcome}
        )
        print(f"{outcome}: input {begun}, {kind.name}, {changes}", file=sys.stderr)
        start = begun + 1
    return rows


def _watch(
    arguments: argparse.Namespace, start: int, rows: list[dict[str, Any]], ends: float
) -> tuple[int, Literal["hang", "crash"] | None]:
    """Run a worker from `start` until it ends; returns the input it was at, and how it failed."""
    options = ["--inputs", f"{arguments.inputs}", "--seed", f"{arguments.seed}", "--kinds", arguments.kinds]
    command = [sys.executable, __file__, "--start", f"{start}", *options]
    lines: queue.Queue[str | None] = queue.Queue()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as worker:
        threading.Thread(target=_pump, args=(worker, lines), daemon=True).start()
        begun, patience_s = start, _START_S
        while True:
            line = _next_line(lines, worker.pid, patience_s)
            if line is _HANGS:
                worker.kill()
                return begun, "hang"
            if line is None:
                return begun, None if worker.wait() == 0 else "crash"
            row = json.loads(line)
            if "begins" in row:
                begun, patience_s = row["begins"], _START_S if row["new"] else LIMIT_S
                continue
            rows.append(row)
            if time.monotonic() > ends:
                worker.kill()
                return begun, None
            if row["outcome"] in FAULTS:
                print(f"{row['outcome']}: input {row['ends']}, {row['kind']}: {row['detail'].strip()}", file=sys.stderr)


def _next_line(lines: queue.Queue[str | None], pid: int, patience_s: float) -> str | None:
    """What a worker says next, or that it has computed, or waited, for too long."""
    computed_s, start = _computed_s(pid), time.monotonic()
    while True:
        with contextlib.suppress(queue.Empty):
            return lines.get(timeout=1.0)
        if _computed_s(pid) - computed_s > patience_s or time.monotonic() - start > _MOST_WAITING_S:
            return _HANGS


def _computed_s(pid: int) -> float:
    """Seconds of computing of a process (Linux: fields 14 and 15 of its `stat`)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pump(worker: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert worker.stdout is not None
    for line in worker.stdout:
        lines.put(line)
    lines.put(None)


def summarize(rows: Sequence[dict[str, Any]], arguments: argparse.Namespace) -> dict[str, Any]:
    """Counts for all kinds and for each."""
    from graspseg.evaluation.machine import describe_machine

    def count(part: Sequence[dict[str, Any]]) -> dict[str, Any]:
        outcomes = Counter(row["outcome"] for row in part)
        known = [row for row in part if row["truth_known"]]
        return {
            "inputs": len(part),
            **{outcome: outcomes[outcome] for outcome in ("refused", "same", "partial", "changed", *FAULTS)},
            "truth_known": len(known),
            "computed_s": round(sum(row["seconds"] for row in part), 1),
            "slowest_s": round(max((row["seconds"] for row in part), default=0.0), 3),
        }

    names = sorted({row["kind"] for row in rows})
    return {
        "command": f"python benchmarks/robustness/fuzz.py --inputs {arguments.inputs} --seed {arguments.seed}"
        + (f" --kinds {arguments.kinds}" if arguments.kinds else ""),
        "machine": describe_machine(),
        "limit_s": LIMIT_S,
        **count(rows),
        "kinds": {name: count([row for row in rows if row["kind"] == name]) for name in names},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--kinds", default="", help="only kinds with this, or one of several after commas, in their name"
    )
    parser.add_argument("--minutes", type=float, default=600.0, help="stop then, and record what is done")
    parser.add_argument("--only", type=int, help="judge one input here and print what is found")
    parser.add_argument("--start", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json-path", type=Path, default=_RESULT)
    arguments = parser.parse_args()
    if arguments.start is not None:
        work(arguments)
        return 0
    if arguments.only is not None:
        kind, changes = plan(arguments.only, arguments.seed, chosen_kinds(arguments.kinds))
        with tempfile.TemporaryDirectory(prefix="fuzz-") as home:
            verdict = judge(kind, make_sample(kind, Path(home) / "good"), changes)
        print(f"{kind.name}: {changes}\n{verdict.outcome}: {verdict.detail}")
        return int(verdict.outcome in FAULTS)
    found = summarize(run(arguments), arguments)
    arguments.json_path.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps({name: value for name, value in found.items() if name != "kinds"}, indent=1))
    return int(any(found[fault] for fault in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
