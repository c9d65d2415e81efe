"""An exported network in OpenVINO's own format, for programs that read no ONNX; it says the same about itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

from graspseg.datasets.atomic import write_bytes
from graspseg.export.parity import ExportError
from graspseg.models.digest import DIGEST_KEY, digest_of
from graspseg.models.header import read_onnx_properties
from graspseg.openvino_core import shared_core


def write_openvino(path: Path) -> Path:
    """Write `.xml` and `.bin` beside an exported ONNX file, in float32 or int8.

    Raises:
        ExportError: OpenVINO cannot read the file.
        InputError: it is no ONNX file that graspseg exported.
        OutputError: the files cannot be written.
    """
    import openvino

    properties = read_onnx_properties(path)
    try:
        graph = shared_core().read_model(path)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1][:120]
        raise ExportError(f"OpenVINO cannot read {path} ({reason}): export it again.") from error
    xml = path.with_suffix(".xml")
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / xml.name
        openvino.save_model(graph, trial, compress_to_fp16=False)
        weights = trial.with_suffix(".bin").read_bytes()
        properties[DIGEST_KEY] = digest_of([weights])
        for key, text in properties.items():
            graph.set_rt_info(text, key.split("."))
        openvino.save_model(graph, trial, compress_to_fp16=False)
        write_bytes(xml.with_suffix(".bin"), weights)
        write_bytes(xml, trial.read_bytes())
    return xml
