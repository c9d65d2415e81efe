"""Every kind of file that is read or imported: a small good one, how it is read, and what is known of damaged ones.

What a reader gives is a list of digests, one for each frame, label image or the like. Of a kind whose content has
checksums, whatever is still read of a damaged file must be as it was; of every kind that knows its end, this holds for
a file that was cut. What is missing must be said.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

import ros_samples
from graspseg.datasets.atomic import write_json, write_png
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.images import read_color, read_depth, read_labels
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.datasets.shards import ShardDataset
from graspseg.errors import InputError
from graspseg.frame import Frame
from ros_samples import HEIGHT, WIDTH, Form, RosWriter, compressed_depth, depth_mm, write_realsense_bag, write_take

WEIGHTS = Path(__file__).parent.parent / "src/graspseg/models/weights"


class Reading(NamedTuple):
    """What was read, and whether the reader said that something is missing."""

    items: list[str]
    said_loss: bool = False


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
        name: for reports.
        make: writes a good one into a folder; returns the file that is then damaged.
        read: reads all of it.
        checked: checksums cover its content.
        has_end: a cut can be seen.
        share: how often it is drawn, against 10 of others.
        variant: the same content written in another way, None for none.
    """

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], Reading]
    checked: bool = False
    has_end: bool = True
    share: float = 10
    variant: Callable[[bytes, int], bytes] | None = None


def digest(*parts: object) -> str:
    """A short name for what was read."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype.str}{part.shape}".encode())
            found.update(np.ascontiguousarray(part).tobytes())
        else:
            found.update(repr(part).encode())
    return found.hexdigest()[:16]


def all_of(count: int, read: Callable[[int], object], *, said_loss: bool = False) -> Reading:
    """What can be read of several; the sentence for one that cannot says what is missing."""
    items: list[str] = []
    reason: InputError | None = None
    for index in range(count):
        try:
            found = read(index)
            items.append(digest(*found) if isinstance(found, tuple) else digest(found))
        except InputError as error:
            reason = error
    if reason is not None and not items:
        raise reason
    return Reading(items, said_loss or reason is not None)


def labels(number: int) -> np.ndarray:
    found = np.zeros((HEIGHT, WIDTH), np.uint8)
    found[4:12, 3 + number : 20] = 1
    found[8:20, 15:28] = 2
    return found


def _png(pixels: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(".png", pixels, options)[1].tobytes()


def _write(name: str, data: Callable[[], bytes]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data())
        return path

    return make


def _npy(array: np.ndarray, *, version: tuple[int, int] | None = None) -> bytes:
    bio = io.BytesIO()
    np.lib.format.write_array(bio, array, version=version)
    return bio.getvalue()


def _again_png(data: bytes, number: int) -> bytes:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return _png(pixels, cv2.IMWRITE_PNG_COMPRESSION, number % 10)


def _again_npy(data: bytes, number: int) -> bytes:
    array = np.load(io.BytesIO(data))
    forms = (np.asfortranarray(array), array.astype(array.dtype.newbyteorder(">")), array)
    return _npy(forms[number % 3], version=((1, 0), (2, 0), (3, 0))[number // 3 % 3])


def _again_json(data: bytes, number: int) -> bytes:
    content, ascii_ = json.loads(data), bool(number & 2)
    return json.dumps(content, indent=number % 5 or None, sort_keys=bool(number & 1), ensure_ascii=ascii_).encode()


def _again_marked(data: bytes, number: int) -> bytes:
    """As other programs write JSON: some begin it with a byte-order mark."""
    return (b"\xef\xbb\xbf" if number & 4 else b"") + _again_json(data, number)


def _again_tar(data: bytes, number: int) -> bytes:
    target = io.BytesIO()
    form = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)[number % 3]
    with tarfile.open(fileobj=io.BytesIO(data)) as source, tarfile.open(fileobj=target, mode="w", format=form) as tar:
        for member in source:
            member.mtime = number
            tar.addfile(member, source.extractfile(member))
    return target.getvalue()


def _make_shard(folder: Path) -> Path:
    samples = [ShardSample(f"frame-{n}", Frame(depth_mm(n)), labels(n), None, {"stem": f"take/{n}"}) for n in range(3)]
    write_shard(folder / "shard-000000.tar", samples)
    return folder / "shard-000000.tar"


def _read_shard(path: Path) -> Reading:
    dataset = ShardDataset(path)
    return all_of(len(dataset), lambda index: (dataset.frame(index).depth, dataset[index].labels))


def _make_folder(folder: Path) -> Path:
    for number in range(3):
        write_png(folder / f"depth/{number}.png", depth_mm(number))
        write_png(folder / f"labels/{number}.png", labels(number))
        write_png(folder / f"color/{number}.png", ros_samples.color_rgb(number)[..., ::-1])
    camera = {"fx": 25.0, "fy": 26.0, "cx": 15.0, "cy": 12.0}
    color = {"intrinsics": camera, "color_from_depth": np.eye(4).tolist(), "distortion": [0.1, 0.0, 0.0, 0.0, 0.0]}
    said = {"depth_unit_m": 0.001, "intrinsics": camera, "distortion": [0.01] * 5, "color": color}
    write_json(folder / "dataset.json", said | {"splits": {"val": ["0"]}})
    return folder / "dataset.json"


def _read_folder(path: Path) -> Reading:
    from graspseg.cameras.open import open_rgbd

    dataset = FolderDataset(path.parent)
    source = open_rgbd(path.parent)

    def read(index: int) -> tuple[object, ...]:
        taken = source[index]
        return taken.frame.depth, taken.frame.depth_unit_m, taken.frame.intrinsics, taken.color, dataset[index].labels

    return all_of(len(dataset), read)


def _calibration(folder: Path) -> Path:
    path = _make_folder(folder)
    return path.rename(path.with_name("calibration.json"))


def _read_calibration(path: Path) -> Reading:
    from graspseg.cameras.open import open_rgbd

    source = open_rgbd(path.parent)
    return all_of(len(source), lambda index: (source[index].frame.depth, source[index].frame.intrinsics))


def _make_manifest(folder: Path) -> Path:
    from graspseg.datasets.manifest import write_manifest

    samples = [ShardSample(f"frame-{n}", Frame(depth_mm(n)), labels(n), None, {}) for n in range(3)]
    entry = write_shard(folder / "shard-000000.tar", samples)
    write_manifest(folder, {"depth_unit_m": 0.001}, [entry])
    return folder / "manifest.json"


def _read_manifest(path: Path) -> Reading:
    return _read_shard(path.parent)


def _take(form: Form, name: str, *, png: bool = False) -> Callable[[Path], Path]:
    """A recording whose depth is plain, or PNG in `compressedDepth` messages."""

    def make(folder: Path) -> Path:
        if not png:
            return write_take(folder / name, form, frames=5)
        writer = RosWriter(folder / name, form)
        for number in range(5):
            data = compressed_depth(depth_mm(number), "png")
            writer.compressed("/d", data, "16UC1; compressedDepth png", time_ns=ros_samples.START_NS + number)
        writer.close()
        return folder / name

    return make


def _ros_folder(folder: Path) -> Path:
    return write_take(folder / "take", "folder-mcap", frames=3) / "metadata.yaml"


def _read_take(path: Path) -> Reading:
    from graspseg.cameras.recording import RecordedRgbd
    from graspseg.cameras.recordings import open_recording

    recording = open_recording(path)
    found = all_of(len(recording), lambda index: recording.frame(index).depth, said_loss=recording.cut is not None)
    try:
        source = RecordedRgbd(recording)
        all_of(len(source), lambda index: source[index].color)
    except InputError:
        pass  # without color
    return found


def _read_ros_folder(path: Path) -> Reading:
    return _read_take(path.parent)


def _review_folder(folder: Path) -> None:
    for number in range(3):
        write_png(folder / f"depth/{number}.png", depth_mm(number))
        write_png(folder / f"labels/{number}.png", labels(0))
    write_json(folder / "dataset.json", {"depth_unit_m": 0.001})


def _coco(folder: Path) -> Path:
    _review_folder(folder / "review")
    rows: list[dict[str, Any]] = []
    for image in range(3):
        runs = {"size": [HEIGHT, WIDTH], "counts": [100, 40, HEIGHT * WIDTH - 140]}
        for category, mask in ((1, [[3.0, 4.0, 20.0, 4.0, 18.0, 12.0, 3.0, 12.0]]), (2, runs)):
            rows.append({"id": len(rows) + 1, "image_id": image, "category_id": category, "iscrowd": 0})
            rows[-1] |= {"segmentation": mask, "bbox": [3, 4, 17, 8], "area": 100}
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "height": HEIGHT, "width": WIDTH} for n in range(3)],
        "annotations": rows,
        "categories": [{"id": 1, "name": "hand"}, {"id": 2, "name": "object"}],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(content))
    return path


_SHAPES = """
  <polygon label="hand" source="manual" occluded="0" points="3.0,4.0;20.0,4.0;18.0,12.0;3.0,12.0" z_order="0"/>
  <mask label="object" source="manual" rle="2, 3, 3, 2" left="15" top="8" width="5" height="2" z_order="1"/>
"""


def _cvat(folder: Path) -> Path:
    _review_folder(folder / "review")
    images = "".join(
        f'<image id="{n}" name="{n}.png" width="{WIDTH}" height="{HEIGHT}">{_SHAPES}</image>\n' for n in range(3)
    )
    path = folder / "annotations.xml"
    path.write_text(f"<annotations><version>1.1</version>\n{images}</annotations>\n")
    return path


def _cvat_zip(folder: Path) -> Path:
    path = _cvat(folder)
    shutil.make_archive(str(folder / "cvat"), "zip", folder, path.name)
    path.unlink()
    return folder / "cvat.zip"


def _read_import(path: Path) -> Reading:
    """Labels of all frames after an import; one that is refused must leave them alone."""
    from graspseg.review.server.imports import import_labels
    from graspseg.review.server.serve import open_store

    review, said = path.parent / "review", []
    before = _labels_in(review)
    try:
        with open_store(review, say=said.append) as store:
            import_labels(store, path, say=said.append)
    except InputError:
        if _labels_in(review) != before:
            raise AssertionError("a refused import changed labels") from None
        raise
    return Reading(_labels_in(review), said_loss=bool(said))


def _labels_in(folder: Path) -> list[str]:
    return [digest(path.name, path.read_bytes()) for path in sorted((folder / "labels").glob("*.png"))]


def _confidence(folder: Path) -> Path:
    _review_folder(folder)
    path = folder / "confidence.csv"
    path.write_text("stem,confidence,iou,skin\n" + "".join(f"{n},0.{n}5,0.{n},1e-3\n" for n in range(3)))
    return path


def _read_confidence(path: Path) -> Reading:
    from graspseg.review.server.serve import open_store

    with open_store(path.parent, say=lambda _: None) as store:
        return Reading([digest(repr(frame)) for frame in store.frames()])


def _review_database(folder: Path) -> Path:
    _read_confidence(_confidence(folder))
    return folder / "review.sqlite"


def _json_file(name: str, content: Callable[[], object]) -> Callable[[Path], Path]:
    return _write(name, lambda: json.dumps(content()).encode())


def _skin() -> object:
    from dataclasses import asdict

    from graspseg.annotate.skin_model import SkinModel

    colors = np.random.default_rng(0).normal((190, 140, 110), 8, (500, 3)).clip(0, 255).astype(np.uint8)
    return json.loads(json.dumps(asdict(SkinModel.fit(colors)), default=np.ndarray.tolist))


def _read_skin(path: Path) -> Reading:
    from graspseg.annotate.skin_model import SkinModel

    skin = SkinModel.load(path)
    return Reading([digest(skin.weights, skin.means, skin.covariances)])


def _read_records(path: Path) -> Reading:
    from graspseg.annotate.records import read_records

    found = read_records(path)
    return Reading([] if found is None else [digest(found)], said_loss=found is None)


def _config() -> object:
    from graspseg.training.config_file import config_dict
    from graspseg.training.presets import preset

    return json.loads(json.dumps(config_dict(preset("tiny")), default=str))


def _read_config(path: Path) -> Reading:
    from graspseg.training.config_file import read_config

    return Reading([digest(read_config(path))])


def _copied(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        return Path(shutil.copy(WEIGHTS / name, folder))

    return make


def _read_forest(path: Path) -> Reading:
    from graspseg.forest.file import read_forest

    forest = read_forest(path)
    return Reading([digest(repr(forest.settings), *(each for each in vars(forest.find).values()))])


def _read_model(path: Path) -> Reading:
    from graspseg.models.header import read_model_info

    return Reading([digest(read_model_info(path))])


def _read_checkpoint(path: Path) -> Reading:
    from graspseg.networks.checkpoint import load_checkpoint

    state = load_checkpoint(path).network.state_dict()
    return Reading([digest(*(tensor.numpy() for tensor in state.values()))])


def _frame(path: Path) -> Reading:
    frame = read_depth(path)
    return Reading([digest(frame.depth, frame.depth_unit_m)])


def _kinds() -> Iterable[Kind]:
    shape = (HEIGHT, WIDTH)
    picture = np.kron(ros_samples.color_rgb(3)[..., ::-1], np.ones((4, 4, 1), np.uint8))
    yield Kind("depth png", _write("a.png", lambda: _png(depth_mm(0))), _frame, checked=True, variant=_again_png)
    yield Kind("depth npy", _write("a.npy", lambda: _npy(depth_mm(0))), _frame, variant=_again_npy)
    meters = (depth_mm(0) / 1000).astype(np.float32)
    yield Kind("depth npy float", _write("a.npy", lambda: _npy(meters)), _frame, variant=_again_npy)
    yield Kind(
        "labels png",
        _write("a.png", lambda: _png(labels(0))),
        lambda path: Reading([digest(read_labels(path, shape))]),
        checked=True,
        variant=_again_png,
    )
    for name, data in (("png", _png(picture)), ("jpg", cv2.imencode(".jpg", picture)[1].tobytes())):
        yield Kind(
            f"color {name}",
            _write(f"a.{name}", lambda data=data: data),
            lambda path: Reading([digest(read_color(path, None))]),
            checked=name == "png",
        )
    yield Kind("shard tar", _make_shard, _read_shard, checked=True, variant=_again_tar)
    yield Kind("manifest.json", _make_manifest, _read_manifest, variant=_again_json)
    yield Kind("dataset.json", _make_folder, _read_folder, variant=_again_marked)
    yield Kind("calibration.json", _calibration, _read_calibration, variant=_again_marked)
    recordings: tuple[tuple[Form, str], ...] = (
        ("bag", "a.bag"),
        ("bag-bz2", "a.bag"),
        ("bag-lz4", "a.bag"),
        ("db3", "a.db3"),
        ("db3-message", "a.db3"),
        ("mcap", "a.mcap"),
        ("mcap-zstd", "a.mcap"),
    )
    for form, name in recordings:
        yield Kind(f"ros {form}", _take(form, name), _read_take, share=30)
    yield Kind("realsense bag", lambda folder: write_realsense_bag(folder / "a.bag"), _read_take, share=20)
    yield Kind("ros bag of png", _take("bag", "a.bag", png=True), _read_take, checked=True, share=30)
    yield Kind("ros metadata.yaml", _ros_folder, _read_ros_folder, has_end=False, share=15)
    yield Kind("coco", _coco, _read_import, share=6, variant=_again_marked)
    yield Kind("cvat xml", _cvat, _read_import, share=6)
    yield Kind("cvat zip", _cvat_zip, _read_import, checked=True, share=4)
    yield Kind("confidence.csv", _confidence, _read_confidence, has_end=False, share=5)
    yield Kind("review.sqlite", _review_database, _read_confidence, has_end=False, share=5)
    yield Kind("skin.json", _json_file("skin.json", _skin), _read_skin, variant=_again_json)
    rows = {"made_by": "", "rows": {"0": {"iou": 0.5}}, "failed": ["a"]}
    yield Kind("records json", _json_file("0.json", lambda: rows), _read_records, variant=_again_json)
    yield Kind("config.json", _json_file("config.json", _config), _read_config, variant=_again_json)
    yield Kind("forest npz", _copied("forest.npz"), _read_forest, checked=True, share=2)
    yield Kind("model onnx", _copied("denseattentionseg-lite.onnx"), _read_model, checked=True, share=1)
    weights = _copied("denseattentionseg-lite.safetensors")
    yield Kind("checkpoint safetensors", weights, _read_checkpoint, checked=True, share=0.2)


KINDS: tuple[Kind, ...] = tuple(_kinds())
