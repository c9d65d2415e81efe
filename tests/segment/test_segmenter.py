from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from graspseg import Frame, InputError, Segmenter
from graspseg.segment.look import Look


@pytest.fixture(scope="module")
def segmenter(depth_rule_model: Path) -> Segmenter:
    return Segmenter(depth_rule_model)


def scene(height: int = 480, width: int = 640) -> np.ndarray:
    """A hand-like patch at 0.4 m beside an object-like one at 0.6 m, before a wall at 1 m with holes."""
    depth = np.full((height, width), 1000, np.uint16)
    depth[height // 4 : height // 2, width // 4 : width // 2] = 400
    depth[height // 4 : height // 2, width // 2 : 3 * width // 4] = 600
    depth[:: 2 * 8 + 1, ::9] = 0
    return depth


def rule(depth: np.ndarray) -> np.ndarray:
    return np.where(depth == 0, 0, np.where(depth < 500, 1, np.where(depth < 700, 2, 0)))


def test_classes_come_out_where_the_model_sees_them(segmenter: Segmenter) -> None:
    depth = scene()
    result = segmenter(depth)
    assert result.labels.shape == depth.shape
    assert result.labels.dtype == np.uint8
    assert (result.labels == rule(depth)).mean() > 0.98
    assert set(np.unique(result.labels)) == {0, 1, 2}


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (48, 48), (121, 359), (720, 1280), (900, 40)])
def test_any_size(segmenter: Segmenter, size: tuple[int, int]) -> None:
    depth = np.full(size, 450, np.uint16)
    result = segmenter(depth)
    np.testing.assert_array_equal(result.labels, np.ones(size))
    assert result.probabilities.shape == (3, *size)
    assert result.confidence == pytest.approx(0.9 + 0.1 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_labels_are_the_argmax_of_the_probabilities(segmenter: Segmenter, seed: int) -> None:
    rng = np.random.default_rng(seed)
    depth = np.zeros((211, 307), np.uint16)
    for _ in range(6):
        y, x = rng.integers(0, 200), rng.integers(0, 290)
        depth[y : y + rng.integers(5, 90), x : x + rng.integers(5, 90)] = rng.integers(300, 1200)
    result = segmenter(depth)
    likeliest = result.probabilities.argmax(axis=0)
    dropped = likeliest != result.labels
    assert not result.labels[dropped].any() and dropped.sum() < 0.3 * (likeliest > 0).sum()
    np.testing.assert_allclose(result.probabilities.sum(axis=0), 1, atol=1e-6)


def test_pixels_without_measurement_are_background(segmenter: Segmenter) -> None:
    depth = np.full((60, 60), 450, np.uint16)
    depth[10:14, 10:50] = 0
    result = segmenter(depth)
    assert (result.labels[depth == 0] == 0).all()
    np.testing.assert_array_equal(result.probabilities[:, 12, 20], [1, 0, 0])


def test_frame_without_measurement_is_background(segmenter: Segmenter) -> None:
    result = segmenter(np.zeros((50, 70), np.uint16))
    assert not result.labels.any()
    assert result.confidence is None
    assert result.looks == ()
    assert (result.probabilities[0] == 1).all()


def test_a_frame_with_nothing_within_reach_is_background_whatever_the_model_says(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything_hand = np.zeros((3, segmenter.info.side, segmenter.info.side), np.float32)
    everything_hand[1] = 1
    monkeypatch.setattr(
        segmenter.predictor, "_engines", {segmenter.info.side: lambda depth_m, pixel_angle: everything_hand}
    )
    depth = np.full((40, 60), 30_000, np.uint16)
    assert (segmenter(Frame(depth, 0.0001)).labels == 1).all()
    far = segmenter(Frame(depth, 0.01))
    assert not far.labels.any()
    assert far.looks == ()


def test_a_small_hand_gets_a_second_look(segmenter: Segmenter) -> None:
    depth = np.full((480, 640), 1000, np.uint16)
    depth[200:290, 300:360] = 400
    result = segmenter(depth)
    assert len(result.looks) == 2
    view = result.looks[1].view
    assert view is not None and view.size_px < 150
    # The first look has 13 frame pixels to one of the network's, the second 2.5: only that can follow the outline.
    assert (result.labels == rule(depth)).mean() > 0.999


def test_a_hand_that_fills_the_window_is_looked_at_once(segmenter: Segmenter) -> None:
    assert len(segmenter(np.full((90, 90), 450, np.uint16)).looks) == 1


def test_outlines_against_nothing_are_not_eaten(segmenter: Segmenter) -> None:
    depth = np.zeros((480, 640), np.uint16)
    depth[100:400, 200:520] = 400
    result = segmenter(depth)
    assert (result.labels == rule(depth)).mean() > 0.995


def test_unit_matters(segmenter: Segmenter) -> None:
    depth = np.full((50, 50), 4500, np.uint16)
    assert (segmenter(Frame(depth, 0.0001)).labels == 1).all()
    assert not segmenter(Frame(depth, 0.001)).labels.any()


def test_calls_do_not_depend_on_each_other(segmenter: Segmenter) -> None:
    first = segmenter(scene())
    before = first.probabilities.copy()
    segmenter(np.full((40, 40), 450, np.uint16))
    np.testing.assert_array_equal(segmenter(scene()).labels, first.labels)
    np.testing.assert_array_equal(segmenter(scene()).probabilities, before)


@pytest.mark.parametrize("array", [np.ones((4, 4)), np.ones((4, 4, 3), np.uint8), np.ones((0, 4), np.uint16)])
def test_arrays_that_are_no_depth_are_refused(
    segmenter: Segmenter, array: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    with pytest.raises(InputError, match="expected"):
        segmenter(array)


def test_sides_that_cannot_be_resampled(segmenter: Segmenter) -> None:
    assert segmenter(np.full((40, 32767), 450, np.uint16)).labels.shape == (40, 32767)
    with pytest.raises(InputError, match="32768x1 pixels"):
        segmenter(np.ones((1, 32768), np.uint16))


@pytest.mark.parametrize("engine", ["auto", "openvino", "onnxruntime"])
def test_engines_agree(
    segmenter: Segmenter, depth_rule_model: Path, engine: Literal["auto", "openvino", "onnxruntime"]
) -> None:
    other = Segmenter(depth_rule_model, engine=engine, threads=1)
    np.testing.assert_allclose(other(scene()).probabilities, segmenter(scene()).probabilities, atol=1e-6)


def test_onnxruntime_has_no_bf16_on_the_cpu(depth_rule_model: Path) -> None:
    with pytest.raises(InputError, match="use openvino"):
        Segmenter(depth_rule_model, engine="onnxruntime", precision="bf16")


def test_an_engine_that_is_not_installed(depth_rule_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(InputError, match="pip install onnxruntime"):
        Segmenter(depth_rule_model, engine="onnxruntime")


def _variant(source: Path, target: Path, **properties: str) -> Path:
    import onnx

    model = onnx.load(source)
    kept = {entry.key: entry.value for entry in model.metadata_props}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, kept | {f"graspseg.{key}": value for key, value in properties.items()})
    onnx.save(model, target)
    return target


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_a_side_the_graph_does_not_have(
    depth_rule_model: Path, tmp_path: Path, engine: Literal["openvino", "onnxruntime"]
) -> None:
    path = _variant(depth_rule_model, tmp_path / "m.onnx", side="32")
    with pytest.raises(InputError, match="does not run on a window of 32x32"):
        Segmenter(path, engine=engine)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_a_damaged_graph_with_our_metadata(
    depth_rule_model: Path, tmp_path: Path, engine: Literal["openvino", "onnxruntime"]
) -> None:
    import onnx

    model = onnx.load(depth_rule_model)
    model.graph.node[0].op_type = "NoSuchOperator"
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(InputError, match="cannot be loaded"):
        Segmenter(tmp_path / "m.onnx", engine=engine)


def test_a_model_of_one_look_looks_once(depth_rule_model: Path, tmp_path: Path) -> None:
    depth = np.full((480, 640), 1000, np.uint16)
    depth[200:290, 300:360] = 400
    assert len(Segmenter(_variant(depth_rule_model, tmp_path / "m.onnx", looks="1"))(depth).looks) == 1


def test_the_shipped_model_loads_and_answers() -> None:
    result = Segmenter()(scene())
    assert result.labels.shape == (480, 640)
    np.testing.assert_allclose(result.probabilities.sum(axis=0), 1, atol=1e-3)


def test_a_model_whose_weights_are_not_finite(depth_rule_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.full((3, 48, 48), np.nan, np.float32)
    monkeypatch.setattr("graspseg.segment.network_predictor.load_engine", lambda *_, **__: lambda *_: nothing)
    with pytest.raises(InputError, match="not finite on a window of 48x48"):
        Segmenter(depth_rule_model)


@pytest.mark.parametrize("mirror", [True, False])
def test_closer_windows_are_looked_at_mirrored_too(
    depth_rule_model: Path, monkeypatch: pytest.MonkeyPatch, mirror: bool
) -> None:
    def leaning(window: np.ndarray, _: float) -> np.ndarray:
        hand = np.where(window == np.float32(0.4), np.linspace(0.6, 0.9, window.shape[1]), 0.0)
        return np.stack([1 - hand, hand, np.zeros_like(hand)]).astype(np.float32)

    monkeypatch.setattr("graspseg.segment.network_predictor.load_engine", lambda *_, **__: leaning)
    monkeypatch.setattr("graspseg.segment.network_predictor.blended", lambda look, *_: look)
    depth = np.full((480, 640), 1000, np.uint16)
    depth[200:290, 300:360] = 400
    first, closer = Segmenter(depth_rule_model, mirror=mirror)(depth).looks
    for look, expected in ((first, np.linspace(0.6, 0.9, 48)), (closer, 0.75 if mirror else np.linspace(0.6, 0.9, 48))):
        assert isinstance(look, Look)
        hand = look.probabilities[1]
        np.testing.assert_allclose(hand, np.where(hand > 0, expected, 0), atol=1e-6)
        assert (hand > 0).sum() > 100 * (look is closer)


def test_the_file_says_how_to_look_unless_the_caller_does(depth_rule_model: Path, tmp_path: Path) -> None:
    told = _variant(depth_rule_model, tmp_path / "m.onnx", passes='{"hands": 3, "mirror": false}')
    segmenter = Segmenter(told)
    assert (segmenter.hands, segmenter.mirror, segmenter.windows, segmenter.full_side) == (3, False, 2, 48)
    segmenter = Segmenter(told, hands=1, mirror=True, windows=1)
    assert (segmenter.hands, segmenter.mirror, segmenter.windows) == (1, True, 1)
    plain = Segmenter(depth_rule_model)
    assert (plain.hands, plain.mirror) == (1, True)
    with pytest.raises(InputError, match="expected 1 to"):
        Segmenter(told, hands=5)
    with pytest.raises(InputError, match="expected 1 to"):
        Segmenter(told, windows=0)


def test_two_small_hands_far_apart_get_a_window_each(depth_rule_model: Path) -> None:
    depth = np.full((480, 640), 1000, np.uint16)
    depth[40:80, 40:75] = 400
    depth[400:440, 560:595] = 400
    shared = Segmenter(depth_rule_model, hands=1)(depth)
    own = Segmenter(depth_rule_model, hands=4)(depth)
    assert len(shared.looks) == 1 or len(shared.looks) == 2
    assert len(own.looks) == 3
    truth = rule(depth)
    assert (own.labels == truth).mean() > 0.9995 > (shared.labels == truth).mean()


def test_a_first_window_of_another_size_has_an_engine_of_its_own(
    depth_rule_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = []

    def load(*_: object, side: int, **__: object):
        def engine(window: np.ndarray, _: float) -> np.ndarray:
            assert window.shape == (side, side)
            sides.append(side)
            hand = ((window > 0) & (window < 0.5)).astype(np.float32)
            return np.stack([1 - hand, hand, np.zeros_like(hand)])

        return engine

    monkeypatch.setattr("graspseg.segment.network_predictor.load_engine", load)
    segmenter = Segmenter(depth_rule_model, full_side=96, mirror=False)
    sides.clear()
    depth = np.full((480, 640), 1000, np.uint16)
    depth[200:290, 300:360] = 400
    assert (segmenter(depth).labels == rule(depth)).mean() > 0.999
    assert sides == [96, 48]


class _Tensor:
    """Like a tensor of PyTorch, which has a type and a shape too."""

    dtype, shape, ndim = "torch.uint16", (4, 4), 2


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (None, "is None, expected uint16 depth .* check the path"),
        ([[400, 400]], "is a list, .* np.array"),
        (_Tensor(), r"is a _Tensor, .* tensor.cpu\(\).numpy\(\)"),
        ("depth.png", "depth.png"),
        (Path("depth.png"), "depth.png"),
        (b"\x89PNG", "is a bytes, .* cv2.imdecode"),
        (7, "is a int"),
        (np.ones((4, 4), np.uint8), r"of uint8 of shape \(4, 4\), expected uint16 .* 8 bits are too coarse"),
        (np.ones((4, 4), bool), "this is a mask"),
        (np.ones((4, 4, 3), np.uint8), r"of uint8 of shape \(4, 4, 3\), .* color picture \(RGB or BGR\)"),
        (np.ones((4, 4, 1), np.uint16), r"array\[..., 0\]"),
        (np.ones((2, 4, 4), np.uint16), r"of uint16 of shape \(2, 4, 4\), .* one frame a call"),
        (np.ones(4, np.uint16), r"of uint16 of shape \(4,\), .* reshape"),
        (np.ones((0, 4), np.uint16), "at least one pixel"),
        (np.full((4, 4), 700, np.int32), r"values fit, so give array.astype\(np.uint16\)"),
        (np.full((4, 4), -1, np.int64), "go from -1 to -1"),
        (np.ones((4, 4), np.float32), r"use Frame.from_meters\(array\) for depth in meters"),
        (np.full((4, 4), 700, np.float32), r"look like millimeters, so give Frame.from_meters\(array / 1000\)"),
        (np.full((4, 4), None), "is an array of object of shape"),
    ],
)
def test_what_is_no_frame_is_told_what_was_expected(
    segmenter: Segmenter, wrong: object, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    with pytest.raises(InputError, match=found):
        segmenter(wrong)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_every_thread_gets_its_own_answer(depth_rule_model: Path, engine: Literal["openvino", "onnxruntime"]) -> None:
    shared = Segmenter(depth_rule_model, engine=engine, threads=1)
    depths = [np.roll(scene(60, 80), shift, axis=1) for shift in range(0, 80, 5)]
    alone = [shared(depth) for depth in depths]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(shared, depths * 8))
    for number, result in enumerate(together):
        expected = alone[number % len(depths)]
        np.testing.assert_array_equal(result.labels, expected.labels)
        np.testing.assert_array_equal(result.probabilities, expected.probabilities)
