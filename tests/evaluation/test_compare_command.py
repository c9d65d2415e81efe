import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from graspseg.cli.main import main
from graspseg.datasets.folder import FolderWriter
from graspseg.evaluation.compare import cells, run
from graspseg.frame import Frame
from graspseg.labels import HAND, OBJECT
from graspseg.networks.table import NETWORKS, NetworkSpec

PLAIN, CONTOUR = "denseattentionseg-small", "denseattentionseg-small+contour"
OPTIONS = ["--steps", "3", "--batch", "2", "--size", "64x48", "--threads", "1", "--workers", "1", "--time-calls", "2"]


def write_folder(path: Path, count: int, *, first: int, classes: bool = True) -> Path:
    """Frames of 128 x 96: a wall, a hand before it and an object beside the hand."""
    writer = FolderWriter(path, {"depth_unit_m": 0.0001})
    for index in range(first, first + count):
        rng = np.random.default_rng(index)
        labels = np.zeros((96, 128), np.uint8)
        x, y = int(rng.integers(10, 60)), int(rng.integers(10, 50))
        labels[y : y + 36, x : x + 24] = HAND
        labels[y + 8 : y + 28, x + 20 : x + 44] = OBJECT
        depth = np.array([5_500, 4_500, 4_200], np.uint16)[labels]
        writer.write(str(index), Frame(depth, 0.0001), labels if classes else np.zeros_like(labels))
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders to train and to judge on."""
    folder = tmp_path_factory.mktemp("data")
    return write_folder(folder / "train", 8, first=0), write_folder(folder / "judged", 8, first=100)


def command(data: tuple[Path, Path], out: Path, *networks: str, **options: str) -> list[str]:
    words = ["compare", str(data[1]), "--train", str(data[0]), "--out", str(out), *OPTIONS]
    words += ["--networks", *networks] if networks else []
    for name, value in {"seeds": "0 1", **options}.items():
        words += [f"--{name.replace('_', '-')}", *value.split()]
    return words


def stamps(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def finished(data: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison that was stopped before its last cell and then finished; the finished cells were left alone."""
    out = tmp_path_factory.mktemp("compared") / "out"
    with pytest.MonkeyPatch.context() as patch:
        own = run.run_cell

        def dying(entry, seed, *rest, **options):
            if (entry.name, seed) == (CONTOUR, 1):
                raise KeyboardInterrupt
            return own(entry, seed, *rest, **options)

        patch.setattr(run, "run_cell", dying)
        said = StringIO()
        patch.setattr("sys.stderr", said)
        assert main(command(data, out, PLAIN, CONTOUR)) == 130
        assert said.getvalue().endswith(
            "graspseg: stopped with all cells so far kept: the same command goes on from there\n"
        )
    before = stamps(out / "cells")
    assert not (out / "report.json").exists() and not (out / "cells" / f"{CONTOUR}-1").exists()
    assert main(command(data, out, PLAIN, CONTOUR)) == 0
    after = stamps(out / "cells")
    assert {name: after[name] for name in before if "timed" not in name} == before
    return out


def test_the_report_holds_every_row_and_cell(finished: Path) -> None:
    report = json.loads((finished / "report.json").read_text())
    assert [row["name"] for row in report["rows"]] == [PLAIN, CONTOUR]
    assert report["frames"]["judged"] == 8 and report["frames"]["trained_on"] == 7
    for row in report["rows"]:
        assert row["seeds"] == [0, 1] and row["steps"] == [3]
        assert row["eager_ms"]["p50"] > 0 and row["eager_ms"]["p50"] <= row["eager_ms"]["p99"]
        assert row["parameters_m"] == pytest.approx(3.57, abs=0.01)
        for cell in row["cells"]:
            scores = json.loads((finished / "cells" / f"{row['name']}-{cell['seed']}" / "judged.json").read_text())
            assert cell["scores"] == scores["scores"]
    assert report["failures"] == []
    (difference,) = report["differences"]
    assert difference["name"] == CONTOUR and report["reference"] == PLAIN


def test_matrices_count_every_judged_pixel(finished: Path) -> None:
    with np.load(finished / "cells" / f"{PLAIN}-0" / "matrices.npz") as file:
        matrices = file["matrices"]
    assert matrices.shape == (8, 3, 3)
    assert np.all(matrices.sum(axis=(1, 2)) == 64 * 48)
    scores = json.loads((finished / "cells" / f"{PLAIN}-0" / "judged.json").read_text())["scores"]
    total = matrices.sum(axis=0)
    assert scores["pixel_accuracy"] == pytest.approx(np.trace(total) / total.sum())


def test_only_the_contour_row_spends_its_last_stage_on_outlines(finished: Path) -> None:
    for name, stage in ((PLAIN, {False}), (CONTOUR, {True})):
        config = json.loads((finished / "cells" / f"{name}-1" / "run" / "config.json").read_text())
        assert {config["contour"]} == stage and config["seed"] == 1 and config["steps"] == 3


def test_pictures_are_drawn_and_the_page_holds_them(finished: Path) -> None:
    html = (finished / "report.html").read_text()
    names = ["curves.png", "frames.png", "attention.png", "contours.png"]
    for name in names:
        picture = cv2.imread(str(finished / name))
        assert picture is not None and picture.std() > 5
    assert html.count("data:image/png;base64,") == len(names)
    assert len(re.findall(r"!\[\w+\]\(\w+\.png\)", (finished / "report.md").read_text())) == len(names)


def test_a_finished_comparison_is_not_done_again(
    finished: Path, data: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*rest, **options):
        raise AssertionError("done again")

    for module, name in ((cells, "train_entry"), (cells, "judge"), (run, "with_equal_time")):
        monkeypatch.setattr(module, name, never)
    before = stamps(finished / "cells")
    times = (finished / "timing.json").read_bytes()
    assert main(command(data, finished, PLAIN, CONTOUR)) == 0
    assert stamps(finished / "cells") == before
    assert (finished / "timing.json").read_bytes() == times


def test_other_settings_are_refused(
    finished: Path, data: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(data, finished, PLAIN, CONTOUR, steps="4")) == 2
    assert "begun with entry.steps = 3, expected 4 as asked for now: choose another --out" in capsys.readouterr().err
    assert main(command((data[0], data[0]), finished, PLAIN)) == 2
    assert "holds frames of" in capsys.readouterr().err


class Diverging(nn.Module):
    def __init__(self, *, pretrained: bool = False) -> None:
        assert not pretrained
        super().__init__()
        self.classify = nn.Conv2d(1, 3, 1)

    def forward(self, depth_m: torch.Tensor, pixel_angle: torch.Tensor) -> torch.Tensor:
        return self.classify(depth_m) * torch.inf


@pytest.fixture
def diverging(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(NETWORKS, "diverging", NetworkSpec(Diverging, "for this test"))
    return "diverging"


def test_what_diverges_fails_alone(
    finished: Path, data: tuple[Path, Path], tmp_path: Path, diverging: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = finished / "cells" / f"{PLAIN}-0" / "run" / "model.safetensors"
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(model.read_bytes()[:-100])
    out = tmp_path / "out"
    options = {"seeds": "0", "models": f"{model} {damaged}", "reference": "model"}
    assert main(command(data, out, diverging, **options)) == 1
    text = capsys.readouterr().out
    assert "| diverging | failed: The loss is nan after step 3, expected a finite number" in text
    assert re.search(r"\| damaged \| failed: \S+damaged.safetensors is no whole safetensors file", text)
    report = json.loads((out / "report.json").read_text())
    assert [bool(row["failures"]) for row in report["rows"]] == [True, False, True]
    # The model that was taken is judged as it was where it was trained.
    own = json.loads((finished / "report.json").read_text())["rows"][0]["cells"][0]["scores"]
    assert report["rows"][1]["cells"][0]["scores"] == own
    assert report["rows"][1]["eager_ms"] is not None
    # A second call knows what failed.
    assert main(command(data, out, diverging, **options)) == 1


@pytest.mark.parametrize(
    ("networks", "options", "sentence"),
    [
        (
            ["denseattention-small"],
            {},
            "no network 'denseattention-small', .* did you mean 'denseattentionseg-small'",
        ),
        ([PLAIN, PLAIN], {}, "denseattentionseg-small is listed twice"),
        ([], {}, "nothing to compare"),
        ([PLAIN], {"seeds": "0 0"}, "--seeds are \\(0, 0\\), expected different numbers"),
        ([PLAIN], {"reference": "fcn8s"}, "--reference is fcn8s, expected one of the rows denseattentionseg-small"),
        ([PLAIN], {"train": "synth:exam9"}, "--train synth:exam9 .* names no frames, expected synth:PRESET"),
        ([PLAIN], {"models": "missing.onnx"}, "missing.onnx is no model"),
        ([PLAIN], {"size": "50x40"}, "128x96 pixels, expected a whole multiple of 50x40"),
    ],
)
def test_bad_input(
    networks: list[str],
    options: dict[str, str],
    sentence: str,
    data: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(command(data, tmp_path / "out", *networks, **options)) == 2
    error = capsys.readouterr().err
    assert re.search(sentence, error), error
    assert "Traceback" not in error


def test_data_of_one_class_is_refused(
    data: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = write_folder(tmp_path / "empty", 3, first=0, classes=False)
    assert main(command((data[0], empty), tmp_path / "out", PLAIN)) == 2
    assert "hold background only, expected hand or object beside it" in capsys.readouterr().err


def test_equal_time_gives_slower_networks_fewer_steps(
    data: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graspseg.evaluation.compare.data import compared_frames
    from graspseg.evaluation.compare.entries import Entry, comparison_config, entries_named
    from graspseg.evaluation.compare.frames import Size
    from graspseg.training import pace

    paces = iter([(30, 2.0), (20, 3.0)])
    monkeypatch.setattr(pace, "steps_within", lambda *rest: next(paces))
    quiet: Callable[[str, int, int], None] = lambda stage, done, total: None  # noqa: E731
    options = {"count": 1, "size": Size(64, 48), "folder": tmp_path / "frames", "workers": 1, "progress": quiet}
    frames = compared_frames(str(data[1]), str(data[0]), **options)
    entries = entries_named([PLAIN, CONTOUR], comparison_config(steps=3, batch=2))
    for _ in range(2):  # the second time from the folder
        found = run.with_equal_time(entries, frames, tmp_path, minutes=1.0)
        steps = [entry.config.steps for entry in found if isinstance(entry, Entry)]
        assert steps == [30, 20]
