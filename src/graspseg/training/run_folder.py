"""The folder of a run: what may be started or resumed there, and that runs without a result leave nothing behind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_only

from graspseg.datasets.description import read_object
from graspseg.datasets.output_folder import clear_partial, foreign, remove_results, working_in
from graspseg.errors import InputError
from graspseg.training.config_file import config_dict, read_config
from graspseg.training.presets import TrainConfig

CHECKPOINT = Path("checkpoints") / "last.ckpt"
MODEL = Path("model.safetensors")
LOG = Path("metrics.csv")
# All that a run writes beside its model, as in `Path.glob`.
_WRITTEN = (
    "config.json",
    "metrics.csv",
    "curves.png",
    "checkpoints/last.ckpt",
    "sheets/step-*.png",
    "tensorboard/events.out.tfevents.*",
    "tensorboard/hparams.yaml",
)
_FOLDERS = ("checkpoints", "sheets", "tensorboard")


def leads() -> bool:
    """Whether this is the only or the first of several processes of the run."""
    return getattr(rank_zero_only, "rank", 0) == 0


def check_folder(out: Path, *, resume: bool) -> Path | None:
    """The checkpoint to go on from, None for a new run.

    Raises:
        InputError: there is a run where a new one shall start, or none that can be resumed.
    """
    checkpoint = out / CHECKPOINT
    if not leads():
        return checkpoint if resume and checkpoint.exists() else None
    if not resume:
        if _has_results(out):
            raise InputError(f"{out} already holds a run, expected a new folder: choose another --out, or --resume.")
        _check_leftovers(out)
        return None
    if (out / MODEL).exists():
        raise InputError(f"{out} holds a finished run, expected an interrupted one: start a new one with --init.")
    if not (out / "config.json").exists():
        raise InputError(f"{out} holds no run, expected config.json: check --out, or start without --resume.")
    return checkpoint if checkpoint.exists() else None


def check_same(config: TrainConfig, path: Path) -> None:
    """Only where and how fast a run is computed may change on the way.

    Raises:
        InputError: the recorded settings differ in more than that.
    """
    recorded = read_config(path)
    kept = replace(config.compute, precision=recorded.compute.precision, devices=recorded.compute.devices)
    ours, theirs = config_dict(replace(recorded, compute=kept)), config_dict(replace(config, compute=kept))
    changed = sorted(name for name in ours if ours[name] != theirs[name])
    if changed or (config.compute.precision, config.compute.devices) != (kept.precision, kept.devices):
        names = ", ".join(changed) or "compute.precision or compute.devices"
        raise InputError(f"{path} was written with other settings ({names}), expected the same: resume without them.")


@contextlib.contextmanager
def holding(out: Path) -> Iterator[None]:
    """Hold a run's folder for the process that leads; see `working_in`."""
    if not leads():
        yield
        return
    with working_in(out):
        yield


@contextlib.contextmanager
def kept_with_results(out: Path, *, resume: bool) -> Iterator[None]:
    """Clear away what is written into a new run's folder if it fails before a step has left a result there.

    Leftovers of a run that was killed before its first result are cleared away at once. Other files always stay.
    """
    if not leads():
        yield
        return
    clear_partial(out, *_FOLDERS)
    if resume:
        yield
        return
    if (out / "config.json").exists():
        _clear(out)
    try:
        yield
    except BaseException:
        if not _has_results(out):
            _clear(out)
        raise


def _check_leftovers(out: Path) -> None:
    """See that what a new run would replace is what one left that ended before its first result.

    Raises:
        InputError: it may be another program's.
    """
    found = [path for pattern in _WRITTEN for path in sorted(out.glob(pattern))]
    checkpoints = [path for path in (out / "checkpoints").rglob("*") if not path.name.endswith(".tmp")]
    for path, ours in (
        (out / "config.json", _is_config(out / "config.json")),
        (out / LOG, _is_log(out / LOG)),
        *((path, False) for path in checkpoints),
    ):
        if found and not ours and (path.exists() or path.name == "config.json"):
            raise foreign(out, path if path.exists() else found[0], "graspseg train")


def _is_config(path: Path) -> bool:
    """Whether a file holds all settings of a run, or nothing at all: other programs call theirs by this name too."""
    try:
        values = read_object(path)
        read_config(path)
    except InputError:
        return False
    return not values or values.keys() >= config_dict(TrainConfig()).keys()


def _is_log(path: Path) -> bool:
    """Whether a table has columns of ours only."""
    if not path.is_file():
        return False
    head = path.read_text(errors="replace").partition("\n")[0].strip()
    own = {"", "epoch", "step", "stage", "rate"}
    return all(name in own or name.startswith(("train/", "val/")) for name in head.split(","))


def _has_results(out: Path) -> bool:
    """Whether steps of a run have left a checkpoint, a model or rows of the log in a folder."""
    log = out / "metrics.csv"
    rows = len(log.read_text().splitlines()) - 1 if log.is_file() and (out / "config.json").exists() else 0
    return rows > 0 or (out / CHECKPOINT).exists() or (out / MODEL).exists()


def _clear(out: Path) -> None:
    """Remove what runs write, and their folders where nothing else is in them."""
    with contextlib.suppress(OSError):
        remove_results([path for pattern in _WRITTEN for path in out.glob(pattern)], out)
        for name in _FOLDERS:
            with contextlib.suppress(OSError):
                (out / name).rmdir()
