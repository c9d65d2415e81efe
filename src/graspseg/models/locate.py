"""Which file a user means by the name of a model."""

from __future__ import annotations

import shlex
from importlib import resources
from pathlib import Path

from graspseg.errors import InputError, did_you_mean
from graspseg.models.header import FOREST_SUFFIX, ModelInfo, read_model_info

DEFAULT_MODEL = "denseattentionseg-lite"
ALIASES = {"lite": DEFAULT_MODEL}
WEIGHTS_SUFFIX = ".safetensors"
INT8_SUFFIX = ".int8.onnx"
"""Of the int8 version of a model, which is no model of its own: it is found beside the one it was made of."""
RUN_MODEL = "model.safetensors"
"""What a training run leaves in its folder."""
_RUNNABLE = (".onnx", FOREST_SUFFIX)


def shipped_folder() -> Path:
    """Where the models that ship with the package are."""
    return Path(str(resources.files("graspseg.models"))) / "weights"


def find_model(name_or_file: str | Path) -> Path:
    """Path of a model that can be run: a shipped one (a network, or the forest) by its name, or a file.

    The folder of a training run means the file its weights were exported to there.

    Raises:
        InputError: there is neither.
    """
    shipped = _shipped(str(name_or_file), _RUNNABLE)
    if shipped is not None:
        return shipped
    path = Path(name_or_file)
    if path.is_file():
        return path
    if (path / RUN_MODEL).is_file():
        exported = (path / RUN_MODEL).with_suffix(".onnx")
        if exported.is_file():
            return exported
        raise InputError(
            f"{path} is the folder of a training run, expected what it was exported to: run "
            f"{shlex.join(['graspseg', 'export', str(path)])}."
        )
    names = _names(_RUNNABLE)
    meant = did_you_mean(name_or_file, (*names, *ALIASES), otherwise="check the path.")
    raise InputError(
        f"There is no model {str(name_or_file)!r}, expected a .onnx file, a forest's .npz or a shipped model "
        f"({', '.join(names) or 'none in this installation'}): {meant}"
    )


def find_weights(init: str) -> Path:
    """The weights to train from that `--init` names: a file, the folder of a run, or a shipped model.

    Raises:
        InputError: there is nothing of that name, or it is a model that cannot be trained.
    """
    path = Path(init)
    if path.is_dir() and (path / RUN_MODEL).is_file():
        return path / RUN_MODEL
    shipped = _shipped(init, (WEIGHTS_SUFFIX,))
    if not path.exists() and shipped is not None:
        return shipped
    if path.suffix == ".onnx":
        raise InputError(
            f"{path} can only be run, expected weights to train from: give the .safetensors file beside it."
        )
    if not path.is_file():
        names = _names((WEIGHTS_SUFFIX,))
        meant = did_you_mean(init, (*names, *ALIASES), otherwise="check the path.")
        raise InputError(
            f"--init {init} is no file, expected a .safetensors file or a shipped model "
            f"({', '.join(names) or 'none'}): {meant}"
        )
    return path


def int8_beside(path: Path, info: ModelInfo) -> Path | None:
    """The int8 version of a model that lies beside it and was made of just this one; None where there is none.

    Raises:
        InputError: the file is there and damaged.
    """
    beside = path.with_name(path.name.removesuffix(".onnx") + INT8_SUFFIX)
    if info.digest is None or not beside.is_file():
        return None
    return beside if read_model_info(beside).quantized_from == info.digest else None


def _shipped(name: str, suffixes: tuple[str, ...]) -> Path | None:
    name = ALIASES.get(name, name)
    files = [shipped_folder() / f"{name}{suffix}" for suffix in suffixes] if "/" not in name else []
    return next((file for file in files if file.is_file()), None)


def _names(suffixes: tuple[str, ...]) -> list[str]:
    files = (file for suffix in suffixes for file in shipped_folder().glob(f"*{suffix}"))
    return sorted(file.stem for file in files if not file.name.endswith(INT8_SUFFIX))
