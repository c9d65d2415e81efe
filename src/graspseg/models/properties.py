"""What an exported file says about itself, changed without exporting it again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx

from graspseg.datasets.atomic import write_bytes
from graspseg.errors import InputError


def write_properties(path: Path, properties: Mapping[str, str | None]) -> None:
    """Set metadata of an ONNX file in place; its graph and weights stay as they are.

    Args:
        path: the file.
        properties: text by key; None takes a key away.

    Raises:
        InputError: no ONNX file.
        OutputError: it cannot be written.
    """
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's classes are not public
        raise InputError(f"{path} is no whole ONNX file, expected a model made by graspseg export.") from error
    kept = {entry.key: entry.value for entry in model.metadata_props}
    kept |= {key: text for key, text in properties.items() if text is not None}
    for key in (key for key, text in properties.items() if text is None):
        kept.pop(key, None)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, kept)
    write_bytes(path, model.SerializeToString())
