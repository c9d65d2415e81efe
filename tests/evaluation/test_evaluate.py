from collections.abc import Sequence

import numpy as np
import pytest

from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.description import Description
from graspseg.errors import InputError
from graspseg.evaluation.evaluate import FrameScore, Prediction, evaluate
from graspseg.evaluation.report import as_json, as_markdown, worst_sheet
from graspseg.frame import Frame
from graspseg.labels import HAND, OBJECT


class FewSamples(Dataset):
    """Frames of 48 x 64 with a hand and an object; frame `missing` has no labels, frame `damaged` cannot be read."""

    def __init__(
        self, count: int, *, missing: int | None = None, damaged: int | None = None, clip_length: int = 0
    ) -> None:
        self.missing, self.damaged, self.clip_length = missing, damaged, clip_length
        self._stems = [self._stem(index) for index in range(count)]

    def _stem(self, index: int) -> str:
        return "{}-{}".format(*divmod(index, self.clip_length)) if self.clip_length else f"{index:04d}"

    @property
    def stems(self) -> Sequence[str]:
        return self._stems

    @property
    def description(self) -> Description:
        return Description(content={"rate_hz": 30.0} if self.clip_length else {})

    def read(self, index: int) -> Sample:
        if index == self.damaged:
            raise InputError("0003.png is damaged")
        labels = np.zeros((48, 64), np.uint8)
        labels[10:30, 10:30] = HAND
        labels[10:30, 30:40] = OBJECT
        depth = np.where(labels > 0, 500 + index, 0).astype(np.uint16)
        return Sample(self.stems[index], Frame(depth), None if index == self.missing else labels)


def truth(frame: Frame) -> Prediction:
    labels = np.zeros(frame.depth.shape, np.uint8)
    labels[10:30, 10:30] = HAND
    labels[10:30, 30:40] = OBJECT
    return Prediction(labels)


def worse_and_worse(frame: Frame) -> Prediction:
    """In frame i the first i columns of the hand are called object."""
    labels = truth(frame).labels
    labels[10:30, 10 : 10 + int(frame.depth.max()) - 500] = OBJECT
    return Prediction(labels)


def sure(frame: Frame) -> Prediction:
    """Right, and 80 % sure of it everywhere."""
    labels = truth(frame).labels
    probabilities = np.full((3, *labels.shape), 0.1, np.float32)
    np.put_along_axis(probabilities, labels[None].astype(np.intp), 0.8, axis=0)
    return Prediction(labels, probabilities)


def test_a_right_segmenter_scores_one_and_rules_do_not() -> None:
    evaluation = evaluate(truth, FewSamples(3))
    report = as_json(evaluation, data="few", model="truth")
    assert report["frames"] == 3
    assert report["scores"]["iou_dataset"] == {"hand": 1.0, "object": 1.0, "mean": 1.0}
    assert report["scores"]["boundary_f"]["mean"] == {"1px": 1.0, "2px": 1.0, "3px": 1.0}
    assert report["scores"]["boundary_iou"]["dataset"]["mean"] == {"1px": 1.0, "2px": 1.0, "3px": 1.0}
    assert report["scores"]["boundary_iou"]["image"]["hand"] == {"1px": 1.0, "2px": 1.0, "3px": 1.0}
    right = {"mean_mm": 0.0, "median_mm": 0.0, "p95_mm": 0.0, "images": 3, "one_sided": 0}
    assert report["scores"]["boundary_error"] == {"hand": right, "object": right}
    assert report["scores"]["contact_f"] == {"1px": 1.0, "2px": 1.0, "3px": 1.0, "images": 3}
    assert report["scores"]["hand_leak"] == {"rate": 0.0, "interval_95": [0.0, 0.0], "frames": 3}
    assert report["scores"]["calibration"] is None
    assert report["scores"]["flicker"] is None
    assert report["rules"]["everything"]["iou_dataset"] == pytest.approx({"hand": 2 / 3, "object": 0, "mean": 1 / 3})
    assert set(report["rules"]) == {"everything", "within_16cm", "nearest_component"}


def test_leak_and_worst_frames() -> None:
    evaluation = evaluate(worse_and_worse, FewSamples(6), worst=3)
    report = as_json(evaluation, data="few", model="m")
    assert report["scores"]["hand_leak"]["rate"] == pytest.approx((0 + 1 + 2 + 3 + 4 + 5) / (6 * 20))
    assert [frame["stem"] for frame in report["worst_frames"]] == ["0005", "0004", "0003"]
    assert report["worst_frames"][0]["mean_iou"] == pytest.approx((15 / 20 + 10 / 15) / 2)
    sheet = worst_sheet(evaluation, columns=2)
    assert sheet is not None
    # Two rows of two frames, each three thumbnails of 320 x 240, 4 px between cells.
    assert sheet.shape == (2 * 240 + 4, 2 * 3 * 320 + 4, 3)


def test_calibration_needs_probabilities() -> None:
    report = as_json(evaluate(sure, FewSamples(3)), data="few", model="m")
    found = report["scores"]["calibration"]
    # Only hand and object have a depth here.
    assert found["measured"]["pixels"] == found["foreground"]["pixels"] == 3 * 600
    assert found["measured"]["ece"] == pytest.approx(0.2)
    assert found["measured"]["aurc"] == 0
    text = as_markdown(report)
    assert "Calibration over all pixels with depth: expected error 20.00, area under risk-coverage 0.00" in text


def test_flicker_is_judged_inside_sequences_and_not_over_lost_frames() -> None:
    # Frame i calls the first i columns of the hand object: 20 of 400 hand pixels change from each frame to the next.
    evaluation = evaluate(worse_and_worse, FewSamples(6, damaged=4, clip_length=3))
    report = as_json(evaluation, data="few", model="m")
    found = report["scores"]["flicker"]
    assert found["pairs"] == 2
    assert found["foreground_rate"] == found["rate"] == pytest.approx(20 / 600)
    assert found["truth_change_rate"] == 0
    assert "Flicker over 2 pairs of frames: 3.33 of still pixels, 3.33 of those of hand and object" in as_markdown(
        report
    )


def test_every_judged_frame_is_reported_with_its_matrix() -> None:
    seen: list[FrameScore] = []
    evaluation = evaluate(worse_and_worse, FewSamples(4, damaged=1), on_frame=seen.append)
    assert [score.stem for score in seen] == ["0000", "0002", "0003"]
    assert seen[1].matrix.tolist() == [[48 * 64 - 600, 0, 0], [0, 360, 40], [0, 0, 200]]
    assert np.array_equal(sum(score.matrix for score in seen), evaluation.confusion.matrix)


def test_frames_that_cannot_be_used_are_counted_and_the_rest_is_done() -> None:
    done: list[int] = []
    evaluation = evaluate(truth, FewSamples(5, missing=1, damaged=3), progress=done.append)
    report = as_json(evaluation, data="few", model="truth")
    assert (report["frames"], report["failed"]) == (3, 2)
    assert "0001 has no label image" in report["failures"][0]
    assert report["failures"][1] == "0003.png is damaged"
    assert done == [1, 2, 3, 4, 5]


def test_nothing_to_judge_is_an_error() -> None:
    with pytest.raises(InputError, match=r"None of 1 frames could be judged.*no label image"):
        evaluate(truth, FewSamples(1, missing=0))


def test_wrong_predictions_are_errors_of_the_segmenter() -> None:
    with pytest.raises(ValueError, match="hold"):
        evaluate(lambda frame: Prediction(np.full(frame.depth.shape, 9, np.uint8)), FewSamples(1))


def test_without_rules_and_worst_frames() -> None:
    evaluation = evaluate(truth, FewSamples(2), rules=False, worst=0)
    report = as_json(evaluation, data="few", model="truth")
    assert report["rules"] == {}
    assert worst_sheet(evaluation) is None
    assert "rule" not in as_markdown(report)


def test_markdown_has_every_figure_in_percent() -> None:
    # In five of six frames half of the predicted contact line is wrong: F1 2/3.
    text = as_markdown(as_json(evaluate(worse_and_worse, FewSamples(6)), data="few", model="m"))
    assert text.startswith("# m on few\n")
    assert "6 frames judged, 0 could not be used" in text
    assert "| everything measured is hand | 66.7 | 0.0 | 33.3 |" in text
    assert "| boundary IoU, whole data set, 1px | " in text
    assert "| outlines are off by, 95 % quantile | " in text and " mm | " in text
    assert "Line where hand and object meet, F1 at 1px, 2px, 3px: 72.2, 72.2, 72.2 (6 images)." in text
    assert "Calibration" not in text and "Flicker" not in text
    assert "Hand pixels called object: 12.5 (95 % interval over frames " in text
    assert "Worst frames: 0005 (70.8), " in text


def test_a_frame_with_nothing_in_it_has_no_score_but_counts() -> None:
    class Empty(FewSamples):
        def __getitem__(self, index: int) -> Sample:
            return Sample("empty", Frame(np.zeros((4, 5), np.uint16)), np.zeros((4, 5), np.uint8))

    evaluation = evaluate(lambda frame: Prediction(np.zeros(frame.depth.shape, np.uint8)), Empty(1))
    report = as_json(evaluation, data="empty", model="m")
    assert report["frames"] == 1
    assert report["scores"]["iou_dataset"]["mean"] is None
    assert report["worst_frames"] == []
    assert "| IoU, whole data set | - | - | - |" in as_markdown(report)
