"""The exam of the annotation: tones, lights and what a person would record."""

from __future__ import annotations

import numpy as np

from graspseg.evaluation.annotation_test_set import TEST_SET, TUNING, AnnotationTestSet, window_labels
from graspseg.labels import HAND, OBJECT

SMALL = AnnotationTestSet("val", 3, repeats=1, counts=(1, 0, 2, 0), skin_every=2)


def test_tones_and_lights_are_even_and_the_exam_counts_500_frames() -> None:
    recordings = TEST_SET.recordings()
    kinds = [(recording.tone, recording.light) for recording in recordings]
    assert len(recordings) * TEST_SET.counts[2] == 500
    assert {kinds.count(kind) for kind in kinds} == {TEST_SET.repeats} and len(set(kinds)) == 20
    assert TEST_SET.split != TUNING.split and TEST_SET.seed != TUNING.seed
    assert 1 / TEST_SET.skin_every >= 0.2 and TEST_SET.error_px == 3.0


def test_a_recording_has_one_person_one_light_and_the_empty_hand_first() -> None:
    frames = list(SMALL.recordings()[9].frames())
    assert [frame.part for frame in frames] == ["empty", "judged", "judged"]
    empty, first, second = frames
    assert not (empty.labels == OBJECT).any() and (first.labels == OBJECT).any()
    assert all((frame.labels == HAND).any() for frame in frames)
    for name in ("skin_tones", "temperature_k", "exposure", "color_from_depth", "intrinsics"):
        assert empty.facts[name] == first.facts[name] == second.facts[name]
    assert first.facts["skin_tones"] == [5] and first.facts["tone"] == 5
    assert first.facts["light"] == "cold" and first.facts["temperature_k"] >= 6000
    assert [frame.facts["skin_colored"] for frame in frames[1:]] == [False, True]
    assert first.facts["residual_px"] != second.facts["residual_px"]
    assert first.rgbd.color_camera is not None


def test_truth_ends_16_cm_behind_the_nearest_hand_or_object() -> None:
    depth = np.full((10, 40), 0.3, np.float32)
    depth[:, 20:30], depth[:, 30:] = 0.459, 0.461
    labels = np.full((10, 40), HAND, np.uint8)
    np.testing.assert_array_equal(window_labels(depth, labels)[0], [HAND] * 30 + [0] * 10)
