"""Network to runtime file, compared with PyTorch before it is kept.

In: a trained network. Out: an ONNX file that `models` and `segment` read.
Begin with `export_onnx`.
"""

from __future__ import annotations

from graspseg.export.onnx import ExportReport, Passes, export_onnx
from graspseg.export.parity import ExportError, Parity

__all__ = ["ExportError", "ExportReport", "Parity", "Passes", "export_onnx"]
