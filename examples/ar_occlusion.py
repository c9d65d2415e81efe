"""A virtual ball that a real hand can cover: the mask that augmented reality needs.

    python examples/ar_occlusion.py [FRAME] [OUT]

Draws a ball that floats behind the fingers. Without the mask it would be painted over them.
"""

import sys

import cv2
import numpy as np

from graspseg import Segmentation, Segmenter, read_frame
from graspseg.labels import BACKGROUND

SOFT_PX = 3
"""Sigma of the blur of the mask's rim, which labels alone would make hard."""
BALL_M = 0.06
BALL_RGB = (120, 235, 190)


def occlusion(found: Segmentation, virtual_m: np.ndarray) -> np.ndarray:
    """Share of each pixel that hand or object covers, where something virtual lies behind them.

    Args:
        found: of the real scene.
        virtual_m: depth of what is virtual in meters of shape (h, w), infinite where there is nothing.

    Returns:
        float32 of shape (h, w), 1 = the real hand or object is in front; multiply the virtual picture's alpha by 1
        minus it.
    """
    depth_m = found.frame.depth_m()
    front = (found.labels != BACKGROUND) & (depth_m > 0) & (depth_m < virtual_m)
    # Sensors lose depth at outlines: holes of a few pixels inside a hand are the hand.
    closed = cv2.morphologyEx(front.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return np.asarray(cv2.GaussianBlur(closed.astype(np.float32), (0, 0), SOFT_PX / 2), np.float32)


def ball(found: Segmentation, center_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth in meters (infinite outside) and shade (0 to 1) of a ball seen by the frame's camera."""
    camera, (height, width) = found.frame.intrinsics_or_default(), found.labels.shape
    x, y = np.meshgrid((np.arange(width) - camera.cx) / camera.fx, (np.arange(height) - camera.cy) / camera.fy)
    along, square = x * center_m[0] + y * center_m[1] + center_m[2], x * x + y * y + 1
    inside = along**2 - square * (center_m @ center_m - BALL_M**2)
    z = np.where(inside > 0, (along - np.sqrt(np.maximum(inside, 0))) / square, np.inf)
    shade = np.where(inside > 0, np.sqrt(np.maximum(inside, 0) / max(float(inside.max()), 1e-12)), 0)
    return z, shade


def main(frame: str = "examples/frames/depth/unseen-0000026.png", out: str = "occlusion.png") -> None:
    """Write a picture with the ball behind the hand."""
    found = Segmenter()(read_frame(frame))
    if not found.hands:
        raise SystemExit(f"{frame} shows no hand.")
    center_m = np.add(found.hands[0].center_m, (0, 0, 1.5 * BALL_M))
    depth_m, shade = ball(found, center_m)
    covered = occlusion(found, depth_m)
    alpha = (np.isfinite(depth_m) * (1 - covered))[:, :, None]
    picture = found.overlay(alpha=0.0) * (1 - alpha) + np.array(BALL_RGB) * (0.35 + 0.65 * shade[:, :, None]) * alpha
    cv2.imwrite(out, picture.astype(np.uint8)[:, :, ::-1])
    shown, hidden = int((alpha > 0.5).sum()), int((np.isfinite(depth_m) & (covered > 0.5)).sum())
    print(f"{shown} pixels of the ball are seen, {hidden} are behind hand and object")


if __name__ == "__main__":
    main(*sys.argv[1:])
