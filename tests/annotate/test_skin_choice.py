"""The default is never worse than the paper's thresholds, whatever a recording shows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.annotate import annotator
from graspseg.annotate.annotator import Annotator
from graspseg.annotate.calibrate import calibrate
from graspseg.annotate.paper.skin import balanced, illuminant
from graspseg.annotate.settings import AnnotateSettings
from graspseg.annotate.skin_choice import SkinChoice, agreement, choose_skin
from graspseg.cameras.open import open_rgbd
from graspseg.cameras.rgbd import RgbdFrame
from graspseg.datasets.folder import FolderDataset
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT
from graspseg.metrics.confusion import Confusion

LENS = Intrinsics(200.0, 200.0, 119.5, 89.5)
LIGHT, DARK = (214, 160, 130), (92, 60, 48)
WHITE, BLUE, RED, WOOD, ROOM = (225, 226, 228), (40, 70, 170), (170, 40, 45), (205, 160, 118), (120, 124, 130)
AUTO = AnnotateSettings(skin="auto", surroundings=True)
Made = tuple[RgbdFrame, np.ndarray]


def made(
    index: int,
    *,
    skin: tuple[int, ...] = LIGHT,
    thing: tuple[int, ...] | None = WHITE,
    table: tuple[int, ...] | None = None,
    light: tuple[float, ...] = (1, 1, 1),
) -> Made:
    """An arm from the right edge whose hand holds an upright bottle, before a room or over a table, and its truth."""
    rng = np.random.default_rng(index)
    labels = np.zeros((180, 240), np.uint8)
    x, y = 110 + int(rng.integers(-8, 9)), 90 + int(rng.integers(-8, 9))
    if thing is not None:
        cv2.rectangle(labels, (x - 22, y - 50), (x + 4, y + 45), OBJECT, -1)
    cv2.ellipse(labels, (x + 18, y), (26, 20), 0, 0, 360, HAND, -1)
    cv2.rectangle(labels, (x + 30, y - 12), (239, y + 12), HAND, -1)
    columns, rows = np.meshgrid(np.arange(240), np.arange(180))
    behind = np.full(labels.shape, 1.2) if table is None else 0.5 / (0.65 + (rows - LENS.cy) / LENS.fy)
    relief = 0.012 * np.sin(columns / 9.0) * np.cos(rows / 11.0)
    depth = np.select([labels == HAND, labels == OBJECT], [0.42 + relief, 0.45 + relief / 3], behind)
    shading = rng.uniform(0.92, 1.0) * (0.82 + 0.18 * np.cos(rows / 30.0 + columns / 45.0))
    paint = np.array([table or ROOM, skin, thing or ROOM], np.float64)[labels]
    color = paint * shading[..., None] * np.array(light) + rng.normal(0, 3, (*labels.shape, 3))
    frame = Frame((depth * 1000).astype(np.uint16), 0.001, LENS)
    return RgbdFrame(str(index), frame, np.clip(color, 0, 255).astype(np.uint8)), labels


def iou(one: Annotator, take: list[Made]) -> float:
    counts = Confusion()
    for frame, labels in take:
        counts.update(one.annotate(frame).labels, labels)
    return counts.iou_dataset["mean"] or 0.0


REAL = Path(__file__).parents[3] / "shared" / "real"
TAKES: dict[str, list[Made]] = {
    "one white bottle throughout": [made(index) for index in range(6)],
    "one frame": [made(0)],
    "two frames": [made(0, thing=BLUE), made(1, thing=BLUE)],
    "dark skin": [made(index, skin=DARK, thing=WHITE) for index in range(5)],
    "dark skin, several things": [
        made(index, skin=DARK, thing=thing) for index, thing in enumerate([BLUE, RED, WHITE])
    ],
    "over a table like skin": [made(index, thing=BLUE, table=WOOD) for index in range(4)],
    "a wooden thing": [made(index, thing=WOOD) for index in range(4)],
    "warm light": [made(index, thing=BLUE, light=(1.0, 0.8, 0.55)) for index in range(5)],
    "cold light": [made(index, thing=RED, light=(0.75, 0.88, 1.0)) for index in range(5)],
}


@functools.cache
def chosen(name: str) -> SkinChoice:
    """For one of the takes, from all of its frames."""
    frames = [frame for frame, _ in TAKES[name]]
    return choose_skin(frames, frames, settings=AUTO)


@pytest.mark.parametrize("name", TAKES)
def test_never_below_the_papers_thresholds(name: str) -> None:
    take = TAKES[name]
    assert iou(chosen(name).annotator(AUTO), take) >= iou(Annotator(), take) - 0.005


def test_one_bottle_in_every_frame_is_not_skin() -> None:
    """What all frames share is hand and bottle: a model of that calls both hand."""
    take = TAKES["one white bottle throughout"]
    common = calibrate([frame for frame, _ in take])
    assert iou(Annotator(AnnotateSettings(skin="model"), common), take) < 0.5
    choice = chosen("one white bottle throughout")
    assert choice.way != "common" and choice.agreements["common"] < choice.agreements[choice.way]
    assert iou(choice.annotator(AUTO), take) > 0.9


def test_an_empty_hand_at_the_beginning_beats_the_thresholds() -> None:
    """Under light in which the thresholds find no skin."""
    blue = (0.35, 0.6, 1.0)
    empty = [made(index, thing=None, light=blue)[0] for index in range(4)]
    take = [made(index + 10, thing=thing, light=blue) for index, thing in enumerate([RED, WHITE, BLUE, RED])]
    choice = choose_skin(empty, [frame for frame, _ in take], settings=AUTO)
    assert choice.method == "model"
    assert iou(choice.annotator(AUTO), take) > iou(Annotator(), take) + 0.2


def test_few_frames_are_told_by_the_thresholds_unless_they_find_no_hand() -> None:
    assert chosen("two frames").way == "thresholds" and len(chosen("two frames").agreements) == 1
    blue = made(0, thing=RED, light=(0.3, 0.6, 1.0))
    assert not (Annotator().annotate(blue[0]).labels == HAND).any()
    assert "thresholds" in choose_skin([blue[0]], [blue[0]], settings=AUTO).agreements


def test_a_given_model_is_judged_like_the_others() -> None:
    take = TAKES["one white bottle throughout"]
    frames = [frame for frame, _ in take]
    choice = choose_skin(frames, frames, settings=AUTO, given=calibrate(frames))
    assert choice.way != "given" and "given" in choice.agreements


def test_without_a_table_the_surroundings_change_nothing() -> None:
    frame, _ = made(3)
    plain, looking = (Annotator(AnnotateSettings(surroundings=flag)).annotate(frame).labels for flag in (False, True))
    np.testing.assert_array_equal(plain, looking)


def test_a_table_within_the_range_is_background() -> None:
    take = TAKES["over a table like skin"]
    frame, truth = take[0]
    table = truth == BACKGROUND
    choice = chosen("over a table like skin")
    assert choice.surroundings and not chosen("a wooden thing").surroundings
    paper, default = (one.annotate(frame).labels[table] for one in (Annotator(), choice.annotator(AUTO)))
    assert np.count_nonzero(paper) > 0.1 * table.sum() and np.count_nonzero(default) < 0.03 * table.sum()


def test_planes_are_taken_out_of_a_frame_once_for_all_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, own, found = [frame for frame, _ in TAKES["over a table like skin"]], annotator.free_of_support, []
    monkeypatch.setattr(annotator, "free_of_support", lambda *rest: found.append(rest[0]) or own(*rest))
    choice = choose_skin(frames, frames, settings=AUTO)
    assert len(choice.agreements) > 2 and len(found) == len(frames)
    alone = choice.annotator(AUTO)
    again = agreement([alone.annotate(frame).evidence for frame in frames])
    assert len(found) == 2 * len(frames)
    assert choice.agreement == pytest.approx(again, abs=1e-4)


def test_a_choice_survives_its_file(tmp_path: Path) -> None:
    for name in ("one white bottle throughout", "one frame"):
        choice = chosen(name)
        choice.save(tmp_path / "skin.json")
        again = SkinChoice.load(tmp_path / "skin.json")
        assert again.content() == choice.content() and again.serves("auto")
    SkinChoice("thresholds", None, {"thresholds": 0.5}).save(tmp_path / "skin.json")
    again = SkinChoice.load(tmp_path / "skin.json")
    assert again.method == "hsv" and again.agreement == 0.5 and again.serves("auto") and not again.serves("model")


@pytest.mark.parametrize("content", ["[]", "no JSON", '{"way": "guess"}', '{"way": "common"}'])
def test_a_file_that_is_none_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "skin.json").write_text(content)
    with pytest.raises(InputError, match=r"skin\.json"):
        SkinChoice.load(tmp_path / "skin.json")


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="NO REAL FRAMES: ../shared/real is not beside this checkout")
@pytest.mark.parametrize(("name", "least"), [("zed_pour_water", 0.8), ("table_two_hands", 0.0)])
def test_never_below_the_papers_thresholds_on_a_real_take(name: str, least: float) -> None:
    source, truth = open_rgbd(REAL / name), FolderDataset(REAL / name)
    frames = [source[index] for index in range(len(source))]
    take: list[Made] = []
    for frame, sample in zip(frames, truth, strict=True):
        assert sample.labels is not None and frame.name == sample.stem
        take.append((frame, np.where(frame.frame.depth > 0, sample.labels, np.uint8(IGNORE))))
    default = iou(choose_skin(frames[:12], frames[:: len(frames) // 12], settings=AUTO).annotator(AUTO), take)
    assert default >= max(least, iou(Annotator(), take))


def test_no_frame_is_refused() -> None:
    with pytest.raises(InputError, match="No frame"):
        choose_skin([], [])


def test_white_under_a_light_is_white_again() -> None:
    picture = np.full((40, 40, 3), (200, 150, 100), np.uint8)
    light = illuminant([picture])
    np.testing.assert_allclose(light, (np.array([200, 150, 100]) / 200) ** 2.2, rtol=1e-3)
    found = balanced(picture, light)[0, 0].astype(int)
    assert np.ptp(found) <= 2 and found.max() <= 201
    np.testing.assert_array_equal(balanced(picture, np.ones(3)), picture)


def test_the_end_of_a_run_says_what_was_used(
    make_recording: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from graspseg.cli.main import main
    from graspseg.datasets.folder import FolderDataset

    recording, out = make_recording(3), tmp_path / "out"
    assert main(["annotate", str(recording), "--out", str(out), "--workers", "1"]) == 0
    kept = SkinChoice.load(out / "skin" / "recording.json")
    assert f"skin in recording: {kept.sentence()}" in capsys.readouterr().out
    assert FolderDataset(out).description.content["annotated"]["skin_models"] == [kept.content()]
    labels = FolderDataset(out)[1].labels
    assert labels is not None and (labels[60, 45], labels[60, 90]) == (HAND, OBJECT)
