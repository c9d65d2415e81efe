"""Which topics of a ROS recording hold its depth and its color."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from graspseg.cameras.ros.camera import base_of
from graspseg.cameras.ros.images import COMPRESSED, IMAGE, Picture, describe
from graspseg.cameras.ros.messages import MessageFile, damage_reported
from graspseg.errors import InputError

_LOOKED_AT = 5  # messages, until one is whole
_SHOWN = 6
_INFRARED = re.compile(r"(^|[/_])(ir|infra\d*|infrared)([/_]|$)")
_COLOR_NAME = re.compile(r"color|colour|rgb")


@dataclass(frozen=True)
class ImageTopic:
    """A topic of images and what its first whole message says."""

    name: str
    kind: str
    picture: Picture


def image_topics(file: MessageFile) -> list[ImageTopic]:
    """All topics with images; those without a readable one are told by their name."""
    return [
        ImageTopic(topic.name, topic.kind, _first(file, topic.name))
        for topic in file.topics.values()
        if topic.kind in (IMAGE, COMPRESSED) and topic.serialization in ("ros1", "cdr") and len(topic)
    ]


def choose_depth(file: MessageFile, topics: Sequence[ImageTopic], named: str | None) -> ImageTopic:
    """The topic of depth: the one that is named, else the only one.

    Args:
        file: the recording.
        topics: its images.
        named: by the user.

    Raises:
        InputError: there is none, or more than one.
    """
    depths = [topic for topic in topics if topic.picture.content == "depth"]
    if named is not None:
        return _named(file, topics, depths, named, "depth")
    found = _one_a_stream([topic for topic in depths if not _is_infrared(topic.name)])
    if len(found) > 1:
        found = [topic for topic in found if "depth" in topic.name.lower()] or found
    if not found:
        raise InputError(
            f"{file.path} holds no depth images ({_summary(file)}), expected a topic of 16UC1, 32FC1 or "
            "compressedDepth: record one."
        )
    if len(found) > 1:
        names = ", ".join(topic.name for topic in found)
        raise InputError(
            f"{file.path} holds {len(found)} topics of depth ({names}), expected one: choose with "
            f"--topic {found[0].name}."
        )
    return found[0]


def choose_color(
    file: MessageFile, topics: Sequence[ImageTopic], depth: ImageTopic, named: str | None
) -> ImageTopic | None:
    """The topic of color: the one that is named, else the one that is aligned with the depth, else the only one.

    Returns:
        None when there is none.

    Raises:
        InputError: there is more than one.
    """
    colors = [topic for topic in topics if topic.picture.content == "color"]
    if named is not None:
        return _named(file, topics, colors, named, "color")
    found = _one_a_stream(colors)
    for narrower in (
        [topic for topic in found if topic.picture.frame_id == depth.picture.frame_id],
        [topic for topic in found if _COLOR_NAME.search(topic.name.lower())],
    ):
        found = narrower or found
    if len(found) > 1:
        names = ", ".join(topic.name for topic in found)
        raise InputError(
            f"{file.path} holds {len(found)} topics of color ({names}), expected one: choose with --topic "
            f"{depth.name} {found[0].name}."
        )
    return found[0] if found else None


def _named(
    file: MessageFile, topics: Sequence[ImageTopic], fitting: Sequence[ImageTopic], named: str, what: str
) -> ImageTopic:
    name = named if named in file.topics else f"/{named.strip('/')}"
    for topic in fitting:
        if topic.name == name:
            return topic
    other = next((topic for topic in topics if topic.name == name), None)
    if other is not None:
        found = f"{name} with {other.picture.encoding!r}"
    elif name in file.topics:
        found = f"{name} with {len(file.topics[name])} messages of {file.topics[name].kind}"
    else:
        found = f"no topic {named}"
    there = ", ".join(topic.name for topic in fitting[:_SHOWN]) or "none"
    raise InputError(f"{file.path} holds {found}, expected a topic of {what} (there: {there}): correct --topic.")


def _one_a_stream(topics: Sequence[ImageTopic]) -> list[ImageTopic]:
    """Raw images rather than compressed ones of the same."""
    found: dict[str, ImageTopic] = {}
    for topic in sorted(topics, key=lambda topic: (topic.kind != IMAGE, topic.name)):
        found.setdefault(base_of(topic.name), topic)
    return sorted(found.values(), key=lambda topic: topic.name)


def _first(file: MessageFile, name: str) -> Picture:
    """What the first message that can be read says."""
    kind = file.topics[name].kind
    for index in range(min(len(file.topics[name]), _LOOKED_AT)):
        with contextlib.suppress(InputError), damage_reported(file.path):
            return describe(file.parsed(name, index), kind)
    lower = name.lower()
    content = "depth" if "depth" in lower else "color" if _COLOR_NAME.search(lower) else "other"
    return Picture(content, "damaged images", "")


def _is_infrared(name: str) -> bool:
    return "depth" not in name.lower() and _INFRARED.search(name.lower()) is not None


def _summary(file: MessageFile) -> str:
    """Topics with messages, for a sentence."""
    there = [f"{topic.name}: {topic.kind}" for topic in file.topics.values() if len(topic)]
    if not there:
        return "not one message"
    strange = {topic.serialization for topic in file.topics.values() if len(topic)} - {"ros1", "cdr"}
    coded = f", serialized as {', '.join(sorted(strange))}" if strange else ""
    more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
    return ", ".join(there[:_SHOWN]) + more + coded
