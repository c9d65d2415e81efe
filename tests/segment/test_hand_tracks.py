"""Which pixels are one hand, and which hand is which one of the frames before."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg import Frame, InputError, Intrinsics, Segmentation, Segmenter
from graspseg.labels import HAND
from graspseg.segment.hand_tracks import HandTracks, HandTrackSettings
from graspseg.segment.hands import SeenHand, find_hands
from graspseg.segment.stream import StreamSegmenter
from graspseg.synth.generate import HEIGHT, WIDTH, FrameMaker
from graspseg.synth.recipe import RECIPES
from graspseg.synth.render.canvas import Canvas

CAMERA = Intrinsics(400.0, 400.0, 159.5, 119.5)  # a pixel is 1 mm at 0.4 m


def seen(*boxes: tuple[int, int, int, int], held: tuple[int, int, int, int] | None = None) -> tuple[SeenHand, ...]:
    """Hands in a frame with these boxes of hand pixels at 0.4 m, `x0, y0, x1, y1`."""
    labels = np.zeros((240, 320), np.uint8)
    for x0, y0, x1, y1 in boxes:
        labels[y0:y1, x0:x1] = 1
    if held is not None:
        labels[held[1] : held[3], held[0] : held[2]] = 2
    depth = np.where(labels > 0, 400, 1000).astype(np.uint16)
    return find_hands(Frame(depth, 0.001, CAMERA), labels)


def test_a_hand_has_its_box_mask_middle_and_area() -> None:
    (hand,) = seen((120, 80, 200, 160))
    assert hand.box == (120, 80, 200, 160) and hand.mask.all()
    assert hand.center_m == pytest.approx((0.0, 0.0, 0.4), abs=0.002)
    assert hand.area_cm2 == pytest.approx(64.0)
    assert hand.track is None
    assert np.count_nonzero(hand.full_mask((240, 320))) == 6400


def test_what_it_holds_does_not_cut_a_hand_in_two() -> None:
    assert len(seen((100, 60, 180, 160), held=(100, 100, 180, 120))) == 1  # a rod of 2 cm across the hand
    (hand,) = seen((100, 60, 160, 160), (220, 100, 245, 125))  # a thumb of 6 cm², 6 cm away behind a cup
    assert hand.box == (100, 60, 245, 160)


def test_two_hands_are_two_and_specks_are_none() -> None:
    first, second = seen((20, 60, 100, 160), (200, 60, 270, 160))
    assert first.area_cm2 > second.area_cm2
    assert [hand.box[0] for hand in (first, second)] == [20, 200]
    assert len(seen((20, 60, 100, 160), (300, 10, 310, 20))) == 1, "a speck far away"
    assert seen() == () and seen((10, 10, 30, 30)) == ()


def numbers(tracks: HandTracks, *boxes: tuple[int, int, int, int]) -> dict[int, int | None]:
    """Track by the left side of each box."""
    return {hand.box[0]: hand.track for hand in tracks(seen(*boxes))}


def test_hands_keep_their_numbers_while_they_move_and_pass_each_other() -> None:
    tracks = HandTracks()
    assert numbers(tracks, (0, 10, 80, 90), (230, 150, 310, 230)) == {0: 1, 230: 2}
    for step in range(1, 23):
        found = numbers(tracks, (10 * step, 10, 80 + 10 * step, 90), (230 - 10 * step, 150, 310 - 10 * step, 230))
        assert found == {10 * step: 1, 230 - 10 * step: 2}


def test_a_hand_that_comes_back_near_is_the_same_and_one_elsewhere_is_new() -> None:
    tracks = HandTracks(HandTrackSettings(memory=5))
    assert numbers(tracks, (40, 60, 120, 140)) == {40: 1}
    for _ in range(4):
        assert numbers(tracks) == {}
    assert numbers(tracks, (60, 60, 140, 140)) == {60: 1}
    for _ in range(6):
        numbers(tracks)
    assert numbers(tracks, (60, 60, 140, 140)) == {60: 2}, "forgotten"
    assert numbers(HandTracks(), (60, 60, 140, 140)) == {60: 1}
    jumping = HandTracks(HandTrackSettings(reach_m=0.05))
    numbers(jumping, (0, 0, 80, 80))
    assert numbers(jumping, (200, 100, 280, 180)) == {200: 2}
    jumping.reset()
    assert numbers(jumping, (200, 100, 280, 180)) == {200: 3}, "numbers are never given twice"


@pytest.mark.parametrize("settings", [{"reach_m": 0.0}, {"lost_reach_m": -1.0}, {"memory": -1}])
def test_settings_that_cannot_be(settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match="leave them out"):
        HandTrackSettings(**settings)  # pyright: ignore[reportArgumentType]


def arm_numbers(maker: FrameMaker, canvas: Canvas) -> np.ndarray:
    """Number of the arm at each pixel of the last frame: its person and whether it is a mirror image."""
    scene = maker.scene
    assert scene is not None
    canvas.clear()
    for mesh in scene.meshes:
        label = 0
        if mesh.label == HAND:
            corners = (mesh.vertices - mesh.vertices.mean(axis=0))[mesh.faces].astype(np.float64)
            inside_out = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) < 0
            label = 1 + 2 * (mesh.person or 0) + int(inside_out)
        canvas.draw_mesh(mesh.vertices, mesh.faces, intrinsics=scene.intrinsics, label=label)
    return canvas.labels


@pytest.mark.slow
def test_numbers_stay_with_the_arms_of_synthetic_clips_and_survive_a_loss() -> None:
    """Truth: the rendered arm below most pixels of a found hand. In the middle of each clip two frames are blank."""
    length, blank = 12, (5, 6)
    maker = FrameMaker("val", 61, recipe=RECIPES["wild"], clip_length=length)
    canvas, stream = Canvas(WIDTH, HEIGHT), StreamSegmenter(Segmenter(threads=1, precision="float32"))
    kept = changed = 0
    for clip in range(4):
        stream.reset()
        last: dict[int, int | None] = {}
        for number in range(length):
            made = maker.make(clip * length + number)
            frame, arms = made.frame(), arm_numbers(maker, canvas)
            if number in blank:
                assert stream(Frame(np.zeros_like(frame.depth), frame.depth_unit_m, frame.intrinsics)).hands == ()
                continue
            result = stream(frame)
            assert isinstance(result, Segmentation)
            tracks = [hand.track for hand in result.hands]
            assert None not in tracks and len(set(tracks)) == len(tracks)
            now: dict[int, int | None] = {}
            for hand in result.hands:
                votes = np.bincount(arms[hand.full_mask(arms.shape)], minlength=2)
                arm = int(votes[1:].argmax()) + 1
                if votes[arm] > 0.8 * votes.sum():
                    now.setdefault(arm, hand.track)
            for arm in now.keys() & last.keys():
                kept += now[arm] == last[arm]
                changed += now[arm] != last[arm]
            last = {**last, **now}
    print(f"{kept} numbers kept, {changed} changed")
    assert kept >= 30
    assert changed <= 0.03 * kept
