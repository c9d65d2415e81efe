"""What a folder data set says of itself in Croissant 1.1, so that other programs find and load it.

Format: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graspseg.datasets.atomic import write_json
from graspseg.datasets.description import read_object
from graspseg.datasets.manifest import hash_file

CROISSANT = "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
_DESCRIPTION = "dataset.json"
_TERMS = "citeAs column conformsTo extract field fileProperty fileObject fileSet format includes isLiveDataset jsonPath"
_TERMS += " equivalentProperty samplingRate key md5 parentField path recordSet references regex"
_TERMS += " repeated replace separator source subField transform"
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    **{term: f"cr:{term}" for term in _TERMS.split()},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}
_LICENSES = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC-BY-NC-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "CC-BY-NC-SA-4.0": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    "MIT": "https://opensource.org/license/mit",
}
_IMAGE, _MASK, _TEXT = "sc:ImageObject", "cr:SegmentationMask", "sc:Text"
_KINDS = {
    "depth": ("image/png", "16-bit gray depth; 0 = not measured, meters = value x depth_unit_m of dataset.json"),
    "labels": ("image/png", "8-bit gray labels: 0 background, 1 hand, 2 object, 255 ignore"),
    "color": ("image/png", "RGB pictures"),
    "facts": ("application/json", "what else is known of each frame"),
}
_TYPES: dict[str, Any] = {"depth": _IMAGE, "labels": [_MASK, _IMAGE], "color": _IMAGE, "facts": _TEXT}


def write_croissant(folder: Path) -> None:
    """Describe a finished folder data set in `croissant.json` beside `dataset.json`.

    Raises:
        InputError: `dataset.json` cannot be read.
        OutputError: the disk is full or not writable.
    """
    kinds = [kind for kind in _KINDS if (folder / kind).is_dir()]
    write_json(folder / CROISSANT, describe(folder.resolve().name, read_object(folder / _DESCRIPTION), kinds, folder))


def describe(name: str, content: dict[str, Any], kinds: list[str], folder: Path) -> dict[str, Any]:
    """The JSON-LD of a folder data set.

    Args:
        name: what it is called.
        content: of `dataset.json`.
        kinds: its folders; `depth` is one.
        folder: where `dataset.json` lies, whose hash is named.

    Raises:
        InputError: `dataset.json` cannot be read.
    """
    license = content.get("licence")
    given = {"license": _LICENSES.get(license, license)} if isinstance(license, str) else {}
    provenance = content.get("provenance")
    said = f" {provenance}." if isinstance(provenance, str) else ""
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": f"Depth images with labels of hand and held object for every pixel.{said}",
        "conformsTo": CONFORMS_TO,
        **given,
        "version": "1.0.0",
        "keywords": ["depth", "hand segmentation", "hand-object interaction"],
        "distribution": [_about(folder), *map(_files, kinds)],
        "recordSet": [_records(kind) for kind in kinds],
    }


def _about(folder: Path) -> dict[str, Any]:
    """The file that names unit, camera and splits."""
    return {
        "@type": "cr:FileObject",
        "@id": _DESCRIPTION,
        "name": _DESCRIPTION,
        "description": "depth unit, camera, splits, license and provenance",
        "contentUrl": _DESCRIPTION,
        "encodingFormat": "application/json",
        "sha256": hash_file(folder / _DESCRIPTION),
    }


def _files(kind: str) -> dict[str, Any]:
    encoding, text = _KINDS[kind]
    suffix = ".json" if encoding == "application/json" else ".png"
    return {
        "@type": "cr:FileSet",
        "@id": f"{kind}-files",
        "name": f"{kind}-files",
        "description": text,
        "encodingFormat": encoding,
        "includes": f"{kind}/**/*{suffix}",
    }


def _records(kind: str) -> dict[str, Any]:
    """A record for every file: the stem it shares with those of the other kinds, and its content."""
    source = {"fileSet": {"@id": f"{kind}-files"}}
    stem: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{kind}/stem",
        "name": "stem",
        "description": "name of the frame, the same in all record sets",
        "dataType": _TEXT,
        "source": {
            **source,
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": rf"(?:^|.*/){kind}/(.+)\.(?:png|json)$"},
        },
    }
    if kind != "depth":
        stem["references"] = {"field": {"@id": "depth/stem"}}
    content = {
        "@type": "cr:Field",
        "@id": f"{kind}/content",
        "name": "content",
        "description": _KINDS[kind][1],
        "dataType": _TYPES[kind],
        "source": {**source, "extract": {"fileProperty": "content"}},
    }
    return {
        "@type": "cr:RecordSet",
        "@id": kind,
        "name": kind,
        "description": _KINDS[kind][1],
        "key": {"@id": f"{kind}/stem"},
        "field": [stem, content],
    }
