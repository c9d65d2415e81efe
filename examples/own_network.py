"""A network of your own in the same training, export and comparison as the others.

    cd examples && graspseg train --network own_network:make --preset tiny --out run
    graspseg export run --network own_network:make --out own.onnx
    python own_network.py OUT      # the training from Python

`make` returns a module whose forward takes depth in meters and radians per pixel, and returns logits.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from graspseg.cli.main import main as graspseg


class Pyramid(nn.Module):
    """Three strided convolutions, added up at full size."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Conv2d(i, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU())
            for i in (1, width, width)
        )
        self.heads = nn.ModuleList(nn.Conv2d(width, 3, 1) for _ in self.levels)

    def forward(self, depth_m: Tensor, pixel_angle: Tensor) -> Tensor:
        """Depth in meters `b 1 h w` (0 = not measured) and radians per pixel `b` to logits `b 3 h w`."""
        near = torch.where(depth_m > 0, 1 / depth_m.clamp(min=0.1), torch.zeros_like(depth_m))
        logits, features = depth_m.new_zeros(()), near
        for level, head in zip(self.levels, self.heads, strict=True):
            features = level(features)
            logits = logits + nn.functional.interpolate(head(features), size=depth_m.shape[2:], mode="bilinear")
        return logits


def make() -> nn.Module:
    """A network with fresh weights."""
    return Pyramid()


def main(out: str = "own_network_run", *options: str) -> int:
    """Train for a moment; exit code of `graspseg train`."""
    sys.path.insert(0, str(Path(__file__).parent))
    return graspseg(["train", "--network", "own_network:make", "--preset", "tiny", "--out", out, *options])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
