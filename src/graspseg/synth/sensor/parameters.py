"""What describes one depth sensor: numbers for each effect of `graspseg.synth.sensor.simulate`."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class SensorParameters:
    """One sensor's noise; the defaults are those of an SR300 or SR305, without what only other principles do.

    Attributes:
        baseline_m: camera to projector; above 0 the projector sits to the right and shadows fall left of near surfaces.
        shadow: whether what the projector (or the other eye) does not see is missing.
        jump_m: depth step between neighbors that the sensor takes for an edge.
        rim_loss: share of the edges beside which pixels are lost.
        rim_near_px, rim_far_px: width lost on the near and on the far side of an edge; below 0 = mostly nothing.
        ragged_px: standard deviation of that width, alike over `ragged_cell_px` pixels.
        ragged_cell_px: size of the outline's irregularities.
        flying: probability that a pixel at an edge without loss lies between the two surfaces.
        lateral_px: standard deviation of the place a pixel is read from (simkinect: 0.5), alike over `lateral_cell_px`.
        lateral_cell_px: size of the blocks that shift together.
        reach_m: distance at which a bright surface seen head-on is barely measured.
        hand_albedo, object_albedo, other_albedo: brightness in the sensor's light, 1 = skin.
        patchy: relative variation of the brightness.
        patch_cell_px: size of its patches.
        smoothing: share of a pixel's depth that comes from its neighbors at each step of the smoothing; 0 = none.
        smoothing_m: steps above it are not smoothed.
        axial: factor on the axial noise of Nguyen et al. 2012.
        fine: white part of the axial noise, the rest being alike over `ripple_px`.
        ripple_px: correlation of the axial noise.
        disparity_sigma_px: matching noise of disparity.
        disparity_step_px: quantization of disparity; 0 = none.
        holes: mean number of elliptical holes.
        mismatches: mean number of small patches with a wrong depth.
        speckle_loss: probability that a 2 x 2 block is lost.
        fatten_px: radius by which near surfaces grow.
        contrast: brightness (albedo times cosine of the angle) below which passive stereo finds nothing to match.
        islands: share of the blocks of a void that hold an island of wrong depth between those beside the void.
        island_cell_px: size of those blocks; islands are half as wide, or up to as wide.
        border: whether what lies outside the other eye's image is missing.
        mixing_px: standard deviation of the spot whose light one pixel collects; 0 = no mixing. With it, `jump_m` is
            the shift from which a mixed pixel belongs to neither surface.
        mixing_loss: share of such pixels that the sensor notices and drops.
        shot_noise_m: standard deviation of depth one meter away, on a surface of albedo 1 seen head-on; it grows as
            less light comes back.
        blur_px: standard deviation of the window over which disparity is averaged, as large matching windows do; 0 =
            none.
        blur_jump_m: steps of depth above it stay.
        depth_step_m: quantization of depth; 0 = none.
    """

    baseline_m: float = 0.047
    shadow: bool = True
    jump_m: float = 0.011
    rim_loss: float = 1.0
    rim_near_px: float = 0.0
    rim_far_px: float = 3.5
    ragged_px: float = 0.8
    ragged_cell_px: int = 3
    flying: float = 0.0
    lateral_px: float = 0.4
    lateral_cell_px: int = 2
    reach_m: float = 1.6
    hand_albedo: float = 1.0
    object_albedo: float = 1.0
    other_albedo: float = 1.0
    patchy: float = 0.15
    patch_cell_px: int = 24
    smoothing: float = 0.5
    smoothing_m: float = 0.011
    axial: float = 0.1
    fine: float = 0.3
    ripple_px: int = 6
    disparity_sigma_px: float = 0.0
    disparity_step_px: float = 0.0
    holes: float = 1.0
    mismatches: float = 0.0
    speckle_loss: float = 0.0002
    fatten_px: float = 0.0
    contrast: float = 0.0
    islands: float = 0.0
    island_cell_px: int = 12
    border: bool = False
    mixing_px: float = 0.0
    mixing_loss: float = 0.0
    shot_noise_m: float = 0.0
    blur_px: float = 0.0
    blur_jump_m: float = 0.03
    depth_step_m: float = 0.0

    @classmethod
    def clean(cls) -> SensorParameters:
        """A sensor without noise."""
        off = cls(shadow=False, rim_loss=0.0, lateral_px=0.0, reach_m=100.0, patchy=0.0, smoothing=0.0)
        return replace(off, axial=0.0, holes=0.0, speckle_loss=0.0)
