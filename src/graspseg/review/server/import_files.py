"""The files labels are imported from: CVAT's XML, COCO's JSON, or a zip of either, read up to a sane size."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from graspseg.datasets.description import parse_object
from graspseg.datasets.files import LARGEST_TEXT, read_file
from graspseg.errors import InputError
from graspseg.review.server.coco import read_annotations
from graspseg.review.server.cvat import read_images
from graspseg.review.server.shapes import Drawing

_XML = "annotations.xml"
_MOST_MEMBERS = 1000
_DAMAGE = (OSError, KeyError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


def read_drawing(path: Path) -> Drawing:
    """Images and their shapes from whatever another program exported.

    Args:
        path: CVAT for images 1.1 (.xml), COCO (.json), or a .zip that holds either.

    Raises:
        InputError: it cannot be read, is too large, damaged, or holds something else.
    """
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return _read_zip(path)
    if suffix in (".json", ".xml"):
        return _parse(read_file(path, LARGEST_TEXT), path)
    raise InputError(
        f"{path} is a {path.suffix or 'suffixless'} file, expected .xml or .zip of CVAT, .json or .zip of COCO: "
        "export it."
    )


def _parse(data: bytes, path: Path) -> Drawing:
    if path.suffix.lower() == ".xml":
        return read_images(data, path)
    return read_annotations(parse_object(data, path), path)


def _read_zip(path: Path) -> Drawing:
    try:
        with zipfile.ZipFile(path) as archive:
            whole = Drawing([], [])
            for member in _members(archive, path):
                if member.file_size > LARGEST_TEXT:
                    raise InputError(
                        f"{path} holds {member.filename!r:.200} of {member.file_size} bytes, expected at most "
                        f"{LARGEST_TEXT}: export fewer frames at once."
                    )
                with archive.open(member) as file:
                    data = file.read(LARGEST_TEXT + 1)  # no more than the archive promised comes out of it
                part = _parse(data, path / member.filename)
                whole.images.extend(part.images)
                whole.strays.extend(part.strays)
            return whole
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(
            f"{path} could not be read ({error}), expected a zip of CVAT or COCO: export it again."
        ) from error


def _is_of_system(member: zipfile.ZipInfo) -> bool:
    """Whether a member is what macOS adds to a file it packs."""
    path = PurePosixPath(member.filename)
    return "__MACOSX" in path.parts or path.name.startswith("._")


def _members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The files with labels: CVAT's one, else the JSON of COCO, which may be in parts."""
    members = [member for member in archive.infolist() if not (member.is_dir() or _is_of_system(member))]
    named = {kind: [m for m in members if m.filename.lower().endswith(kind)] for kind in (".xml", ".json")}
    found = [member for member in named[".xml"] if PurePosixPath(member.filename).name == _XML]
    if not found:
        found = [m for m in named[".json"] if PurePosixPath(m.filename).parent.name == "annotations"] or named[".json"]
    if not found or len(found) > _MOST_MEMBERS or (len(found) > 1 and found[0] in named[".xml"]):
        raise InputError(
            f"{path} holds {len(found)} files with labels, expected one {_XML} of CVAT or .json of COCO: export it "
            "again as one of these."
        )
    return found
