"""Segment a hand, the object it holds and the background from one depth image, in real time.

In: depth images (`Frame`, arrays, files). Out: labels, probabilities and clouds (`Segmentation`).
Begin with `Segmenter`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graspseg.errors import InputError
    from graspseg.frame import Frame, Intrinsics
    from graspseg.segment.segmenter import Segmentation, Segmenter

__version__ = "0.1.0"
__all__ = ["Frame", "InputError", "Intrinsics", "Segmentation", "Segmenter", "__version__"]

_HOMES = {
    "Frame": "graspseg.frame",
    "InputError": "graspseg.errors",
    "Intrinsics": "graspseg.frame",
    "Segmentation": "graspseg.segment.segmenter",
    "Segmenter": "graspseg.segment.segmenter",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: `import graspseg` alone loads no engine."""
    if name not in _HOMES:
        raise AttributeError(f"module 'graspseg' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
