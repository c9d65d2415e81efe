from __future__ import annotations

import importlib.util
import json
import multiprocessing
import pickle
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.datasets.dataset import Dataset
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.manifest import MANIFEST, read_manifest, write_manifest
from graspseg.datasets.open import open_dataset
from graspseg.datasets.shards import ShardDataset
from graspseg.errors import InputError
from graspseg.frame import Intrinsics


def _digest(data: tuple[ShardDataset, range]) -> list[tuple[str, int]]:
    """Runs in another process."""
    frames, indices = data
    return [(frames[index].stem, int(frames[index].frame.depth.sum())) for index in indices]


def test_every_bit_comes_back(make_shards, make_sample) -> None:
    dataset = ShardDataset(make_shards(colored=True))
    assert isinstance(dataset, Dataset)
    assert len(dataset) == 5
    assert dataset.stems == ["f0", "f1", "f2", "f3", "f4"]
    for number, sample in enumerate(dataset):
        written = make_sample(number, colored=True)
        np.testing.assert_array_equal(sample.frame.depth, written.frame.depth)
        assert sample.frame.depth.max() > 255
        np.testing.assert_array_equal(sample.labels, written.labels)
        np.testing.assert_array_equal(dataset.color(number), written.color)
        assert sample.frame.depth_unit_m == 0.0001
        assert sample.frame.intrinsics == Intrinsics(5.0, 6.0, 2.5, 1.5)
        assert sample.frame.timestamp_s == number / 30
        assert sample.facts == {"stem": f"take/{number}.0", "objects": [f"thing-{number % 2}"]}
        assert sample.stem == f"f{number}"


def test_labels_and_color_may_be_missing(make_shards) -> None:
    dataset = ShardDataset(make_shards(labeled=False))
    assert dataset[0].labels is None
    assert dataset.color(0) is None and not dataset.has_color(0)
    assert dataset.unlabeled() == dataset.stems


def test_splits_are_shards(make_shards) -> None:
    folder = make_shards()
    assert ShardDataset(folder).split_names == ("train", "val")
    assert ShardDataset(folder, split="val").stems == ["f3", "f4"]
    assert ShardDataset(folder).splits_of(2) == ("train",)
    with pytest.raises(InputError, match=r"no split 'test', expected one of \['train', 'val'\]"):
        ShardDataset(folder, split="test")


def test_one_tar_is_a_data_set_with_and_without_manifest(make_shards) -> None:
    folder = make_shards()
    single = open_dataset(folder / "val-000000.tar")
    assert list(single.stems) == ["f3", "f4"] and single.description.content["licence"] == "CC0-1.0"
    (folder / MANIFEST).unlink()
    assert list(open_dataset(folder / "val-000000.tar").stems) == ["f3", "f4"]
    assert list(open_dataset(folder).stems) == ["f0", "f1", "f2", "f3", "f4"]


def test_what_is_said_of_unit_and_camera_wins_in_order(make_shards, make_sample) -> None:
    folder = make_shards()
    camera = Intrinsics(1.0, 1.0, 0.0, 0.0)
    reported = ShardDataset(folder, depth_unit_m=0.01, intrinsics=camera)[0].frame
    assert (reported.depth_unit_m, reported.intrinsics) == (0.01, camera)
    rewrite_facts(folder / "val-000000.tar", {"stem": "x"})
    frame = ShardDataset(folder / "val-000000.tar")[0].frame
    assert (frame.depth_unit_m, frame.intrinsics) == (0.001, None)


def rewrite_facts(shard: Path, facts: dict) -> None:
    """Write another JSON for every frame of a shard, and a manifest that fits."""
    import io
    import tarfile

    with tarfile.open(shard) as tar:
        members = [(member.name, tar.extractfile(member).read()) for member in tar]  # pyright: ignore
    with tarfile.open(shard, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            data = json.dumps(facts).encode() if name.endswith(".json") else data
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    manifest = read_manifest(shard.parent / MANIFEST)
    assert manifest is not None
    rows = [row for row in manifest.shards if row.name != shard.name]
    write_manifest(shard.parent, manifest.description.content, rows)


@pytest.mark.parametrize(
    ("facts", "found"),
    [({"depth_unit_m": -1}, "depth_unit_m -1"), ({"intrinsics": {"fx": 1}}, "intrinsics"), ([], "holds a list")],
)
def test_facts_that_cannot_be_meant(make_shards, facts, found: str) -> None:
    folder = make_shards()
    rewrite_facts(folder / "val-000000.tar", facts)
    dataset = ShardDataset(folder / "val-000000.tar")
    with pytest.raises(InputError, match=rf"val-000000.tar/f3.json .*{found}"):
        dataset[0]


def test_two_processes_read_disjoint_parts(make_shards) -> None:
    dataset = ShardDataset(make_shards())
    expected = _digest((dataset, range(5)))
    fresh = ShardDataset(dataset.path)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(_digest, [(fresh, range(0, 5, 2)), (fresh, range(1, 5, 2))])
    assert sorted(first + second) == sorted(expected)


def test_shards_are_walked_when_they_are_needed(make_shards, monkeypatch: pytest.MonkeyPatch) -> None:
    from graspseg.datasets import shards

    folder = make_shards()
    walked: list[str] = []
    read_index = shards.read_index
    monkeypatch.setattr(shards, "read_index", lambda path: walked.append(path.name) or read_index(path))
    dataset = ShardDataset(folder)
    assert len(dataset) == 5 and not walked
    for index in (4, 3, 4):
        dataset[index]
    assert walked == ["val-000000.tar"]
    pickle.loads(pickle.dumps(dataset))[3]
    assert walked == ["val-000000.tar"]


def test_headers_of_shards_not_used_for_long_are_forgotten(make_shards, monkeypatch: pytest.MonkeyPatch) -> None:
    from graspseg.datasets import shards

    monkeypatch.setattr(shards, "INDEXED_FRAMES", 3)
    folder = make_shards()
    walked: list[str] = []
    read_index = shards.read_index
    monkeypatch.setattr(shards, "read_index", lambda path: walked.append(path.name) or read_index(path))
    dataset = ShardDataset(folder)
    assert dataset.block_starts().tolist() == [0, 3]
    read = [dataset[index].stem for index in (0, 1, 4, 3, 0)]
    assert read[0] == read[-1] and len(set(read)) == 4
    assert walked == ["train-000000.tar", "val-000000.tar", "train-000000.tar"]


def test_index_out_of_range(make_shards) -> None:
    dataset = ShardDataset(make_shards())
    for index in (5, -6):
        with pytest.raises(IndexError, match="has 5 frames"):
            dataset[index]
    assert dataset[-1].stem == dataset[4].stem


def test_a_shard_that_is_not_what_the_manifest_says(make_shards) -> None:
    folder = make_shards()
    shard = folder / "val-000000.tar"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:3000])
    with pytest.raises(InputError, match=rf"has 3000 bytes, expected {len(whole)}"):
        ShardDataset(folder)
    shard.unlink()
    with pytest.raises(InputError, match=r"val-000000\.tar is missing"):
        ShardDataset(folder)


def test_another_number_of_frames_than_listed(make_shards) -> None:
    folder = make_shards()
    content = json.loads((folder / MANIFEST).read_text())
    content["shards"][1]["samples"] = 7
    (folder / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(InputError, match="holds 2 frames, expected 7"):
        ShardDataset(folder)[3]


def test_an_unfinished_set_is_refused_but_not_its_shards(make_shards) -> None:
    folder = make_shards()
    manifest = read_manifest(folder / MANIFEST)
    assert manifest is not None
    write_manifest(folder, {}, (), complete=False)
    with pytest.raises(InputError, match="was not finished"):
        ShardDataset(folder)
    assert len(ShardDataset(folder / "train-000000.tar")) == 3


def test_what_a_path_means(tmp_path: Path, make_shards, make_sample) -> None:
    folder = make_shards()
    assert isinstance(open_dataset(folder), ShardDataset)
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "manifest.json").write_text('{"name": "a web page"}')
    cv2.imwrite(str(plain / "a.png"), make_sample(1).frame.depth)
    (plain / "backup.tar").touch()
    assert isinstance(open_dataset(plain), FolderDataset)
    cv2.imwrite(str(folder / "sheet.png"), make_sample(1).frame.depth)
    assert isinstance(open_dataset(folder), ShardDataset)
    with pytest.raises(InputError, match="does not exist"):
        open_dataset(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no depth image"):
        open_dataset(tmp_path / "empty")


# It leaves files open, a warning that is an error here, and imports torch, which it does not need: own processes.
_WITHOUT_TORCH = "import sys; sys.modules['torch'] = None\nimport json, cv2, numpy, webdataset\n"
_READ = """
for sample in webdataset.WebDataset(sys.argv[1:], shardshuffle=False, empty_check=False):
    row = {"key": sample["__key__"], "stem": json.loads(sample["json"])["stem"]}
    for name in ("depth", "label"):
        image = cv2.imdecode(numpy.frombuffer(sample[name + ".png"], numpy.uint8), cv2.IMREAD_UNCHANGED)
        row[name] = image.tolist()
    print(json.dumps(row))
"""
_WRITE = """
with webdataset.TarWriter(sys.argv[1]) as writer:
    for key in ("x", "y"):
        depth = cv2.imencode(".png", numpy.full((4, 6), 50000 + ord(key), numpy.uint16))[1].tobytes()
        writer.write({"__key__": key, "depth.png": depth, "json": {"stem": key}})
"""


def run_webdataset(code: str, *arguments: str) -> str:
    if importlib.util.find_spec("webdataset") is None:
        pytest.skip("needs webdataset")
    command = [sys.executable, "-c", _WITHOUT_TORCH + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_webdataset_reads_the_same(make_shards, make_sample) -> None:
    shards = sorted(str(path) for path in make_shards(colored=True).glob("*.tar"))
    rows = run_webdataset(_READ, *shards).splitlines()
    assert len(rows) == 5
    for number, row in enumerate(map(json.loads, rows)):
        written = make_sample(number)
        assert (row["key"], row["stem"]) == (f"f{number}", f"take/{number}.0")
        assert row["depth"] == written.frame.depth.tolist() and row["label"] == written.labels.tolist()


def test_what_webdataset_writes_is_read(tmp_path: Path) -> None:
    run_webdataset(_WRITE, str(tmp_path / "a.tar"))
    dataset = ShardDataset(tmp_path / "a.tar")
    assert dataset.stems == ["x", "y"]
    np.testing.assert_array_equal(dataset[1].frame.depth, np.full((4, 6), 50000 + ord("y"), np.uint16))
    assert dataset[1].labels is None


def test_rows_of_the_manifest_survive(make_shards) -> None:
    folder = make_shards()
    manifest = read_manifest(folder / MANIFEST)
    assert manifest is not None and manifest.complete
    content = json.loads((folder / MANIFEST).read_text())
    assert content["frames"] == 5 and content["splits"] == {"train": 3, "val": 2}
    assert [asdict(row) for row in manifest.shards] == content["shards"]
