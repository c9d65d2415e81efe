"""What `gpu.py` does: which networks, on how many frames, for how long, and where its state lies.

Imports neither torch nor the generator, so that `gpu.py all` answers at once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from graspseg.datasets.atomic import write_json
from graspseg.errors import InputError
from graspseg.evaluation.machine import describe_machine
from graspseg.frame import Intrinsics
from graspseg.training.presets import TrainConfig, preset

Split = Literal["train", "val", "unseen"]
EXAMS: tuple[Split, ...] = ("val", "unseen")
PLAIN = "-noattention"
BEFORE_CONTOUR = "before-contour"


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        name: what the report calls it.
        network: name in the table of networks.
        contour: whether the last stage uses the contour loss.
        branch_of: the run from whose state before the contour stage this one goes on; None = from fresh weights.
    """

    name: str
    network: str
    contour: bool = False
    branch_of: str | None = None


# In the order in which time is spent; the second is the fair partner of the first: as many steps, cross-entropy alone.
RUNS = (
    Run("denseattentionseg", "denseattentionseg", contour=True),
    Run("denseattentionseg-crossentropy", "denseattentionseg", branch_of="denseattentionseg"),
    Run("deeplabv3plus", "deeplabv3plus"),
    Run("denseattentionseg-noattention", "denseattentionseg-noattention"),
    Run("fcn8s", "fcn8s"),
    Run("gcn", "gcn"),
    Run("refinenet", "refinenet"),
    Run("fcn16s", "fcn16s"),
    Run("fcn32s", "fcn32s"),
)
NETWORKS = tuple(dict.fromkeys(run.network for run in RUNS))
# Others are compared with this one.
PEER = "deeplabv3plus"


@dataclass(frozen=True)
class Scale:
    """How large everything is.

    Attributes:
        width, height: of the frames, in pixels.
        every: every so many pixels of a generated frame are kept, across and down.
        train_frames: frames to train on; the size of the paper's training set.
        exam_frames: frames of each exam.
        chunk: frames of a file.
        batch: frames of a step, equal for all networks.
        small: networks on the small encoder.
        steps: steps of every network; 0 = as many as fit into the minutes.
        contour_share: share of the steps in the contour stage; the paper's 10 of 150 epochs would be tens of steps.
        tried_steps: steps that are timed to find the pace.
        rounds: timed passes for a latency.
        workers: processes that make and judge frames; 0 = one for every core.
    """

    width: int = 640
    height: int = 480
    every: int = 1
    train_frames: int = 46_720
    exam_frames: int = 500
    chunk: int = 160
    batch: int = 32
    small: bool = False
    steps: int = 0
    contour_share: float = 0.2
    tried_steps: int = 10
    rounds: int = 300
    workers: int = 0

    def network(self, name: str) -> str:
        """The name in the table of the network that stands for `name` at this scale."""
        base, plain, _ = name.partition(PLAIN)
        return f"{base}-small{plain}" if self.small else name

    @property
    def processes(self) -> int:
        """Processes that make and judge frames."""
        return self.workers or int(describe_machine()["cores"])

    @property
    def camera(self) -> Intrinsics:
        """The camera of all frames."""
        return Intrinsics.default(self.width, self.height)


FULL = Scale()
MINIATURE = Scale(
    width=64,
    height=48,
    every=10,
    train_frames=6,
    exam_frames=2,
    chunk=4,
    batch=2,
    small=True,
    steps=2,
    contour_share=0.5,
    tried_steps=1,
    rounds=3,
    workers=1,
)


@dataclass(frozen=True)
class State:
    """What earlier slices left on the machine's disk.

    Attributes:
        folder: where it lies.
        scale: how large everything is.
        networks: names of the networks that are trained, in the table's order.
        train_minutes: minutes shared over all of them.
    """

    folder: Path
    scale: Scale
    networks: tuple[str, ...] = NETWORKS
    train_minutes: float = 17.0

    @property
    def runs(self) -> tuple[Run, ...]:
        """The trainings, in order."""
        return tuple(run for run in RUNS if run.network in self.networks)

    def run_folder(self, name: str) -> Path:
        """Where a training keeps its state."""
        return self.folder / "runs" / name

    def config(self, run: Run, *, steps: int) -> TrainConfig:
        """Settings of a training: the paper's recipe, its schedule scaled to `steps`."""
        paper = preset("paper")
        return replace(
            paper,
            network=self.scale.network(run.network),
            contour=run.contour,
            frames=self.scale.train_frames,
            steps=steps,
            batch=self.scale.batch,
            loss=replace(paper.loss, contour_share=self.scale.contour_share),
        )

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the state; empty when it is not there yet."""
        path = self.folder / name
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file of the state, whole or not at all."""
        write_json(self.folder / name, content)


class Clock:
    """When a slice has to end.

    Args:
        minutes: from now.
        reserve_s: seconds kept for what comes after the work.
    """

    def __init__(self, minutes: float, *, reserve_s: float = 0.0) -> None:
        self._end = time.monotonic() + minutes * 60 - reserve_s

    @property
    def left_s(self) -> float:
        """Seconds left, negative when it is late."""
        return self._end - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the work has to stop."""
        return self.left_s <= 0


def chosen_networks(names: Sequence[str]) -> tuple[str, ...]:
    """Networks in the table's order.

    Raises:
        InputError: a name is not in it.
    """
    unknown = sorted(set(names) - set(NETWORKS))
    if unknown:
        raise InputError(f"--networks names {', '.join(unknown)}, expected some of {', '.join(NETWORKS)}.")
    return tuple(name for name in NETWORKS if name in names)
