"""A network as a predictor: a full pass over the frame, then closer windows at each hand and its object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from graspseg.crop import View, anything_within, crop_frame, whole_frame_view
from graspseg.errors import InputError
from graspseg.frame import FARTHEST_NEAREST_M, Frame, Intrinsics
from graspseg.labels import BACKGROUND
from graspseg.models.header import ModelInfo
from graspseg.segment.blend import blended
from graspseg.segment.compose import compose
from graspseg.segment.engine import Precision, load_engine
from graspseg.segment.look import Look
from graspseg.segment.precision import choose_precision
from graspseg.segment.predictor import PredictorSettings
from graspseg.segment.presence import keep_hands
from graspseg.segment.segmentation import Segmentation, Times
from graspseg.segment.small_components import drop_small_components
from graspseg.segment.windows import contact_view, focus_views


class NetworkPredictor:
    """See `Predictor`; runs of the network wait for each other.

    Args:
        path: the exported file.
        info: what its header says.
        settings: how it runs.

    Raises:
        InputError: the engine cannot load it or do the precision, or it does not answer as a network of ours.
    """

    def __init__(self, path: Path, info: ModelInfo, settings: PredictorSettings) -> None:
        self._path, self._info, self._settings = path, info, settings
        self.follows = settings.windows > 1
        self.engine = "openvino" if settings.engine == "auto" else settings.engine
        self.precision: Precision
        self.precision, file = choose_precision(
            settings.precision, path, info, engine=self.engine, threads=settings.threads
        )
        self._engines = {
            side: load_engine(file, self.engine, threads=settings.threads, precision=self.precision, side=side)
            for side in {info.side, settings.full_side}
        }
        for side in self._engines:
            self._warm_up(side)

    def __call__(self, frame: Frame, *, focus: Sequence[View] | None = None) -> Segmentation:
        """Segment a frame, see `Predictor`."""
        intrinsics, clock = frame.intrinsics_or_default(), _Clock()
        looks = self._look(frame, intrinsics, clock, focus)
        looked = perf_counter()
        found = compose(looks, frame.depth)
        labels = found.labels[found.inside]
        hand_present, presence = None, self._settings.presence
        drop_small_components(labels, found.either)
        if presence is not None:
            depth_m = frame.depth[found.inside] * np.float32(frame.depth_unit_m)
            hand_present = keep_hands(labels, found.chosen, depth_m, intrinsics, looks, presence, origin=found.box[:2])
        believed = found.chosen[labels != BACKGROUND]
        confidence = float(believed.mean()) if len(believed) else None
        return Segmentation(found.labels, frame, looks, confidence, hand_present, clock.times(looked))

    def passes(self, frame: Frame, *, focus: Sequence[View] | None = None) -> tuple[Look, ...]:
        """Answers window by window, see `Predictor`; where windows overlap the later one counts."""
        return self._look(frame, frame.intrinsics_or_default(), _Clock(), focus)

    def described(self) -> dict[str, Any]:
        """Engine and precision."""
        return {"engine": self.engine, "precision": self.precision}

    def _look(
        self, frame: Frame, intrinsics: Intrinsics, clock: _Clock, focus: Sequence[View] | None
    ) -> tuple[Look, ...]:
        """Look at everything, then closer at each hand and its object, then closer at the object.

        A frame with nothing within 10 m has no hand that could be seen, and is not looked at.
        """
        if not anything_within(frame, FARTHEST_NEAREST_M):
            return ()
        height, width = frame.depth.shape
        looks: list[Look] = []
        if focus is None:
            looks.append(self._look_at(whole_frame_view(frame, self._settings.full_side), frame, intrinsics, clock))
            focus = focus_views(looks[0], self._info.side, most=self._settings.hands) if self.follows else ()
        for view in focus:
            closer: View | None = view
            while closer is not None:
                look = self._look_at(closer, frame, intrinsics, clock, mirror=self._settings.mirror)
                looks.append(blended(look, looks, (width, height)) if looks else look)
                closer = contact_view(looks[-1]) if closer is view and self._settings.windows > 2 else None
        return tuple(looks)

    def _look_at(
        self, view: View, frame: Frame, intrinsics: Intrinsics, clock: _Clock, *, mirror: bool = False
    ) -> Look:
        window, angle = crop_frame(frame, view), view.pixel_angle(intrinsics)
        engine, start = self._engines[view.side], perf_counter()
        probabilities, flipped = engine(window, angle), None
        if mirror:
            flipped = engine(np.ascontiguousarray(window[:, ::-1]), angle)
        clock.network_s += perf_counter() - start
        if flipped is not None:
            probabilities = (probabilities + flipped[:, :, ::-1]) * np.float32(0.5)
        return Look(view, probabilities * (window > 0))

    def _warm_up(self, side: int) -> None:
        """First run of an engine, which is slow, and proof that the file answers as it should."""
        try:
            probabilities = self._engines[side](np.ones((side, side), np.float32), 0.002)
        except Exception as error:  # whatever the engine raises, the file is not ours
            raise self._not_ours("does not run", side) from error
        if probabilities.shape != (3, side, side):
            raise self._not_ours(f"answers with shape {probabilities.shape}", side)
        if not np.isfinite(probabilities).all():
            raise self._not_ours("answers with values that are not finite", side)

    def _not_ours(self, found: str, side: int) -> InputError:
        return InputError(
            f"{self._path} {found} on a window of {side}x{side}, expected 3 probabilities a pixel: "
            "export it again with graspseg export."
        )


class _Clock:
    """Adds up how long the network runs in one call."""

    def __init__(self) -> None:
        self.start, self.network_s = perf_counter(), 0.0

    def times(self, looked: float) -> Times:
        """Times of a call that ends now and had all answers at `looked`."""
        prepare_s = looked - self.start - self.network_s
        return Times(1e3 * prepare_s, 1e3 * self.network_s, 1e3 * (perf_counter() - looked))
