from __future__ import annotations

import numpy as np
import pytest

from graspseg.datasets.dataset import Sample
from graspseg.datasets.description import Description
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.shards import ShardDataset
from graspseg.datasets.statistics import Statistics, as_json, as_text, collect
from graspseg.errors import InputError
from graspseg.frame import Frame


def sample(depth: list[int], labels: list[int] | None, *, unit: float = 0.001, **facts) -> Sample:
    """A frame of one row."""
    target = None if labels is None else np.array([labels], np.uint8)
    return Sample("x", Frame(np.array([depth], np.uint16), unit), target, facts)


def test_figures_worked_by_hand() -> None:
    found = Statistics()
    found.add(sample([0, 500, 600, 700], [0, 1, 1, 2], objects=["mug", "pen"], interaction="two_hands"), splits=["val"])
    found.add(sample([8000, 0, 0, 0], [1, 0, 0, 255], unit=0.0001, objects=["mug"], hand="left"), colored=True)
    found.add(sample([0, 0, 0, 0], [0, 2, 2, 0], subject="S1"), splits=["val", "small"])
    found.add(sample([1000, 0, 0, 0], None))
    figures = as_json(found, Description(content={"annotation": "manual", "licence": "CC0-1.0"}))
    assert figures["frames"] == 4 and figures["labelled"] == 3 and figures["with_color"] == 1
    assert figures["type"] == "depth and color" and figures["annotation"] == "manual"
    assert figures["splits"] == {"small": 1, "val": 2}
    assert figures["resolution"] == {"4x1": 4}
    assert figures["hand_px"] == {"median": 1.5, "p5": pytest.approx(1.05), "p95": pytest.approx(1.95)}
    assert figures["with_hand"] == 2 and figures["interaction"] == 0.5
    assert figures["objects_a_frame"] == {"1": 1, "2": 1} and figures["interactions"] == {"two_hands": 1}
    assert figures["objects"] == 2 and figures["hands"] == ["left"] and figures["subjects"] == 1
    assert figures["class_share"] == {"background": 5 / 12, "hand": 3 / 12, "object": 3 / 12, "ignore": 1 / 12}
    assert figures["measured_share"] == 5 / 16
    assert figures["depth_m"] == {"min": 0.5, "p1": 0.5, "median": 0.7, "p99": 1.0, "max": 1.0}
    text = as_text(figures)
    assert "objects             2 (a frame: 1 in 1, 2 in 1)" in text and "interactions        two_hands 1" in text
    assert "hand resolution     2 px a frame" in text and "object interaction  50.0% of the frames" in text


def test_nothing_known_is_said_so() -> None:
    found = Statistics()
    found.add(sample([0, 0], None))
    figures = as_json(found, Description())
    assert figures["annotation"] == "none" and figures["measured_share"] == 0.0
    assert all(figures[name] is None for name in ("hand_px", "interaction", "objects", "class_share", "depth_m"))
    text = as_text(figures)
    assert "no hand" in text and "no labels" in text and "unknown" in text


def test_objects_of_the_splits_that_are_there() -> None:
    facts = {"val": {"objects": ["a", "b"], "hand": "anny"}, "unseen": {"objects": ["c"]}}
    found = Statistics()
    found.add(sample([1], [1]), splits=["val"])
    found.describe(Description(content={"split_facts": facts}))
    assert found.objects == {"a", "b"} and found.hands == {"anny"}


def test_what_frames_name_comes_before_what_their_split_may_show() -> None:
    found = Statistics()
    found.add(sample([1], [1], objects=[]), splits=["val"])
    found.describe(Description(content={"split_facts": {"val": {"objects": ["a", "b"], "hand": "anny"}}}))
    assert as_json(found, Description())["objects"] == 0 and found.hands == {"anny"}


def test_shards_and_what_cannot_be_read(make_shards) -> None:
    folder = make_shards(colored=True)
    calls: list[None] = []
    found = collect(ShardDataset(folder), threads=2, progress=lambda: calls.append(None))
    assert found.frames == found.colored == len(calls) == 5
    assert found.splits == {"train": 3, "val": 2} and found.objects == {"thing-0", "thing-1"}


def test_one_unreadable_frame_is_counted_and_all_are_an_error(tmp_path) -> None:
    depth = tmp_path / "depth"
    depth.mkdir()
    (depth / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"None of 1 frames could be read, the first because: .*a\.png"):
        collect(FolderDataset(tmp_path))
    np.save(depth / "b.npy", np.ones((2, 2), np.uint16))
    found = collect(FolderDataset(tmp_path))
    assert (found.frames, found.failed) == (1, 1) and "a.png" in found.failures[0]
