import numpy as np
import pytest
import segmentation_models_pytorch.metrics as smp_metrics
import torch
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassJaccardIndex

from graspseg.labels import IGNORE
from graspseg.metrics import Confusion
from graspseg.metrics.confusion import mean_foreground_iou


def labels(*rows: str) -> np.ndarray:
    return np.array([[IGNORE if c == "x" else int(c) for c in row] for row in rows], np.uint8)


def random_pair(rng: np.random.Generator, *, ignored: bool = True) -> tuple[np.ndarray, np.ndarray]:
    target = rng.choice([0, 1, 2], size=(40, 50), p=[0.8, 0.12, 0.08]).astype(np.uint8)
    prediction = np.where(rng.random((40, 50)) < 0.7, target, rng.integers(0, 3, (40, 50))).astype(np.uint8)
    if ignored:
        target[rng.random((40, 50)) < 0.1] = IGNORE
    return prediction, target


def test_scores_of_a_case_worked_by_hand() -> None:
    confusion = Confusion()
    # Target: 4 background, 3 hand, 2 object, 1 ignored. One background and one object pixel are called hand.
    confusion.update(labels("00011", "11220"[::-1]), labels("00001", "x2211"))
    assert confusion.matrix.tolist() == [[3, 1, 0], [0, 3, 0], [0, 0, 2]]
    confusion = Confusion()
    confusion.update(labels("00011", "11211"), labels("00001", "x2211"))
    assert confusion.matrix.tolist() == [[3, 1, 0], [0, 3, 0], [0, 1, 1]]
    assert confusion.pixel_accuracy == pytest.approx(7 / 9)
    assert confusion.mean_accuracy == pytest.approx((3 / 4 + 1 + 1 / 2) / 3)
    assert confusion.mean_iu == pytest.approx((3 / 4 + 3 / 5 + 1 / 2) / 3)
    assert confusion.frequency_weighted_iu == pytest.approx((4 * 3 / 4 + 3 * 3 / 5 + 2 * 1 / 2) / 9)
    assert confusion.iou_dataset == pytest.approx({"hand": 3 / 5, "object": 1 / 2, "mean": 0.55})
    assert confusion.iou_image == pytest.approx(confusion.iou_dataset)
    # Hand: 3 right, 2 invented; object: 1 right, 1 missed.
    assert confusion.f1_dataset == pytest.approx({"hand": 6 / 8, "object": 2 / 3, "mean": (3 / 4 + 2 / 3) / 2})


def test_image_average_leaves_out_absent_classes_and_counts_invented_ones_as_zero() -> None:
    confusion = Confusion()
    confusion.update(labels("1100"), labels("1100"))  # hand 1, no object anywhere
    confusion.update(labels("1102"), labels("1000"))  # hand 1/2, object invented: 0
    confusion.update(labels("0022"), labels("0022"))  # no hand anywhere, object 1
    assert confusion.iou_image == pytest.approx({"hand": 0.75, "object": 0.5, "mean": 0.625})
    assert confusion.iou_dataset == pytest.approx({"hand": 3 / 4, "object": 2 / 3, "mean": 17 / 24})


def test_nothing_to_judge_gives_no_score() -> None:
    confusion = Confusion()
    assert confusion.summary()["pixel_accuracy"] is None
    confusion.update(labels("000"), labels("xxx"))
    assert confusion.images == 1
    assert confusion.mean_iu is None
    confusion.update(labels("000"), labels("000"))
    assert confusion.mean_iu == 1.0
    assert confusion.iou_dataset == {"hand": None, "object": None, "mean": None}
    assert confusion.iou_image["mean"] is None


def test_streaming_and_merging_equal_one_pass() -> None:
    rng = np.random.default_rng(1)
    pairs = [random_pair(rng) for _ in range(5)]
    whole, first, rest = Confusion(), Confusion(), Confusion()
    for i, pair in enumerate(pairs):
        whole.update(*pair)
        (first if i < 2 else rest).update(*pair)
    first.merge(rest)
    assert first.images == 5
    assert np.array_equal(first.matrix, whole.matrix)
    assert first.iou_image == pytest.approx(whole.iou_image)


@pytest.mark.parametrize(
    ("prediction", "target", "found"), [(7, 0, "7"), (0, 3, "3"), (IGNORE, 0, "255"), (IGNORE, 4, "4, 255")]
)
def test_other_label_values_are_refused(prediction: int, target: int, found: str) -> None:
    image = np.zeros((2, 3), np.uint8)
    with pytest.raises(ValueError, match=rf"\[{found}\]"):
        Confusion().update(image + np.uint8(prediction), image + np.uint8(target))


def test_agrees_with_torchmetrics_over_the_data_set() -> None:
    rng = np.random.default_rng(2)
    confusion = Confusion()
    jaccard = MulticlassJaccardIndex(3, average="none", ignore_index=IGNORE)
    f1_score = MulticlassF1Score(3, average="none", ignore_index=IGNORE)
    micro = MulticlassAccuracy(3, average="micro", ignore_index=IGNORE)
    macro = MulticlassAccuracy(3, average="macro", ignore_index=IGNORE)
    for _ in range(4):
        prediction, target = random_pair(rng)
        confusion.update(prediction, target)
        for metric in (jaccard, f1_score, micro, macro):
            metric.update(torch.from_numpy(prediction).long(), torch.from_numpy(target).long())
    iou = jaccard.compute().numpy()
    assert confusion.mean_iu == pytest.approx(iou.mean(), abs=1e-6)
    assert confusion.iou_dataset == pytest.approx({"hand": iou[1], "object": iou[2], "mean": iou[1:].mean()}, abs=1e-6)
    f1 = f1_score.compute().numpy()
    assert confusion.f1_dataset == pytest.approx({"hand": f1[1], "object": f1[2], "mean": f1[1:].mean()}, abs=1e-6)
    assert confusion.pixel_accuracy == pytest.approx(micro.compute().item(), abs=1e-6)
    assert confusion.mean_accuracy == pytest.approx(macro.compute().item(), abs=1e-6)
    frequency = confusion.matrix.sum(axis=1) / confusion.matrix.sum()
    assert confusion.frequency_weighted_iu == pytest.approx((frequency * iou).sum(), abs=1e-6)


def test_agrees_with_segmentation_models_per_image() -> None:
    rng = np.random.default_rng(3)
    pairs = [random_pair(rng, ignored=False) for _ in range(4)]
    confusion = Confusion()
    for prediction, target in pairs:
        confusion.update(prediction, target)
    counts = smp_metrics.get_stats(
        torch.LongTensor(np.stack([p for p, _ in pairs])),
        torch.LongTensor(np.stack([t for _, t in pairs])),
        mode="multiclass",
        num_classes=3,
    )
    per_image = smp_metrics.iou_score(*counts, reduction="none").numpy()
    hand, held = per_image[:, 1].mean(), per_image[:, 2].mean()
    assert confusion.iou_image == pytest.approx({"hand": hand, "object": held, "mean": (hand + held) / 2}, abs=1e-6)


def test_mean_iou_of_single_frames_by_hand() -> None:
    # Hand 3 of 4, object 1 of 2; hand alone 4 of 5; nothing at all.
    both = np.array([[3, 1, 0], [0, 3, 0], [1, 0, 1]])
    only_hand = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    found = mean_foreground_iou(np.stack([both, only_hand, np.diag([9, 0, 0])]))
    np.testing.assert_allclose(found, [(3 / 4 + 1 / 2) / 2, 4 / 5, np.nan])
