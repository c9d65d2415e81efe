"""Splitting, merging and filtering data sets of the generator, and what folders know of their frames."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.check import check
from graspseg.datasets.conditions import parse_condition
from graspseg.datasets.convert import Conversion
from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.datasets.open import open_on_disk
from graspseg.datasets.selection import Merged, unique_names
from graspseg.datasets.splitting import parse_shares, sequences_of, share_out, split_dataset
from graspseg.datasets.statistics import as_json, collect
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import HAND
from graspseg.synth.job import Job
from graspseg.synth.write import write_frames


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six synthetic frames as a folder and as shards."""
    where = tmp_path_factory.mktemp("made")
    for job in (
        Job(where / "folder", 6, 3, "train", preset="exam1"),
        Job(where / "shards", 6, 3, "train", "shards", 4, preset="exam1"),
    ):
        assert sum(write_frames(job)) == 6
    return where


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Five recordings of 4, 3, 2, 2 and 1 frames, whose stems have dots and folders."""
    writer = FolderWriter(tmp_path / "clips", {})
    for clip, count in enumerate((4, 3, 2, 2, 1)):
        for number in range(count):
            depth = np.full((4, 6), 500 + clip, np.uint16)
            writer.write(f"take {clip}/{number}.5", Frame(depth), np.full((4, 6), clip % 3, np.uint8))
    return tmp_path / "clips"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_knows_what_shards_of_the_same_seed_know(made: Path) -> None:
    folder, shards = open_on_disk(made / "folder"), open_on_disk(made / "shards")
    figures = [as_json(collect(dataset), dataset.description) for dataset in (folder, shards)]
    assert figures[0] == figures[1]
    assert figures[0]["objects"] and figures[0]["hands"] and figures[0]["interactions"]
    for index in range(6):
        facts = dict(shards[index].facts)
        assert facts.pop("stem") == folder.stems[index]
        assert folder[index].facts == folder.facts(index) == facts
        assert shards.facts(index) == shards[index].facts
    assert check(made / "folder", say=pytest.fail).faults == 0


def test_facts_survive_folder_to_shards_and_back(made: Path, tmp_path: Path) -> None:
    Conversion(open_on_disk(made / "folder"), tmp_path / "shards", "shards").run()
    Conversion(open_on_disk(tmp_path / "shards"), tmp_path / "back", "folder").run()
    names = [name for name in contents(made / "folder") if name.startswith("facts/")]
    assert len(names) == 6
    for name in names:
        assert (tmp_path / "back" / name).read_bytes() == (made / "folder" / name).read_bytes()


def test_facts_that_somebody_changed_are_not_written_over(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    Conversion(open_on_disk(made / "shards"), out, "folder").run()
    mine = out / "facts" / "train-0000001.json"
    mine.write_text('{"objects": ["mine"]}')
    said: list[str] = []
    again = Conversion(open_on_disk(made / "shards"), out, "folder", say=said.append)
    again.run()
    assert (again.written, again.failed) == (5, 1) and "train-0000001.json was changed" in said[0]
    assert FolderDataset(out).facts(1) == {"objects": ["mine"]}


def test_damaged_facts_are_said(made: Path, tmp_path: Path) -> None:
    Conversion(open_on_disk(made / "shards"), tmp_path / "out", "folder").run()
    (tmp_path / "out" / "facts" / "train-0000002.json").write_text("[")
    with pytest.raises(InputError, match=r"train-0000002\.json is no readable JSON"):
        FolderDataset(tmp_path / "out")[2]


@pytest.mark.parametrize("form", ["folder", "shards"])
def test_neighbors_are_never_in_different_splits(clips: Path, tmp_path: Path, form: str) -> None:
    """Keys of shards replace dots, so that only facts tell which frames follow each other."""
    source = clips
    if form == "shards":
        Conversion(open_on_disk(clips), tmp_path / "shards", "shards", shard_size=5).run()
        source = tmp_path / "shards"
    dataset = open_on_disk(source)
    assert sorted(map(len, sequences_of(dataset))) == [1, 2, 2, 3, 4]
    for seed in range(5):
        divided = split_dataset(dataset, {"train": 0.75, "val": 0.25}, by="sequence", seed=seed)
        seen: dict[str, set[str]] = {}
        for index in range(len(divided)):
            (split,) = divided.splits_of(index)
            seen.setdefault(divided[index].stem[:6], set()).add(split)
        assert all(len(splits) == 1 for splits in seen.values()) and len(seen) == 5
        counts = [divided.splits_of(index)[0] for index in range(12)].count("train")
        assert counts == 9


def test_shares_are_met_as_well_as_groups_allow() -> None:
    splits = share_out([1] * 1000, {"train": 0.7, "val": 0.2, "test": 0.1}, seed=1)
    assert [splits.count(name) for name in ("train", "val", "test")] == [700, 200, 100]
    assert splits != share_out([1] * 1000, {"train": 0.7, "val": 0.2, "test": 0.1}, seed=2)
    assert share_out([8, 1, 1], {"a": 0.5, "b": 0.5}, seed=0) == ["a", "b", "b"]


def test_single_frames_of_the_generator_do_not_follow_each_other(made: Path) -> None:
    assert len(sequences_of(open_on_disk(made / "folder"))) == len(sequences_of(open_on_disk(made / "shards"))) == 6


@pytest.mark.parametrize("text", ["train", "train=x", "=1", "train=0", "train=1.5", "train=nan"])
def test_impossible_shares(text: str) -> None:
    with pytest.raises(InputError, match=r"expected each split once as NAME=SHARE"):
        parse_shares([text])
    with pytest.raises(InputError, match=r"add up to 0\.9"):
        parse_shares(["train=0.8", "val=0.1"])


def test_split_on_the_command_line(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    command = ["dataset", "split", str(clips), "--out", str(out), "--shares", "train=0.75", "val=0.25"]
    assert main(command) == 0
    assert "train 9, val 3" in capsys.readouterr().err
    assert len(open_on_disk(out, split="train")) == 9 and len(open_on_disk(out, split="val")) == 3
    before = contents(out)
    assert main(command) == 0 and contents(out) == before
    assert main([*command, "--seed", "1"]) == 2
    assert "seed is 0, now it would be 1" in capsys.readouterr().err
    one = [*command[:4], str(tmp_path / "one"), "--shares", "a=0.5", "b=0.5"]
    for stem in ("take 1", "take 2", "take 3", "take 4"):
        for kind in ("depth", "labels"):
            for path in (clips / kind / stem).iterdir():
                path.unlink()
    assert main(one) == 2 and "1 sequence of 4 frames, too few" in capsys.readouterr().err
    assert main([*one, "--by", "frame", "--to", "shards"]) == 0
    assert set(open_on_disk(tmp_path / "one").split_names) == {"a", "b"}


def test_a_merged_frame_keeps_unit_camera_and_facts(made: Path, tmp_path: Path) -> None:
    camera = Intrinsics(100.0, 101.0, 3.0, 2.0)
    for name, unit, where in (("a", 0.001, camera), ("b", 0.000125, None)):
        described = {"depth_unit_m": unit, "licence": f"CC0-1.0 {name}"}
        if where is not None:
            described["intrinsics"] = {"fx": 100.0, "fy": 101.0, "cx": 3.0, "cy": 2.0}
        writer = FolderWriter(tmp_path / name / "set", described)
        writer.write("x", Frame(np.full((4, 6), 60_000, np.uint16), unit), np.full((4, 6), HAND, np.uint8))
    paths = [tmp_path / "a" / "set", tmp_path / "b" / "set", made / "shards"]
    for form in ("folder", "shards"):
        out = tmp_path / form
        command = ["dataset", "merge", *map(str, paths), "--out", str(out), "--to", form]
        assert main(command) == 0
        merged = open_on_disk(out)
        assert len(merged) == 8
        names = [merged.facts(index).get("stem", merged.stems[index]) for index in range(8)]
        frames = dict(zip(names, merged, strict=True))
        assert frames["set/x"].frame.intrinsics == camera and frames["set-2/x"].frame.intrinsics is None
        assert frames["set/x"].frame.depth_unit_m == 0.001 and frames["set-2/x"].frame.depth_unit_m == 0.000125
        assert frames["set/x"].frame.depth[0, 0] == frames["set-2/x"].frame.depth[0, 0] == 60_000
        original = open_on_disk(made / "shards")[4]
        copy = frames["shards/train-0000004"]
        np.testing.assert_array_equal(copy.frame.depth, original.frame.depth)
        assert copy.frame.intrinsics == original.frame.intrinsics and copy.facts["source"] == "shards"
        assert copy.facts["objects"] == original.facts["objects"]
        sources = merged.description.content["sources"]
        assert [(source["name"], source["frames"]) for source in sources] == [("set", 1), ("set-2", 1), ("shards", 6)]
        assert sources[1]["licence"] == "CC0-1.0 b" and "licence" not in merged.description.content
        assert check(out, say=pytest.fail).faults == 0 and not merged.description.notes
        before = contents(out)
        assert main(command) == 0 and contents(out) == before


def test_color_of_two_cameras_cannot_be_merged(tmp_path: Path) -> None:
    for name, described in (("a", {}), ("b", {"color": {}})):
        FolderWriter(tmp_path / name, described).write("x", Frame(np.ones((4, 6), np.uint16)))
    with pytest.raises(InputError, match="color of different cameras"):
        Merged([open_on_disk(tmp_path / "a"), open_on_disk(tmp_path / "b")])


def test_names_of_merged_sets_are_their_own() -> None:
    paths = [Path(name) for name in ("/x/a", "/y/a", "/z/a-2", "/x/A", "/x/b.tar")]
    assert unique_names(paths) == ["a", "a-2", "a-2-2", "A-3", "b"]


def test_filter_by_what_is_seen_and_known(made: Path, tmp_path: Path) -> None:
    dataset = open_on_disk(made / "folder")
    hand_px = [int((sample.target() == HAND).sum()) for sample in dataset]
    middle = sorted(hand_px)[3]
    kinds = [dataset.facts(index)["interaction"] for index in range(6)]
    keep = tmp_path / "keep.txt"
    keep.write_text("\ufeff" + "\n".join(dataset.stems[:4]) + "\r\n\n", encoding="utf-8")
    cases = {
        f"hand_px >= {middle}": [count >= middle for count in hand_px],
        f"hand_px<{middle}": [count < middle for count in hand_px],
        f"interaction={kinds[0]},none": [kind == kinds[0] for kind in kinds],
        f"stems={keep}": [True] * 4 + [False] * 2,
        f"stems!={keep}": [False] * 4 + [True] * 2,
    }
    for number, (where, expected) in enumerate(cases.items()):
        for source in ("folder", "shards"):
            out = tmp_path / f"{number}-{source}"
            assert main(["dataset", "filter", str(made / source), "--out", str(out), "--where", where]) == 0
            found = [stem for stem, chosen in zip(dataset.stems, expected, strict=True) if chosen]
            assert list(open_on_disk(out).stems) == found, where
    both = [f"hand_px>={min(hand_px[:4])}", f"stems={keep}"]
    assert main(["dataset", "filter", str(made / "folder"), "--out", str(tmp_path / "both"), "--where", *both]) == 0
    assert list(open_on_disk(tmp_path / "both").stems) == dataset.stems[:4]


def test_filter_by_confidence_and_decision(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["dataset", "filter", str(clips), "--out", str(tmp_path / "out"), "--where"]
    assert main([*command, "confidence>=0.5"]) == 2 and "has no confidence.csv" in capsys.readouterr().err
    assert main([*command, "decision=accepted"]) == 2 and "has no decisions" in capsys.readouterr().err
    stems = open_on_disk(clips).stems
    rows = [f"{stem},{number / 10}" for number, stem in enumerate(stems)]
    (clips / "confidence.csv").write_text("stem,confidence\n" + "\n".join(rows[:8]) + "\n")
    assert main([*command, "confidence>=0.5"]) == 0
    assert list(open_on_disk(tmp_path / "out").stems) == stems[5:8]
    assert main([*command[:4], str(tmp_path / "none"), "--where", "confidence>2"]) == 2
    assert "None of the 12 frames" in capsys.readouterr().err and not (tmp_path / "none").exists()


def test_filter_counts_frames_that_cannot_be_read(clips: Path, tmp_path: Path) -> None:
    (clips / "depth" / "take 1" / "0.5.png").write_bytes(b"")
    command = ["dataset", "filter", str(clips), "--out", str(tmp_path / "out"), "--where", "hand_px>0"]
    assert main(command) == 1
    assert list(open_on_disk(tmp_path / "out").stems) == ["take 1/1.5", "take 1/2.5", "take 4/0.5"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hand_px", "expected a condition"),
        ("hand=3", "did you mean 'hand_px'"),
        ("hand_px>=many", "expected a number"),
        ("interaction>hold", "expected = or !="),
        ("decision=perhaps", "expected accepted, rejected, undecided"),
        ("stems=nowhere.txt", "could not be read"),
    ],
)
def test_impossible_conditions(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_condition(text)


def test_a_stopped_split_goes_on(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["dataset", "split", str(clips), "--shares", "train=0.75", "val=0.25", "--threads", "1", "--out"]
    assert main([*command, str(tmp_path / "whole")]) == 0
    read = FolderDataset.read

    def stops(self: FolderDataset, index: int):
        if index == 7:
            raise KeyboardInterrupt
        return read(self, index)

    monkeypatch.setattr(FolderDataset, "read", stops)
    with pytest.raises(KeyboardInterrupt):
        Conversion(
            split_dataset(open_on_disk(clips), {"train": 0.75, "val": 0.25}, by="sequence", seed=0),
            tmp_path / "stopped",
            "folder",
            own_units=True,
        ).run()
    monkeypatch.undo()
    assert json.loads((tmp_path / "stopped" / "dataset.json").read_text()).get("splits") is None
    assert main([*command, str(tmp_path / "stopped")]) == 0
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
