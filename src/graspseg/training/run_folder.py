"""The folder of a run: what may be started or resumed there, and that runs without a result leave nothing behind."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_only

from graspseg.frame import InputError
from graspseg.training.config_file import config_dict, read_config
from graspseg.training.presets import TrainConfig

CHECKPOINT = Path("checkpoints") / "last.ckpt"
MODEL = Path("model.safetensors")
_WRITTEN = ("config.json", "metrics.csv", "curves.png", "checkpoints", "sheets", "tensorboard")


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
def kept_with_results(out: Path, *, resume: bool) -> Iterator[None]:
    """Clear away what is written into a new run's folder if it fails before a step has left a result there.

    Leftovers of a run that was killed before its first result are cleared away at once.
    """
    if resume or not leads():
        yield
        return
    added = [folder for folder in (out, *out.parents) if not folder.exists()]
    if (out / "config.json").exists():
        _clear(out, _WRITTEN)
    own = [name for name in _WRITTEN if not (out / name).exists()]
    try:
        yield
    except BaseException:
        if not _has_results(out):
            _clear(out, own)
            with contextlib.suppress(OSError):
                for folder in added:
                    folder.rmdir()  # succeeds only when it is empty
        raise


def _has_results(out: Path) -> bool:
    """Whether steps of a run have left a checkpoint, a model or rows of the log in a folder."""
    log = out / "metrics.csv"
    rows = len(log.read_text().splitlines()) - 1 if log.is_file() and (out / "config.json").exists() else 0
    return rows > 0 or (out / CHECKPOINT).exists() or (out / MODEL).exists()


def _clear(out: Path, names: Iterable[str]) -> None:
    for path in (out / name for name in names):
        with contextlib.suppress(OSError):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
