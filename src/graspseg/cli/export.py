"""`graspseg export`: a trained network as a file that runs without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import tyro

from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import InputError, printable

if TYPE_CHECKING:
    from graspseg.models.header import ModelInfo

_DEFAULT_SIDE = 160
USAGE = Usage(
    "graspseg export",
    examples=(
        "graspseg export runs/lite",
        "graspseg export runs/lite/model.safetensors --out small.onnx --side 96 --looks 2",
    ),
)


@dataclass(frozen=True)
class Options:
    """Write a trained network as a file that runs without torch.

    The file is compared with PyTorch in OpenVINO and ONNX Runtime before it is kept; its int8 version is kept when it
    gives 99.5 % of its labels and a mean IoU within 0.3 points on generated frames and on --judge-data.
    """

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Folder of a training run, its model.safetensors, or a file exported before, to add an int8 version or OpenVINO's
    format to."""
    out: Path | None = None
    """ONNX file to write; default: beside the weights, with their name. Other files lie beside it."""
    format: Literal["onnx", "openvino"] = "onnx"
    """Kind of file; openvino also writes the .xml and .bin that other programs with OpenVINO read."""
    int8: bool = False
    """Also write the int8 version, NAME.int8.onnx, which takes half of the time on CPUs that multiply in 8 bits."""
    bf16: bool = False
    """Also judge the network in bf16 (on a CPU that has it), as the int8 version is, and note in the file whether
    it may be taken for its speed."""
    judge_data: tuple[str, ...] = ()
    """Further labeled data sets that int8 and bf16 must do as well on."""
    side: int | None = None
    """Side length of the window in network pixels; default: what it was trained with, else 160."""
    looks: Literal[1, 2, 3] | None = None
    """Most windows of a frame to look at: everything, closer at hand and object, closer at the object; default: as the
    shipped model of this network, else 3."""
    half: bool = True
    """Store the weights in half precision."""
    full_side: int | None = None
    """Side length of the first window, which shows everything; default: as the others."""
    hands: Literal[1, 2, 3, 4] | None = None
    """Most groups of hand and object that get a closer window of their own; with 1 all share one; default: as the
    shipped model of this network, else 1."""
    network: str | None = None
    """A network of your own as module:function, as it was trained."""
    mirror: bool = True
    """Look at closer windows a second time, mirrored, unless the shipped model of this network does not."""


def main(argv: list[str]) -> int:
    """Run the command.

    Raises:
        InputError: The run cannot be read, the file cannot be written, or it does not match PyTorch.
    """
    options = parse(Options, argv, USAGE)
    if options.side is not None and options.side < 16:
        raise InputError(f"--side is {options.side}, expected at least 16: leave it out for the training's own.")
    if options.full_side is not None and options.full_side < 16:
        raise InputError(f"--full-side is {options.full_side}, expected at least 16: leave it out for that of --side.")
    path = options.run / "model.safetensors" if options.run.is_dir() else options.run
    if options.judge_data and not (options.int8 or options.bf16):
        raise InputError("--judge-data judges other precisions, expected --int8 or --bf16 with it: add one.")
    if path.suffix.lower() == ".onnx":
        if options.out is not None or not (options.int8 or options.bf16 or options.format == "openvino"):
            raise InputError(
                f"{path} is exported already, expected --int8, --bf16 or --format openvino and no --out: they write "
                "beside it or into it."
            )
        return _add(path, options)
    out = path.with_suffix(".onnx") if options.out is None else options.out
    if out.suffix.lower() != ".onnx":
        raise InputError(f"--out is {out}, expected a name ending in .onnx: choose one.")
    if options.run.is_dir() and not path.is_file():
        raise InputError(f"{options.run} holds no model.safetensors, expected a finished run: let it end first.")
    from graspseg.export import Passes, export_onnx
    from graspseg.models.header import PRESENCE_KEY, ModelInfo
    from graspseg.models.locate import ALIASES, DEFAULT_MODEL
    from graspseg.models.properties import write_properties
    from graspseg.networks import load_checkpoint

    network, card = load_checkpoint(path, network=options.network)
    if options.side is None and _saw_whole_frames(card.config):
        raise InputError(
            f"{path} was trained on whole frames, expected a network for windows: give their size, such as --side 640 "
            "--looks 1 for a single look at a frame of 640x480."
        )
    side = options.side or _trained_side(card.config) or _DEFAULT_SIDE
    shipped = _shipped(card.network)
    like = shipped or ModelInfo(card.network, side, 3)
    report = export_onnx(
        network,
        out,
        side=side,
        looks=options.looks or cast("Literal[1, 2, 3]", like.looks),
        metadata=card.metadata(),
        class_weights=card.class_weights,
        half_storage=options.half,
        passes=Passes(
            options.full_side,
            like.hands if options.hands is None else options.hands,
            like.mirror and options.mirror,
        ),
    )
    print(f"{printable(report.path)}: {report.size_bytes / 1e6:.2f} MB, windows of {side} x {side}")
    if options.half and not report.half_storage:
        print("  stored in full precision: rounding the weights moves more than one label in a thousand")
    for engine, parity in report.parity.items():
        exact = report.graph_parity[engine]
        rounding = f" ({exact.difference:.1e} before rounding the weights)" if report.half_storage else ""
        agreement = f"{100 * parity.agreement:.3f} % of PyTorch's labels"
        print(f"  {engine}: {agreement}, probabilities within {parity.difference:.1e}{rounding}")
    if shipped is not None and shipped.presence is not None and card.config.get("init") in (DEFAULT_MODEL, *ALIASES):
        write_properties(out, {PRESENCE_KEY: shipped.presence.as_json()})
        print("  hand_present is calibrated as that of the shipped model it was fine-tuned from")
    return _add(out, options)


def _shipped(network: str) -> ModelInfo | None:
    """What the shipped model says of itself, where it is of this network."""
    from graspseg.models.header import read_model_info
    from graspseg.models.locate import DEFAULT_MODEL, find_model

    info = read_model_info(find_model(DEFAULT_MODEL))
    return info if info.network == network else None


def _add(path: Path, options: Options) -> int:
    """Write the other versions of an exported file."""
    from graspseg.models.locate import INT8_SUFFIX

    files = [path]
    if options.bf16:
        from graspseg.evaluation.quantization import JUDGED_ON, admit_bf16

        judged = admit_bf16(path, data=(*JUDGED_ON, *options.judge_data), reported=lambda text: print(f"  {text}"))
        good = all(each.passes for each in judged.values())
        print(f"{printable(path)}: --precision auto {'may take' if good else 'does not take'} bf16")
    if options.int8:
        from graspseg.evaluation.quantization import JUDGED_ON, export_int8

        files.append(path.with_name(path.name.removesuffix(".onnx") + INT8_SUFFIX))
        export_int8(path, files[-1], data=(*JUDGED_ON, *options.judge_data), reported=lambda text: print(f"  {text}"))
        print(f"{printable(files[-1])}: {files[-1].stat().st_size / 1e6:.2f} MB")
    if options.format == "openvino":
        from graspseg.export.openvino import write_openvino

        for file in files:
            print(f"{printable(write_openvino(file))}: the same for OpenVINO")
    return 0


def _saw_whole_frames(config: Any) -> bool:
    """Whether a training run cut no windows from its frames (preset `paper`)."""
    views = config.get("views")
    return isinstance(views, dict) and views.get("kind") == "frame"


def _trained_side(config: Any) -> int | None:
    """Window size in the settings of a training run."""
    views = config.get("views")
    side = views.get("side") if isinstance(views, dict) and views.get("kind") == "window" else None
    return side if isinstance(side, int) else None
