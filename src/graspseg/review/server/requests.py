"""What each client was told last of the labels of frames, for programs that do not say themselves what they saw."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from graspseg.review.server.state import Reviewer

_KEPT = 10_000


class ToldVersions:
    """Versions of labels by client and frame; of many, the latest are remembered."""

    def __init__(self) -> None:
        self._versions: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._lock = threading.Lock()

    def tell(self, who: Reviewer, versions: Mapping[int, str]) -> None:
        """Remember what a client is told, by frame."""
        with self._lock:
            for frame_id, version in versions.items():
                self._versions[who.client, frame_id] = version
                self._versions.move_to_end((who.client, frame_id))
            while len(self._versions) > _KEPT:
                self._versions.popitem(last=False)

    def last(self, who: Reviewer, frame_id: int) -> str | None:
        """What a client was told last of a frame; None when nothing, or too long ago."""
        with self._lock:
            return self._versions.get((who.client, frame_id))
