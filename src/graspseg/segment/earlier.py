"""What an earlier run left in a folder: what is its own goes, so that old results never lie among new ones."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graspseg.datasets.description import read_object
from graspseg.datasets.output_folder import clear_partial, foreign, remove_results
from graspseg.datasets.stamp import State, state_of
from graspseg.errors import InputError
from graspseg.segment.inputs import Source

SUMMARY = "summary.json"
FILES = (
    "overlays/{}.png",
    "probabilities/{}.npz",
    "clouds/{}-hand.ply",
    "clouds/{}-object.ply",
    "handless/{}.png",
    "labels/{}.png",
)
_OF_HANDLESS = Path("handless", "dataset.json")
_OF_A_SUMMARY = {"model", "network", "engine", "frames", "count"}
_COMMAND = "graspseg segment"


@dataclass(frozen=True)
class Cleared:
    """What was removed.

    Attributes:
        again: frames that are segmented anew.
        gone: names of those that are not among the inputs any more.
    """

    again: int
    gone: tuple[str, ...]


def files_of(out: Path, name: str) -> list[Path]:
    """All that may be written for a frame; the labels are the last, so that a frame with any of these has labels."""
    return [out / pattern.format(name) for pattern in FILES]


def clear_earlier(out: Path, sources: Sequence[Source]) -> Cleared:
    """Remove the results of an earlier run, which this one makes anew.

    Its label images are known by their stamp. Nothing is removed before all that lies in the folder was looked at.

    Raises:
        InputError: what is there is not `segment`'s, was changed since, or is the result of other frames.
        OutputError: it cannot be removed.
    """
    summary = _read_summary(out)
    rows = {str(row.get("stem")): row for row in summary["frames"]} if summary else {}
    listed = summary is not None and "source" not in next(iter(rows.values()), {})  # older ones have no stamps
    states = _label_states(out)
    for name, state in states.items():
        if state == "other" and not (listed and name in rows):
            why = "it was changed since, or is another program's"
            raise foreign(out, out / "labels" / f"{name}.png", _COMMAND, why=why)
    if summary is None and not states and (out / _OF_HANDLESS).exists():
        raise foreign(out, out / _OF_HANDLESS, _COMMAND)
    places = {source.name: source.path for source in sources}
    for name, path in places.items():
        if name not in states:
            _refuse_others(out, name)
        _refuse_other_source(out, name, rows, path)
    gone = [name for name in states if name not in places]
    inputs = {_origin(path) for path in places.values()}
    for name in gone:
        _check_gone(out, name, rows, inputs)
    clear_partial(out, *sorted({pattern.partition("/")[0] for pattern in FILES}))
    remove_results((out / SUMMARY, out / _OF_HANDLESS, *(path for name in states for path in files_of(out, name))), out)
    return Cleared(len(states) - len(gone), tuple(gone))


def _read_summary(out: Path) -> dict | None:
    """The summary of an earlier run.

    Raises:
        InputError: it is another program's.
    """
    path = out / SUMMARY
    if not path.exists():
        return None
    try:
        content = read_object(path)
    except InputError:
        content = {}
    frames = content.get("frames")
    if not (content.keys() >= _OF_A_SUMMARY and isinstance(frames, list) and all(isinstance(f, dict) for f in frames)):
        raise foreign(out, path, _COMMAND)
    return content


def _label_states(out: Path) -> dict[str, State]:
    """Every label image by its name."""
    top = out / "labels"
    found: dict[str, State] = {}
    for path in sorted(top.rglob("*.png")):
        if not path.name.startswith("."):
            found[path.relative_to(top).with_suffix("").as_posix()] = state_of(path, "segment")
    return found


def _refuse_others(out: Path, name: str) -> None:
    """Results without labels are nobody's that we know."""
    for path in files_of(out, name):
        if os.path.isfile(path):  # unlike `is_file` it does not mind a name that is too long
            raise foreign(out, path, _COMMAND)


def _refuse_other_source(out: Path, name: str, rows: Mapping[str, Mapping], path: Path) -> None:
    source = rows.get(name, {}).get("source")
    if isinstance(source, str) and source != os.path.abspath(path) and _origin(Path(source)) is not None:
        raise _others(out, name, source)


def _check_gone(out: Path, name: str, rows: Mapping[str, Mapping], inputs: set[Path | None]) -> None:
    """See that a result without a frame is one whose frame is gone, not one of other inputs."""
    source = rows.get(name, {}).get("source")
    origin = _origin(Path(source)) if isinstance(source, str) else None
    if not isinstance(source, str) or (origin is not None and origin not in inputs):
        raise _others(out, name, source or "other frames, of a run that was stopped")


def _others(out: Path, name: str, source: str) -> InputError:
    return InputError(
        f"{out} holds results of other frames ({name} of {source}), expected a new folder or one of the same inputs: "
        "choose another --out, or remove them."
    )


def _origin(path: Path) -> Path | None:
    """The file that holds a frame: itself, or the tar or recording it is a part of; None when it is gone."""
    path = Path(os.path.abspath(path))
    return next((place for place in (path, *path.parents) if os.path.isfile(place)), None)
