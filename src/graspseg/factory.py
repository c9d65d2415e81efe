"""Networks and data sets of a user's own, named as `module:function` on the command line."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from graspseg.errors import InputError, did_you_mean

_asked_for: set[str] = set()
_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def is_factory(text: str) -> bool:
    """Whether a text has the form `module:function` and is no path."""
    return _NAME.fullmatch(text) is not None and not Path(text).exists()


def load_factory(text: str) -> Callable[..., Any]:
    """The function that `module:function` names.

    Modules are looked for where Python looks, and after that in the current folder, also by processes started later.

    Raises:
        InputError: there is no such module or function, or the module cannot be imported.
    """
    module_name, _, name = text.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        module = import_module(module_name)
    except Exception as error:  # whatever a user's module raises
        missing = isinstance(error, ModuleNotFoundError) and module_name.startswith(error.name or "")
        found = "there is no such module" if missing else f"{type(error).__name__}: {error}"
        raise InputError(
            f"{text} cannot be imported ({found}), expected module:function on PYTHONPATH or in this folder: "
            "correct it."
        ) from error
    made = getattr(module, name, None)
    if not callable(made):
        there = [each for each in vars(module) if not each.startswith("_") and callable(vars(module)[each])]
        meant = did_you_mean(name, there, otherwise="correct the name.")
        raise InputError(f"{module_name} has no function {name!r}, expected one that makes what is requested: {meant}")
    _asked_for.add(text)
    return made


def was_asked_for(text: str) -> bool:
    """Whether this process loaded that function before, because somebody named it."""
    return text in _asked_for


def call_factory(text: str) -> Any:
    """What the function that `module:function` names returns when it is called without arguments.

    Raises:
        InputError: see `load_factory`; or it raises.
    """
    make = load_factory(text)
    try:
        return make()
    except InputError:
        raise
    except Exception as error:  # whatever a user's function raises
        raise InputError(
            f"{text}() fails ({type(error).__name__}: {error}), expected it to work without arguments: correct it."
        ) from error
