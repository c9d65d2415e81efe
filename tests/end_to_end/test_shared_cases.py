"""Small inputs that gave a wrong answer, or none: each is run as its `cmd` says and must end as its `expect` says.

They lie beside this checkout, in `../shared/cases`, and are no part of it: where they are not, nothing is tested.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.datasets.open import open_dataset
from graspseg.labels import HAND, OBJECT

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CASES.is_dir(), reason="NOT TESTED: there is no ../shared/cases beside this checkout"),
]


@dataclass(frozen=True)
class Ran:
    """What a case printed, standard output and error in their order, and the folder it ran in."""

    output: str
    folder: Path

    def parts(self) -> list[tuple[str, int]]:
        """What was printed before each `echo exit $?`, with the exit code; what follows the last is left out."""
        pieces = re.split(r"^exit (\d+)\n", self.output, flags=re.MULTILINE)
        return [(text, int(code)) for text, code in zip(pieces[::2], pieces[1::2], strict=False)]

    def said(self) -> list[str]:
        """The sentences of the program."""
        return re.findall(r"^graspseg: (.+)$", self.output, flags=re.MULTILINE)


def pixels(path: Path) -> np.ndarray:
    """A label image as it is stored."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None, path
    return image


@pytest.fixture
def ran(tmp_path: Path, request: pytest.FixtureRequest) -> Ran:
    """The case that a test is named after, run in a copy; no case ends in a traceback."""
    name = request.node.name.removeprefix("test_").replace("_", "-")
    folder = tmp_path / name
    shutil.copytree(CASES / name, folder)
    program = f"{shlex.quote(sys.executable)} -m graspseg.cli.main"
    command = (folder / "cmd").read_text().replace("$G", program)
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600
    )
    assert "Traceback" not in done.stdout
    return Ran(done.stdout, folder)


def test_every_case_is_tested() -> None:
    found = {path.name for path in CASES.iterdir() if (path / "cmd").is_file()}
    tested = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    assert found == tested - {"every-case-is-tested"}


def test_bag_binary_traceback(ran: Ran) -> None:
    ((said, code),) = ran.parts()
    assert code == 2
    assert len(ran.said()) == 1 and "take.bag" in said
    assert not (ran.folder / "out").exists()


def test_coco_bbox_wipes_labels(ran: Ran) -> None:
    kept = (ran.folder / "d" / "labels" / "a.png").read_bytes()
    assert (ran.folder / "work" / "labels" / "a.png").read_bytes() == kept
    assert any("a.png" in sentence for sentence in ran.said())
    assert len(set(re.findall(r"^[0-9a-f]{32} ", ran.output, flags=re.MULTILINE))) == 1


def test_coco_mixed_units(ran: Ran) -> None:
    truth = {sample.stem: sample.frame for sample in open_dataset(ran.folder / "two.tar")}
    (to_coco, coco_code), (_, folder_code) = ran.parts()
    written = {sample.stem: sample.frame for sample in open_dataset(ran.folder / "coco")}
    for stem, frame in truth.items():
        if stem not in written:
            assert coco_code != 0 and stem in to_coco
            continue
        found_m = written[stem].depth * written[stem].depth_unit_m
        np.testing.assert_allclose(found_m, frame.depth * frame.depth_unit_m, atol=0.0006)
        if written[stem].intrinsics != frame.intrinsics:
            assert "another camera" in to_coco
    assert folder_code in (0, 1)


def test_convert_keeps_old_labels(ran: Ran) -> None:
    source, out = ran.folder / "s", ran.folder / "out"
    ((_, code),) = ran.parts()
    refused = code == 2 and any(str(out.name) in sentence for sentence in ran.said())
    if not refused:
        np.testing.assert_array_equal(pixels(out / "labels" / "a.png"), pixels(source / "labels" / "a.png"))
    refused = any("cout" in sentence and "expected" in sentence for sentence in ran.said())
    if not refused:
        frames = {sample.stem: sample for sample in open_dataset(ran.folder / "cout")}
        now = {sample.stem: sample for sample in open_dataset(source)}
        np.testing.assert_array_equal(frames["b"].frame.depth, now["b"].frame.depth)


def test_cvat_ellipse_lost(ran: Ran) -> None:
    labels = pixels(ran.folder / "work" / "labels" / "a.png")
    before = pixels(ran.folder / "d" / "labels" / "a.png")
    if np.array_equal(labels, before):
        assert any("ellipse" in sentence for sentence in ran.said())
        return
    # The ellipse has its center at (10, 10) and radii of 5, the box reaches from (20, 10) to (24, 14).
    y, x = np.mgrid[: labels.shape[0], : labels.shape[1]] + 0.5
    away = np.hypot(x - 10, y - 10)
    assert (labels[away < 4] == HAND).all() and not (labels[away > 6] == HAND).any()
    assert (labels[11:13, 21:23] == OBJECT).all()


def test_dataset_json_unknown_key(ran: Ran) -> None:
    (segmented, _), (checked, _) = ran.parts()
    for said in (segmented, checked):
        for key in json.loads((ran.folder / "take" / "dataset.json").read_text()):
            assert key in said


def test_exif_color_rotated(ran: Ran) -> None:
    assert re.findall(r"^same$", ran.output, flags=re.MULTILINE) == ["same"] * 4


def test_float_mm_npy(ran: Ran) -> None:
    summary = ran.folder / "out" / "summary.json"
    if not summary.exists():
        assert any("--depth-unit" in sentence for sentence in ran.said())
        return
    assert not re.search(r"\b450(\.0+)? m\b|--depth-unit", ran.output)  # and it is not taken for meters


def test_gray_color_annotated(ran: Ran) -> None:
    (annotated, code) = ran.parts()[0]
    assert re.search(r"\b(gr[ae]y|infrared)\b", annotated, flags=re.IGNORECASE)
    assert code in (1, 2) or "4 of 4" in annotated


def test_long_name_stops_run(ran: Ran) -> None:
    ((said, code),) = ran.parts()
    assert code == 1
    assert any("aaaaaaaa" in sentence for sentence in ran.said()) and "free space" not in said
    for name in ("b", "c"):
        assert (ran.folder / "out" / "labels" / f"{name}.png").is_file()
        assert list((ran.folder / "out" / "clouds").glob(f"*{name}*"))
    summary = json.loads((ran.folder / "out" / "summary.json").read_text())
    assert "aaaaaaaa" not in json.dumps(summary.get("frames", []))


def test_mixed_formats_silent(ran: Ran) -> None:
    ((said, code),) = ran.parts()
    labels = ran.folder / "out" / "labels"
    assert (labels / "a.png").is_file()
    unread = [name for name in ("b.tiff", "c.pgm", "d.npz") if not (labels / Path(name).with_suffix(".png")).is_file()]
    assert all(name in said for name in unread)
    assert code == (1 if unread else 0)


def test_stale_labels(ran: Ran) -> None:
    (_, code), (_, last_code) = ran.parts()
    assert code == 1 and last_code == 2
    out = ran.folder / "out"
    reported = any(re.search(r"\b(old|earlier|before)\b", sentence) for sentence in ran.said())
    # The second run fails on a.png: what it lists below labels/ and overlays/ is not of the first.
    listed = ran.output.split("exit 1\n")[1].split("graspseg: ")[0]
    assert reported or "a.png" not in listed
    # In the third one b.png is gone, too, and nothing is segmented.
    old = [path for kind in ("labels", "overlays") for path in out.glob(f"{kind}/*.png")]
    assert reported or not old
    assert not (out / "summary.json").exists()


def test_unit_forgotten_silent(ran: Ran) -> None:
    ((said, _),) = ran.parts()
    assert "--depth-unit" in said and re.search(r"\b0\.0001\b", said)
    assert re.search(r"no hand|nothing was (found|seen)|none of them", said, flags=re.IGNORECASE)
