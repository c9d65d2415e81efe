"""The held object as a point cloud, for a grasp planner or a pose estimator.

python examples/object_cloud.py [FRAME] [OUT]
"""

import sys

import numpy as np

from graspseg import Segmenter, read_frame


def main(frame: str = "examples/frames/depth/unseen-0000026.png", out: str = "object.ply") -> None:
    """Write the points of the object as text PLY: meters, x right, y down, z forward."""
    points = Segmenter()(read_frame(frame)).object_cloud()
    if not len(points):
        raise SystemExit(f"{frame} shows no object in a hand: is its unit right (dataset.json, else millimeters)?")
    head = f"ply\nformat ascii 1.0\nelement vertex {len(points)}\n"
    head += "".join(f"property float {axis}\n" for axis in "xyz") + "end_header"
    np.savetxt(out, points, "%.4f", header=head, comments="")
    x, y, z = 100 * np.ptp(points, axis=0)
    print(f"{len(points)} points, {x:.0f} x {y:.0f} x {z:.0f} cm, {points[:, 2].mean():.2f} m away")


if __name__ == "__main__":
    main(*sys.argv[1:])
