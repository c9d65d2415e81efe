"""How skin is detected in each recording: as the job was begun, as a file beside the recording says, or found anew.

A model is kept in the output folder alone; nothing is written into a recording. Who wants one to hold for every
annotation of a recording copies it there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from graspseg.annotate.calibrate import Click, calibrate
from graspseg.annotate.inputs import Inputs
from graspseg.annotate.job import Job, skin_file
from graspseg.annotate.skin_choice import SkinChoice, choose_skin, has_surroundings
from graspseg.cameras.rgbd import RgbdFrame
from graspseg.errors import InputError

_LOOKED_AT = 12  # frames next to each other hardly differ
_CLICK = re.compile(r"(?:(.+):)?(\d+),(\d+)")


def load_skins(job: Job, inputs: Inputs, *, say: Callable[[str], None]) -> list[SkinChoice | None]:
    """What was found for each input before: in `out` since the job was begun, or lying with the recording.

    Args:
        job: what is annotated.
        inputs: its frames.
        say: called with a sentence where the two differ.

    Raises:
        InputError: such a file holds no skin model.
    """
    skins: list[SkinChoice | None] = []
    for name, title in zip(job.inputs, inputs.titles, strict=True):
        begun, beside = (
            SkinChoice.load(path) if path is not None and path.is_file() else None
            for path in (skin_file(job.out, title), lying_with(name))
        )
        if begun and beside and begun.content() != beside.content():
            say(
                f"{lying_with(name)} is not the skin model that {job.out} was begun with, which is used: choose "
                "another --out to annotate with it."
            )
        skins.append(begun or beside)
    return skins


def find_skins(
    job: Job,
    inputs: Inputs,
    *,
    clicks: Sequence[str] = (),
    first: int,
    given: Sequence[SkinChoice | None] = (),
) -> list[SkinChoice]:
    """Find how skin is detected in each input.

    Args:
        job: what is annotated.
        inputs: its frames.
        clicks: places on skin as FRAME:X,Y, or X,Y in the first frame; an input without any is calibrated on `first`.
        first: so many frames at the beginning of an input show the empty hand, or different objects.
        given: for each input, or for none at all, a model of which nobody knows how it was found.

    Raises:
        InputError: a click is none, or too little skin is found.
    """
    parsed = [_parse(click, inputs) for click in clicks]
    models = []
    for number in range(len(job.inputs)):
        own = [click for click in parsed if inputs.input_of(click.frame) == number]
        there = given[number] if given else None
        model = _from_clicks(own, inputs, job) if own else _found(inputs.of_input(number), inputs, job, first, there)
        models.append(model)
    return models


def lying_with(name: str) -> Path | None:
    """Where a skin model may lie with a recording: in its folder, or beside its file; None for a public data set."""
    path = Path(name)
    if not path.exists():
        return None
    return path / "skin.json" if path.is_dir() else path.with_name(f"{path.stem}.skin.json")


def _found(indices: range, inputs: Inputs, job: Job, first: int, given: SkinChoice | None) -> SkinChoice:
    """From frames spread over the beginning of an input, judged on frames spread over all of it."""
    shown = _read(indices[:first], inputs)
    if job.settings.skin != "auto":
        return SkinChoice("common", calibrate(list(shown.values()), settings=job.settings))
    spread = _read(indices, inputs, known=shown)
    model = given.model if given else None
    return choose_skin(list(shown.values()), list(spread.values()), settings=job.settings, given=model)


def _read(indices: range, inputs: Inputs, *, known: Mapping[int, RgbdFrame] | None = None) -> dict[int, RgbdFrame]:
    """Some frames spread evenly; those that cannot be read are stepped over.

    Raises:
        InputError: none can.
    """
    frames: dict[int, RgbdFrame] = {}
    reason = InputError("No frame is there to calibrate on, expected some: record them.")
    for index in indices[:: max(1, len(indices) // _LOOKED_AT)]:
        try:
            frames[index] = known[index] if known and index in known else inputs[index]
        except InputError as error:
            reason = error
    if not frames:
        raise reason
    return frames


def _from_clicks(clicks: Sequence[Click], inputs: Inputs, job: Job) -> SkinChoice:
    shown = sorted({click.frame for click in clicks})
    model = calibrate(
        [inputs[index] for index in shown],
        [click._replace(frame=shown.index(click.frame)) for click in clicks],
        settings=job.settings,
    )
    number = inputs.input_of(clicks[0].frame)
    spread = list(_read(inputs.of_input(number), inputs).values()) if job.settings.surroundings else []
    return SkinChoice("clicks", model, surroundings=bool(spread) and has_surroundings(spread, job.settings))


def _parse(text: str, inputs: Inputs) -> Click:
    """A click whose frame is an index into all inputs."""
    match = _CLICK.fullmatch(text)
    if match is None:
        raise InputError(f"--clicks has {text!r}, expected FRAME:X,Y with a pixel of the depth image: correct it.")
    name = match[1] or inputs.names[0]
    if name not in inputs.names:
        raise InputError(
            f"--clicks names the frame {name!r}, expected one of {inputs.names[0]!r} to {inputs.names[-1]!r}: "
            "correct it."
        )
    return Click(int(match[2]), int(match[3]), inputs.names.index(name))
