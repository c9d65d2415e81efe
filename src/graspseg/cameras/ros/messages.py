"""Messages of a ROS recording by topic and number, whatever the file they are in.

Message types are those of ROS itself: definitions that a file brings along are never compiled.
"""

from __future__ import annotations

import contextlib
import functools
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from graspseg.datasets.atomic import OutputError
from graspseg.errors import InputError

TRANSFORMS = ("tf2_msgs/msg/TFMessage", "tf/msg/tfMessage")
_STORES = {"ros1": Stores.ROS1_NOETIC, "cdr": Stores.ROS2_HUMBLE}


@dataclass(frozen=True)
class Topic:
    """A topic of a recording.

    Attributes:
        name: such as `/camera/depth/image_raw`.
        kind: type of its messages, such as `sensor_msgs/msg/Image`.
        serialization: `ros1` or `cdr` (ROS 2); messages of others cannot be read.
        times_ns: when each message was written, in ascending order.
    """

    name: str
    kind: str
    serialization: str
    times_ns: Sequence[int]

    def __len__(self) -> int:
        """Number of messages."""
        return len(self.times_ns)


class MessageFile(ABC):
    """A recording that can be read by topic and number; copies travel to other processes.

    Attributes:
        path: what messages call it.
        topics: by name.
        lost: the sentence part that says what is missing, such as "was cut", None when all is there.
    """

    path: Path
    topics: Mapping[str, Topic]
    lost: str | None

    @abstractmethod
    def raw(self, topic: str, index: int) -> bytes:
        """Bytes of message `index` of a topic.

        Raises:
            InputError: it cannot be read.
        """

    def parsed(self, topic: str, index: int) -> Any:
        """Message `index` of a topic.

        Raises:
            InputError: it cannot be read, or is not of its type.
        """
        raw, reported = self.raw(topic, index), self.topics[topic]
        with damage_reported(self.path):
            return deserialize(raw, reported.kind, reported.serialization)

    def stamp_ns(self, topic: str, index: int) -> int:
        """When message `index` says that it was taken, 0 when it does not; for types that begin with a header.

        Raises:
            InputError: it cannot be read.
        """
        head = self.head(topic, index)
        with damage_reported(self.path):
            if self.topics[topic].serialization == "ros1":
                seconds, nanoseconds = struct.unpack_from("<II", head, 4)  # after the sequence number
            else:
                seconds, nanoseconds = struct.unpack_from("<iI" if head[1] & 1 else ">iI", head, 4)
        return seconds * 10**9 + nanoseconds

    def head(self, topic: str, index: int) -> bytes:
        """At least the first 12 bytes of a message, where it has them."""
        return self.raw(topic, index)


def deserialize(raw: bytes, kind: str, serialization: str) -> Any:
    """A message from its bytes; damage raises whatever comes to rosbags' mind."""
    types = _types(serialization)
    return types.deserialize_ros1(raw, kind) if serialization == "ros1" else types.deserialize_cdr(raw, kind)


@functools.cache
def _types(serialization: str) -> Typestore:
    types = get_typestore(_STORES[serialization])
    for kind in TRANSFORMS:
        if kind not in types.fielddefs:
            types.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", kind))
    return types


@contextlib.contextmanager
def damage_reported(path: Path, expected: str = "whole messages") -> Iterator[None]:
    """Turn whatever a reader raises on a damaged file into one sentence.

    Readers of untrusted bytes raise anything: `struct.error`, `KeyError`, `UnicodeDecodeError`, `OverflowError` ...
    """
    try:
        yield
    except (InputError, OutputError, ImportError):
        raise
    except Exception as error:
        raise InputError(
            f"{path} is damaged here ({reason(error)}), expected {expected}: copy it again, or leave this out."
        ) from error


def reason(error: Exception) -> str:
    """What an exception says, on one line."""
    text = " ".join(str(error).split()).rstrip(".")
    return text[:200] if text else type(error).__name__
