from __future__ import annotations

import os
from pathlib import Path

import pytest

from graspseg import numba_cache as compiled_cache
from graspseg.numba_cache import VARIABLE, provide_cache


@pytest.fixture
def no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said about the cache, and what is registered for the end of the process is kept out of it."""
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(compiled_cache.atexit, "register", lambda *_, **__: None)


@pytest.mark.usefixtures("no_choice")
def test_where_nothing_can_be_written_a_temporary_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled_cache, "_writable", lambda folder: False)
    monkeypatch.setattr(compiled_cache.tempfile, "tempdir", str(tmp_path))
    provide_cache()
    assert Path(os.environ[VARIABLE]).is_dir()
    assert Path(os.environ[VARIABLE]).parent == tmp_path


@pytest.mark.usefixtures("no_choice")
def test_elsewhere_the_compiler_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "not" / "there" / "yet"))
    provide_cache()
    assert VARIABLE not in os.environ


def test_what_the_user_named_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "mine")
    monkeypatch.setattr(compiled_cache, "_writable", lambda folder: False)
    provide_cache()
    assert os.environ[VARIABLE] == "mine"
