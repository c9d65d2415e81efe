"""ROS 2 recordings that are a folder: `metadata.yaml` and the files it names."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import defaultdict
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import yaml

from graspseg.cameras.ros.chunks import zstd
from graspseg.cameras.ros.database import DatabaseFile
from graspseg.cameras.ros.layout import METADATA, METADATA_KEY, is_storage
from graspseg.cameras.ros.mcap import McapFile
from graspseg.cameras.ros.messages import MessageFile, Topic, reason
from graspseg.datasets.atomic import unwritable
from graspseg.errors import InputError

_MOST_METADATA_BYTES = 1 << 20
_PART = 1 << 20
_KEPT_FREE_BYTES = 1 << 30


class FolderFile(MessageFile):
    """A folder of a ROS 2 recording, whose files follow each other; those compressed as a whole are unpacked first.

    Args:
        path: the folder.

    Raises:
        InputError: its metadata is missing or damaged, or no file that it names can be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        names = _file_names(path)
        missing = [name for name in names if not (path / name).is_file()]
        self._names = [name for name in names if name not in missing]
        if not self._names:
            raise InputError(
                f"{path} holds none of the {len(names)} files that its {METADATA} names ({', '.join(names[:3])}), "
                "expected them beside it: copy the whole folder."
            )
        self.lost = f"lacks {', '.join(missing)}, which its {METADATA} names" if missing else None
        lost = [f"{file.path.name} {file.lost}" for file in self._files if file.lost]
        self.lost = self.lost or (lost[0] if lost else None)
        self._list()

    def raw(self, topic: str, index: int) -> bytes:
        """Bytes of a message; see `MessageFile`."""
        file, own = self._places[topic][index]
        return self._files[file].raw(topic, own)

    def head(self, topic: str, index: int) -> bytes:
        """The first bytes of a message; see `MessageFile`."""
        file, own = self._places[topic][index]
        return self._files[file].head(topic, own)

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: nothing that is unpacked."""
        state = dict(self.__dict__)
        if any(name.endswith(".zstd") for name in self._names):
            state.pop("_files", None)
        return state

    @cached_property
    def _files(self) -> list[DatabaseFile | McapFile]:
        return [self._opened(self.path / name) for name in self._names]

    def _opened(self, path: Path) -> DatabaseFile | McapFile:
        plain = _unpacked(self, path) if path.suffix == ".zstd" else path
        return McapFile(plain) if plain.suffix.lower() == ".mcap" else DatabaseFile(plain)

    def _list(self) -> None:
        """Put the messages of all files in one order."""
        found: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        topics: dict[str, Topic] = {}
        for number, file in enumerate(self._files):
            for name, topic in file.topics.items():
                topics.setdefault(name, topic)
                found[name] += [(time_ns, number, index) for index, time_ns in enumerate(topic.times_ns)]
        ordered = {name: sorted(found[name]) for name in topics}
        self._places = {name: [(file, index) for _, file, index in listed] for name, listed in ordered.items()}
        self.topics = {
            name: Topic(name, topic.kind, topic.serialization, [time_ns for time_ns, _, _ in ordered[name]])
            for name, topic in topics.items()
        }


def _file_names(path: Path) -> list[str]:
    """Names of the files of a recording, in their order.

    Raises:
        InputError: the metadata is missing, damaged, or names other kinds of files.
    """
    metadata = path / METADATA
    if not metadata.is_file():
        there = sorted(each.name for each in path.iterdir() if is_storage(each.name))
        raise InputError(
            f"{path} holds {', '.join(there[:3])} and no {METADATA}, expected a whole ROS 2 recording: give "
            f"{path / there[0]} itself, or restore the file with ros2 bag reindex."
        )
    try:
        with metadata.open("rb") as file:
            data = file.read(_MOST_METADATA_BYTES + 1)
        if len(data) > _MOST_METADATA_BYTES:
            raise ValueError(f"it is larger than {_MOST_METADATA_BYTES} bytes")
        names = [PurePath(str(name)).name for name in yaml.safe_load(data)[METADATA_KEY]["relative_file_paths"]]
    except Exception as error:  # YAML of damaged files ends in many ways
        raise InputError(
            f"{metadata} is damaged ({reason(error)}), expected {METADATA_KEY} with relative_file_paths: "
            "restore it with ros2 bag reindex."
        ) from error
    other = [name for name in names if not is_storage(name)]
    if other or not names:
        raise InputError(
            f"{metadata} names {other[0] if other else 'no file'}, expected .db3 or .mcap files: convert the recording "
            "with ros2 bag convert."
        )
    return names


def _unpacked(owner: FolderFile, path: Path) -> Path:
    """A file that was compressed as a whole, in a temporary folder that is removed with its owner.

    Raises:
        InputError: it is not whole.
        OutputError: there is no room for it.
    """
    folder = tempfile.TemporaryDirectory(prefix="graspseg-", ignore_cleanup_errors=True)
    weakref.finalize(owner, folder.cleanup)
    plain = Path(folder.name) / path.stem
    try:
        with path.open("rb") as packed, zstd.open(packed) as source, plain.open("wb") as target:
            _copy(source, target, path, plain)
    except (zstd.ZstdError, EOFError) as error:
        raise InputError(
            f"{path} is damaged ({reason(error)}), expected a recording compressed with zstd: copy it again."
        ) from error
    except OSError as error:
        raise unwritable(plain, error) from error
    return plain


def _copy(source: Any, target: BinaryIO, path: Path, plain: Path) -> None:
    while part := source.read(_PART):
        if shutil.disk_usage(plain.parent).free < _KEPT_FREE_BYTES:
            raise InputError(
                f"{path} does not fit into the folder for temporary files {plain.parent.parent}, expected room for "
                "what it holds: set TMPDIR to a larger disk, or decompress it with zstd -d."
            )
        target.write(part)
