"""Fields of `dataset.json` and manifests that nobody reads, and what whoever wrote them may have meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_READ = ("depth_unit_m", "intrinsics", "per_frame", "color", "distortion", "splits", "licence", "provenance")
_READ += ("annotation", "recipe", "rate_hz", "split_facts")
_WRITTEN = ("seed_range", "generator_version", "converted", "annotated", "camera", "locked", "colors", "sources")
KNOWN = frozenset((*_READ, *_WRITTEN))
_INSIDE = {
    "intrinsics": frozenset(("fx", "fy", "cx", "cy")),
    "color": frozenset(("intrinsics", "color_from_depth", "distortion")),
}
_MEANT = {
    "depth_unit_m": "unit units scale depthscale depthunit depthunits depthfactor depthunitmm depthscalem scalefactor "
    "pngdepthscale metersperunit metresperunit depthscalefactor depthunitmeters depthunitinmeters depthresolution",
    "intrinsics": "k camk kmatrix intrinsic intrinsicmatrix cameraintrinsics depthintrinsics cameramatrix cammatrix "
    "calibration calib camera cameraparams fx fy cx cy ppx ppy focal focallength",
    "color": "colour rgb colorcamera rgbcamera colorintrinsics extrinsics",
    "distortion": "dist distcoeffs distortioncoefficients coeffs distcoef",
    "licence": "license licenseurl",
    "splits": "split train val test partitions",
}
_ALIASES = {alias: name for name, aliases in _MEANT.items() for alias in aliases.split()}
_SHOWN = 8


def unread_fields(content: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """A sentence on the fields that nobody reads, none where all are read.

    Args:
        content: what the file says of the frames.
        path: what messages call it.
    """
    found = [(name, _suggestion(name)) for name in content if name not in KNOWN]
    if isinstance(content.get("camera"), dict) and "intrinsics" not in content and "fx" in content["camera"]:
        found.append(("camera", "intrinsics"))
    for outer, names in _INSIDE.items():
        inner = content.get(outer)
        found += [(f"{outer}.{name}", "") for name in (inner if isinstance(inner, dict) else ()) if name not in names]
    if not found:
        return ()
    shown = [f"{name!r:.60}" + (f" (did you mean {meant}?)" if meant else "") for name, meant in found[:_SHOWN]]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    fields = "the field" if len(found) == 1 else "the fields"
    return (f"{path} has {fields} {', '.join(shown)}{more}, which nobody reads",)


def misspelled_fields(content: Mapping[str, Any], expected: tuple[str, ...], path: Path) -> tuple[str, ...]:
    """Sentences on fields of a frame, which may be called anything, that look as if one of `expected` was meant."""
    meant = {name: _ALIASES.get(_plain(name), "") for name in content if name not in expected}
    return tuple(
        f"{path} has the field {name!r:.60}, which nobody reads: did you mean {known}?"
        for name, known in meant.items()
        if known in expected and known not in content
    )


def optics_fields(names: Iterable[str]) -> list[str]:
    """Those of some names that look like the unit or the camera."""
    known = _ALIASES | {_plain(name): name for name in ("depth_unit_m", "intrinsics")}
    return [name for name in names if known.get(_plain(name)) in ("depth_unit_m", "intrinsics")]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _suggestion(name: str) -> str:
    plain = _plain(name)
    by_plain = {_plain(known): known for known in KNOWN}
    if plain in by_plain or plain in _ALIASES:
        return by_plain.get(plain) or _ALIASES[plain]
    near = difflib.get_close_matches(plain[:60], [*by_plain, *_ALIASES], n=1, cutoff=0.8)
    return (by_plain | _ALIASES)[near[0]] if near else ""
