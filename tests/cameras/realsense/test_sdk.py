import importlib
import sys
from pathlib import Path

import pytest

from graspseg.cameras.realsense.sdk import distortion, load_sdk
from graspseg.errors import InputError

BROWN = (0.1, -0.2, 0.001, 0.002, 0.03)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    with pytest.raises(InputError, match=r"not installed: pip install 'graspseg\[realsense\]'"):
        load_sdk()


def test_without_libusb_the_system_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pyrealsense2.py").write_text("raise ImportError('libusb-1.0.so.0: cannot open shared object file')")
    monkeypatch.delitem(sys.modules, "pyrealsense2", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    with pytest.raises(InputError, match=r"libusb-1.0.so.0.*apt install libusb-1.0-0"):
        load_sdk()


@pytest.mark.parametrize("model", ["Brown Conrady", "inverse_brown_conrady", "Modified Brown Conrady", "plumb_bob"])
def test_brown_conrady_is_opencvs_order(model: str) -> None:
    assert distortion(model, BROWN) == BROWN


def test_no_distortion_and_other_lenses() -> None:
    assert distortion("None", BROWN) == ()
    assert distortion("Kannala Brandt4", (0.0,) * 5) == ()
    for model, coefficients in (("Kannala Brandt4", BROWN), ("Ftheta", BROWN), ("Brown Conrady", BROWN[:4])):
        with pytest.raises(InputError, match=rf"described as {model} with {len(coefficients)} coefficients"):
            distortion(model, coefficients)
    with pytest.raises(InputError, match=r"expected Brown-Conrady"):
        distortion("Brown Conrady", (float("nan"), *BROWN[1:]))
