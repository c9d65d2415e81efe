import subprocess
import sys
from pathlib import Path

import pytest

from graspseg.cli.main import main


def test_help_loads_no_camera_library() -> None:
    code = (
        "import sys; from graspseg.cli.main import main; code = main(['record', '--help']); "
        "loaded = {'cv2', 'numpy', 'pyrealsense2', 'rosbags', 'openvino'} & set(sys.modules); "
        "sys.exit(f'{code} {sorted(loaded)}')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "--white-balance" in done.stdout and "Ctrl-C ends the recording" in " ".join(done.stdout.split())
    assert done.stderr.strip().endswith("0 []") or done.stderr.strip().endswith("0 ['numpy']")


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--seconds", "-1"], "--seconds is -1, expected more than 0"),
        (["--fps", "0"], "640, 480 and 0, expected what the camera offers"),
        (["--settle", "-1"], "--settle is -1"),
    ],
)
def test_bad_usage_is_one_sentence(
    arguments: list[str], found: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", "--out", str(tmp_path / "new"), *arguments]) == 2
    captured = capsys.readouterr().err
    assert found in captured and captured.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_without_the_sdk_one_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    assert main(["record", "--out", str(tmp_path / "new")]) == 2
    assert capsys.readouterr().err.count("graspseg[realsense]") == 1


def test_bags_without_rosbags_name_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "take.bag").write_bytes(b"#ROSBAG V2.0\n")
    readers = ("graspseg.cameras.realsense.bag", "graspseg.cameras.ros.", "rosbags")
    for name in [each for each in sys.modules if each.startswith(readers)]:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "rosbags", None)
    monkeypatch.setitem(sys.modules, "rosbags.interfaces", None)
    assert main(["segment", str(tmp_path / "take.bag"), "--out", str(tmp_path / "out")]) == 2
    assert "pip install 'graspseg[ros]'" in capsys.readouterr().err
