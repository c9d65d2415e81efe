import numpy as np
import pytest

from graspseg.evaluation.scene_report import scene_table
from graspseg.evaluation.scene_scores import SceneScores, merged, seam_pixels
from graspseg.labels import HAND, IGNORE, OBJECT


def flat(height: int = 60, width: int = 80) -> np.ndarray:
    return np.full((height, width), 0.5, np.float32)


def frame(rows: int = 0, label: int = HAND) -> np.ndarray:
    """Labels whose first rows of 80 pixels are of one class."""
    labels = np.zeros((60, 80), np.uint8)
    labels[:rows] = label
    return labels


def test_false_pixels_are_counted_in_frames_without_hand_only() -> None:
    scores = SceneScores()
    scores.update(frame(2), frame(), flat())  # 160 px: no alarm yet
    scores.update(frame(3, OBJECT), frame(), flat())  # 240 px
    scores.update(frame(5), frame(2), flat())
    found = scores.summary()
    assert (found["hand_free_frames"], found["false_alarms"]) == (2, 1)
    assert found["false_alarm_share"] == 0.5
    assert found["false_px_a_frame"] == 200


def test_pixels_without_depth_or_of_unsure_label_are_not_judged() -> None:
    scores, depth_m, target = SceneScores(), flat(), frame(2)
    depth_m[2:6] = 0
    target[6:9] = IGNORE
    scores.update(frame(9), target, depth_m)
    assert scores.summary()["iou"] == {"hand": 1.0, "object": None, "mean": 1.0}
    scores.update(frame(4), np.where(depth_m > 0, 0, IGNORE).astype(np.uint8), depth_m)
    assert scores.false_px == [160]


def test_a_hand_is_lost_below_a_tenth() -> None:
    scores = SceneScores()
    scores.update(frame(1), frame(10), flat())
    assert scores.lost == 0
    scores.update(frame(20, OBJECT), frame(10), flat())
    found = scores.summary()
    assert (found["hands_lost"], found["hand_frames"]) == (1, 2)
    assert found["hand_called_object"] == pytest.approx(0.5)


def test_labels_cut_at_the_edge_of_a_window_are_seams_and_outlines_of_depth_are_not() -> None:
    labels = np.zeros((60, 80), np.uint8)
    labels[20:40, 30:50] = HAND
    # The window's right edge cuts the hand, its left one is 5 px away from it, its upper one leaves the frame.
    window = (25, 0, 50, 55)
    assert seam_pixels(labels, flat(), [window]) == 2 * 20
    depth_m = flat()
    depth_m[:, :50] = 0.4
    assert seam_pixels(labels, depth_m, [window]) == 0
    assert seam_pixels(labels, flat(), []) == 0


def test_a_change_within_reach_of_the_edge_is_a_seam() -> None:
    for shift, expected in ((-1, 40), (1, 40), (2, 0), (-2, 0)):
        labels = np.zeros((60, 80), np.uint8)
        labels[20:40, : 50 + shift] = OBJECT
        assert seam_pixels(labels, flat(), [(10, 10, 50, 55)]) == expected, shift


def test_several_sets_together_and_as_a_table() -> None:
    first, second = SceneScores(), SceneScores()
    first.update(frame(4), frame(8), flat())
    first.time(12.0, 9.0)
    second.update(frame(4), frame(), flat())
    total = merged([first, second]).summary()
    assert (total["frames"], total["hand_frames"], total["false_alarms"]) == (2, 1, 1)
    assert total["iou"]["hand"] == pytest.approx(4 / 12)
    table = scene_table({"a": first.summary(), "b": second.summary()}).splitlines()
    assert table[2] == "| a | 1 | 50.0 | - | 50.0 | 0.0 | 0 of 1 | - | - | 0.0 | 12.0 (9.0) |"
    assert table[3] == "| b | 1 | - | - | - | - | - | 1 of 1 | 320 | 0.0 | - |"
