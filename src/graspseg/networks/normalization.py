"""From raw depth in meters to what an encoder sees, inside the graph and always in float32.

Both normalizations only use masked local statistics, so they take any frame, also one without a single measurement,
and they go with every export: a runtime hands over raw depth and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor, nn
from torch.nn import functional as F

CELL_PX = 8
WINDOW_M = 0.16
RELATIVE_SCALE_M = 0.25
CONTRAST_PX = 15
CONTRAST_SCALE_M = 0.02
LAYER_M = 0.06
FOOTPRINT_M = 0.0025
FAR_M = 1.0e4


def nearest_surface(depth_m: Float32[Tensor, "b 1 h w"], valid: Bool[Tensor, "b 1 h w"]) -> Float32[Tensor, "b 1 1 1"]:
    """Distance of the nearest surface, blind to single wrong pixels.

    The smallest mean over cells of 8 x 8 pixels of which at least half were measured; without such a cell the mean of
    all measurements; without measurements 0.

    Args:
        depth_m: Depth in meters; 0 where nothing was measured.
        valid: True where something was measured.
    """
    height, width = depth_m.shape[-2:]
    pad = (0, -width % CELL_PX, 0, -height % CELL_PX)
    cell_share = F.avg_pool2d(F.pad(valid.float(), pad), CELL_PX)
    cell_mean_m = F.avg_pool2d(F.pad(depth_m, pad), CELL_PX) / cell_share.clamp(min=0.5)
    cell_mean_m = torch.where(cell_share >= 0.5, cell_mean_m, FAR_M)
    cell_min_m = cell_mean_m.amin(dim=(2, 3), keepdim=True)
    share = valid.float().mean(dim=(2, 3), keepdim=True)
    mean_m = depth_m.mean(dim=(2, 3), keepdim=True) / share.clamp(min=1e-9)
    return torch.where(cell_min_m < FAR_M, cell_min_m, mean_m)


class PaperInput(nn.Module):
    """One channel: how far in front of the back of a 16 cm window a pixel lies.

    1 on the nearest surface (up to 1.25 on pixels before the mean of its cell), 0 at 16 cm behind it, beyond, and
    where nothing was measured. Nearness rather than depth, so that "nothing" and "farther than the window" are the
    same background value without a step.

    Paper: section 3 (crop to the nearest 16 cm); the scaling is not given.
    """

    channels = 1

    def forward(
        self, depth_m: Float[Tensor, "b 1 h w"], pixel_angle: Float[Tensor, " b"]
    ) -> Float32[Tensor, "b 1 h w"]:
        """Normalizes depth; `pixel_angle` is not used (the paper knows one camera)."""
        with torch.autocast(depth_m.device.type, enabled=False):
            depth_m, valid = _measured(depth_m)
            nearness = 1 - (depth_m - nearest_surface(depth_m, valid)) / WINDOW_M
            return nearness.clamp(0.0, 1.25) * valid.float()


class MetricInput(nn.Module):
    """Four channels that mean the same for every camera, resolution and distance; all 0 where nothing was measured.

    0. 1 where something was measured.
    1. Depth behind the nearest surface, 1 = 25 cm, limited to -1..3.
    2. Relief: depth behind the mean of the nearest layer of surface around the pixel (15 x 15 pixels, measurements
       more than 6 cm behind the nearest of their own surroundings left out, lest far background drown the shape of
       fingers), 1 = 2 cm, limited to -1..1.
    3. Logarithm of the width that one network pixel covers on the surface, 0 = 2.5 mm, limited to -2..2.
    """

    channels = 4

    def forward(
        self, depth_m: Float[Tensor, "b 1 h w"], pixel_angle: Float[Tensor, " b"]
    ) -> Float32[Tensor, "b 4 h w"]:
        """Normalizes depth.

        Args:
            depth_m: Depth in meters; 0 where nothing was measured.
            pixel_angle: Radians per network pixel; 0 counts as unknown and sets channel 3 to its lower limit.
        """
        with torch.autocast(depth_m.device.type, enabled=False):
            depth_m, valid = _measured(depth_m)
            mask = valid.float()
            behind_m = (depth_m - nearest_surface(depth_m, valid)) * mask
            footprint_m = depth_m * pixel_angle.float().reshape(-1, 1, 1, 1)
            log_footprint = torch.log(footprint_m.clamp(min=1e-6) / FOOTPRINT_M)
            channels = [
                mask,
                (behind_m / RELATIVE_SCALE_M).clamp(-1.0, 3.0),
                (relief(behind_m, mask) / CONTRAST_SCALE_M).clamp(-1.0, 1.0) * mask,
                log_footprint.clamp(-2.0, 2.0) * mask,
            ]
            return torch.cat(channels, dim=1)


def relief(behind_m: Float32[Tensor, "b 1 h w"], mask: Float32[Tensor, "b 1 h w"]) -> Float32[Tensor, "b 1 h w"]:
    """Depth minus the mean of the nearest layer of surface in a square of 15 pixels; meters.

    A neighbor counts when it lies at most 6 cm behind the nearest measurement of its own square. Every far neighbor
    of a near pixel has that pixel in its own square, so background never enters the mean of a finger in front of it.
    """
    closeness = torch.where(mask > 0, -behind_m, -FAR_M)
    local_min_m = -_over_square(closeness, torch.maximum, outside=-FAR_M)
    layer = mask * (behind_m <= local_min_m + LAYER_M).float()
    sums = _over_square(torch.cat([behind_m * layer, layer]), torch.add, outside=0.0)
    total_m, count = sums.chunk(2)
    return behind_m - total_m / count.clamp(min=1.0)


def _measured(depth_m: Tensor) -> tuple[Tensor, Tensor]:
    """Depth in float32 with NaN and negative values set to 0, and where it was measured."""
    depth_m = depth_m.float()
    valid = depth_m > 0
    return torch.where(valid, depth_m, 0.0), valid


def _over_square(x: Tensor, combine: Callable[[Tensor, Tensor], Tensor], *, outside: float) -> Tensor:
    """Combines the 15 x 15 values around every pixel; 3 neighbors, then 5 such triples, per axis.

    Shifted views, because pooling with such windows costs a tenth of a training step on a CPU.
    """
    x = F.pad(x, (CONTRAST_PX // 2,) * 4, value=outside)
    for axis in (2, 3):
        for taps, step in ((3, 1), (5, 3)):
            size = x.shape[axis] - (taps - 1) * step
            x = reduce(combine, [x.narrow(axis, i * step, size) for i in range(taps)])
    return x
