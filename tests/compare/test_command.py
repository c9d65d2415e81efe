import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from compare_steps import CONTOUR, PLAIN, command, stamps, write_folder
from graspseg.cli.compare import Options, chosen_entries, read_options
from graspseg.cli.main import main
from graspseg.compare import cells, recipes, run
from graspseg.compare.entries import ExportedEntry, NetworkEntry
from graspseg.compare.recipes import model_entries
from graspseg.errors import InputError
from graspseg.training.presets import preset


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

    for module, name in ((NetworkEntry, "train"), (cells, "judge"), (run, "with_equal_time")):
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
    assert "begun with entry.steps = 3, expected 4 as requested now: choose another --out" in capsys.readouterr().err
    assert main(command((data[0], data[0]), finished, PLAIN)) == 2
    assert "holds frames of" in capsys.readouterr().err


def test_models_alone_are_compared(finished: Path, data: tuple[Path, Path], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(finished / "cells" / f"{PLAIN}-0" / "run")
    assert main(command(data, tmp_path / "out", models=". lite forest", workers="0")) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [row["name"] for row in report["rows"]] == ["run", "denseattentionseg-lite", "forest"]
    assert [row["eager_ms"] is None for row in report["rows"]] == [False, True, True]
    assert all(row["runtime_ms"]["p50"] > 0 and row["cells"] for row in report["rows"])
    assert (tmp_path / "out" / "cells" / "run.model" / "judged.json").is_file()
    assert "Budget of every network: none is trained." in (tmp_path / "out" / "report.md").read_text()


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
        (["forest+contour"], {}, "the forest has no contour loss"),
        ([PLAIN], {"budget_minutes": "nan"}, "--budget-minutes is nan, expected more than 0"),
        ([PLAIN], {"seeds": "0 0"}, "--seeds are \\(0, 0\\), expected different numbers"),
        ([PLAIN], {"reference": "fcn8s"}, "--reference is fcn8s, expected one of the rows denseattentionseg-small"),
        ([PLAIN], {"train": "synth:exam9"}, "--train synth:exam9 .* names no frames, expected synth:PRESET"),
        ([PLAIN], {"models": "missing.onnx"}, "missing.onnx is no model"),
        ([PLAIN], {"workers": "-1"}, "--workers is -1, expected 0 or more"),
        ([PLAIN], {"accelerator": "gpu"}, "--accelerator is gpu, which PyTorch finds none of here"),
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
    from graspseg.compare.data import compared_frames
    from graspseg.compare.frames import Size
    from graspseg.compare.recipes import comparison_config, entries_named, with_budget
    from graspseg.training import pace

    paces = iter([(30, 2.0), (20, 3.0)])
    monkeypatch.setattr(pace, "steps_within", lambda *rest: next(paces))
    quiet: Callable[[str, int, int], None] = lambda stage, done, total: None  # noqa: E731
    options = {"count": 1, "size": Size(64, 48), "folder": tmp_path / "frames", "workers": 1, "progress": quiet}
    frames = compared_frames(str(data[1]), str(data[0]), **options)
    entries = entries_named([PLAIN, CONTOUR], with_budget(comparison_config(), steps=3, batch=2))
    for _ in range(2):  # the second time from the folder
        found = run.with_equal_time(entries, frames, tmp_path, minutes=1.0)
        steps = [entry.config.steps for entry in found if isinstance(entry, NetworkEntry)]
        assert steps == [30, 20]


def test_resuming_needs_a_comparison(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--resume", "--out", str(tmp_path)]) == 2
    assert "--resume found no comparison in --out" in capsys.readouterr().err
    (tmp_path / "options.json").write_text('{"argv": ["--seeds", "many"]}')
    assert main(["compare", "--resume", "--out", str(tmp_path)]) == 2
    assert "holds no options of graspseg compare" in capsys.readouterr().err


def test_resuming_takes_the_options_it_was_begun_with(finished: Path, data: tuple[Path, Path]) -> None:
    options = read_options(["--resume", "--out", str(finished), "--seeds", "5"])
    assert (options.data, options.steps, options.networks) == (str(data[1]), 3, (PLAIN, CONTOUR))
    assert options.seeds == (5,) and options.resume


def test_the_papers_size_means_its_networks_frames_and_recipe() -> None:
    options = Options("synth:val", Path("out"), size="paper", steps=20_000, precision="bf16-mixed", compile=True)
    scale = recipes.scale_named("paper")
    entries = [entry for entry in chosen_entries(options, scale, 2) if isinstance(entry, NetworkEntry)]
    assert [entry.name for entry in entries] == [
        *("fcn32s", "fcn16s", "fcn8s", "gcn", "refinenet", "deeplabv3plus"),
        *("denseattentionseg-noattention", "denseattentionseg", "denseattentionseg+contour"),
    ]
    assert (str(scale.size), scale.frames) == ("640x480", 46_720)
    paper = preset("paper")
    for entry in entries:
        config = entry.config
        assert (config.batch, config.optimizer, config.loss) == (paper.batch, paper.optimizer, paper.loss)
        assert (config.augment, config.views) == (paper.augment, paper.views)
        assert config.steps == 20_000 and config.contour == (entry.name == "denseattentionseg+contour")
        assert (config.compute.precision, config.compute.compile) == ("bf16-mixed", True)
    models = chosen_entries(Options("synth:val", Path("out"), size="paper", models=("lite",)), scale, 2)
    assert [entry.name for entry in models] == ["denseattentionseg-lite"]


def test_a_shipped_model_is_a_row_by_its_name() -> None:
    (entry,) = model_entries(["lite"])
    assert isinstance(entry, ExportedEntry)
    assert entry.name == "denseattentionseg-lite" and entry.path.suffix == ".onnx"
    with pytest.raises(InputError, match="did you mean 'lite'"):
        model_entries(["ltie"])


def test_no_workers_means_this_process_and_fewer_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compare", "no/such/data", "--models", "lite", "--out", str(tmp_path / "out"), "--workers"]
    assert main([*arguments, "0"]) == 2
    assert "no/such/data does not exist" in capsys.readouterr().err
    assert main([*arguments, "-1"]) == 2
    assert "--workers is -1, expected 0 or more" in capsys.readouterr().err
