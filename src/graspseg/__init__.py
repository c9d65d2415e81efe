"""Segment a hand, the object it holds and the background from one depth image, in real time.

In: depth images (`Frame`, arrays, files). Out: labels, probabilities and clouds (`Segmentation`).
Begin with `Segmenter`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graspseg.datasets.frames import read_frame
    from graspseg.datasets.open import open_dataset
    from graspseg.errors import InputError
    from graspseg.frame import Frame, Intrinsics
    from graspseg.segment.segmentation import Segmentation
    from graspseg.segment.segmenter import Segmenter

__version__ = "0.1.0"
__all__ = [
    "Frame",
    "InputError",
    "Intrinsics",
    "Segmentation",
    "Segmenter",
    "__version__",
    "open_dataset",
    "read_frame",
]

_HOMES = {
    "Frame": "graspseg.frame",
    "InputError": "graspseg.errors",
    "Intrinsics": "graspseg.frame",
    "Segmentation": "graspseg.segment.segmentation",
    "Segmenter": "graspseg.segment.segmenter",
    "open_dataset": "graspseg.datasets.open",
    "read_frame": "graspseg.datasets.frames",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: `import graspseg` alone loads no engine."""
    if name not in _HOMES:
        raise AttributeError(f"module 'graspseg' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
