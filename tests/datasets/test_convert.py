from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from graspseg.datasets.check import check
from graspseg.datasets.convert import LEDGER, Conversion, Target
from graspseg.datasets.dataset import Dataset
from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.datasets.manifest import write_manifest
from graspseg.datasets.open import open_dataset
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.datasets.shards import ShardDataset
from graspseg.datasets.statistics import as_json, collect
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import PALETTE

CAMERA = {"fx": 5.0, "fy": 6.0, "cx": 2.5, "cy": 1.5}


def convert(dataset: Dataset, out: Path, to: Target, *, shard_size: int = 2) -> tuple[Conversion, list[str]]:
    said: list[str] = []
    conversion = Conversion(dataset, out, to, threads=2, shard_size=shard_size, say=said.append)
    conversion.run()
    return conversion, said


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path, make_sample) -> Path:
    splits = {"train": ["take 1/0.0", "take 1/1.0"], "val": ["take 1/3.0"]}
    description = {"depth_unit_m": 0.0001, "intrinsics": CAMERA, "licence": "CC0-1.0", "splits": splits}
    writer = FolderWriter(tmp_path / "folder", description)
    for number in range(5):
        sample = make_sample(number, colored=number < 2)
        labels = None if number == 4 else sample.labels
        writer.write(f"take 1/{number}.0", sample.frame, labels, color=sample.color)
    return tmp_path / "folder"


def test_color_of_a_camera_beside_the_depth_stays_that(tmp_path: Path, make_sample) -> None:
    rig = {"intrinsics": CAMERA, "color_from_depth": np.eye(4).tolist()}
    picture = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    FolderWriter(tmp_path / "folder", {"color": rig}).write("a", make_sample(1).frame, color=picture)
    convert(FolderDataset(tmp_path / "folder"), tmp_path / "shards", "shards")
    convert(ShardDataset(tmp_path / "shards"), tmp_path / "back", "folder")
    for name in ("folder", "shards", "back"):
        dataset = open_dataset(tmp_path / name)
        assert not dataset.description.color_is_aligned and dataset.description.content["color"] == rig
        np.testing.assert_array_equal(dataset.color(0), picture)
        notes = check(tmp_path / name, say=pytest.fail).notes
        assert notes["the color is of a camera beside the depth camera, it does not fit pixel by pixel"] == 1
        assert as_json(collect(dataset), dataset.description)["type"] == "depth and color of a camera beside it"
    (tmp_path / "folder" / "dataset.json").unlink()
    aligned = FolderDataset(tmp_path / "folder")
    assert aligned.description.color_is_aligned
    with pytest.raises(InputError, match=r"12x9 pixels, expected 6x4 .* field color"):
        aligned.color(0)


def test_folder_to_shards_and_back(folder: Path, tmp_path: Path) -> None:
    done, said = convert(FolderDataset(folder), tmp_path / "shards", "shards")
    assert (done.written, done.failed, said) == (5, 0, [])
    assert sorted(path.name for path in (tmp_path / "shards").iterdir()) == [
        "frames-000000.tar",
        "manifest.json",
        "train-000000.tar",
        "val-000000.tar",
    ]
    shards = ShardDataset(tmp_path / "shards")
    assert shards.stems == ["take_1_0_0", "take_1_1_0", "take_1_2_0", "take_1_4_0", "take_1_3_0"]
    assert shards.description.content["licence"] == "CC0-1.0"
    assert ShardDataset(tmp_path / "shards", split="val")[0].facts == {"stem": "take 1/3.0"}
    convert(shards, tmp_path / "back", "folder")
    before, after = files(folder), files(tmp_path / "back")
    after.pop(LEDGER)
    described, original = (json.loads(content.pop("dataset.json")) for content in (after, before))
    assert before == after
    assert described.pop("converted") == {"from": "shards", "to": "folder", "frames": 5}
    assert described == original
    assert FolderDataset(tmp_path / "back", split="val").stems == ["take 1/3.0"]


def test_a_stopped_conversion_goes_on(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = FolderDataset(folder)
    convert(dataset, tmp_path / "whole", "shards", shard_size=1)
    color = dataset.color
    monkeypatch.setattr(dataset, "color", lambda index: stop() if index == 1 else color(index))

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(dataset, tmp_path / "stopped", "shards", shard_size=1)
    assert any("was not finished" in text for text in _faults(tmp_path / "stopped"))
    (kept,) = (tmp_path / "stopped").glob("*.tar")
    stamp = kept.stat().st_mtime_ns
    monkeypatch.undo()
    convert(dataset, tmp_path / "stopped", "shards", shard_size=1)
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    assert kept.stat().st_mtime_ns == stamp


def _faults(path: Path) -> list[str]:
    said: list[str] = []
    check(path, say=said.append)
    return said


@pytest.mark.parametrize("to", ["folder", "coco", "png"])
def test_running_again_writes_no_picture_twice(folder: Path, tmp_path: Path, to: Target) -> None:
    (folder / "depth" / "take 1" / "4.0.png").unlink()  # the frame without labels
    convert(FolderDataset(folder), tmp_path / "out", to)
    before = files(tmp_path / "out")
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    convert(FolderDataset(folder), tmp_path / "out", to)
    assert files(tmp_path / "out") == before
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps and len(stamps) >= 4


def test_places_that_are_taken(folder: Path, tmp_path: Path) -> None:
    dataset = FolderDataset(folder)
    for out in (folder, folder / "shards"):
        with pytest.raises(InputError, match="is inside"):
            convert(dataset, out, "shards")
    convert(dataset, tmp_path / "out", "shards")
    others: list[tuple[Target, int]] = [("folder", 2), ("shards", 3)]
    for to, size in others:
        with pytest.raises(InputError, match="holds something else"):
            convert(dataset, tmp_path / "out", to, shard_size=size)


def test_frames_that_cannot_be_converted(folder: Path, tmp_path: Path) -> None:
    (folder / "depth" / "take 1" / "1.0.png").write_bytes(b"")
    done, said = convert(FolderDataset(folder), tmp_path / "out", "shards")
    assert (done.written, done.failed) == (4, 1)
    assert len(said) == 1 and "1.0.png is an empty file" in said[0]
    assert len(ShardDataset(tmp_path / "out")) == 4
    for path in (folder / "depth").rglob("*.png"):
        path.write_bytes(b"")
    targets: tuple[Target, ...] = get_args(Target)
    for to in targets:
        with pytest.raises(InputError, match="None of the 5 frames"):
            convert(FolderDataset(folder), tmp_path / "nothing" / to, to)
        assert not list((tmp_path / "nothing").rglob("*.*"))


@pytest.mark.parametrize("to", ["folder", "coco", "png"])
def test_stems_of_a_stranger_stay_inside(tmp_path: Path, make_sample, to: Target) -> None:
    absolute = str(tmp_path / "elsewhere" / "evil")
    stems = ["good", "../evil", absolute, "a/../../evil", "", 7, "x\0y", "n" * 300, "good"]
    samples = [replace(make_sample(n), facts={"stem": stem}) for n, stem in enumerate(stems)]
    write_shard(tmp_path / "in" / "a.tar", samples)
    done, said = convert(open_dataset(tmp_path / "in"), tmp_path / "deep" / "out", to)
    assert (done.written, done.failed) == (1, 8)
    assert sum("expected a relative path" in text for text in said) == 7
    assert sum("expected every stem once" in text for text in said) == 1
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]


def test_a_shard_has_one_split(folder: Path, tmp_path: Path) -> None:
    content = json.loads((folder / "dataset.json").read_text())
    content["splits"]["small"] = ["take 1/0.0"]
    (folder / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"take 1/0\.0 in the splits \['train', 'small'\]"):
        convert(FolderDataset(folder), tmp_path / "out", "shards")


def test_units_and_cameras_of_single_frames(tmp_path: Path, make_sample) -> None:
    other = make_sample(1)
    other = replace(other, frame=Frame(np.full((4, 6), 7, np.uint16), 0.001))
    write_manifest(tmp_path / "in", {}, [write_shard(tmp_path / "in" / "a.tar", [make_sample(0), other])])
    _, said = convert(ShardDataset(tmp_path / "in"), tmp_path / "out", "folder")
    assert said == []
    frames = [sample.frame for sample in FolderDataset(tmp_path / "out")]
    assert [frame.depth_unit_m for frame in frames] == [0.0001, 0.0001]
    assert frames[1].depth[0, 0] == 70


def test_every_frame_keeps_its_camera(tmp_path: Path, make_sample) -> None:
    write_manifest(tmp_path / "in", {"intrinsics": {**CAMERA, "fx": 9.0}}, [])
    row = write_shard(tmp_path / "in" / "a.tar", [make_sample(0)])
    write_manifest(tmp_path / "in", {"intrinsics": {**CAMERA, "fx": 9.0}}, [row])
    for number, to in enumerate(("folder", "coco", "shards")):
        _, said = convert(ShardDataset(tmp_path / "in"), tmp_path / to, to)
        converted = open_dataset(tmp_path / to)
        assert said == [] and converted[0].frame.intrinsics == Intrinsics(**CAMERA), number
    (image,) = json.loads((tmp_path / "coco" / "annotations.json").read_text())["images"]
    assert image["intrinsics"] == CAMERA
    _, said = convert(open_dataset(tmp_path / "folder"), tmp_path / "again", "shards")
    assert open_dataset(tmp_path / "again")[0].frame.intrinsics == Intrinsics(**CAMERA)


def test_coco_has_one_unit(tmp_path: Path) -> None:
    """Depth of 0.1 mm beside depth of millimeters becomes millimeters; what is too far for that is said."""
    near = Frame(np.full((4, 6), 5000, np.uint16), 0.0001)
    far = Frame(np.full((4, 6), 60000, np.uint16), 0.01)
    own = Frame(np.full((4, 6), 700, np.uint16), 0.001)
    frames = {"a": own, "b": near, "c": far}
    write_shard(tmp_path / "in.tar", [ShardSample(key, frame) for key, frame in frames.items()])
    conversion, said = convert(ShardDataset(tmp_path / "in.tar"), tmp_path / "coco", "coco")
    assert (conversion.written, conversion.failed) == (2, 1) and "'c' reaches 600.0 m" in said[0]
    for sample, meters in zip(FolderDataset(tmp_path / "coco"), (0.7, 0.5), strict=True):
        np.testing.assert_allclose(sample.frame.depth_m(), meters, rtol=1e-6)
    images = json.loads((tmp_path / "coco" / "annotations.json").read_text())["images"]
    assert [image["file_name"] for image in images] == ["depth/a.png", "depth/b.png"]


def test_png_shows_the_labels(folder: Path, tmp_path: Path) -> None:
    done, said = convert(FolderDataset(folder), tmp_path / "out", "png")
    assert (done.written, done.failed) == (4, 1) and "has no label image" in said[0]
    labels = FolderDataset(folder)[2].labels
    assert labels is not None
    picture = cv2.imread(str(tmp_path / "out" / "masks" / "take 1" / "2.0.png"))
    assert picture is not None
    for label, color in PALETTE.items():
        assert (picture[labels == label] == color[::-1]).all()
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["colors"]["hand"] == [230, 159, 0]


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools' decoder with NumPy 2
def test_coco_decodes_to_the_labels(folder: Path, tmp_path: Path) -> None:
    rle = pytest.importorskip("pycocotools.mask")
    convert(FolderDataset(folder), tmp_path / "out", "coco")
    content = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert content["categories"] == [{"id": 1, "name": "hand"}, {"id": 2, "name": "object"}]
    assert content["info"]["licence"] == "CC0-1.0" and content["info"]["depth_unit_m"] == 0.0001
    assert [image["id"] for image in content["images"]] == [1, 2, 3, 4, 5]
    assert len({annotation["id"] for annotation in content["annotations"]}) == len(content["annotations"]) == 8
    dataset = FolderDataset(folder)
    for annotation in content["annotations"]:
        index = annotation["image_id"] - 1
        labels = dataset[index].labels
        assert labels is not None
        expected = labels == annotation["category_id"]
        np.testing.assert_array_equal(rle.decode(annotation["segmentation"]).astype(bool), expected)
        rows, columns = np.nonzero(expected)
        size = [np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert annotation["area"] == expected.sum()
        assert annotation["bbox"] == [columns.min(), rows.min(), *size]
        image = content["images"][index]
        depth = cv2.imread(str(tmp_path / "out" / image["file_name"]), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(depth, dataset[index].frame.depth)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
@pytest.mark.parametrize("to", ["folder", "shards", "coco"])
def test_a_frame_without_a_camera_gets_none_from_others(tmp_path: Path, to: Target, order: tuple[int, ...]) -> None:
    cameras = [Intrinsics(**CAMERA), None, Intrinsics(200.0, 200.0, 3.5, 2.5)]
    depth, labels = np.full((6, 8), 700, np.uint16), np.ones((6, 8), np.uint8)
    frames = [ShardSample(f"f{index}", Frame(depth, 0.001, cameras[index]), labels) for index in order]
    write_shard(tmp_path / "in.tar", frames)
    Conversion(open_dataset(tmp_path / "in.tar"), tmp_path / "out", to).run()
    found = {sample.stem.split("/")[-1]: sample.frame.intrinsics for sample in open_dataset(tmp_path / "out")}
    assert found == {f"f{index}": cameras[index] for index in order}
    if to == "coco":
        content = json.loads((tmp_path / "out" / "annotations.json").read_bytes())
        assert content["info"]["intrinsics"] is None
        assert [row.get("intrinsics") for row in content["images"]] == [
            None if camera is None else asdict(camera) for camera in (cameras[index] for index in order)
        ]
