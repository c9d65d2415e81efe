"""The network's opinion of a frame, made in a thread of its own and kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from graspseg.frame import Frame
from graspseg.models.header import read_model_info
from graspseg.models.locate import find_model
from graspseg.segment.segmentation import Segmentation
from graspseg.segment.segmenter import Segmenter

_KEPT = 64
_KEPT_BYTES = 256 << 20
_WAIT_S = 60.0


class Predictor:
    """Predictions by key, each made once as long as it is remembered.

    Args:
        model: name of a shipped model or an exported file.

    Raises:
        InputError: there is no such model.
    """

    def __init__(self, model: str | Path) -> None:
        path = find_model(model)
        read_model_info(path)
        self.name = path.stem
        self._path = path
        self._segmenter: Segmenter | None = None
        # A Segmenter serves one thread.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prediction")
        self._made: OrderedDict[str, Future[Segmentation]] = OrderedDict()
        self._lock = threading.Lock()
        self._thread.submit(self._load)  # takes a second, best before the first question

    def request(self, key: str, read: Callable[[], Frame]) -> Future[Segmentation]:
        """Have a prediction made, unless it is remembered.

        Args:
            key: names the frame and its version.
            read: reads it.
        """
        with self._lock:
            future = self._made.pop(key, None)
            if future is None or future.cancelled() or (future.done() and future.exception() is not None):
                future = self._thread.submit(self._predict, read)
            self._made[key] = future
            while len(self._made) > _KEPT or (len(self._made) > 1 and self._bytes() > _KEPT_BYTES):
                self._made.popitem(last=False)[1].cancel()
            return future

    def _bytes(self) -> int:
        """What is remembered takes."""
        done = (each for each in self._made.values() if each.done() and not each.cancelled() and not each.exception())
        return sum(each.result().labels.nbytes + each.result().probabilities.nbytes for each in done)

    def predict(self, key: str, read: Callable[[], Frame]) -> Segmentation:
        """A prediction, waited for.

        Raises:
            InputError: the frame cannot be used, or the model cannot be loaded.
        """
        return self.request(key, read).result(_WAIT_S)

    def _predict(self, read: Callable[[], Frame]) -> Segmentation:
        return self._load()(read())

    def _load(self) -> Segmenter:
        if self._segmenter is None:
            self._segmenter = Segmenter(self._path, precision="float32")
        return self._segmenter

    def close(self) -> None:
        """Finish what is being made and drop the rest."""
        self._thread.shutdown(cancel_futures=True)
