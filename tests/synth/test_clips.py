"""Clips: smooth, a function of seed, clip and frame, with things that are held or rest."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from graspseg.cli.synth import main
from graspseg.datasets.folder import FolderDataset
from graspseg.errors import InputError
from graspseg.labels import BACKGROUND, OBJECT
from graspseg.synth.generate import FrameMaker
from graspseg.synth.objects.cast import Cast
from graspseg.synth.recipe import RECIPES, Kind
from graspseg.synth.scene.motion import RATE_HZ, ArmMotion, Waves
from graspseg.synth.scene.staged import StageMaker

WILD = RECIPES["wild"]
MAKER = StageMaker(Cast("train"), WILD, None, BACKGROUND)


def _clip(seed: int, kind: Kind = "hold"):
    return MAKER.make(np.random.default_rng(seed), kind, length_s=2.0)


@pytest.mark.parametrize("seed", range(4))
def test_neighboring_frames_differ_little(seed: int) -> None:
    """At 30 Hz no point of hand or thing moves farther than 5 cm (1.5 m/s), and few farther than 2 cm."""
    staging, before, steps = _clip(seed), None, []
    for number in range(60):
        points = staging.camera.moved(*staging.camera_motion.at(number / RATE_HZ)).see(  # type: ignore[union-attr]
            staging.arms[0].points(number / RATE_HZ)
        )
        if before is not None:
            steps.append(np.linalg.norm(points - before, axis=1).max())
        before = points
    assert 0.0005 < max(steps) < 0.05
    assert np.median(steps) < 0.02


def test_a_thing_rests_until_it_is_grabbed_then_goes_with_the_hand() -> None:
    staging = next(s for s in map(_clip, range(60)) if np.isfinite(s.arms[0].motion.grab_s))  # type: ignore[union-attr]
    arm = staging.arms[0]
    grab = arm.motion.grab_s  # type: ignore[union-attr]
    early, later = arm.meshes(0.0, cloth=BACKGROUND)[-1], arm.meshes(grab / 2, cloth=BACKGROUND)[-1]
    assert early.label == later.label == BACKGROUND
    np.testing.assert_allclose(early.vertices, later.vertices, atol=1e-6)
    held = arm.meshes(grab + 0.01, cloth=BACKGROUND)[-1]
    assert held.label == OBJECT
    assert (held.name in staging.scene(grab + 0.01).facts()["objects"]) and held.name in MAKER.cast.names
    assert sum(held.name in staging.scene(time).facts()["objects"] for time in (0.0, grab / 2)) == 0
    # It lies where it will be grabbed, on a block.
    np.testing.assert_allclose(early.vertices, arm.thing(grab), atol=1e-6)
    under = [m for m in staging.meshes if abs(m.vertices[:, 1].min() - early.vertices[:, 1].max() - 0.001) < 1e-5]
    assert under
    # The open hand is farther away.
    distance = [
        np.linalg.norm(arm.points(time)[:400] - early.vertices.mean(axis=0), axis=1).min() for time in (0.0, grab)
    ]
    assert distance[0] > distance[1]


def test_opening_is_smooth_and_ends_at_the_grab() -> None:
    waves = Waves.sample(np.random.default_rng(0), [0.0] * 3, (0.1, 0.2))
    motion = ArmMotion(waves, waves, waves, grab_s=1.0, release_s=3.0, open_s=0.5)
    assert [motion.opening(time) for time in (0.0, 0.5, 0.75, 1.0, 2.0, 3.0, 3.25, 9.0)] == [1, 1, 0.5, 0, 0, 0, 0.5, 1]
    assert motion.held_time(0.2) == 1.0 and motion.held_time(2.0) == 2.0 and motion.held_time(4.0) == 3.0


def test_waves_start_at_zero_and_stay_within_their_height() -> None:
    waves = Waves.sample(np.random.default_rng(1), [0.1, 0.0], (0.5, 1.0))
    path = np.array([waves.at(time) for time in np.linspace(0, 20, 500)])
    assert not path[0].any() and not path[:, 1].any()
    assert 0.02 < np.abs(path[:, 0]).max() <= 0.2


def test_frames_depend_on_seed_clip_and_frame_alone() -> None:
    makers = [FrameMaker("val", 2, recipe=WILD, clip_length=3) for _ in range(2)]
    forward = [makers[0].make(index) for index in range(6)]
    for index in (5, 1, 0):
        again = makers[1].make(index)
        np.testing.assert_array_equal(again.depth_m, forward[index].depth_m)
        np.testing.assert_array_equal(again.labels, forward[index].labels)
        assert again.timestamp_s == again.frame().timestamp_s == (index % 3) / RATE_HZ
    assert forward[0].intrinsics == forward[2].intrinsics != forward[3].intrinsics
    # The noise is fresh in each frame.
    assert not np.array_equal(forward[0].depth_m, forward[1].depth_m)


def test_the_sensor_of_a_clip_does_not_change() -> None:
    still = replace(WILD, sensor="sr305")
    frames = [FrameMaker("train", 1, recipe=still, clip_length=2).make(index).depth_m for index in range(2)]
    both = (frames[0] > 0) & (frames[1] > 0)
    assert both.mean() > 0.02
    assert np.median(np.abs(frames[0] - frames[1])[both]) < 0.02


def test_the_command_writes_clips_and_what_they_were_made_from(tmp_path) -> None:
    options = ["--preset", "wild", "--clips", "2", "--length", "2", "--workers", "1", "--sleeve", "ignore"]
    assert main(["--out", str(tmp_path), *options]) == 0
    stems = [f"train-clip-0000{clip}-frame-0000{number}" for clip in range(2) for number in range(2)]
    assert [sample.stem for sample in FolderDataset(tmp_path)] == stems
    described = json.loads((tmp_path / "dataset.json").read_text())
    assert described["rate_hz"] == 30.0
    recipe = described["recipe"]
    assert (recipe["preset"], recipe["sleeve"], recipe["clip_length"]) == ("wild", "ignore", 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--clips", "2"], r"'exam1'.*--preset wild"),
        (["--clips", "2", "--count", "5", "--preset", "wild"], "leave one out"),
        (["--clips", "2", "--length", "1", "--preset", "wild"], "2 of 1 frames"),
    ],
)
def test_clips_that_cannot_be_are_refused_and_leave_nothing(options, message, tmp_path) -> None:
    with pytest.raises(InputError, match=message):
        main(["--out", str(tmp_path / "new"), "--workers", "1", *options])
    assert not (tmp_path / "new").exists()


def test_a_recipe_without_people_makes_no_clips() -> None:
    with pytest.raises(InputError, match=r"'exam1'.*--preset wild"):
        FrameMaker("train", 0, clip_length=10)
