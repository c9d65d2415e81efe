from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from graspseg.datasets.convert import Conversion
from graspseg.datasets.dataset import ENDLESS
from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.review.server.serve import open_store
from graspseg.review.server.state import Reviewer
from graspseg.synth.dataset import SyntheticDataset
from graspseg.training.presets import preset
from graspseg.training.sources import Skipped, check_frames, open_frames, open_stored


@pytest.fixture
def folder(tmp_path, toy_frames):
    def write(count=10, labeled=10, change=lambda labels: labels, splits=None):
        extra = {} if splits is None else {"splits": splits}
        writer = FolderWriter(
            tmp_path / "set", {"intrinsics": {"fx": 120.0, "fy": 120.0, "cx": 79.5, "cy": 59.5}, **extra}
        )
        for index in range(count):
            sample = toy_frames(count)[index]
            labels = change(sample.labels) if index < labeled else None
            writer.write(f"{index}", Frame.from_meters(sample.frame.depth_m(), depth_unit_m=0.001), labels)
        return tmp_path / "set"

    return write


def test_folder_frames_are_what_was_written(folder, toy_frames):
    source = open_stored([folder(count=3)])
    expected, sample = toy_frames(3)[1], source[1]
    assert len(source) == len(list(source)) == 3
    np.testing.assert_allclose(sample.frame.depth_m(), expected.frame.depth_m(), atol=0.0006)
    np.testing.assert_array_equal(sample.target(), expected.target())
    assert sample.frame.intrinsics == Intrinsics(120.0, 120.0, 79.5, 59.5)


def test_folders_follow_each_other(folder):
    path = folder(count=3)
    source = open_stored([path, path])
    assert len(source) == 6
    np.testing.assert_array_equal(source[4].labels, source[1].labels)


def test_frames_without_labels_are_refused(folder):
    with pytest.raises(InputError, match="2 frames without labels"):
        open_stored([folder(count=4, labeled=2)])


def test_the_last_tenth_validates(folder):
    path = folder(count=10)
    train, val = open_frames(replace(preset("tiny"), data=(path,)))
    assert (len(train), len(val)) == (9, 1)
    np.testing.assert_array_equal(val[0].labels, open_stored([path])[9].labels)


def test_splits_of_the_folder_are_used(folder):
    path = folder(count=4, splits={"train": ["0", "3"], "val": ["1"]})
    train, val = open_frames(replace(preset("tiny"), data=(path,)))
    everything = open_stored([path])
    assert (len(train), len(val)) == (2, 1)
    np.testing.assert_array_equal(train[1].labels, everything[3].labels)
    np.testing.assert_array_equal(val[0].labels, everything[1].labels)


def test_shards_with_splits_are_used_as_folders_are(folder, tmp_path):
    path = folder(count=5, splits={"train": ["0", "3", "1"], "val": ["2"]})
    Conversion(FolderDataset(path), tmp_path / "shards", "shards", shard_size=2).run()
    config = replace(preset("tiny"), data=(tmp_path / "shards",))
    expected, found = (open_frames(replace(config, data=(data,))) for data in (path, tmp_path / "shards"))
    assert [len(source) for source in found] == [3, 1]
    order = [0, 2, 1]  # shards keep the order of the folder
    for index in range(3):
        sample, same = found[0][index], expected[0][order[index]]
        np.testing.assert_array_equal(sample.target(), same.target())
        np.testing.assert_array_equal(sample.frame.depth_m(), same.frame.depth_m())
        assert sample.frame.intrinsics == same.frame.intrinsics
    copy = pickle.loads(pickle.dumps(found[1]))
    np.testing.assert_array_equal(copy[0].labels, expected[1][0].labels)


def test_shards_without_labels_are_refused(folder, tmp_path):
    Conversion(FolderDataset(folder(count=3, labeled=1)), tmp_path / "shards", "shards").run()
    with pytest.raises(InputError, match="2 frames without labels"):
        open_stored([tmp_path / "shards"])


def test_a_set_of_its_own_can_validate(folder):
    path = folder(count=4)
    config = preset("tiny")
    config = replace(config, data=(path,), validation=replace(config.validation, data=(path,)))
    assert [len(source) for source in open_frames(config)] == [4, 4]


def test_one_class_is_refused(folder):
    for change in (np.zeros_like, np.ones_like):
        with pytest.raises(InputError, match="only"):
            check_frames(open_stored([folder(count=2, change=change)]), "set", same_size=False, skipped=Skipped())


def test_an_absent_class_is_reported(folder):
    source = open_stored([folder(count=2, change=lambda labels: np.where(labels == 2, 0, labels).astype(np.uint8))])
    assert check_frames(source, "set", same_size=False, skipped=Skipped()) == ("object",)


def test_all_classes_pass_and_no_frames_do_not(folder, toy_frames):
    assert check_frames(open_stored([folder(count=2)]), "set", same_size=True, skipped=Skipped()) == ()
    with pytest.raises(InputError, match="holds no frames"):
        check_frames(toy_frames(0), "set", same_size=False, skipped=Skipped())


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "depth").mkdir()
    with pytest.raises(InputError, match=str(tmp_path)):
        open_frames(replace(preset("tiny"), data=(tmp_path,)))


def test_synthetic_frames_travel_to_workers_without_their_models():
    source = SyntheticDataset("train", 3, recipes=["wild", "exam1"])
    assert len(source) == ENDLESS
    copy = pickle.loads(pickle.dumps(source))
    assert (copy.split, copy.seed, copy.count) == ("train", 3, ENDLESS)


def test_of_a_reviewed_folder_only_accepted_frames(folder, capsys):
    path = folder()
    with open_store(path, say=pytest.fail) as store:
        for frame in store.frames()[:6]:
            decision = "rejected" if frame.stem in ("0", "3") else "accepted"
            store.decide(frame.id, decision, expected_revision=0, who=Reviewer("Anna", "tab"))
    train, val = open_frames(replace(preset("tiny"), data=(path,)))
    assert capsys.readouterr().out == f"{path}: 4 of 10 frames, those accepted in review.sqlite\n"
    whole = FolderDataset(path)
    frames = [*train, val[0]]
    for frame, index in zip(frames, (1, 2, 4, 5), strict=True):
        np.testing.assert_array_equal(frame.labels, whole[index].labels)
