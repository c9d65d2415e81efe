"""The annotation of one frame: the paper's section 3, from depth and color to labels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from graspseg.annotate.denoise import denoise
from graspseg.annotate.held import keep_held
from graspseg.annotate.paper import align as alignment
from graspseg.annotate.paper.background import Box, drop_flying, keep_range, nearest_surface, runs_on
from graspseg.annotate.paper.contour_filter import contour_filter
from graspseg.annotate.paper.morphology import clean
from graspseg.annotate.paper.skin import hsv_skin
from graspseg.annotate.quality.features import Evidence, weigh
from graspseg.annotate.separate import color_odds, hand_probability, separate
from graspseg.annotate.settings import AnnotateSettings
from graspseg.annotate.skin_model import SkinModel
from graspseg.annotate.steps import Steps
from graspseg.annotate.support import find_planes, free_of_support, support_share
from graspseg.cameras.rgbd import RgbdFrame
from graspseg.errors import InputError
from graspseg.labels import BACKGROUND, HAND, OBJECT

_CUT_OUT = 0.97
_SUPPORT = 0.05  # of what is within the range

# Depth without large planes, by the `id` of frames that somebody keeps meanwhile.
FreedDepths = dict[int, UInt16[np.ndarray, "_h _w"]]


@dataclass(frozen=True)
class Annotation:
    """Labels of a frame, and what speaks for and against them.

    Attributes:
        labels: 0 background, 1 hand, 2 object, of the depth image's size.
        evidence: numbers that predict how good they are.
    """

    labels: UInt8[np.ndarray, "h w"]
    evidence: Evidence


class Annotator:
    """Annotates the frames of a recording, each by itself.

    Args:
        settings: what the steps do.
        skin: a fitted model; needed for `settings.skin == "model"` alone.
        freed: where annotators that see the same frames with the same depth range, and differ in how they detect skin,
            keep the depth without large planes for each other; its owner keeps the frames. None = nothing is kept.

    Raises:
        InputError: the model is missing.
    """

    def __init__(
        self,
        settings: AnnotateSettings | None = None,
        skin: SkinModel | None = None,
        *,
        freed: FreedDepths | None = None,
    ) -> None:
        self.settings = settings or AnnotateSettings()
        self.skin = skin
        self._freed = freed
        if self.settings.skin == "auto":
            raise InputError(
                "--skin auto leaves open how skin is detected, expected hsv or model: take what choose_skin finds."
            )
        if self.settings.skin == "model" and skin is None:
            raise InputError("--skin model was requested without a skin model: run with --calibrate first.")
        self._cleaning = self.settings.cleaning(self.settings.skin)

    def annotate(self, frame: RgbdFrame) -> Annotation:
        """Label hand and object; everything beyond the depth range is background."""
        steps = self.steps(frame)
        labels = np.full(frame.frame.depth.shape, BACKGROUND, np.uint8)
        labels[steps.box.region] = steps.labels
        return Annotation(labels, weigh(steps, frame.frame.depth.shape, frame.frame.intrinsics_or_default().fx))

    def steps(self, frame: RgbdFrame) -> Steps:
        """Every step's result, in the order of the paper.

        Differs: the background goes before color is aligned, which gives the same and spares aligning it.
        """
        settings, unit = self.settings, frame.frame.depth_unit_m
        looked_at = self._free_of_support(frame) if settings.surroundings else frame.frame.depth
        nearest = nearest_surface(looked_at)
        kept, box = keep_range(looked_at, nearest, round(settings.depth_range_m / unit))
        if box is None:
            return _nothing(nearest * unit)
        depth, all_kept = np.ascontiguousarray(frame.frame.depth[box.region]), kept[box.region]
        kept = drop_flying(depth, all_kept, max(round(settings.flying_m / unit), 1))
        depth_m = depth * np.float32(unit)
        color, seen = self._align(frame, depth_m, kept, box)
        skin, probability, hand, held = self._tell_apart(color, seen, depth_m, kept)
        cleaning = self._cleaning
        hand = clean(hand, cleaning.disk_px) & kept
        held = clean(held, cleaning.disk_px) & kept & ~hand
        hand_filtered, held_filtered = (
            contour_filter(mask, theta=cleaning.theta_px, phi=cleaning.phi) for mask in (hand, held)
        )
        labels = fill(hand_filtered, held_filtered, kept)
        if settings.surroundings and not _is_cut_out(frame.frame.depth, kept):
            labels = keep_held(labels, depth_m, frame.frame.intrinsics_or_default().fx)
        flying = int(np.count_nonzero(all_kept)) - int(np.count_nonzero(kept))
        return Steps(
            box,
            nearest * unit,
            nearest * unit + settings.depth_range_m,
            depth_m,
            kept,
            flying,
            color,
            seen,
            skin,
            probability,
            hand,
            held,
            hand_filtered,
            held_filtered,
            labels,
        )

    def lies_on_support(self, frame: RgbdFrame) -> bool:
        """Whether a large plane is in the depth range, so that hand and object are not all there is."""
        depth, unit, range_m = frame.frame.depth, frame.frame.depth_unit_m, self.settings.depth_range_m
        nearest = nearest_surface(depth)
        if not runs_on(depth, nearest, round(range_m / unit)):
            return False
        camera, depth_m = frame.frame.intrinsics_or_default(), frame.frame.depth_m()
        return support_share(depth_m, find_planes(depth_m, camera), camera, nearest * unit + range_m) > _SUPPORT

    def _free_of_support(self, frame: RgbdFrame) -> UInt16[np.ndarray, "h w"]:
        """Depth without large planes that run through the depth range, where there are some; found once if kept."""
        if self._freed is None:
            return self._found_free(frame)
        if id(frame) not in self._freed:
            self._freed[id(frame)] = self._found_free(frame)
        return self._freed[id(frame)]

    def _found_free(self, frame: RgbdFrame) -> UInt16[np.ndarray, "h w"]:
        """See `_free_of_support`."""
        depth, unit, range_m = frame.frame.depth, frame.frame.depth_unit_m, self.settings.depth_range_m
        if not runs_on(depth, nearest_surface(depth), round(range_m / unit)):
            return depth
        camera = frame.frame.intrinsics_or_default()
        depth_m = frame.frame.depth_m()
        planes = find_planes(depth_m, camera)
        if not planes:
            return depth
        whole = Box(0, 0, depth.shape[1], depth.shape[0])
        measured = (depth > 0).view(np.uint8) * np.uint8(255)
        color, seen = self._align(frame, depth_m, measured, whole)
        free = free_of_support(depth_m, color, seen, planes, camera, range_m)
        return depth if free is None else np.where(free, depth, np.uint16(0))

    def _tell_apart(
        self, color: np.ndarray, seen: np.ndarray, depth_m: np.ndarray, kept: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Probability of skin by color alone and of hand in the end, and both masks before they are cleaned."""
        settings = self.settings
        if settings.skin == "hsv" or self.skin is None:
            skin = hsv_skin(color, settings.hsv if self.skin is None else self.skin.hsv)
            return skin, (skin > 0).astype(np.float32), skin & kept & seen, ~skin & kept & seen
        color = denoise(color, kept & seen)
        log_skin = self.skin.log_density(color)
        odds = color_odds(log_skin)
        by_color = 1 / (1 + np.exp(-np.clip(odds, -20, 20)))
        skin = cv2.convertScaleAbs(by_color, alpha=255)
        if not settings.refine:
            hand = np.where(odds > 0, np.uint8(255), np.uint8(0))
            return skin, by_color, hand & kept & seen, ~hand & kept & seen
        odds = separate(log_skin, color, seen, depth_m, kept)
        hand = np.where(odds > 0, np.uint8(255), np.uint8(0))
        return skin, hand_probability(odds), hand & kept, ~hand & kept

    def _align(self, frame: RgbdFrame, depth_m: np.ndarray, kept: np.ndarray, box: Box) -> alignment.Aligned:
        if frame.color_camera is None:
            return alignment.Aligned(np.ascontiguousarray(frame.color[box.region]), kept)
        shape = frame.frame.depth.shape
        rays = alignment.rays(shape, frame.frame.intrinsics_or_default(), frame.color_camera, box)
        tolerance_m = self.settings.occlusion_m
        return alignment.align(frame.color, depth_m, kept, rays, frame.color_camera, tolerance_m=tolerance_m)


def _is_cut_out(depth: UInt16[np.ndarray, "h w"], kept: UInt8[np.ndarray, "_h _w"]) -> bool:
    """Whether (almost) nothing but what is kept is measured: then someone took the background away before."""
    return bool(np.count_nonzero(kept) > _CUT_OUT * np.count_nonzero(depth))


def fill(
    hand: UInt8[np.ndarray, "h w"], held: UInt8[np.ndarray, "h w"], kept: UInt8[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w"]:
    """Labels of all that is kept: what is in neither mask takes the class of the nearest pixel that is in one.

    So what the contour filter took from one class goes to the class around it ("fixes the band on top of fingers",
    paper, figure 2), and what the color camera does not see goes to what is beside it.
    """
    labels = np.where(hand > 0, np.uint8(HAND), np.where(held > 0, np.uint8(OBJECT), np.uint8(BACKGROUND)))
    open_places = (labels == BACKGROUND) & (kept > 0)
    if not open_places.any() or not labels.any():
        return labels
    known = (labels == BACKGROUND).view(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(known, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    # Numbers of the known pixels go from 1 in the order of rows.
    classes = np.concatenate([np.zeros(1, np.uint8), labels[labels != BACKGROUND]])
    labels[open_places] = classes[nearest[open_places]]
    return labels


def _nothing(nearest_m: float) -> Steps:
    """Steps of a frame in which nothing is kept: about one pixel, because OpenCV refuses images of none."""
    empty = np.zeros((1, 1), np.uint8)
    number, color = np.zeros((1, 1), np.float32), np.zeros((1, 1, 3), np.uint8)
    masks = (empty, empty, empty, empty, empty)
    return Steps(Box(0, 0, 1, 1), nearest_m, nearest_m, number, empty, 0, color, empty, empty, number, *masks)
