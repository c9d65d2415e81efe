"""The fit of how sure a hand is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graspseg.datasets.dataset import Sample
from graspseg.datasets.folder import FolderWriter
from graspseg.errors import InputError
from graspseg.evaluation import presence_fit
from graspseg.evaluation.presence_fit import Seen, describe, fit_presence, observe
from graspseg.frame import Frame, Intrinsics
from graspseg.models.header import read_model_info
from graspseg.models.presence import FEATURES
from graspseg.segment.segmenter import Segmenter

CAMERA = Intrinsics(500.0, 500.0, 159.5, 119.5)


def drawn(count: int, seed: int) -> list[Seen]:
    """Frames whose finds are hands with the probability that two of the features say."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(count):
        features = rng.normal(0, 1, (1, len(FEATURES)))
        features[:, 0] = features[:, 0] * 0.1 + 0.8
        odds = 20 * (features[0, 0] - 0.8) - 1.0 * features[0, 4] + 0.5
        hand = bool(rng.random() < 1 / (1 + np.exp(-odds)))
        frames.append(Seen(features, np.array([hand]), np.array([900.0]), hand))
    return frames


def test_what_is_told_is_as_likely_as_it_says() -> None:
    presence = fit_presence(drawn(3000, 0))
    figures = describe(presence, drawn(3000, 1))
    assert figures["expected_calibration_error"] < 0.03
    strongest = sorted(presence.weights, key=lambda name: -abs(presence.weights[name]))[:2]
    assert set(strongest) == {FEATURES[0], FEATURES[4]}


def test_the_threshold_keeps_hands() -> None:
    seen = drawn(3000, 2)
    strict, loose = (fit_presence(seen, lost=lost) for lost in (0.01, 0.2))
    assert strict.threshold < loose.threshold
    for presence, lost in ((strict, 0.01), (loose, 0.2)):
        figures = describe(presence, seen)
        assert figures["found_hands_lost"] <= lost
        assert figures["hand_free_alarms"] < figures["hand_free_alarms_before"] == 1


def test_frames_in_which_nothing_is_found_tell_how_often_a_hand_is_missed() -> None:
    nothing = Seen(np.zeros((0, len(FEATURES))), np.zeros(0, bool), np.zeros(0), False)
    missed = Seen(nothing.features, nothing.true, nothing.px, True)
    presence = fit_presence([*drawn(300, 3), *[nothing] * 90, *[missed] * 9])
    assert presence.nothing == pytest.approx(0.095)


def test_finds_of_one_kind_cannot_be_told_apart() -> None:
    hands = [frame for frame in drawn(100, 4) if frame.hand]
    with pytest.raises(InputError, match="with and without hands"):
        fit_presence(hands)


def test_a_find_is_a_hand_where_the_truth_is(depth_rule_model: Path) -> None:
    depth, labels = np.full((240, 320), 1000, np.uint16), np.zeros((240, 320), np.uint8)
    depth[20:100, 20:100] = depth[150:210, 200:260] = 400
    labels[20:100, 20:100] = 1
    seen = observe(Segmenter(depth_rule_model), Sample("a", Frame(depth, intrinsics=CAMERA), labels))
    assert seen.true.tolist() == [True, False] and seen.hand
    assert seen.px[1] == pytest.approx(3600, rel=0.1)


def test_one_command_fits_and_writes(
    depth_rule_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hands of 36 square centimeters, and frames in which things of 4 are taken for hands."""
    rng = np.random.default_rng(5)
    for name, side in (("hands", 75), ("empty", 25)):
        writer = FolderWriter(tmp_path / name, {"intrinsics": {"fx": 500.0, "fy": 500.0, "cx": 159.5, "cy": 119.5}})
        for index in range(16):
            depth, labels = np.full((240, 320), 1000, np.uint16), np.zeros((240, 320), np.uint8)
            y, x = rng.integers(10, 150), rng.integers(10, 230)
            depth[y : y + side, x : x + side] = 400
            labels[y : y + side, x : x + side] = 1
            writer.write(str(index), Frame(depth), labels if name == "hands" else None)
    path = tmp_path / "m.onnx"
    path.write_bytes(depth_rule_model.read_bytes())
    options = ["--data", str(tmp_path / "hands"), "--hand-free", str(tmp_path / "empty"), "--presets"]
    assert presence_fit.main([str(path), *options, "--json", str(tmp_path / "fit.json")]) == 0
    report = json.loads((tmp_path / "fit.json").read_text())
    assert report["kept_out"]["hand_free_alarms"] == 0 == report["kept_out"]["found_hands_lost"]
    assert report["kept_out"]["hand_free_alarms_before"] == 1
    presence = read_model_info(path).presence
    assert presence is not None and presence.as_json() == report["presence"]
    depth = np.full((240, 320), 1000, np.uint16)
    depth[50:75, 50:75] = 400
    assert not Segmenter(path)(Frame(depth, intrinsics=CAMERA)).labels.any()
    assert "kept_out" in capsys.readouterr().out
