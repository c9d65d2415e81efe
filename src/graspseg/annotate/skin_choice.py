"""How skin is detected in one recording: ways that differ in what they take for skin are tried, and the best is taken.

What most frames have in common is skin if the recording begins with the empty hand, and skin and bottle if it shows one
bottle throughout; fixed thresholds hold for some people under some lights. The right way shows in its result: the line
between hand and object runs along steps in depth and in color, and an object is one piece.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from graspseg.annotate.annotator import Annotator, FreedDepths
from graspseg.annotate.calibrate import Seeds, calibrate
from graspseg.annotate.paper.skin import HsvThresholds, balanced, hsv_skin, illuminant
from graspseg.annotate.quality.features import Evidence
from graspseg.annotate.settings import AnnotateSettings, SkinMethod, SkinOption
from graspseg.annotate.skin_model import SkinModel
from graspseg.cameras.rgbd import RgbdFrame
from graspseg.datasets.atomic import write_json
from graspseg.errors import InputError

Way = Literal["thresholds", "common", "common_skin", "balanced_skin", "clicks", "given"]
WAYS: dict[Way, str] = {
    "thresholds": "the paper's thresholds",
    "common": "a model of all that the first frames share",
    "common_skin": "a model of what the frames share within the paper's thresholds",
    "balanced_skin": "a model of what the frames share within the paper's thresholds, white balanced",
    "clicks": "a model from clicks",
    "given": "the skin model that was there",
}

_FEWEST = 3  # of fewer frames all is common, and agreement is luck
_SURER = 0.2  # a model must agree better by as much (logit) than the thresholds
_AS_GOOD = 0.05  # so much less agreement of a model within the thresholds is no less
_START, _ON_COLOR, _ON_DEPTH, _ONE_PIECE, _FILTERED = -4.59, 2.84, 2.51, 1.25, -0.27
_NO_BORDER = 0.3  # agreement of a frame that shows but one class: it says little
_CLASS_SHARE = 0.03
_OFTEN = 0.34
_SOME = 0.003


@dataclass(frozen=True)
class SkinChoice:
    """The way skin is detected in a recording.

    Attributes:
        way: what was chosen.
        model: of skin; None for the paper's thresholds.
        agreements: of each way that was tried, 0 to 1: see `agreement`.
        surroundings: whether something else, as a table, is within the depth range of many frames.
    """

    way: Way
    model: SkinModel | None = None
    agreements: Mapping[str, float] = field(default_factory=dict)
    surroundings: bool = False

    @property
    def method(self) -> SkinMethod:
        """What the annotator does with it."""
        return "hsv" if self.model is None else "model"

    @property
    def agreement(self) -> float | None:
        """Of the way that was chosen; None when nothing was compared."""
        return self.agreements.get(self.way)

    def serves(self, option: SkinOption) -> bool:
        """Whether it can be used again without looking at the recording."""
        if option != "auto":
            return self.model is not None
        return self.way == "clicks" or bool(self.agreements)

    def annotator(self, settings: AnnotateSettings, *, freed: FreedDepths | None = None) -> Annotator:
        """One for the recording; what the settings say themselves goes before the choice. For `freed` see there."""
        settings = settings.told_by(self.method) if settings.skin == "auto" else settings
        settings = replace(settings, surroundings=settings.surroundings and self.surroundings)
        return Annotator(settings, self.model, freed=freed)

    def sentence(self) -> str:
        """What was used, for a person."""
        others = ", ".join(f"{way} {value:.2f}" for way, value in self.agreements.items())
        where = "; what lies around is taken out" if self.surroundings else ""
        return WAYS[self.way] + (f" (agreement of depth and color: {others})" if others else "") + where

    def content(self) -> dict[str, Any]:
        """As JSON."""
        about = {"way": self.way, "agreements": dict(self.agreements), "surroundings": self.surroundings}
        return about if self.model is None else {**self.model.content(), **about}

    def save(self, path: Path) -> None:
        """Write it as JSON; that of a model is also read by `SkinModel.load`.

        Raises:
            OutputError: it cannot be written.
        """
        write_json(path, self.content())

    @classmethod
    def load(cls, path: Path) -> SkinChoice:
        """Read what `save` or `SkinModel.save` wrote.

        Raises:
            InputError: the file is missing or holds neither.
        """
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            way = content.get("way", "given")
            agreements = {str(name): float(value) for name, value in content.get("agreements", {}).items()}
            surroundings = bool(content.get("surroundings", False))
            if way not in get_args(Way):
                raise ValueError(f"its way is {way!r}")
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path} is no skin model ({error}), expected one that --calibrate wrote: calibrate."
            ) from error
        return cls(way, None if way == "thresholds" else SkinModel.load(path), agreements, surroundings)


def choose_skin(
    first: Sequence[RgbdFrame],
    spread: Sequence[RgbdFrame],
    *,
    settings: AnnotateSettings | None = None,
    given: SkinModel | None = None,
) -> SkinChoice:
    """Find how skin is detected best in a recording.

    Of fewer than three frames, the paper's thresholds do, unless they find no hand: too little could agree.

    Args:
        first: frames of its beginning, which may show the empty hand.
        spread: frames over all of it, on which the ways are judged.
        settings: depth range and alignment.
        given: a model of which nobody knows how it was found, to be judged like the others.

    Raises:
        InputError: no frame.
    """
    if not first or not spread:
        raise InputError("No frame was given to choose on, expected at least one: record some.")
    settings = replace(settings or AnnotateSettings(), skin="auto")
    around = settings.surroundings and has_surroundings(spread, settings)
    settings = replace(settings, surroundings=around)
    freed: FreedDepths = {}  # every way looks at the same frames
    shown = [*first, *(frame for frame in spread if all(frame is not other for other in first))]
    if len(shown) < _FEWEST:
        paper = [SkinChoice("thresholds").annotator(settings, freed=freed).annotate(frame).evidence for frame in spread]
        if any(one.hand_px for one in paper):
            return SkinChoice("thresholds", None, {"thresholds": round(agreement(paper), 4)}, around)
    models: dict[Way, SkinModel | None] = {"thresholds": None}
    if given is not None:
        models["given"] = given
    light = illuminant([frame.color for frame in shown])
    usual = HsvThresholds()
    tried: list[tuple[Way, Sequence[RgbdFrame], Seeds | None]] = [
        ("common", first if len(first) >= _FEWEST else (), None),
        ("common_skin", shown, lambda color: hsv_skin(color, usual)),
        ("balanced_skin", shown, lambda color: hsv_skin(balanced(color, light), usual)),
    ]
    for way, frames, seeds in tried:
        try:
            models[way] = calibrate(frames, settings=settings, seeds=seeds, freed=freed)
        except InputError:
            continue  # too little of what this way takes for skin
    choices: dict[Way, SkinChoice] = {way: SkinChoice(way, model, surroundings=around) for way, model in models.items()}
    logits: dict[Way, float] = {
        way: _logit(choice.annotator(settings, freed=freed), spread) for way, choice in choices.items()
    }
    # A model within the thresholds is as safe as they are, and colors at edges that were compressed do not move it.
    lead: dict[Way, float] = {"thresholds": _SURER, "common_skin": _SURER + _AS_GOOD}
    best: Way = max(logits, key=lambda way: logits[way] + lead.get(way, 0.0))
    agreements = {way: round(1 / (1 + math.exp(-logit)), 4) for way, logit in logits.items()}
    return SkinChoice(best, models[best], agreements, around)


def has_surroundings(frames: Sequence[RgbdFrame], settings: AnnotateSettings) -> bool:
    """Whether a large plane is in the depth range of many frames."""
    annotator = Annotator(settings.told_by("hsv"))
    return sum(annotator.lies_on_support(frame) for frame in frames) > _OFTEN * len(frames)


def agreement(evidence: Sequence[Evidence]) -> float:
    """How well labels of several frames agree with depth and color, 0 to 1: the mean IoU that such a recording has.

    Fitted to the tuning recordings of `benchmarks/annotation/annotation_sets.py`, annotated in every way from empty
    hands, from hands with several things, and from one and two frames alone.
    """
    return 1 / (1 + math.exp(-_agreement_logit(evidence)))


def _logit(annotator: Annotator, frames: Sequence[RgbdFrame]) -> float:
    return _agreement_logit([annotator.annotate(frame).evidence for frame in frames])


def _agreement_logit(evidence: Sequence[Evidence]) -> float:
    def mean(number: Callable[[Evidence], float]) -> float:
        return float(np.mean([number(one) for one in evidence]))

    def at_border(number: Callable[[Evidence], float]) -> float:
        return mean(lambda one: number(one) if _both(one) else _NO_BORDER)

    return (
        _START
        + _ON_COLOR * at_border(lambda one: one.border_on_color)
        + _ON_DEPTH * at_border(lambda one: one.border_on_depth)
        + _ONE_PIECE * mean(lambda one: one.object_main_share)
        + _FILTERED * mean(lambda one: math.log(one.filtered_share + _SOME))
    )


def _both(one: Evidence) -> bool:
    """Whether a frame shows hand and object."""
    return min(one.hand_px, one.object_px) > _CLASS_SHARE * (one.hand_px + one.object_px)
