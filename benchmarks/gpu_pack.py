"""Brings weights and report back in lots of a few small files, and puts them together again."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from gpu_evaluate import load_row, report_rows
from gpu_plan import State
from gpu_report import REPORT_FILES, write_report
from graspseg.datasets.atomic import make_folder, write_bytes, write_json
from graspseg.errors import InputError
from graspseg.networks import Card, read_card, save_checkpoint

MANIFEST = "manifest.json"
# What one call of the machine brings back, less a little for the manifest.
FILES_PER_LOT = 7
BYTES_PER_LOT = 63 << 20
PART_BYTES = 15 << 20


def pack(state: State, out: Path, *, call: int) -> int:
    """Write one lot into `out`; how many lots there are.

    The first lot holds the report. Weights are in half precision (kernels only), cut into parts. Every lot has the
    whole manifest: each file's lot, size and SHA-256, and which parts make which weights.

    Raises:
        InputError: there is no such lot.
    """
    folder = state.folder / "pack"
    content = _content(state)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8")) if (folder / MANIFEST).is_file() else {}
    if manifest.get("content") != content:
        manifest = _prepare(state, folder, content)
    if not 1 <= call <= manifest["lots"]:
        raise InputError(f"There is no lot {call}, expected 1 to {manifest['lots']}: choose with --call.")
    make_folder(out)
    names = [name for name, file in manifest["files"].items() if file["lot"] == call]
    for name in [MANIFEST, *names]:
        shutil.copyfile(folder / name, out / name)
    print(f"pack: lot {call} of {manifest['lots']}: {', '.join(names)}", flush=True)
    return manifest["lots"]


def _content(state: State) -> dict[str, Any]:
    """What a pack is made of: lots packed before the training or the exams went on are not those of now."""
    exams = sorted(path.name for path in (state.folder / "evaluation").glob("*"))
    return {"steps": {row.name: row.step for row in report_rows(state)}, "exams": exams}


def _prepare(state: State, folder: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Make all files of all lots and the manifest, which is written last."""
    reports = write_report(state, folder)
    large = [path.name for path in reports if path.stat().st_size > PART_BYTES]
    assert not large, f"{large} must be cut into parts, too"
    files = {path.name: _described(path.read_bytes()) for path in reports}
    weights: dict[str, dict[str, Any]] = {}
    for row in report_rows(state):
        name = f"{row.name}.safetensors"
        whole = folder / name
        trained = row.weights.suffix == ".safetensors"
        card = (
            read_card(row.weights) if trained else Card(state.scale.network(row.run.network), data={"steps": row.step})
        )
        save_checkpoint(whole, load_row(state, row), card=card, half=True)
        data = whole.read_bytes()
        whole.unlink()
        parts = {}
        for number, start in enumerate(range(0, len(data), PART_BYTES)):
            part = data[start : start + PART_BYTES]
            parts[f"{name}.{number:02d}"] = _described(part)
            write_bytes(folder / f"{name}.{number:02d}", part)
        weights[name] = {**_described(data), "parts": list(parts)}
        files |= parts
    manifest = {"content": content, "lots": _assign_lots(files), "files": files, "weights": weights}
    write_json(folder / MANIFEST, manifest)
    return manifest


def _described(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _assign_lots(files: dict[str, dict[str, Any]]) -> int:
    """Give every file, in order, the number of its lot; how many lots there are."""
    lot, count, size = 1, 0, 0
    for file in files.values():
        if count and (count == FILES_PER_LOT or size + file["bytes"] > BYTES_PER_LOT):
            lot, count, size = lot + 1, 0, 0
        file["lot"] = lot
        count, size = count + 1, size + file["bytes"]
    return lot


def join(lots: Path, out: Path) -> list[str]:
    """Put the lots below a folder together: reports, and every weights file all parts of which are there.

    Folders without a manifest are not of the pack: earlier calls leave reports, too.

    Returns:
        Weights files that are still incomplete.

    Raises:
        InputError: no lot, lots of different packs, or a file that is not the one that was packed.
    """
    manifests = sorted(lots.rglob(MANIFEST))
    if not manifests or len({path.read_bytes() for path in manifests}) > 1:
        raise InputError(f"{lots} holds {len(manifests)} manifests, expected the lots of one pack: name their folder.")
    manifest = json.loads(manifests[0].read_text(encoding="utf-8"))
    found = {path.name: path for lot in manifests for path in lot.parent.iterdir() if path.name in manifest["files"]}
    for name, path in found.items():
        _check(path, path.read_bytes(), manifest["files"][name])
    make_folder(out)
    for name in REPORT_FILES:
        if name in found:
            shutil.copyfile(found[name], out / name)
    missing = []
    for name, whole in manifest["weights"].items():
        if not set(whole["parts"]) <= set(found):
            missing.append(name)
            continue
        data = b"".join(found[part].read_bytes() for part in whole["parts"])
        _check(out / name, data, whole)
        write_bytes(out / name, data)
    return missing


def _check(path: Path, data: bytes, expected: dict[str, Any]) -> None:
    if _described(data) != {key: expected[key] for key in ("bytes", "sha256")}:
        raise InputError(f"{path} is not the file that was packed (its SHA-256 differs): bring its lot back again.")
