"""What is compared: every kind of entry says how it is trained, how it predicts, what it costs and how it is timed."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.compare.frames import CachedFrames, Size
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.models.header import FOREST
from graspseg.training.presets import TrainConfig

if TYPE_CHECKING:
    from graspseg.training.maps import LevelMaps

Predictor = Callable[[Frame], Float32[np.ndarray, "3 h w"]]
TIMED = "timed-{}.onnx"
_RUN = "run"


@dataclass(frozen=True)
class Hardware:
    """Where entries predict.

    Attributes:
        threads: CPU threads of PyTorch and of the runtime.
        device: PyTorch's name of the device that networks run on.
    """

    threads: int = 1
    device: str = "cpu"


@dataclass(frozen=True)
class Entry(ABC):
    """A row of the table.

    Attributes:
        name: how the report calls it; unique, letters, digits, `+-_.`.
        seeded: whether it is trained here, once for every seed; else it is a model that exists.
    """

    name: str
    seeded: ClassVar[bool] = True

    @abstractmethod
    def settings(self, seed: int | None) -> dict[str, Any]:
        """Everything about it that decides its results, as plain JSON values."""

    @abstractmethod
    def weights(self, folder: Path) -> Path:
        """The trained model, which may not be there yet, of a cell in `folder`."""

    @abstractmethod
    def predictor(self, weights: Path, hardware: Hardware) -> Predictor:
        """What it says of a frame: probabilities of background, hand and object.

        Raises:
            InputError: the weights cannot be used, or hold something else than the entry names.
        """

    def train(self, folder: Path, *, seed: int | None, train: CachedFrames, val: CachedFrames) -> int | None:
        """Train, or go on where an earlier call was stopped; the optimizer steps, None where there are none.

        Raises:
            InputError: it cannot be trained; other errors of its libraries may come as well.
        """
        raise NotImplementedError(f"{self.name} is trained already")

    def eager(self, weights: Path, hardware: Hardware) -> Predictor | None:
        """What is timed in PyTorch or numba; None where it runs in the runtime only."""
        return self.predictor(weights, hardware)

    def runtime(self, weights: Path, folder: Path, hardware: Hardware, size: Size) -> Predictor | None:
        """What is timed in OpenVINO on frames of `size`, exported into `folder`; None where it does not run there.

        Raises:
            Exception: of any library that exports or runs.
        """
        return None

    def cost(self, weights: Path, size: Size) -> dict[str, float | None]:
        """Millions of parameters and GFLOP of one frame (a multiply-add counts two); None where it is no network."""
        return {"parameters_m": None, "gflop": None}

    def attention(self, weights: Path, frame: Frame) -> list[LevelMaps]:
        """Attention maps for a frame, finest level first; none without dense attention."""
        return []

    def log(self, folder: Path) -> list[dict[str, float]]:
        """Rows of the training log of a cell in `folder`."""
        return []

    def pace(self, minutes: float, frames: CachedFrames) -> tuple[int, float] | None:
        """Steps that take about so many minutes and the seconds of one; None where there are no steps.

        Raises:
            InputError: it cannot be tried.
        """
        return None

    def with_steps(self, steps: int) -> Entry:
        """The same with another number of steps."""
        return self

    @property
    def budget(self) -> str | None:
        """What its training is given, in words; None without steps."""
        return None


class _Checkpoint(Entry):
    """What PyTorch runs from a `.safetensors` file of ours."""

    def predictor(self, weights: Path, hardware: Hardware) -> Predictor:
        """See `Entry`."""
        from graspseg.training.eager import load_eager

        engine, card = load_eager(weights, threads=hardware.threads, device=hardware.device)
        self.check_network(card.network, weights)
        return lambda frame: engine(frame.depth_m(), pixel_angle(frame.intrinsics_or_default()))

    def check_network(self, found: str, weights: Path) -> None:
        """See that a file holds the network that the entry names; any will do where it names none."""

    def runtime(self, weights: Path, folder: Path, hardware: Hardware, size: Size) -> Predictor:
        """See `Entry`."""
        from graspseg.export import export_onnx
        from graspseg.networks.checkpoint import load_checkpoint
        from graspseg.segment.engine import load_engine

        path = folder / TIMED.format(size)
        if not path.is_file():
            network, card = load_checkpoint(weights)
            side, metadata = (size.height, size.width), card.metadata()
            weighted = card.class_weights
            export_onnx(
                network, path, side=side, looks=1, metadata=metadata, class_weights=weighted, half_storage=False
            )
        engine = load_engine(path, "openvino", threads=hardware.threads)
        return lambda frame: engine(frame.depth_m(), pixel_angle(frame.intrinsics_or_default()))

    def cost(self, weights: Path, size: Size) -> dict[str, float | None]:
        """See `Entry`."""
        from graspseg.models.card import read_card
        from graspseg.networks.table import cost

        parameters, flop = cost(read_card(weights).network, width=size.width, height=size.height)
        return {"parameters_m": parameters / 1e6, "gflop": flop / 1e9}

    def attention(self, weights: Path, frame: Frame) -> list[LevelMaps]:
        """See `Entry`."""
        from graspseg.training.maps import attention_of

        return attention_of(weights, frame.depth_m(), pixel_angle(frame.intrinsics_or_default()))


@dataclass(frozen=True)
class NetworkEntry(_Checkpoint):
    """A network that is trained, once for every seed.

    Attributes:
        config: settings of its training; `seed` is replaced.
    """

    config: TrainConfig

    def settings(self, seed: int | None) -> dict[str, Any]:
        """See `Entry`; where and how fast it trains decides nothing."""
        from graspseg.training.config_file import config_dict

        settings = config_dict(replace(self.config, seed=seed or 0))
        return {name: value for name, value in settings.items() if name != "compute"}

    def weights(self, folder: Path) -> Path:
        """See `Entry`."""
        return folder / _RUN / "model.safetensors"

    def train(self, folder: Path, *, seed: int | None, train: CachedFrames, val: CachedFrames) -> int:
        """See `Entry`."""
        from graspseg.training.run import train as train_network

        out = folder / _RUN
        if not self.weights(folder).is_file():
            config = replace(self.config, seed=seed or 0)
            train_network(config, out, resume=(out / "config.json").is_file(), frames=(train, val))
        return self.config.steps

    def check_network(self, found: str, weights: Path) -> None:
        """See that the cell's file is of this entry."""
        from graspseg.training.model_file import network_name

        expected = network_name(self.config)
        if found != expected:
            raise InputError(f"{weights} holds the network {found}, expected {expected}: remove its folder.")

    def log(self, folder: Path) -> list[dict[str, float]]:
        """See `Entry`."""
        from graspseg.training.sheet import read_log

        return read_log(folder / _RUN / "metrics.csv")

    def pace(self, minutes: float, frames: CachedFrames) -> tuple[int, float]:
        """See `Entry`."""
        from graspseg.training.model_file import start_network
        from graspseg.training.pace import steps_within
        from graspseg.training.sources import Skipped

        config = replace(self.config, max_minutes=minutes)
        return steps_within(config, start_network(config).network, frames, Skipped())

    def with_steps(self, steps: int) -> NetworkEntry:
        """See `Entry`."""
        every = replace(self.config.validation, every_steps=validation_interval(steps))
        return replace(self, config=replace(self.config, steps=steps, validation=every))

    @property
    def budget(self) -> str:
        """See `Entry`."""
        return f"{self.config.steps} steps of {self.config.batch} frames"


@dataclass(frozen=True)
class ForestEntry(Entry):
    """The random decision forest, trained once for every seed on as many of the same frames as it takes."""

    name: str = FOREST

    def settings(self, seed: int | None) -> dict[str, Any]:
        """See `Entry`."""
        return {"network": self.name, "seed": seed}

    def weights(self, folder: Path) -> Path:
        """See `Entry`."""
        return folder / "forest.npz"

    def train(self, folder: Path, *, seed: int | None, train: CachedFrames, val: CachedFrames) -> None:
        """See `Entry`; a forest is not validated while it grows."""
        from graspseg.forest.file import write_forest
        from graspseg.forest.settings import ForestSettings
        from graspseg.forest.training import train_forest

        write_forest(self.weights(folder), train_forest(train, ForestSettings(), seed=seed or 0))

    def predictor(self, weights: Path, hardware: Hardware) -> Predictor:
        """See `Entry`."""
        from graspseg.forest.file import read_forest

        forest = read_forest(weights)
        return lambda frame: forest.probabilities(frame.depth_m(), frame.intrinsics_or_default())


class _Model(Entry):
    """A model that exists, in a file."""

    seeded = False
    path: Path

    def settings(self, seed: int | None) -> dict[str, Any]:
        """See `Entry`."""
        with self.path.open("rb") as file:
            return {"model": self.path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}

    def weights(self, folder: Path) -> Path:
        """See `Entry`."""
        return self.path


@dataclass(frozen=True)
class WeightsEntry(_Model, _Checkpoint):
    """Weights that were trained before (`.safetensors`), which see whole frames.

    Attributes:
        path: the file.
    """

    path: Path


@dataclass(frozen=True)
class ExportedEntry(_Model):
    """A model as `graspseg segment` runs it: an exported network (`.onnx`) with its windows, or a forest (`.npz`).

    Attributes:
        path: the file.
    """

    path: Path

    def predictor(self, weights: Path, hardware: Hardware) -> Predictor:
        """See `Entry`."""
        from graspseg.segment.segmenter import Segmenter

        segmenter = Segmenter(weights, threads=hardware.threads, precision="float32")
        return lambda frame: segmenter(frame).probabilities

    def eager(self, weights: Path, hardware: Hardware) -> None:
        """It runs in the runtime only."""

    def runtime(self, weights: Path, folder: Path, hardware: Hardware, size: Size) -> Predictor:
        """See `Entry`; with its windows, whose size is its own."""
        return self.predictor(weights, hardware)


def pixel_angle(camera: Intrinsics) -> float:
    """Radians a pixel of a whole frame covers, as training on whole frames has it."""
    return 1.0 / camera.fx


def labels_of(probabilities: Float32[np.ndarray, "3 h w"], frame: Frame) -> UInt8[np.ndarray, "h w"]:
    """The likeliest class; background where nothing was measured."""
    labels = probabilities.argmax(axis=0).astype(np.uint8)
    labels[frame.depth == 0] = 0
    return labels


def validation_interval(steps: int) -> int:
    """Steps between validations: eight points make a curve, and short runs do little else than validate."""
    return max(steps // 8, min(steps, 50))
