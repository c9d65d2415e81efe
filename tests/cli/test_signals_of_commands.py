"""Each command's `main` leaves handlers, blocked signals and the alternate signal stack as they were before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graspseg.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
ELSEWHERE = {"export": "tests/export/test_onnx.py"}
ENDS = {"review": (130, "stopped"), "record": (2, "No RealSense camera")}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks the alternate signal stack up in /proc")


@pytest.fixture(scope="module")
def reports(depth_rule_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of every command by name, run one after another in one process where no other test has changed signals."""
    script, folder = ROOT / "tests" / "cli" / "run_commands.py", tmp_path_factory.mktemp("commands")
    environment = os.environ | {"PYTHONPATH": str(script.parent)}
    command = [sys.executable, script, depth_rule_model, folder]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ELSEWHERE])
def test_a_command_leaves_signals_as_they_were(reports: dict[str, Any], name: str) -> None:
    code, sentence = ENDS.get(name, (0, ""))
    assert reports[name]["code"] == code and sentence in reports[name]["stderr"], reports[name]["stderr"]
    assert reports[name]["changed"] == []


@pytest.mark.parametrize("path", ELSEWHERE.values())
def test_the_others_are_looked_at_where_they_run_anyway(path: str) -> None:
    assert "signals_kept" in (ROOT / path).read_text()
