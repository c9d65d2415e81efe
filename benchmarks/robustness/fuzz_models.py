"""Models, and the settings and records beside them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from fuzz_kind import Kind, Reading, again_json, digest, json_file

WEIGHTS = Path(__file__).parents[2] / "src/graspseg/models/weights"


def _skin() -> object:
    from dataclasses import asdict

    from graspseg.annotate.skin_model import SkinModel

    colors = np.random.default_rng(0).normal((190, 140, 110), 8, (500, 3)).clip(0, 255).astype(np.uint8)
    return json.loads(json.dumps(asdict(SkinModel.fit(colors)), default=np.ndarray.tolist))


def _read_skin(path: Path) -> Reading:
    from graspseg.annotate.skin_model import SkinModel

    skin = SkinModel.load(path)
    return Reading([digest(skin.weights, skin.means, skin.covariances)])


def _read_records(path: Path) -> Reading:
    from graspseg.annotate.records import read_records

    found = read_records(path)
    return Reading([] if found is None else [digest(found)], said_loss=found is None)


def _config() -> object:
    from graspseg.training.config_file import config_dict
    from graspseg.training.presets import preset

    return json.loads(json.dumps(config_dict(preset("tiny")), default=str))


def _read_config(path: Path) -> Reading:
    from graspseg.training.config_file import read_config

    return Reading([digest(read_config(path))])


def _copied(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        return Path(shutil.copy(WEIGHTS / name, folder))

    return make


def _read_forest(path: Path) -> Reading:
    from graspseg.forest.file import read_forest

    forest = read_forest(path)
    return Reading([digest(repr(forest.settings), *(each for each in vars(forest.find).values()))])


def _read_model(path: Path) -> Reading:
    from graspseg.models.header import read_model_info

    return Reading([digest(read_model_info(path))])


def _read_checkpoint(path: Path) -> Reading:
    from graspseg.networks.checkpoint import load_checkpoint

    state = load_checkpoint(path).network.state_dict()
    return Reading([digest(*(tensor.numpy() for tensor in state.values()))])


def kinds() -> Iterator[Kind]:
    """All of them."""
    yield Kind("skin.json", json_file("skin.json", _skin), _read_skin, variant=again_json)
    rows = {"made_by": "", "rows": {"0": {"iou": 0.5}}, "failed": ["a"]}
    yield Kind("records json", json_file("0.json", lambda: rows), _read_records, variant=again_json)
    yield Kind("config.json", json_file("config.json", _config), _read_config, variant=again_json)
    yield Kind("forest npz", _copied("forest.npz"), _read_forest, checked=True, share=2)
    yield Kind("model onnx", _copied("denseattentionseg-lite.onnx"), _read_model, checked=True, share=1)
    weights = _copied("denseattentionseg-lite.safetensors")
    yield Kind("checkpoint safetensors", weights, _read_checkpoint, checked=True, share=0.2)
