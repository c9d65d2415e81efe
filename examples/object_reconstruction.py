"""Only the object's depth, for reconstruction: the hand that turns it before the camera does not become part of it.

    python examples/object_reconstruction.py [FRAMES] [OUT]

Writes `OUT/depth/<stem>.png` (16 bits, 0 where there is no object) with the camera in `OUT/dataset.json`, for any
reconstruction program. Where Open3D is installed (`pip install open3d`) frames are also aligned and fused to
`OUT/object.ply`, a mesh (truncated signed distances, Curless and Levoy 1996); else that is reported and left out.
"""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from graspseg import Frame, Segmentation, Segmenter, open_dataset
from graspseg.labels import HAND, OBJECT
from graspseg.segment.cloud import cloud

VOXEL_M, SIDE_M = 0.002, 0.4
"""Of the cube about the object that is filled; what is larger does not fit."""
RIM_PX = 5
"""Depth at the outline of a hand is a mixture of hand and object: so many pixels beside it are left out."""
FEWEST = 200
"""Frames with fewer pixels of the object are left out."""


def object_only(found: Segmentation) -> Frame:
    """The frame with depth at sure pixels of the object alone, away from the rim of the hand."""
    hand = cv2.dilate((found.labels == HAND).view(np.uint8), np.ones((RIM_PX, RIM_PX), np.uint8)) > 0
    kept = (found.labels == OBJECT) & ~hand & ~found.abstain()
    return replace(found.frame, depth=np.where(kept, found.frame.depth, np.uint16(0)), color=None)


def fuse(frames: list[Frame]) -> Any:
    """Mesh of the object: each frame is aligned to the one before (ICP), then all are fused.

    Returns:
        An Open3D mesh; None without Open3D.
    """
    try:
        import open3d as o3d  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError:
        return None
    volume = o3d.pipelines.integration.UniformTSDFVolume(
        length=SIDE_M,
        resolution=round(SIDE_M / VOXEL_M),
        sdf_trunc=4 * VOXEL_M,
        color_type=o3d.pipelines.integration.TSDFVolumeColorType.RGB8,
        origin=np.median(cloud(frames[0], frames[0].depth > 0), axis=0).astype(np.float64).reshape(3, 1) - SIDE_M / 2,
    )
    pose, before = np.eye(4), None
    for frame in frames:
        camera, (height, width) = frame.intrinsics_or_default(), frame.depth.shape
        lens = o3d.camera.PinholeCameraIntrinsic(width, height, camera.fx, camera.fy, camera.cx, camera.cy)
        depth = o3d.geometry.Image(frame.depth_m())
        points = o3d.geometry.PointCloud.create_from_depth_image(depth, lens, depth_scale=1.0, depth_trunc=3.0)
        points = points.voxel_down_sample(VOXEL_M)
        points.estimate_normals()
        if before is not None:
            plane = o3d.pipelines.registration.TransformationEstimationPointToPlane()
            step = o3d.pipelines.registration.registration_icp(points, before, 0.02, np.eye(4), plane)
            pose = pose @ step.transformation
        before = points
        image = o3d.geometry.RGBDImage.create_from_color_and_depth(
            o3d.geometry.Image(np.zeros((height, width, 3), np.uint8)),
            depth,
            depth_scale=1.0,
            depth_trunc=3.0,
            convert_rgb_to_intensity=False,
        )
        volume.integrate(image, lens, np.linalg.inv(pose))
    mesh = volume.extract_triangle_mesh()
    mesh.compute_vertex_normals()
    return mesh


def main(data: str = "examples/frames", out: str = "object") -> None:
    """Write depth of the object alone for each frame, and a mesh where Open3D is there."""
    segment, frames, folder = Segmenter(), open_dataset(data), Path(out)
    (folder / "depth").mkdir(parents=True, exist_ok=True)
    kept: list[Frame] = []
    for index in range(len(frames)):
        sample = frames[index]
        frame = object_only(segment(sample.frame))
        if np.count_nonzero(frame.depth) < FEWEST:
            continue
        cv2.imwrite(str(folder / "depth" / f"{sample.stem.replace('/', '_')}.png"), frame.depth)
        kept.append(frame)
    if not kept:
        raise SystemExit(f"{data} shows no object in a hand.")
    camera = {"depth_unit_m": kept[0].depth_unit_m, "intrinsics": asdict(kept[0].intrinsics_or_default())}
    (folder / "dataset.json").write_text(json.dumps(camera, indent=1))
    mesh = fuse(kept)
    if mesh is None:
        print(f"{len(kept)} frames with an object. No mesh: Open3D is not installed (pip install open3d).")
        return
    import open3d as o3d  # pyright: ignore[reportMissingImports]

    o3d.io.write_triangle_mesh(str(folder / "object.ply"), mesh)
    print(f"{len(kept)} frames with an object, mesh of {len(mesh.triangles)} triangles.")


if __name__ == "__main__":
    main(*sys.argv[1:])
