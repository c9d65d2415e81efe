"""`config.json`: the resolved settings of a run, written by every run and read back strictly."""

from __future__ import annotations

import json
import types
from dataclasses import asdict, fields, is_dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from graspseg.errors import InputError
from graspseg.training.presets import PRESET_NAMES, TrainConfig, preset

_LOWEST = {
    "seed": 0,
    "steps": 1,
    "batch": 1,
    "frames": 0,
    "max_minutes": 0,
    "loss.gamma": 0,
    "views.side": 16,
    "views.per_frame": 1,
    "validation.frames": 1,
    "validation.every_steps": 1,
    "validation.sheet_views": 0,
    "compute.workers": 0,
    "compute.threads": 0,
    "compute.devices": 1,
    "compute.log_every_steps": 1,
}


def write_config(path: Path, config: TrainConfig) -> None:
    """Write settings as JSON that `read_config` turns back into equal settings.

    Raises:
        InputError: the file cannot be written.
    """
    from graspseg.datasets.atomic import write_json  # loads OpenCV, which reading and help do without

    write_json(path, config_dict(config))


def config_dict(config: TrainConfig) -> dict[str, Any]:
    """Settings as what JSON can hold."""
    return json.loads(json.dumps(asdict(config), default=str))


def read_config(path: Path) -> TrainConfig:
    """Read settings; what the file leaves out comes from the preset it names.

    Raises:
        InputError: no such file, not JSON, unknown keys, or a value of the wrong kind.
    """
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}), expected a config.json: check the path."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({error}), expected the config.json of a training run.") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} holds {type(values).__name__}, expected a JSON object with the settings of a run.")
    name = values.get("preset", "lite")
    if name not in PRESET_NAMES:
        raise InputError(f"{path}: preset is {name!r}, expected one of {', '.join(PRESET_NAMES)}: correct it.")
    return _settings(preset(name), values, path, "")


def check_ranges(config: TrainConfig) -> None:
    """See that counts are not below what makes sense.

    Raises:
        InputError: a setting is too low.
    """
    for name, lowest in _LOWEST.items():
        value = attrgetter(name)(config)
        if value < lowest:
            option = name.removeprefix("compute.").replace("_", "-")
            raise InputError(f"--{option} is {value}, expected at least {lowest}: give a larger one.")


def _settings(default: Any, values: Any, path: Path, prefix: str) -> Any:
    """A dataclass like `default` with the given values."""
    if not isinstance(values, dict):
        raise InputError(f"{path}: {prefix.rstrip('.')} is {values!r}, expected an object with settings: correct it.")
    known = {field.name for field in fields(default)}
    unknown = sorted(set(values) - known)
    if unknown:
        names = ", ".join(prefix + name for name in unknown)
        raise InputError(f"{path}: unknown settings {names}, expected some of {', '.join(sorted(known))}: remove them.")
    hints = get_type_hints(type(default))
    result = {}
    for name in known:
        current = getattr(default, name)
        if name not in values:
            result[name] = current
        elif is_dataclass(current):
            result[name] = _settings(current, values[name], path, f"{prefix}{name}.")
        else:
            result[name] = _value(hints[name], values[name], path, prefix + name)
    return type(default)(**result)


def _value(kind: Any, value: Any, path: Path, name: str) -> Any:
    """A JSON value as the type a field declares."""
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in options:
            return None
        return _value(next(option for option in options if option is not type(None)), value, path, name)
    if origin is Literal and value in options:
        return value
    if origin is tuple and isinstance(value, list):
        kinds = [options[0]] * len(value) if options[-1] is Ellipsis else list(options)
        if len(kinds) == len(value):
            return tuple(_value(each, item, path, name) for each, item in zip(kinds, value, strict=True))
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    expected = getattr(kind, "__name__", None) if origin is None else str(kind).replace("typing.", "")
    raise InputError(f"{path}: {name} is {value!r}, expected {expected}: correct it.")
