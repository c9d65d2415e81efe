"""Runs graspseg's commands one after another in this process, and tells what each left changed about signals.

python run_commands.py MODEL FOLDER

Prints, as JSON by the name of the command: its exit code, its last words on stderr, and a sentence for every signal
whose handler it changed and for a changed alternate signal stack. Run by `test_signals_of_commands.py`.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import os
import signal
import sys
import threading
import urllib.request
from pathlib import Path

import numpy as np

from graspseg import Segmenter
from graspseg.cli import main as graspseg
from graspseg.datasets.atomic import write_png
from graspseg.datasets.folder import FolderWriter
from graspseg.frame import Frame
from signal_state import alternate_stack, handlers

PATIENCE_S = 30


def write_frames(folder: Path) -> None:
    """Four frames with color and labels: a hand at 0.4 m, an object at 0.42 m, a wall at 1 m."""
    labels = np.zeros((120, 160), np.uint8)
    labels[20:70, 20:60], labels[30:60, 60:90] = 1, 2
    color = np.array([(120, 120, 120), (224, 172, 138), (30, 60, 200)], np.uint8)[labels]
    writer = FolderWriter(folder, {"depth_unit_m": 0.001})
    for index in range(4):
        writer.write(str(index), Frame(np.array([1000, 400, 420], np.uint16)[labels]), labels)
        write_png(folder / "color" / f"{index}.png", color)


def invocations(model: str, folder: Path) -> dict[str, list[str]]:
    """The least each command can be asked to do that runs its machinery."""
    frames = str(folder / "frames")
    tiny = ["--preset", "tiny", "--steps", "2", "--batch", "2", "--workers", "1", "--accelerator", "cpu"]
    return {
        "segment": [frames, "--out", str(folder / "segmented"), "--model", model, "--no-overlays"],
        "live": [frames, "--model", model, "--rate", "0"],
        "synth": ["--out", str(folder / "synth"), "--count", "2", "--workers", "1"],
        "annotate": [frames, "--out", str(folder / "annotated"), "--workers", "1", "--skin", "hsv"],
        "train": [*tiny, "--data", frames, "--out", str(folder / "run")],
        "evaluate": [frames, "--model", model, "--no-rules"],
        "compare": [
            frames,
            "--models",
            model,
            "--out",
            str(folder / "compared"),
            "--size",
            "32x24",
            "--time-calls",
            "1",
        ],
        "review": [frames, "--port", "0", "--model", "none"],
        "speed": [model, "--data", frames, "--frames", "2", "--warm-up", "1"],
        "networks": [],
        "info": [model],
        "dataset": ["check", frames],
        "record": ["--out", str(folder / "take.db3")],
    }


class StopOnceServed(io.StringIO):
    """A stdout where the address of a page that is served brings Ctrl-C, once it answers."""

    def write(self, text: str) -> int:
        if "Review at http" in text:
            threading.Thread(target=self._stop, args=(text.split()[-1],), daemon=True).start()
        return super().write(text)

    @staticmethod
    def _stop(address: str) -> None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=PATIENCE_S):
            pass
        os.kill(os.getpid(), signal.SIGINT)


def signal_state() -> dict[str, object]:
    """Everything about signals that a command might leave changed."""
    blocked = sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    return {**handlers(), "alternate stack": alternate_stack(), "blocked": blocked}


def main(model: str, folder: Path) -> None:
    """Run every command once."""
    write_frames(folder / "frames")
    # Not with -X: that is before Python looks at the handlers it finds, so that its table would say "not Python's".
    faulthandler.enable()
    Segmenter(model, threads=1)  # the process's one core sets the stack for good
    report = {}
    for name, arguments in invocations(model, folder).items():
        before, errors = signal_state(), io.StringIO()
        with (
            contextlib.redirect_stdout(StopOnceServed()),
            contextlib.redirect_stderr(errors),
        ):
            code = graspseg.main([name, *arguments])
        after = signal_state()
        changed = [f"{key}: {before[key]} became {after[key]}" for key in before if before[key] != after[key]]
        report[name] = {"code": code, "stderr": errors.getvalue()[-2000:], "changed": changed}
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
