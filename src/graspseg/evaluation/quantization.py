"""Is a network as good in int8 or bf16 as in float32? An int8 file is written, and bf16 admitted, only then."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import get_args

from graspseg.crop import crop_frame
from graspseg.datasets.frame_warnings import warn_beside
from graspseg.errors import InputError
from graspseg.evaluation.samples import open_samples
from graspseg.export.parity import ExportError
from graspseg.export.quantize import Window, check_source, quantize, write_quantized
from graspseg.labels import IGNORE
from graspseg.metrics import Confusion
from graspseg.models.header import ADMITTED_KEY
from graspseg.models.properties import write_properties
from graspseg.segment.precision import has_bf16
from graspseg.segment.segmenter import Segmenter
from graspseg.synth.dataset import is_synthetic

SMALLEST_AGREEMENT = 0.995
MOST_IOU_CHANGE = 0.003
JUDGED_ON = ("synth:val:200", "synth:rooms/val:100")
FRAMES_A_SENSOR = 16
CALIBRATION_SEED = 771  # no training and no exam has it
SHARES = (1.0, 0.8, 0.6)
"""Share of the multiplications in 8 bits, tried in this order."""


@dataclass(frozen=True)
class Judgment:
    """One precision against float32 on labeled frames; shares are fractions of 1.

    Attributes:
        frames: how many.
        agreement: share of pixels with the same label.
        agreement_foreground: the same among pixels that float32 calls hand or object.
        iou: mean IoU of hand and object over all frames, None where there is neither.
        iou_float32: likewise of float32.
    """

    frames: int
    agreement: float
    agreement_foreground: float | None
    iou: float | None
    iou_float32: float | None

    @property
    def change(self) -> float:
        """By how much the mean IoU is higher than that of float32."""
        return 0.0 if self.iou is None or self.iou_float32 is None else self.iou - self.iou_float32

    @property
    def passes(self) -> bool:
        """Whether labels agree and the score did not change."""
        return self.agreement >= SMALLEST_AGREEMENT and abs(self.change) <= MOST_IOU_CHANGE


def calibration_windows(path: Path, *, frames_a_sensor: int = FRAMES_A_SENSOR) -> list[Window]:
    """Windows that the float32 network looks at in generated frames, of every sensor the generator knows.

    Raises:
        InputError: the model cannot be loaded.
    """
    from graspseg.synth.generate import FrameMaker
    from graspseg.synth.recipe import Recipe
    from graspseg.synth.sensor.profiles import SensorName

    segmenter = Segmenter(path, precision="float32")
    windows: list[Window] = []
    for preset in ("rooms", "wild"):
        for number, sensor in enumerate(get_args(SensorName)):
            recipe = replace(Recipe.preset(preset), sensor=sensor)
            maker = FrameMaker("train", CALIBRATION_SEED, recipe=recipe)
            for index in range(frames_a_sensor // 2):
                frame = maker.make(number * frames_a_sensor + index).frame()
                camera = frame.intrinsics_or_default()
                views = [each.view for each in segmenter.predictor.passes(frame)]
                windows += [(crop_frame(frame, view), view.pixel_angle(camera)) for view in views]
    return windows


def judge(segmenter: Segmenter, reference: Segmenter, data: str) -> Judgment:
    """Compare a precision with float32 on labeled frames, see `open_samples`.

    Raises:
        InputError: the frames cannot be read or have no labels.
    """
    samples = open_samples(data)
    warn_beside(samples)
    ours, theirs = Confusion(), Confusion()
    same = pixels = same_found = found = 0
    for index in range(len(samples)):
        sample = samples[index]
        if sample.labels is None:
            raise InputError(f"{data} has no labels for {sample.stem}, expected labeled frames: leave it out.")
        labels, expected = segmenter(sample.frame).labels, reference(sample.frame).labels
        equal, foreground = labels == expected, expected != 0
        same, pixels = same + int(equal.sum()), pixels + labels.size
        same_found, found = same_found + int(equal[foreground].sum()), found + int(foreground.sum())
        if (sample.labels != IGNORE).any():
            ours.update(labels, sample.labels)
            theirs.update(expected, sample.labels)
    return Judgment(
        len(samples),
        same / pixels,
        same_found / found if found else None,
        ours.iou_dataset["mean"],
        theirs.iou_dataset["mean"],
    )


def admit_bf16(
    path: Path,
    *,
    data: Sequence[str] = JUDGED_ON,
    reported: Callable[[str], None] = lambda sentence: None,
) -> dict[str, Judgment]:
    """Judge an exported network in bf16, and write into its file whether `--precision auto` may take it.

    Args:
        path: the exported file in float32; only its metadata changes.
        data: labeled frames to judge on, see `open_samples`.
        reported: called with a sentence about each set.

    Returns:
        How it compares on each set; bf16 is admitted if every one passes.

    Raises:
        InputError: this processor has no bf16, or the model or the data cannot be read.
        OutputError: the file cannot be written.
    """
    if not has_bf16():
        raise InputError("This processor has no bf16, expected one that has, such as Xeon 4 or EPYC 4: judge it there.")
    check_source(path)
    reference, coarse = Segmenter(path, precision="float32"), Segmenter(path, precision="bf16")
    judged = {}
    for name in data:
        judged[name] = judge(coarse, reference, name)
        reported(f"bf16, {_sentence(name, judged[name])}")
    good = all(each.passes for each in judged.values())
    record = json.dumps({"bf16": {_title(name): asdict(each) for name, each in judged.items()}})
    write_properties(path, {ADMITTED_KEY: record if good else None})
    return judged


def export_int8(
    source: Path,
    out: Path,
    *,
    data: Sequence[str] = JUDGED_ON,
    frames_a_sensor: int = FRAMES_A_SENSOR,
    reported: Callable[[str], None] = lambda sentence: None,
) -> dict[str, Judgment]:
    """Write the int8 version of an exported network, if and only if it is as good on all data.

    Where 8 bits everywhere change too much, only the most costly convolutions get them.

    Args:
        source: the exported file in float32.
        out: file to write.
        data: labeled frames to judge on, see `open_samples`; the mean IoU of each set is compared.
        frames_a_sensor: generated frames of each sensor to take ranges from.
        reported: called with a sentence about each attempt.

    Returns:
        How it compares on each set.

    Raises:
        ExportError: it is not as good with any of `SHARES`.
        InputError: the model or the data cannot be read.
        OutputError: the file cannot be written.
    """
    check_source(source)
    windows = calibration_windows(source, frames_a_sensor=frames_a_sensor)
    reference = Segmenter(source, precision="float32")
    failed: tuple[str, Judgment] | None = None
    for share in SHARES:
        model = quantize(source, windows, share=share)
        with tempfile.TemporaryDirectory() as folder:
            trial = Path(folder) / out.name
            write_quantized(model, trial, source=source, judged={})
            segmenter = Segmenter(trial, precision="int8")
            judged: dict[str, Judgment] = {}
            failed = None
            for name in data:
                judged[name] = judge(segmenter, reference, name)
                reported(f"{100 * share:g} % of the multiplications in 8 bits, {_sentence(name, judged[name])}")
                if not judged[name].passes:
                    failed = (name, judged[name])
                    break
        if failed is None:
            write_quantized(
                model, out, source=source, judged={_title(name): asdict(each) for name, each in judged.items()}
            )
            return judged
    assert failed is not None
    raise ExportError(
        f"{source} in int8, {_sentence(*failed)}, expected at least {100 * SMALLEST_AGREEMENT:g} % and at most "
        f"{100 * MOST_IOU_CHANGE:g} points: no int8 file was written."
    )


def _title(name: str) -> str:
    """What a set is called in a file: generated ones as they are named, others without their folder."""
    return name if is_synthetic(name) else Path(name).name


def _sentence(name: str, judged: Judgment) -> str:
    return (
        f"{_title(name)}: {100 * judged.agreement:.3f} % of float32's labels, mean IoU changed by "
        f"{100 * judged.change:+.2f} points"
    )
