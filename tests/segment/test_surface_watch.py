"""What came near where nobody looks."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg import Frame
from graspseg.crop import View
from graspseg.segment.surface_watch import SurfaceWatch


def frame(depth_m: float = 1.0, *, patch_m: float = 0.0, side: int = 80, x: int = 300, width: int = 640) -> Frame:
    depth = np.full((480, width), round(depth_m * 1000), np.uint16)
    if patch_m:
        depth[200 : 200 + side, x : x + side] = round(patch_m * 1000)
    return Frame(depth)


@pytest.fixture
def watch() -> SurfaceWatch:
    watch = SurfaceWatch()
    watch.learn(frame())
    return watch


def test_a_near_surface_is_new_once(watch: SurfaceWatch) -> None:
    come = frame(patch_m=0.5)
    assert not watch.has_new(frame(), []) and watch.has_new(come, [])
    watch.learn(come)
    assert not watch.has_new(come, [])
    assert not watch.has_new(frame(), []), "what went away is not new"


def test_what_is_looked_at_small_far_or_hardly_nearer_is_not(watch: SurfaceWatch) -> None:
    come = frame(patch_m=0.5)
    assert not watch.has_new(come, [View(340.0, 240.0, 120.0, 160)])
    assert watch.has_new(come, [View(100.0, 100.0, 120.0, 160)])
    assert not watch.has_new(frame(patch_m=0.5, side=24), []), "25 mm"
    assert not watch.has_new(frame(patch_m=0.97), [])
    far = SurfaceWatch()
    far.learn(frame(3.0))
    assert not far.has_new(frame(3.0, patch_m=2.0), []), "beyond reach"


def test_where_nothing_was_measured_a_surface_is_new(watch: SurfaceWatch) -> None:
    watch.learn(frame(0.0))
    assert watch.has_new(frame(0.0, patch_m=0.5), [])


def test_nothing_is_new_to_who_knows_nothing(watch: SurfaceWatch) -> None:
    come = frame(patch_m=0.5)
    assert not SurfaceWatch().has_new(come, [])
    assert not watch.has_new(frame(patch_m=0.5, width=320, x=100), []), "another size"
    watch.forget()
    assert not watch.has_new(come, [])
