"""`graspseg train --network forest`, and the commands that take what it makes."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.forest.file import read_forest

ROOT = Path(__file__).parents[2]
TINY = [
    *("--network", "forest", "--recipes", "exam1", "--forest.frames", "6", "--forest.validation-frames", "2"),
    *("--forest.find.depth", "4", "--forest.find.trees", "1", "--forest.find.candidates", "20"),
    *("--forest.segment.depth", "4", "--forest.segment.trees", "1", "--forest.segment.candidates", "20"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "forest"
    assert main(["train", *TINY, "--seed", "5", "--out", str(out)]) == 0
    return out


def test_a_run_leaves_a_forest_that_says_how_it_was_made(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = json.loads((run / "config.json").read_text())
    assert config["seed"] == 5 and config["forest"]["find"]["depth"] == 4
    trained = read_forest(run / "forest.npz").trained
    assert trained == {"seed": 5, "frames": 6, "validated_on": 2, "synthetic": ["exam1"], "frames_skipped": 0}
    assert main(["info", str(run / "forest.npz")]) == 0
    printed = capsys.readouterr().out
    assert "forest.npz" in printed and '"seed": 5' in printed and "sha256" in printed


def test_segment_takes_it(run: Path, tmp_path: Path) -> None:
    frame = next((ROOT / "examples" / "frames" / "depth").glob("*.png"))
    assert main(["segment", str(frame), "--model", str(run / "forest.npz"), "--out", str(tmp_path)]) == 0
    labels = cv2.imread(str(tmp_path / "labels" / frame.name), cv2.IMREAD_UNCHANGED)
    assert labels is not None and labels.dtype == np.uint8 and set(np.unique(labels)) <= {0, 1, 2}
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["model"], summary["network"], summary["engine"]) == ("forest.npz", "forest", "numba")


def test_a_second_run_does_not_write_over_the_first(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *TINY, "--out", str(run)]) == 2
    assert "already holds a forest" in capsys.readouterr().err


def test_settings_of_another_program_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text('{"mine": 1}')
    assert main(["train", *TINY, "--out", str(tmp_path)]) == 2
    assert "holds something else (config.json)" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    assert (tmp_path / "config.json").read_text() == '{"mine": 1}'


def test_own_frames_that_are_damaged_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = ROOT / "examples" / "frames"
    for kind in ("depth", "labels"):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for file in (source / kind).glob("*.png"):
            (tmp_path / "data" / kind / file.name).write_bytes(file.read_bytes())
    (tmp_path / "data" / "dataset.json").write_bytes((source / "dataset.json").read_bytes())
    depths = sorted((tmp_path / "data" / "depth").glob("*.png"))
    depths[0].write_bytes(depths[0].read_bytes()[:200])
    out = tmp_path / "run"
    assert main(["train", *TINY, "--data", str(tmp_path / "data"), "--out", str(out)]) == 1
    assert "frames skipped because they could not be used: 1" in capsys.readouterr().out
    assert read_forest(out / "forest.npz").trained["folders"] == ["data"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--seed", "-1"], "--seed is -1"),
        (["--forest.frames", "0"], "--forest.frames is 0"),
        (["--data", "no-such-folder"], "no-such-folder"),
    ],
)
def test_bad_settings_end_with_a_sentence_and_leave_nothing(
    options: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--network", "forest", *options, "--out", str(tmp_path / "run")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_help_needs_neither_torch_nor_numba() -> None:
    program = (
        "import sys; from graspseg.cli.main import main\n"
        "code = main(['train', '--network', 'forest', '--help-all'])\n"
        "sys.exit(code or ','.join({'torch', 'numba'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "--forest.segment.trees" in done.stdout, done.stderr


def test_the_list_of_networks_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("forest "))
    assert row.split()[1:3] == ["-", "-"] and "decision forest" in row
