"""The contract of `Segmenter`, with the shipped forest."""

from pathlib import Path

import numpy as np
import pytest

from graspseg import Frame, InputError, Segmenter
from graspseg.datasets.folder import FolderDataset
from graspseg.evaluation.evaluate import Prediction, evaluate
from graspseg.evaluation.samples import open_samples

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter("forest")


def patch_scene(size: tuple[int, int]) -> np.ndarray:
    height, width = size
    depth = np.full(size, 900, np.uint16)
    depth[height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = 420
    depth[::7, ::5] = 0
    return depth


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (48, 48), (121, 359), (480, 640), (720, 1280), (900, 40)])
def test_any_size(segmenter: Segmenter, size: tuple[int, int]) -> None:
    depth = patch_scene(size)
    result = segmenter(depth)
    assert result.labels.shape == size and result.labels.dtype == np.uint8
    assert result.probabilities.shape == (3, *size) and result.probabilities.dtype == np.float32
    np.testing.assert_allclose(result.probabilities.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(result.labels, result.probabilities.argmax(axis=0))
    assert not result.labels[depth == 0].any()
    np.testing.assert_array_equal(result.probabilities[:, depth == 0].T, np.tile([1, 0, 0], ((depth == 0).sum(), 1)))


def test_frames_without_measurement_or_too_far_are_background(segmenter: Segmenter) -> None:
    for depth in (np.zeros((50, 70), np.uint16), np.full((50, 70), 5000, np.uint16)):
        result = segmenter(depth)
        assert not result.labels.any() and result.confidence is None and result.looks == ()
        assert (result.probabilities[0] == 1).all()


def test_an_answer_is_the_same_in_a_part_of_the_frame(segmenter: Segmenter) -> None:
    result = segmenter(FolderDataset(ROOT / "examples" / "frames")[0].frame)
    (answer,) = result.looks
    whole = np.zeros((3, *result.labels.shape), np.float32)
    answer.add_to(whole)
    rows, columns = np.nonzero(whole[1] + whole[2])
    x, y = int(np.median(columns)), int(np.median(rows))  # in the middle of what was found
    part = np.zeros((3, 90, 70), np.float32)
    answer.add_to(part, origin=(x, y))
    assert part[1:].any() and np.array_equal(part, whole[:, y : y + 90, x : x + 70][:, :90, :70])


def test_unit_and_camera_are_heeded_and_calls_are_independent(segmenter: Segmenter) -> None:
    frame = FolderDataset(ROOT / "examples" / "frames")[0].frame
    first = segmenter(frame)
    again = Frame.from_meters(frame.depth_m(), depth_unit_m=frame.depth_unit_m, intrinsics=frame.intrinsics)
    segmenter(np.full((40, 40), 450, np.uint16))
    np.testing.assert_array_equal(segmenter(again).labels, first.labels)
    assert first.confidence is not None and 0.3 < first.confidence <= 1
    assert not segmenter(Frame(frame.depth, 100 * frame.depth_unit_m)).labels.any()


@pytest.mark.parametrize("array", [np.ones((4, 4)), np.ones((4, 4), np.uint8), np.ones((0, 4), np.uint16)])
def test_arrays_that_are_no_depth_are_refused(
    segmenter: Segmenter, array: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    with pytest.raises(InputError, match="expected"):
        segmenter(array)


def test_engines_and_precisions_are_for_networks() -> None:
    with pytest.raises(InputError, match="without an engine"):
        Segmenter("forest", engine="openvino")
    with pytest.raises(InputError, match="without an engine"):
        Segmenter("forest", precision="bf16")


def test_without_numba_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = __import__("sys").modules
    for name in [name for name in modules if name.startswith("graspseg.forest.")]:
        monkeypatch.delitem(modules, name)
    monkeypatch.setitem(modules, "numba", None)
    with pytest.raises(InputError, match=r"needs numba, .* pip install 'graspseg\[forest\]'"):
        Segmenter("forest")


def test_it_needs_no_torch(segmenter: Segmenter) -> None:
    assert segmenter.engine == "numba"
    assert (segmenter.info.network, segmenter.info.side) == ("forest", 0)


def test_the_shipped_forest_is_better_than_trivial_rules_on_unseen_hands_and_objects(segmenter: Segmenter) -> None:
    result = evaluate(
        lambda frame: Prediction(segmenter(frame).labels), open_samples("synth:interseghands/unseen:30"), worst=0
    )
    mean = result.confusion.iou_dataset["mean"]
    assert mean is not None
    for rule in result.rules.values():
        assert mean > (rule.iou_dataset["mean"] or 0.0) + 0.05
