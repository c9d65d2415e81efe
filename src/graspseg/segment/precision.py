"""In which arithmetic a network runs: what was measured to be the fastest on this machine, unless somebody says."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float32

from graspseg.errors import InputError
from graspseg.models.header import ModelInfo
from graspseg.models.locate import int8_beside
from graspseg.openvino_core import shared_core
from graspseg.segment.engine import Engine, Precision, available_threads, load_engine

PrecisionChoice = Literal["auto", "float32", "bf16", "int8"]
ENVIRONMENT = "GRASPSEG_PRECISION"
"""Variable that says what `auto` means."""
SMALLEST_GAIN = 0.1
"""Share of the time that a coarser arithmetic must save to be taken."""
_WARM_UPS, _ROUNDS = 3, 15


def choose_precision(
    choice: PrecisionChoice,
    path: Path,
    info: ModelInfo,
    *,
    engine: Literal["openvino", "onnxruntime"],
    threads: int | None = None,
) -> tuple[Precision, Path]:
    """Settle what computes a model: the arithmetic, and the file to load.

    `auto` takes only what was judged to be as good as float32 with this very file. It measures at its first use with a
    model, which takes a second or two, and remembers the result in the user's cache folder for this processor, model,
    engine and number of threads.

    Args:
        choice: what the caller wants.
        path: the model's file.
        info: what the file says.
        engine: what runs it.
        threads: CPU threads, None = as many as this process may use.

    Raises:
        InputError: the choice cannot be had of this file, or the environment names none.
    """
    wanted = _from_environment() if choice == "auto" else choice
    if info.quantized_from is not None:
        if wanted not in ("auto", "int8"):
            raise InputError(f"{path} is an int8 file, expected one in float32 for {wanted}: give the model it is of.")
        return "int8", path
    if wanted == "int8":
        quantized = int8_beside(path, info)
        if quantized is None:
            raise InputError(
                f"{path} has no int8 version beside it, expected one made of this very file: run graspseg export with "
                "--int8, or choose another --precision."
            )
        return "int8", quantized
    if wanted != "auto":
        return wanted, path
    files = _candidates(path, info, engine)
    chosen = "float32" if len(files) == 1 else _remembered_or_measured(files, info, engine, threads)
    return chosen, files[chosen]


def has_bf16() -> bool:
    """Whether this processor, as OpenVINO sees it, computes in bf16."""
    return "BF16" in shared_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def fastest(milliseconds: Mapping[Precision, float]) -> Precision:
    """What to take of what was measured: float32, unless bf16 saves enough, and that, unless int8 does."""
    chosen: Precision = "float32"
    for name in get_args(Precision):
        if name in milliseconds and milliseconds[name] <= (1 - SMALLEST_GAIN) * milliseconds[chosen]:
            chosen = name
    return chosen


def measure(engines: Mapping[Precision, Engine], side: int) -> dict[Precision, float]:
    """Median milliseconds of one window; engines take turns, so that a busy machine disturbs all of them."""
    window = _scene(side)
    times: dict[Precision, list[float]] = {name: [] for name in engines}
    for turn in range(_WARM_UPS + _ROUNDS):
        for name, engine in engines.items():
            start = time.perf_counter()
            engine(window, 0.003)
            if turn >= _WARM_UPS:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(values)) for name, values in times.items()}


def _from_environment() -> PrecisionChoice:
    found = os.environ.get(ENVIRONMENT) or "auto"
    for name in get_args(PrecisionChoice):
        if found == name:
            return name
    names = ", ".join(get_args(PrecisionChoice))
    raise InputError(f"{ENVIRONMENT} is {found[:40]!r}, expected one of {names}: set it to one of them, or unset it.")


def _candidates(path: Path, info: ModelInfo, engine: str) -> dict[Precision, Path]:
    files: dict[Precision, Path] = {"float32": path}
    if engine == "openvino" and "bf16" in info.admitted and has_bf16():
        files["bf16"] = path
    with contextlib.suppress(InputError):  # a damaged version is no reason not to run the whole one
        quantized = int8_beside(path, info)
        if quantized is not None:
            files["int8"] = quantized
    return files


def _remembered_or_measured(
    files: Mapping[Precision, Path], info: ModelInfo, engine: Literal["openvino", "onnxruntime"], threads: int | None
) -> Precision:
    key = _key(files, engine, threads or available_threads())
    memory = _memory(key)
    remembered = _recall(memory, key)
    if remembered is not None and remembered in files:
        return remembered
    engines: dict[Precision, Engine] = {}
    for name, file in files.items():
        try:
            engines[name] = load_engine(file, engine, threads=threads, precision=name, side=info.side)
            engines[name](_scene(info.side), 0.003)
        except Exception:  # whatever the engine raises: float32 is told when it is loaded, the others are left out
            if name == "float32":
                return "float32"
            engines.pop(name, None)
    milliseconds = measure(engines, info.side)
    chosen = fastest(milliseconds)
    _remember(memory, {"key": key, "milliseconds": milliseconds, "precision": chosen})
    return chosen


def _key(files: Mapping[Precision, Path], engine: str, threads: int) -> dict[str, Any]:
    """Everything that the fastest arithmetic depends on."""
    import openvino

    versions = {"openvino": openvino.__version__}
    if engine == "onnxruntime":
        with contextlib.suppress(ModuleNotFoundError):
            import onnxruntime

            versions["onnxruntime"] = onnxruntime.__version__
    core = shared_core()
    return {
        "processor": core.get_property("CPU", "FULL_DEVICE_NAME"),
        "capabilities": sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")),
        "threads": threads,
        "engine": engine,
        "versions": versions,
        "models": {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()},
    }


def _memory(key: Mapping[str, Any]) -> Path:
    from platformdirs import user_cache_path

    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return user_cache_path("graspseg", appauthor=False) / f"precision-{digest[:16]}.json"


def _recall(memory: Path, key: Mapping[str, Any]) -> Precision | None:
    """What was chosen before; None when nothing was, or the file is not what was written."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        found = json.loads(memory.read_bytes())
        if isinstance(found, dict) and found.get("key") == key:
            return next((name for name in get_args(Precision) if found.get("precision") == name), None)
    return None


def _remember(memory: Path, found: Mapping[str, Any]) -> None:
    from graspseg.datasets.atomic import write_json

    with contextlib.suppress(OSError, InputError):  # without a memory it is measured again
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_json(memory, dict(found))


def _scene(side: int) -> Float32[np.ndarray, "s s"]:
    """A tilted table with a block on it: what is computed hardly depends on what is seen."""
    window = np.full((side, side), 0.7, np.float32) + np.linspace(0, 0.2, side, dtype=np.float32)[:, None]
    window[side // 4 : side // 2, side // 4 : side // 2] = 0.5
    return window
