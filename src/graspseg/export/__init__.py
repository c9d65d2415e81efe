"""Network to runtime file, compared with PyTorch before it is kept."""

from __future__ import annotations

from graspseg.export.onnx import ExportReport, Passes, export_onnx
from graspseg.export.parity import ExportError, Parity

__all__ = ["ExportError", "ExportReport", "Parity", "Passes", "export_onnx"]
