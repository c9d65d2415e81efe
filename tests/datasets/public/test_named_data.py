"""What `evaluate` and `train` make of a public data set's name and folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graspseg.errors import InputError
from graspseg.evaluation.samples import open_samples
from graspseg.frame import Intrinsics
from graspseg.segment.inputs import CameraOptions, find_sources
from graspseg.training.presets import preset
from graspseg.training.sources import open_frames, open_stored

Make = Callable[[str], Any]


def test_evaluate_opens_a_public_data_set(small: Make) -> None:
    root = small("ho3d").root
    samples = open_samples(f"ho3d:{root}", split="train", skip=1)
    assert len(samples) == 1 and samples[0].stem == "train/ABF10/0001"
    with pytest.raises(InputError, match="has no split 'test', expected one of train, evaluation"):
        open_samples(f"ho3d:{root}", split="test")


def test_segment_reads_public_data_sets_labeled_or_not(small: Make, tmp_path: Path) -> None:
    objects = small("dexycb")
    objects.labels.unlink()
    sources = find_sources([Path(f"dexycb:{objects.root}"), Path(f"ho3d/train:{small('ho3d').root}")], tmp_path / "out")
    names = [source.name for source in sources]
    assert len(names) == 4 and names[2:] == ["train/ABF10/0000", "train/ABF10/0001"]
    frame = sources[0].read(CameraOptions())
    assert (
        frame.depth[0, 1] == 500
        and frame.depth_unit_m == 0.001
        and frame.intrinsics == Intrinsics(600.0, 601.0, 320.0, 240.0)
    )
    reported = sources[0].read(CameraOptions(depth_unit_m=0.01, fx=300.0))
    assert reported.depth_unit_m == 0.01 and reported.intrinsics == Intrinsics(300.0, 300.0, 1.5, 1.0)
    with pytest.raises(InputError, match="is no folder, expected HO-3D"):
        find_sources([Path("ho3d:none")], tmp_path / "out")


def test_training_joins_public_data_sets(small: Make) -> None:
    hands, objects = small("nyu"), small("dexycb")
    objects.labels.unlink()
    frames = open_stored((Path(f"nyu/train:{hands.root}"), Path(f"dexycb:{objects.root}")))
    assert len(frames) == 3
    sample = frames[2]
    assert sample.frame.depth_m()[0, 1] == pytest.approx(0.501)
    assert sample.frame.intrinsics is not None and sample.frame.intrinsics.fx == 600.0
    np.testing.assert_array_equal(sample.target()[0], [0, 1, 2, 0])


def test_the_last_frames_validate_unless_others_are_named(small: Make) -> None:
    named = Path(f"kang-hoi:{small('kang-hoi').root}")
    config = replace(preset("tiny"), data=(named,))
    train, val = open_frames(config)
    assert (len(train), len(val)) == (1, 1)
    train, val = open_frames(replace(config, validation=replace(config.validation, data=(named,))))
    assert (len(train), len(val)) == (2, 2)
