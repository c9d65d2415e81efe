"""What a forest can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from graspseg.frame import InputError


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
        reach_m: how far from the pixel depth is looked up, in metres at the pixel's depth.
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
        for name, value in self._counts():
            if value < 1:
                raise InputError(f"--{name.replace('_', '-')} is {value}, expected at least 1: give a larger one.")
        lengths = ("pixel_angle", "farthest_m", "filter_depth_m")
        for name, value in ((name, getattr(self, name)) for name in lengths):
            if not value > 0:
                raise InputError(
                    f"--{name.replace('_', '-')} is {value}, expected a number above 0: give a larger one."
                )

    def _counts(self) -> list[tuple[str, int]]:
        names = ("trees", "depth", "pixels", "candidates", "smallest_leaf")
        stages = (("find", self.find), ("segment", self.segment))
        own = [(name, getattr(self, name)) for name in ("frames", "most_pixels", "filter_passes")]
        return own + [(f"{stage}.{name}", getattr(given, name)) for stage, given in stages for name in names]
