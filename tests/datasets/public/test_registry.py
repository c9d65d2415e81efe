import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graspseg.datasets.folder import Sample
from graspseg.datasets.public.dataset import FACTS
from graspseg.datasets.public.registry import (
    DATASETS,
    describe_all,
    detect,
    open_named,
    open_public,
    parse_named,
)
from graspseg.errors import InputError
from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT

Make = Callable[[str], Any]
ALL = sorted(DATASETS)
LABELED = [name for name in ALL if DATASETS[name].card.classes != "none"]


@pytest.mark.parametrize("name", ALL)
def test_frames_by_index(small: Make, name: str) -> None:
    dataset = open_public(name, small(name).root)
    assert len(dataset) == 2 and len(set(dataset.stems)) == 2
    for sample in dataset:
        assert isinstance(sample, Sample) and sample.stem in dataset.stems
        assert sample.frame.depth.dtype == np.uint16 and sample.frame.depth.max() > 0
        if sample.labels is not None:
            assert sample.labels.shape == sample.frame.depth.shape
            assert set(np.unique(sample.labels)) <= {BACKGROUND, HAND, OBJECT, IGNORE}
            assert HAND in sample.labels
    assert (dataset[0].labels is None) == (dataset.card.classes == "none")


@pytest.mark.parametrize("name", ALL)
def test_a_pickled_data_set_reads_the_same(small: Make, name: str) -> None:
    dataset = open_public(name, small(name).root)
    again = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(again[1].frame.depth, dataset[1].frame.depth)
    assert again[1].frame.intrinsics == dataset[1].frame.intrinsics


@pytest.mark.parametrize("name", ALL)
def test_a_folder_is_recognized_as_what_it_holds(small: Make, name: str) -> None:
    assert detect(small(name).root) == name


def test_other_folders_are_not_recognized(tmp_path: Path) -> None:
    assert detect(tmp_path) is None
    assert detect(tmp_path / "missing") is None


@pytest.mark.parametrize("name", ALL)
def test_another_layout_says_found_expected_and_remedy(tmp_path: Path, name: str) -> None:
    card = DATASETS[name].card
    (tmp_path / "pictures").mkdir()
    with pytest.raises(InputError) as error:
        open_public(name, tmp_path)
    for part in (f"{tmp_path} holds pictures", f"expected {card.title} as {card.layout}", f"get it from {card.where}"):
        assert part in str(error.value)
    with pytest.raises(InputError, match=r"missing is no folder, expected .* in there: name the folder"):
        open_public(name, tmp_path / "missing")


@pytest.mark.parametrize("name", ALL)
def test_a_split_that_is_not_there(small: Make, name: str) -> None:
    with pytest.raises(InputError, match="has no split 'dev', expected"):
        open_public(name, small(name).root, split="dev")


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("name", ALL)
def test_truncated_depth(small: Make, name: str, share: float) -> None:
    made = small(name)
    dataset = open_public(name, made.root)
    data = made.depth.read_bytes()
    made.depth.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=made.depth.name):
        dataset[1 if made.depth.suffix == ".avi" else 0]


@pytest.mark.parametrize("name", ALL)
def test_depth_that_is_gone(small: Make, name: str) -> None:
    made = small(name)
    dataset = open_public(name, made.root)
    made.depth.unlink()
    with pytest.raises(InputError, match=rf"{made.depth.name} "):
        dataset[0]


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("name", LABELED)
def test_truncated_labels(small: Make, name: str, share: float) -> None:
    made = small(name)
    data = made.labels.read_bytes()
    made.labels.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=made.labels.name):
        open_public(name, made.root)[0]


@pytest.mark.parametrize("name", LABELED)
def test_a_frame_without_labels_has_none_and_is_left_out_of_training(
    small: Make, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = small(name)
    dataset = open_public(name, made.root)
    stem = dataset.stems[0]
    assert dataset.unlabeled() == []
    made.labels.unlink()
    assert dataset.unlabeled() == [stem] and dataset[0].labels is None
    named = open_named(f"{name}:{made.root}")
    assert named is not None and len(named) == 1 and named.stems == dataset.stems[1:]
    notice = capsys.readouterr().err
    assert dataset.card.licence in notice and dataset.card.citation in notice


def test_data_without_labels_cannot_be_learned_from(small: Make) -> None:
    made = small("taco")
    with pytest.raises(InputError, match="has labels for none of its 2 frames, expected some"):
        open_named(f"taco:{made.root}")


def test_names_in_data_arguments(small: Make, tmp_path: Path) -> None:
    assert parse_named("dexycb:/data/x") == ("dexycb", None, Path("/data/x"))
    assert parse_named(Path("dexycb/s1_val:data/x")) == ("dexycb", "s1_val", Path("data/x"))
    assert parse_named("/data/dexycb") is None and parse_named("synth:val:10") is None
    made = small("ho3d")
    for data, split in ((f"ho3d/train:{made.root}", "evaluation"), (f"ho3d:{made.root}", "train")):
        dataset = open_named(data, split=split)
        assert dataset is not None and dataset.split == "train"
    with pytest.raises(InputError, match="holds no frames of split evaluation"):
        open_named(f"ho3d/evaluation:{made.root}")
    with pytest.raises(InputError, match=r"'imagenet' is no public data set, expected one of dexycb, "):
        open_public("imagenet", tmp_path)


def test_a_users_own_folder_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nyu:old").mkdir()
    assert open_named("nyu:old") is None


def test_every_fact_has_a_source() -> None:
    for record in describe_all():
        assert sorted(source["fact"] for source in record["sources"]) == sorted(FACTS), record["name"]
        official = {source["fact"] for source in record["sources"] if source["official"]}
        assert set(record["unverified"]) == set(FACTS) - official
        assert record["verified"] == (not record["unverified"])


def test_what_no_maker_confirms_is_unverified() -> None:
    unverified = {record["name"]: set(record["unverified"]) for record in describe_all()}
    assert "depth unit" in unverified["handseg"] and "depth unit" not in unverified["dexycb"]
    assert "labels" in unverified["ho3d"] and "labels" not in unverified["hoi4d"]
    assert unverified["kang-hoi"] >= {"layout", "depth coding", "labels"}
