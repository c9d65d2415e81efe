"""`graspseg info`: what a model file holds."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import InputError, printable

_SHOWN_CHARACTERS = 400
USAGE = Usage(
    "graspseg info",
    examples=(
        "graspseg info lite",
        "graspseg info runs/lite/model.safetensors",
    ),
)


@dataclass(frozen=True)
class Options:
    """Print what a model file says about itself."""

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")] = "lite"
    """Name of a shipped model, an exported .onnx or .xml file, .safetensors weights, or a forest's .npz."""


def main(argv: list[str]) -> int:
    """Run the command.

    Raises:
        InputError: the file is missing or no model.
    """
    options = parse(Options, argv, USAGE)
    from graspseg.models.locate import find_model

    path = find_model(options.model)
    description = _describe(path)
    print(f"{printable(path.name)}: {path.stat().st_size / 1e6:.1f} MB")
    for key, value in description.items():
        text = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}... ({len(value)} characters)"
        print(printable(f"  {key}: {text}"))
    return 0


def _describe(path: Path) -> dict[str, str]:
    from graspseg.forest.archive import read_header
    from graspseg.models.header import (
        FOREST_SUFFIX,
        read_onnx_properties,
        read_openvino_properties,
        read_safetensors_header,
    )

    if path.suffix.lower() == FOREST_SUFFIX:
        header = read_header(path)
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in header.items()}
    if path.suffix.lower() == ".onnx":
        return dict(sorted(read_onnx_properties(path).items())) or {"metadata": "none: not exported by graspseg"}
    if path.suffix.lower() == ".xml":
        return dict(sorted(read_openvino_properties(path).items())) or {"metadata": "none: not exported by graspseg"}
    if path.suffix.lower() != ".safetensors":
        raise InputError(
            f"{path} is no model file, expected .onnx, .xml, .safetensors or a forest's .npz: give one of these."
        )
    header = read_safetensors_header(path)
    metadata = {key: str(value) for key, value in sorted(header.pop("__metadata__", {}).items())}
    tensors = [tensor for tensor in header.values() if isinstance(tensor, dict)]
    values = sum(math.prod(tensor.get("shape", [])) for tensor in tensors)
    kinds = sorted({str(tensor.get("dtype")) for tensor in tensors})
    return {**metadata, "tensors": str(len(tensors)), "values": f"{values:,}", "stored as": ", ".join(kinds)}
