"""The rasterizer against a slow ray caster, and against values worked by hand."""

import numpy as np
import pytest

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.render import rasterizer as raster
from graspseg.synth.render.canvas import NEAR_M, Canvas

WIDTH, HEIGHT = 64, 48
CAMERA = Intrinsics(48.0, 50.0, 31.5, 23.5)


def cast_rays(vertices: np.ndarray, faces: np.ndarray, camera: Intrinsics) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth of the nearest triangle on each pixel's ray (0 = none), whether the ray is clear of all edges, tolerance.

    A ray d meets triangle abc where d.(b x c), d.(c x a) and d.(a x b) have the sign of det(a, b, c); 1/z is their sum
    divided by the determinant. No projection, no clipping: nothing is shared with the code under test. That code snaps
    vertices to 1/4096 px, so depth may differ by 1e-5 m and by what its slope makes of 1/4096 px.
    """
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    rays = np.stack([(x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy, np.ones_like(x)], axis=-1)
    inverse, clear, steepness = np.zeros((HEIGHT, WIDTH)), np.ones((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH))
    for a, b, c in vertices.astype(np.float64)[faces]:
        normals = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)])
        weights = rays @ normals.T
        volume = a @ normals[0]
        slope = np.hypot(normals[:, 0] / camera.fx, normals[:, 1] / camera.fy)
        inside = ((weights / volume) >= 0).all(axis=-1)
        near_edge = (np.abs(weights) / slope < 1e-3).any(axis=-1)
        q = weights.sum(axis=-1) / volume
        seen = inside & (q <= 1 / NEAR_M) & (q > inverse)
        inverse = np.where(seen, q, inverse)
        gradient = normals.sum(axis=0) / volume
        steepness = np.where(seen, np.hypot(gradient[0] / camera.fx, gradient[1] / camera.fy), steepness)
        clear &= ~near_edge & (np.abs(q - 1 / NEAR_M) > 1e-2)
    depth = np.divide(1, inverse, out=np.zeros_like(inverse), where=inverse > 0)
    return depth, clear, 1e-5 + steepness * depth**2 / 4096


def triangle_soup(
    rng: np.random.Generator, *, nearest_m: float, farthest_m: float, count: int
) -> tuple[np.ndarray, np.ndarray]:
    centers = rng.uniform([-0.4, -0.3, nearest_m], [0.4, 0.3, farthest_m], (count, 1, 3))
    corners = centers + rng.uniform(-0.15, 0.15, (count, 3, 3))
    return corners.reshape(-1, 3).astype(np.float32), np.arange(3 * count, dtype=np.int32).reshape(-1, 3)


def sphere(rings: int = 40, radius: float = 0.1, center: tuple[float, float, float] = (0.0, 0.0, 0.5)):
    polar, turn = np.linspace(0, np.pi, rings + 1), np.linspace(0, 2 * np.pi, rings, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    flat = np.sin(polar)[:, None, None] * ring
    vertices = np.concatenate([flat, np.repeat(np.cos(polar)[:, None, None], rings, axis=1)], axis=-1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(rings), np.arange(rings), indexing="ij")
    a, b = (i * rings + j).ravel(), (i * rings + (j + 1) % rings).ravel()
    faces = np.concatenate([np.stack([a, b, a + rings], 1), np.stack([b, b + rings, a + rings], 1)])
    return (vertices * radius + center).astype(np.float32), faces.astype(np.int32)


def rendered(vertices: np.ndarray, faces: np.ndarray, label: int = HAND) -> tuple[np.ndarray, np.ndarray]:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.draw_mesh(vertices, faces, intrinsics=CAMERA, label=label)
    return canvas.finish()


@pytest.mark.parametrize("seed", range(4))
def test_mesh_agrees_with_ray_caster(seed: int) -> None:
    vertices, faces = triangle_soup(np.random.default_rng(seed), nearest_m=0.4, farthest_m=1.2, count=60)
    expected, clear, tolerance = cast_rays(vertices, faces, CAMERA)
    depth, labels = rendered(vertices, faces)
    assert 0.15 < (depth > 0).mean() < 0.95
    assert clear.mean() > 0.95
    assert (np.abs(depth - expected) <= tolerance)[clear].all()
    assert np.median(tolerance) < 2e-5
    np.testing.assert_array_equal(labels > 0, depth > 0)


@pytest.mark.parametrize("seed", range(4))
def test_triangles_through_the_near_plane_are_cut(seed: int) -> None:
    vertices, faces = triangle_soup(np.random.default_rng(100 + seed), nearest_m=-0.1, farthest_m=0.2, count=12)
    assert (vertices[:, 2] < 0).any()
    expected, clear, tolerance = cast_rays(vertices, faces, CAMERA)
    depth, _ = rendered(vertices, faces)
    assert (np.abs(depth - expected) <= tolerance)[clear].all()
    assert (depth[depth > 0] >= NEAR_M * (1 - 1e-6)).all()


def test_everything_behind_the_camera_is_left_out() -> None:
    vertices, faces = sphere(center=(0.0, 0.0, -0.5))
    depth, labels = rendered(vertices, faces)
    assert not depth.any()
    assert not labels.any()


def test_depth_is_perspective_correct() -> None:
    # On the plane z = 0.5 + x the ray through x/z = t has z = 0.5 / (1 - t); column 31.5 + 48 t.
    vertices = np.array([[-0.25, -0.4, 0.25], [1.0, -0.4, 1.5], [1.0, 0.4, 1.5], [-0.25, 0.4, 0.25]], np.float32)
    depth, _ = rendered(vertices, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    columns = np.array([8, 20, 31, 40, 52])
    np.testing.assert_allclose(depth[23, columns], 0.5 / (1 - (columns - 31.5) / 48.0), rtol=1e-5)


def test_shared_edges_have_neither_cracks_nor_doubled_pixels() -> None:
    # A fan around a pixel center, its spokes through other pixel centers: the hardest case for the edge rule.
    spokes = np.array([[8, 0], [8, 8], [0, 8], [-8, 8], [-8, 0], [-8, -8], [0, -8], [8, -8]], float)
    pixels = np.vstack([np.zeros((1, 2)), spokes]) + np.array([30, 20])
    rays = np.column_stack([(pixels[:, 0] - CAMERA.cx) / CAMERA.fx, (pixels[:, 1] - CAMERA.cy) / CAMERA.fy, np.ones(9)])
    vertices = (rays * 0.5).astype(np.float32)
    covered = np.zeros((HEIGHT, WIDTH), int)
    for i in range(8):
        face = np.array([[0, 1 + i, 1 + (i + 1) % 8]], np.int32)
        covered += rendered(vertices, face if i % 2 else face[:, ::-1])[0] > 0
    assert covered.max() == 1
    np.testing.assert_array_equal(covered[13:28, 23:38], 1)
    assert covered.sum() == 16 * 16


def test_wide_and_narrow_rows_are_filled_alike() -> None:
    """The stretch found by division is the one that testing each pixel finds, edges on pixel centers included."""
    rng, size, covered = np.random.default_rng(3), 40, 0
    for _ in range(400):
        falls = tuple(int(fall) for fall in rng.integers(-3, 4, 3))
        edges = tuple(int(edge) for edge in rng.integers(-40, 90, 3))
        results = []
        for fill in (raster._fill_row, raster._fill_wide_row):
            depths, classes = np.full(50, 0.5, np.float32), np.zeros(50, np.uint8)
            fill(depths, classes, np.uint64(5), size, 2, edges, falls, 0.3, 0.01)
            results.append((depths, classes))
        np.testing.assert_array_equal(*(depths for depths, _ in results))
        np.testing.assert_array_equal(*(classes for _, classes in results))
        covered += np.count_nonzero(results[0][1])
    assert covered > 1000


def test_closed_mesh_has_no_holes() -> None:
    depth, _ = rendered(*sphere())
    rows = [np.flatnonzero(row) for row in depth if row.any()]
    assert all(len(row) == row[-1] - row[0] + 1 for row in rows)
    assert depth[24, 31] == pytest.approx(0.4, abs=5e-4)


def test_winding_does_not_matter() -> None:
    vertices, faces = sphere()
    np.testing.assert_array_equal(rendered(vertices, faces)[0], rendered(vertices, faces[:, ::-1])[0])


def test_nearest_surface_wins_and_first_on_a_tie() -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    axes = (np.array([0.2, 0, 0]), np.array([0, 0.2, 0]))
    canvas.draw_plane(np.array([0, 0, 0.6]), *axes, intrinsics=CAMERA, label=OBJECT)
    canvas.draw_plane(np.array([0, 0, 0.6]), *axes, intrinsics=CAMERA, label=BACKGROUND)
    canvas.draw_plane(np.array([0.2, 0, 0.5]), *axes, intrinsics=CAMERA, label=HAND)
    depth, labels = canvas.finish()
    assert (labels[23, 20], labels[23, 40]) == (OBJECT, HAND)
    np.testing.assert_allclose((depth[23, 20], depth[23, 40]), (0.6, 0.5), rtol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_plane_is_the_two_triangles_it_spans(seed: int) -> None:
    rng = np.random.default_rng(seed)
    origin = np.array([0.05, 0.03, 0.2 + 0.2 * seed])  # the nearest ones cross the near plane
    u, v = rng.normal(0, 0.2, 3), rng.normal(0, 0.2, 3)
    corners = np.array([origin + a * u + b * v for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))], np.float32)
    expected, clear, tolerance = cast_rays(corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32), CAMERA)
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.draw_plane(origin, u, v, intrinsics=CAMERA, label=BACKGROUND)
    assert (expected > 0).any()
    assert (np.abs(canvas.depth - expected) <= tolerance)[clear].all()


def test_plane_seen_edge_on_draws_nothing() -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.draw_plane(
        np.array([0.0, 0, 0.5]), np.array([0, 0, 0.2]), np.array([0, 0.1, 0]), intrinsics=CAMERA, label=HAND
    )
    assert not canvas.depth.any()


@pytest.mark.parametrize("center", [(0.0, 0.0, 0.6), (0.3, -0.2, 0.5), (0.05, 0.0, 0.12)])
def test_ellipsoid_points_lie_on_its_surface(center: tuple[float, float, float]) -> None:
    axes = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0] @ np.diag([0.05, 0.1, 0.15])
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.draw_ellipsoid(np.array(center), axes, intrinsics=CAMERA, label=HAND)
    depth, labels = canvas.finish()
    y, x = np.nonzero(depth)
    z = depth[y, x].astype(np.float64)
    points = np.column_stack([(x - CAMERA.cx) / CAMERA.fx * z, (y - CAMERA.cy) / CAMERA.fy * z, z])
    assert len(z) > 50
    assert (z >= NEAR_M * 0.999).all()
    np.testing.assert_allclose(np.linalg.norm((points - center) @ np.linalg.inv(axes).T, axis=1), 1.0, atol=1e-4)
    np.testing.assert_array_equal(labels > 0, depth > 0)


def test_ellipsoid_covers_what_its_mesh_covers() -> None:
    vertices, faces = sphere(rings=120, radius=0.12, center=(0.15, 0.1, 0.4))
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.draw_ellipsoid(np.array([0.15, 0.1, 0.4]), np.eye(3) * 0.12, intrinsics=CAMERA, label=HAND)
    depth, _ = rendered(vertices, faces)
    assert ((canvas.depth > 0) != (depth > 0)).sum() <= 4
    both = (canvas.depth > 0) & (depth > 0)
    assert np.abs(canvas.depth - depth)[both].max() < 3e-3
    assert np.median(np.abs(canvas.depth - depth)[both]) < 1e-4


def test_clear_forgets_everything_and_drawing_repeats_bit_for_bit() -> None:
    vertices, faces = sphere()
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.draw_mesh(vertices, faces, intrinsics=CAMERA, label=HAND)
    depth, labels = canvas.finish()
    canvas.clear()
    assert not canvas.depth.any()
    assert not canvas.labels.any()
    assert depth.any()
    assert labels.any()
    canvas.draw_mesh(vertices, faces, intrinsics=CAMERA, label=HAND)
    np.testing.assert_array_equal(canvas.finish()[0], depth)


def test_empty_mesh_and_bad_canvas() -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.draw_mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), intrinsics=CAMERA, label=HAND)
    assert not canvas.depth.any()
    with pytest.raises(ValueError, match="0x48"):
        Canvas(0, 48)
