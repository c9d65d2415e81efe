"""`.ci/run` passes where pytest's closing line was printed, all tests passed and the checks did; a death is named."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "run"
PASSED = "=== 3 passed, 1 skipped in 61.20s (0:01:01) ==="
COLORED = "\\033[32m=== \\033[32m\\033[1m3 passed\\033[0m, \\033[33m1 skipped\\033[0m\\033[32m in 61.20s\\033[0m ==="
DIED = "tests/test_a.py ...\\nFatal Python error: Segmentation fault"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def run_ci(tmp_path: Path, *, test: str, test_code: int = 0, check_code: int = 0) -> subprocess.CompletedProcess[str]:
    """The script in a folder of its own, with a make that prints and returns what it is told."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(SCRIPT, tmp_path / ".ci" / "run")
    make = tmp_path / "make"
    make.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = test ]; then printf "{test}\\n"; exit {test_code}; fi\n'
        f'echo "make $1"; exit {check_code}\n'
    )
    make.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run([tmp_path / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("closing", [PASSED, COLORED], ids=["plain", "colored"])
@pytest.mark.parametrize("check_code", [0, 2])
def test_after_the_tests_come_the_checks(tmp_path: Path, closing: str, check_code: int) -> None:
    done = run_ci(tmp_path, test=closing, check_code=check_code)
    assert done.returncode == check_code
    assert done.stdout.endswith("\nmake check\n") and "3 passed" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(("test_code", "code"), [(0, 1), (2, 2)])
def test_a_run_that_died_is_named_whatever_make_returned(tmp_path: Path, test_code: int, code: int) -> None:
    done = run_ci(tmp_path, test=DIED, test_code=test_code)
    assert done.returncode == code
    assert "Segmentation fault" in done.stdout and "make check" not in done.stdout
    assert "The tests died: pytest printed no closing line" in done.stderr
    assert f"make test returned {test_code}" in done.stderr


def test_what_a_test_prints_is_no_closing_line(tmp_path: Path) -> None:
    assert run_ci(tmp_path, test="2 passed in 1.00s").returncode == 1


def test_failures_end_it_before_the_checks(tmp_path: Path) -> None:
    done = run_ci(tmp_path, test="=== 1 failed, 2 passed in 3.00s ===", test_code=2)
    assert (done.returncode, done.stderr) == (2, "") and "make check" not in done.stdout


def test_a_process_that_dies_after_its_closing_line_has_not_passed(tmp_path: Path) -> None:
    done = run_ci(tmp_path, test=PASSED, test_code=139)
    assert done.returncode == 139 and "make check" not in done.stdout
