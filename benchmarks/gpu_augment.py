"""The paper's augmentation for whole batches on a GPU: depth window, flips, rotation, Gaussian depth noise.

The same as `graspseg.training.augment.training_sample` with the `paper` preset, which takes 10 to 20 ms a frame on a
core: too slow for a card that trains on some hundred frames a second.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float32, Int16, UInt8
from torch import Tensor

from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT
from graspseg.training.batches import Batch
from graspseg.training.presets import AugmentSettings

_STRIDE = 4
_LEAST_M = 0.001


def metres(depth: Int16[Tensor, "b h w"], *, unit_m: float) -> Float32[Tensor, "b h w"]:
    """Depth in metres from the bits of uint16 values."""
    return (depth.int() & 0xFFFF).float() * unit_m


def augmented(
    depth_m: Float32[Tensor, "b h w"],
    labels: UInt8[Tensor, "b h w"],
    *,
    key: tuple[int, int],
    pixel_angle: float,
    augment: AugmentSettings,
) -> Batch:
    """A batch as networks learn from it; a pure function of the frames and `key` on one kind of device.

    Args:
        depth_m: metres, 0 = no measurement.
        labels: 0/1/2/255.
        key: seed and step.
        pixel_angle: radians a pixel covers.
        augment: how much is varied. `zoom` and `occlusion_share` must be off, as in the paper, `window_share` 1.

    Paper: section 4.5 (flips, rotations, Gaussian noise), section 3 (16 cm).
    """
    assert augment.zoom == (1.0, 1.0) and augment.occlusion_share == 0 and augment.window_share == 1
    count, device = len(depth_m), depth_m.device
    rng = np.random.default_rng((key[0], 2, key[1]))

    def on_device(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(device)

    reach_m = on_device(rng.uniform(*augment.window_m, count))
    angle = np.deg2rad(augment.rotation_deg) * rng.uniform(-1, 1, count) * (rng.random(count) >= augment.upright_share)
    mirror, flip = rng.random(count) < augment.mirror_share, rng.random(count) < augment.flip_share
    sigma_m = on_device(rng.uniform(0, augment.noise_m, count))
    noise = torch.Generator(device).manual_seed(int(rng.integers(1 << 62)))

    depth_m = depth_window(depth_m, labels, reach_m=reach_m)
    depth_m, labels = turned(
        depth_m, labels, angle=on_device(angle), across=on_device(1 - 2 * mirror), down=on_device(1 - 2 * flip)
    )
    noisy = depth_m + torch.randn(depth_m.shape, generator=noise, device=device) * sigma_m.view(-1, 1, 1)
    depth_m = torch.where(depth_m > 0, noisy.clamp(min=_LEAST_M), 0.0)
    labels = torch.where((depth_m > 0) | (labels == IGNORE), labels, BACKGROUND)
    return {
        "depth": depth_m[:, None],
        "pixel_angle": torch.full((count,), pixel_angle, device=device),
        "labels": labels,
    }


def depth_window(
    depth_m: Float32[Tensor, "b h w"], labels: UInt8[Tensor, "b h w"], *, reach_m: Float32[Tensor, " b"]
) -> Float32[Tensor, "b h w"]:
    """Depth without what lies more than `reach_m` behind the nearest surface, frame by frame.

    The same as `graspseg.training.augment.depth_window`: the nearest surface is the 0.5th percentile of every fourth
    pixel each way, unless hand and object would vanish; then the window starts at them.

    Paper: section 3 (16 cm).
    """
    sparse, shown = (values[:, ::_STRIDE, ::_STRIDE].flatten(1) for values in (depth_m, labels))
    measured = sparse > 0
    wanted = measured & ((shown == HAND) | (shown == OBJECT))
    nearest_m, _ = _low_and_median(sparse, measured)
    target_m, middle_m = _low_and_median(sparse, wanted)
    nearest_m = torch.where(wanted.any(dim=1) & (middle_m > nearest_m + reach_m), target_m, nearest_m)
    kept = (depth_m <= (nearest_m + reach_m).view(-1, 1, 1)) | ~measured.any(dim=1).view(-1, 1, 1)
    return torch.where(kept, depth_m, 0.0)


def _low_and_median(values: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """The 0.5th percentile and the median of the counted values of every row; infinite for a row without any."""
    ordered = torch.where(counted, values, math.inf).sort(dim=1).values
    count = counted.sum(dim=1, keepdim=True)

    def at(rank: Tensor) -> Tensor:
        return ordered.gather(1, rank.clamp(min=0))[:, 0]

    return at(count // 200), (at((count - 1) // 2) + at(count // 2)) / 2


def turned(
    depth_m: Float32[Tensor, "b h w"],
    labels: UInt8[Tensor, "b h w"],
    *,
    angle: Float32[Tensor, " b"],
    across: Float32[Tensor, " b"],
    down: Float32[Tensor, " b"],
) -> tuple[Float32[Tensor, "b h w"], UInt8[Tensor, "b h w"]]:
    """Frames rotated about their centers by nearest neighbor at their own size, then flipped.

    Args:
        depth_m: metres.
        labels: of the same pixels.
        angle: radians, counter-clockwise as seen in the image.
        across: -1 flips left to right, 1 does not.
        down: -1 flips upside down, 1 does not.

    Returns:
        Depth and labels, both 0 where a frame shows nothing.
    """
    height, width = depth_m.shape[-2:]
    cos, sin = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    dx = across.view(-1, 1, 1) * (torch.arange(width, device=angle.device).float() - middle_x).view(1, 1, -1)
    dy = down.view(-1, 1, 1) * (torch.arange(height, device=angle.device).float() - middle_y).view(1, -1, 1)
    x = (cos * dx - sin * dy + middle_x).round().long()
    y = (sin * dx + cos * dy + middle_y).round().long()
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    source = (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).flatten(1)

    def taken(values: Tensor) -> Tensor:
        found = values.flatten(1).gather(1, source).view(values.shape)
        return torch.where(inside, found, torch.zeros((), dtype=values.dtype, device=values.device))

    return taken(depth_m), taken(labels)
