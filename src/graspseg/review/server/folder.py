"""The files of a reviewed folder: nothing outside it is read or written, whatever links and names say."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from graspseg.datasets.atomic import encode_png
from graspseg.datasets.description import read_description
from graspseg.datasets.folder import COLOR_SUFFIXES, FULL_DEPTH
from graspseg.datasets.images import DEFAULT_UNIT_M, decode_color, read_depth
from graspseg.datasets.listing import stem_of
from graspseg.errors import InputError
from graspseg.frame import Frame

LABELS = "labels"
_PNG = b"\x89PNG\r\n\x1a\n"


class Outside(InputError):
    """A path that leads out of the folder."""


class Missing(InputError):
    """A frame, or a file of one, that is not there."""


class ReviewFolder:
    """A folder data set as the server may see it; every path below is relative to it.

    Args:
        path: the folder; links on the way to it count as part of it.

    Raises:
        InputError: it has no `depth/`, or its `dataset.json` is elsewhere or cannot be used.
    """

    def __init__(self, path: Path) -> None:
        if not (path / "depth").is_dir():
            raise InputError(f"{path} has no depth/, expected a folder data set: convert it with graspseg dataset.")
        self.root = path.resolve()
        self.name = path.resolve().name
        self.inside("dataset.json")
        self.description = read_description(self.root)
        self.depth_unit_m = self.description.depth_unit_m or DEFAULT_UNIT_M

    def inside(self, relative: str) -> Path:
        """Where a path really is; every path to a file of a frame passes here.

        Raises:
            Outside: not in the folder, or not in the one of its kind (`depth/`, `color/`, `labels/`), or a label image
                that is a link: it is written, and what a link names may be anybody's.
            Missing: neither file nor folder, such as a pipe that would be waited for.
        """
        first, _, rest = relative.partition("/")
        path = (self.root / relative).resolve()
        own = (self.root / first).resolve() if rest else self.root
        if not (path.is_relative_to(self.root) and own.is_relative_to(self.root)):
            raise Outside(f"{relative} leads out of {self.root}, expected a file inside it: copy the file there.")
        if not path.is_relative_to(own):
            raise Outside(f"{relative} leads out of {first}/, expected a file inside it: copy the file there.")
        if first == LABELS and path != self.root / relative:
            raise Outside(f"{relative} is a link, expected a file or folder of its own: put a copy in its place.")
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise Missing(f"{relative} is neither file nor folder, expected a file: remove it.")
        return path

    def color_name(self, stem: str) -> str | None:
        """The color picture of a frame."""
        return self._first(f"color/{stem}{suffix}" for suffix in COLOR_SUFFIXES)

    def recorded_name(self, stem: str, depth: str) -> str:
        """What `graspseg segment` is given for a frame: its whole depth, where `depth` holds only a part of it."""
        return self._first([f"{FULL_DEPTH}/{stem}.png"]) or depth

    def labels_name(self, stem: str) -> str:
        """The label image of a frame, there or not."""
        return f"{LABELS}/{stem}.png"

    def has(self, relative: str) -> bool:
        """Whether there is such a file, or a link that will be refused when it is read."""
        return (self.root / relative).is_file()

    def _first(self, names: Iterable[str]) -> str | None:
        return next((name for name in names if self.has(name)), None)

    def version(self, relative: str) -> str:
        """Changes whenever a file does, also where its time was set back.

        Raises:
            Missing: there is no such file.
        """
        try:
            status = self.inside(relative).stat()
        except OSError as error:
            raise Missing(f"{relative} is not there ({error.strerror}): restore it.") from error
        return f"{status.st_mtime_ns:x}-{status.st_ctime_ns:x}-{status.st_size:x}"

    def bytes_of(self, relative: str) -> bytes:
        """Content of a file.

        Raises:
            Missing: there is no such file, or it cannot be read.
            Outside: it is not in the folder.
        """
        path = self.inside(relative)
        try:
            return path.read_bytes()
        except OSError as error:
            raise Missing(f"{relative} could not be read ({error.strerror}): check it.") from error

    def depth(self, relative: str) -> Frame:
        """A depth image, with the folder's unit and camera.

        Raises:
            InputError: outside, or it cannot be used.
        """
        unit, camera = self.description.optics(stem_of(PurePosixPath(relative)))
        return read_depth(self.inside(relative), depth_unit_m=unit, intrinsics=camera)

    def color(self, relative: str, shape: tuple[int, int]) -> bytes:
        """A color picture as the page shows it: pixels as they are stored, whatever orientation the file names.

        Raises:
            InputError: outside, damaged, or of another size than the depth.
        """
        data = self.bytes_of(relative)
        height, width = shape
        if data[:8] == _PNG and data[16:24] == struct.pack(">II", width, height) and b"eXIf" not in data:
            return data  # the header says all that is needed
        picture = decode_color(data, self.root / relative, shape)
        # A browser would turn a picture that names an orientation, under its labels.
        return data if data[:8] != _PNG and b"Exif" not in data else bytes(encode_png(picture))
