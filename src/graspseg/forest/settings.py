"""Settings of a forest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from graspseg.errors import InputError


@dataclass(frozen=True)
class StageSettings:
    """The trees of one stage.

    Attributes:
        trees: how many.
        depth: most questions asked on the way to a leaf.
        pixels: training pixels drawn from a frame for each tree: half of background, a quarter of hand and of object,
            where there are so many.
        candidates: depth differences tried at a node.
        smallest_leaf: fewest training pixels in a leaf.
        reach_m: how far from the pixel depth is looked up, in meters at the pixel's depth.
    """

    trees: int
    depth: int
    pixels: int
    candidates: int = 100
    smallest_leaf: int = 10
    reach_m: float = 0.3


@dataclass(frozen=True)
class ForestSettings:
    """Both stages and what is made of their answers.

    Attributes:
        frames: most frames to train on.
        validation_frames: most frames the decision is adjusted on.
        find: stage 1, which finds hands and what they hold in the whole frame.
        segment: stage 2, which segments the region found.
        pixel_angle: radians between neighbors of the grid that stage 2 works on; a frame's own where that is coarser.
        farthest_m: depth beyond which all is background.
        margin_m: how far the region reaches beyond what stage 1 found, sideways.
        depth_margin_m: how far it reaches beyond, in depth.
        most_pixels: pixels stage 2 looks at; in larger regions every second one and so on.
        filter_passes: how often the bilateral filter is applied.
        filter_depth_m: difference of depth at which a neighbor counts half.
        smallest_piece: pieces of fewer grid pixels take the class around them.
    """

    frames: int = 4000
    validation_frames: int = 300
    find: StageSettings = field(default_factory=lambda: StageSettings(trees=3, depth=13, pixels=60, reach_m=0.4))
    segment: StageSettings = field(default_factory=lambda: StageSettings(trees=4, depth=18, pixels=160, reach_m=0.3))
    pixel_angle: float = 0.0084
    farthest_m: float = 2.0
    margin_m: float = 0.06
    depth_margin_m: float = 0.1
    most_pixels: int = 4000
    filter_passes: int = 3
    filter_depth_m: float = 0.01
    smallest_piece: int = 60

    def __post_init__(self) -> None:
        _check_counts(self, "", ("frames", "validation_frames", "most_pixels", "filter_passes", "smallest_piece"))
        _check_lengths(self, "", ("pixel_angle", "farthest_m", "filter_depth_m"))
        _check_lengths(self, "", ("margin_m", "depth_margin_m"), above_0=False)
        for stage, settings in (("find.", self.find), ("segment.", self.segment)):
            _check_counts(settings, stage, ("trees", "depth", "pixels", "candidates", "smallest_leaf"))
            _check_lengths(settings, stage, ("reach_m",))


def _check_counts(settings: StageSettings | ForestSettings, stage: str, names: Sequence[str]) -> None:
    for name in names:
        value = getattr(settings, name)
        if not isinstance(value, int) or value < 1:
            raise InputError(f"{_option(stage, name)} is {value}, expected a whole number of at least 1: give another.")


def _check_lengths(
    settings: StageSettings | ForestSettings, stage: str, names: Sequence[str], *, above_0: bool = True
) -> None:
    for name in names:
        value = getattr(settings, name)
        if not isinstance(value, int | float) or not 0 <= value < inf or (above_0 and value == 0):
            least = "a number above 0" if above_0 else "0 or a number above"
            raise InputError(f"{_option(stage, name)} is {value}, expected {least}: give another.")


def _option(stage: str, name: str) -> str:
    return f"--forest.{stage}{name.replace('_', '-')}"
