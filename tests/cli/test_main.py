import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from graspseg import __version__
from graspseg.cli import main as cli

HEAVY = ("torch", "timm", "lightning", "onnx", "onnxruntime", "numba", "openvino")


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in ("segment", "synth", "annotate", "train", "evaluate", "export", "networks", "info", "dataset"):
        assert f"\n  {name} " in text


def test_without_arguments_it_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "usage: graspseg COMMAND" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"graspseg {__version__}\n"


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["segmnet"]) == 2
    assert "no command 'segmnet', expected one of segment, live, record" in capsys.readouterr().err


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(cli.COMMANDS, "train", cli.Command("torch_that_is_not_there:main", ""))
    assert cli.main(["train"]) == 2
    error = capsys.readouterr().err
    assert "torch_that_is_not_there" in error
    assert "graspseg[train]" in error


def test_all_missing_extras_are_in_one_install_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: object) -> object:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(cli, "import_module", missing)
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    assert cli.main(["compare", "data"]) == 2
    assert "needs torch, which is not installed: pip install 'graspseg[train,synth,compare]'" in capsys.readouterr().err
    assert cli.main(["evaluate", "data"]) == 2
    assert "pip install 'graspseg[train]'" in capsys.readouterr().err


def test_wrong_options_are_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["segment", "--no-such-option"]) == 2
    assert "no-such-option" in capsys.readouterr().err


@pytest.mark.parametrize("name", [None, *cli.COMMANDS])
def test_help_loads_nothing_heavy(name: str | None) -> None:
    arguments = [*([name] if name else []), "--help"]
    code = (
        "import sys\n"
        "from graspseg.cli.main import main\n"
        f"code = main({arguments!r})\n"
        f"print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert "usage: graspseg" in done.stdout
    assert done.stderr.splitlines()[-1] == "HEAVY []"


def test_segmenting_loads_no_torch(depth_rule_model: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from graspseg.cli.main import main\n"
        f"np.save({str(tmp_path / 'f.npy')!r}, np.full((40, 40), 400, np.uint16))\n"
        f"code = main(['segment', {str(tmp_path / 'f.npy')!r}, '--out', {str(tmp_path / 'out')!r}, "
        f"'--model', {str(depth_rule_model)!r}])\n"
        "print('HEAVY', [m for m in ('torch', 'onnx', 'onnxruntime', 'numba') if m in sys.modules])\n"
        "sys.exit(code)"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_importing_graspseg_is_light_and_its_names_resolve() -> None:
    code = (
        "import sys, graspseg\n"
        "assert 'numpy' not in sys.modules and 'cv2' not in sys.modules\n"
        "assert all(getattr(graspseg, name) for name in graspseg.__all__)\n"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_info_of_an_exported_model(depth_rule_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["info", str(depth_rule_model)]) == 0
    text = capsys.readouterr().out
    assert "graspseg.network: depth-rule\n" in text
    assert "graspseg.side: 48\n" in text


def test_info_of_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    tensors = {"a": np.zeros((2, 3), np.float32), "b": np.zeros(5, np.float16)}
    save_file(tensors, tmp_path / "w.safetensors", {"network": "fcn8s"})
    assert cli.main(["info", str(tmp_path / "w.safetensors")]) == 0
    text = capsys.readouterr().out
    assert "network: fcn8s" in text
    assert "values: 11" in text
    assert "stored as: F16, F32" in text


def test_info_of_damaged_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    tensors = {"a": np.zeros((2, 3), np.float32)}
    path = tmp_path / "w.safetensors"
    # Of 24 zero bytes, as hashlib gives it.
    digest = "9d908ecfb6b256def8b49a7c504e6c889c4b0e41fe6ce3e01863dd7b61a20aa0"
    save_file(tensors, path, {"graspseg.sha256": digest})
    assert cli.main(["info", str(path)]) == 0
    assert f"graspseg.sha256: {digest}" in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    assert cli.main(["info", str(path)]) == 2
    error = capsys.readouterr().err
    assert "w.safetensors is damaged" in error and error.count("\n") == 1


@pytest.mark.parametrize("name", ["none.onnx", "text.txt", "text.onnx", "text.safetensors"])
def test_info_of_something_else(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name != "none.onnx":
        (tmp_path / name).write_text("hello, I am no model")
    assert cli.main(["info", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert name in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "found"),
    [(MemoryError(), "memory"), (OSError(errno.EIO, os.strerror(errno.EIO), "disk/a"), "disk/a cannot be used")],
)
def test_failures_of_the_system_are_one_sentence(
    error: Exception, found: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_run", fail)
    assert cli.main(["networks"]) == 2
    text = capsys.readouterr().err
    assert found in text and text.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs a device that is always full")
def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    code = "import sys; from graspseg.cli.main import main; sys.exit(main(['--help']))"
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 2
    assert "No space left" in result.stderr and result.stderr.count("\n") == 1
    closed = subprocess.run(["sh", "-c", '"$0" -c "$1" >&-', sys.executable, code], capture_output=True, check=False)
    assert closed.returncode == 0 and not closed.stderr
