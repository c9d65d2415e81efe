"""Frames are the same arrays whatever processor the loops are compiled for."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from graspseg.synth.generate import FrameMaker
from graspseg.synth.objects.objects import SPLITS
from graspseg.synth.preset_names import PresetName
from graspseg.synth.recipe import RECIPES


def _digest(preset: PresetName, count: int) -> str:
    """A hash of the first frames of each split."""
    digest = hashlib.md5()
    for split in SPLITS:
        maker = FrameMaker(split, 11, recipe=RECIPES[preset])
        for index in range(count):
            made = maker.make(index)
            digest.update(made.depth_m.tobytes() + made.labels.tobytes())
    return digest.hexdigest()


@pytest.mark.slow
def test_any_processor_makes_the_same_frames(tmp_path: Path) -> None:
    """Compiled without any of this processor's own instructions, the loops give the same bits."""
    # This file's own functions, so that both sides hash alike.
    code = (
        "import runpy, sys; names = runpy.run_path(sys.argv[1]);"
        "from numba import config; print(config.CPU_NAME, *(names['_digest'](p, 2) for p in ('exam1', 'wild')))"
    )
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code, __file__]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["generic", _digest("exam1", 2), _digest("wild", 2)]
