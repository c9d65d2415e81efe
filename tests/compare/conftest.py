"""A small comparison that was stopped and finished."""

import hashlib
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import onnx
import pytest
from torch import nn

import graspseg.export.onnx as exporter
from compare_steps import CONTOUR, PLAIN, command, stamps, write_folder
from graspseg.cli.main import main
from graspseg.compare import run


@pytest.fixture(scope="session", autouse=True)
def traced_once() -> Iterator[None]:
    """A network is traced for export once, and again only with other weights or for other shapes: it takes seconds."""
    own, graphs = exporter._trace, dict[object, bytes]()

    def trace(network: nn.Module, shape: tuple[int, int], *, any_size: bool = False) -> onnx.ModelProto:
        weights = hashlib.sha256()
        for name, value in network.state_dict().items():
            weights.update(f"{name} {value.dtype} {tuple(value.shape)}".encode() + value.numpy().tobytes())
        key = repr(network), weights.digest(), shape, any_size
        if key not in graphs:
            graphs[key] = own(network, shape, any_size=any_size).SerializeToString()
        return onnx.ModelProto.FromString(graphs[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "_trace", trace)
        yield


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders to train and to judge on."""
    folder = tmp_path_factory.mktemp("data")
    return write_folder(folder / "train", 8, first=0), write_folder(folder / "judged", 8, first=100)


@pytest.fixture(scope="session")
def finished(data: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison that was stopped before its last cell and then finished; the finished cells were left alone."""
    out = tmp_path_factory.mktemp("compared") / "out"
    with pytest.MonkeyPatch.context() as patch:
        own = run.run_cell

        def dying(entry, seed, *rest, **options):
            if (entry.name, seed) == (CONTOUR, 1):
                raise KeyboardInterrupt
            return own(entry, seed, *rest, **options)

        patch.setattr(run, "run_cell", dying)
        reported = StringIO()
        patch.setattr("sys.stderr", reported)
        assert main(command(data, out, PLAIN, CONTOUR)) == 130
        assert reported.getvalue().endswith(
            f"graspseg: stopped with all cells so far kept, go on with the same command or with --resume --out {out}\n"
        )
    before = stamps(out / "cells")
    assert not (out / "report.json").exists() and not (out / "cells" / f"{CONTOUR}-1").exists()
    assert main(["compare", "--resume", "--out", str(out)]) == 0
    typed = " ".join(["graspseg", *command(data, out, PLAIN, CONTOUR)])
    report = json.loads((out / "report.json").read_text())
    assert report["command"] == f"{typed}, then graspseg compare --resume --out {out}"
    after = stamps(out / "cells")
    assert {name: after[name] for name in before if "timed" not in name} == before
    return out
