import math
from dataclasses import replace

import numpy as np
import pytest

from graspseg.datasets.dataset import Dataset, Sample
from graspseg.errors import InputError
from graspseg.evaluation.rules import RULES
from graspseg.forest.features import reduce_frame
from graspseg.forest.forest import Forest
from graspseg.forest.pixels import reduce_labeled
from graspseg.forest.settings import ForestSettings
from graspseg.forest.training import mean_f1, missed_and_seen, train_forest
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import HAND
from graspseg.metrics import Confusion
from graspseg.synth.dataset import SyntheticDataset


class Given(Dataset):
    """Frames from a list, where None cannot be read."""

    def __init__(self, frames: list[Sample | None]) -> None:
        self.frames = frames

    @property
    def stems(self) -> list[str]:
        return [str(index) for index in range(len(self.frames))]

    def read(self, index: int) -> Sample:
        found = self.frames[index]
        if found is None:
            raise InputError(f"frame {index} is damaged")
        return found


def test_a_tiny_forest_beats_the_trivial_rules_on_other_frames(tiny_forest: Forest) -> None:
    """Other objects than those trained on."""
    source = SyntheticDataset("val", 7, recipes=("interseghands",), count=40)
    ours, rules = Confusion(), {name: Confusion() for name in RULES}
    for index in range(20, 40):
        frame, labels = source[index].frame, source[index].target()
        found = tiny_forest.probabilities(frame.depth_m(), frame.intrinsics_or_default())
        ours.update(found.argmax(axis=0).astype(np.uint8), labels)
        for name, rule in rules.items():
            rule.update(RULES[name].apply(frame), labels)
    mean, held = ours.iou_dataset["mean"], ours.iou_dataset["object"]
    best = max(rule.iou_dataset["mean"] or 0.0 for rule in rules.values())
    assert mean is not None and mean > best + 0.05
    assert held is not None and held > 0.05  # which no rule ever calls anything


def test_stage_one_finds_where_hands_are(tiny_forest: Forest, train_frames: Dataset) -> None:
    inside = hands = 0
    for index in range(8):
        frame, labels = train_frames[index].frame, train_frames[index].target()
        grid = reduce_frame(frame.depth_m(), frame.intrinsics_or_default(), tiny_forest.settings)
        region = tiny_forest.region(grid)
        hand = labels[grid.first_y :: grid.step, grid.first_x :: grid.step] == HAND
        assert region is not None
        box = np.zeros(hand.shape, bool)
        box[region.y0 : region.y1, region.x0 : region.x1] = True
        inside, hands = inside + np.count_nonzero(hand & box), hands + np.count_nonzero(hand)
    assert inside / hands > 0.95


def test_large_regions_are_looked_at_more_coarsely(tiny_forest: Forest, train_frames: Dataset) -> None:
    frame = train_frames[0].frame
    depth_m, intrinsics = frame.depth_m(), frame.intrinsics_or_default()
    coarse = Forest(
        replace(tiny_forest.settings, most_pixels=100), tiny_forest.find, tiny_forest.segment, tiny_forest.weights
    )
    fine_answer, answer = tiny_forest.look(depth_m, intrinsics), coarse.look(depth_m, intrinsics)
    assert fine_answer is not None and answer is not None
    assert answer.cell > fine_answer.cell
    assert answer.box == pytest.approx(fine_answer.box, abs=answer.cell)
    assert (answer.labels()[0] == fine_answer.labels()[0]).mean() > 0.9


def test_pixels_that_stage_2_skips_are_not_missed(tiny_forest: Forest) -> None:
    source = SyntheticDataset("val", 7, recipes=("interseghands",), count=6)
    frames = [
        reduce_labeled(each.frame.depth_m(), each.target(), each.frame.intrinsics_or_default(), tiny_forest.settings)
        for each in source
    ]
    (missed, coarse), (also_missed, fine) = (
        missed_and_seen(replace(tiny_forest, settings=replace(tiny_forest.settings, most_pixels=pixels)), frames)
        for pixels in (300, 10**6)
    )
    assert min(seen.stands_for for seen in coarse) > 1 == max(seen.stands_for for seen in fine)
    np.testing.assert_array_equal(missed, also_missed)
    reported, counted = (sum(seen.stands_for * len(seen.target) for seen in each) for each in (coarse, fine))
    assert reported == pytest.approx(counted, rel=0.1)


def test_equal_seeds_give_equal_forests(train_frames: Dataset, tiny_settings: ForestSettings) -> None:
    settings = replace(tiny_settings, frames=6)
    one, same, other = (train_forest(train_frames, settings, seed=seed) for seed in (4, 4, 5))
    for name in ("splits", "offsets", "edges", "leaves"):
        np.testing.assert_array_equal(getattr(one.segment, name), getattr(same.segment, name))
    assert one.weights == same.weights
    assert (
        one.segment.offsets.shape != other.segment.offsets.shape or (one.segment.offsets != other.segment.offsets).any()
    )
    assert one.trained == {"seed": 4, "frames": 5, "validated_on": 1}


def test_damaged_frames_are_told_and_left_out(train_frames: Dataset, tiny_settings: ForestSettings) -> None:
    source = Given([train_frames[0], None, train_frames[1], train_frames[2]])
    with pytest.raises(InputError, match="frame 1 is damaged"):
        train_forest(source, tiny_settings, seed=0)
    skipped: list[str] = []
    forest = train_forest(source, tiny_settings, seed=0, skip=skipped.append)
    assert skipped == ["frame 1 is damaged"]
    assert forest.trained["frames"] == 2


def test_progress_is_told_for_every_part(train_frames: Dataset, tiny_settings: ForestSettings) -> None:
    reported: dict[str, list[float]] = {}
    train_forest(
        train_frames,
        replace(tiny_settings, frames=4),
        seed=0,
        progress=lambda what, share: reported.setdefault(what, []).append(share),
    )
    assert list(reported) == ["frames", "find", "regions", "segment"]
    for shares in reported.values():
        assert shares == sorted(shares) and shares[-1] == pytest.approx(1)


def flat(label: int, *, depth_m: float = 0.5) -> Sample:
    frame = Frame.from_meters(np.full((48, 64), depth_m, np.float32), intrinsics=Intrinsics.default(64, 48))
    return Sample("flat", frame, np.full((48, 64), label, np.uint8))


def test_frames_nothing_can_be_learned_from(tiny_settings: ForestSettings) -> None:
    with pytest.raises(InputError, match="no frames"):
        train_forest(Given([]), tiny_settings, seed=0)
    with pytest.raises(InputError, match="background only"):
        train_forest(Given([flat(0), flat(0)]), tiny_settings, seed=0)
    with pytest.raises(InputError, match="hand only"):
        train_forest(Given([flat(1), flat(1)]), tiny_settings, seed=0)
    with pytest.raises(InputError, match="no class only"):
        train_forest(Given([flat(1, depth_m=0.0)]), tiny_settings, seed=0)


def test_mean_f1_worked_by_hand() -> None:
    # Hand: 6 right, 2 missed, 4 invented: F1 = 12 / 18; object: 3 right of 5 with none invented: 6 / 8.
    matrix = np.array([[90, 4, 0], [2, 6, 0], [2, 0, 3]])
    assert mean_f1(matrix) == pytest.approx((12 / 18 + 6 / 8) / 2)
    assert mean_f1(np.diag([5, 7, 0])) == 1
    assert mean_f1(np.diag([5, 0, 0])) == 0


@pytest.mark.parametrize("setting", ["frames", "validation_frames", "most_pixels", "farthest_m", "pixel_angle"])
def test_settings_that_make_no_sense(setting: str) -> None:
    with pytest.raises(InputError, match=f"--forest.{setting.replace('_', '-')} is 0"):
        ForestSettings(**{setting: type(getattr(ForestSettings(), setting))(0)})


@pytest.mark.parametrize("reach_m", [0.0, -1.0, math.nan, math.inf])
def test_settings_of_a_stage_that_make_no_sense(tiny_settings: ForestSettings, reach_m: float) -> None:
    stage = replace(tiny_settings.find, reach_m=reach_m)
    with pytest.raises(InputError, match=r"--forest.find.reach-m is \S+, expected a number above 0"):
        replace(tiny_settings, find=stage)
