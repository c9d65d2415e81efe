"""Read many frames in order, several at once: decoding does not hold Python's lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from graspseg.errors import InputError

Item = TypeVar("Item")
_AHEAD = 4


def read_ahead(
    read: Callable[[int], Item], indices: Iterable[int], *, threads: int
) -> Iterator[tuple[int, Item | InputError]]:
    """Read frames by index and hand them on in order, in flat memory.

    Args:
        read: reads one frame.
        indices: which frames.
        threads: how many are read at once.

    Yields:
        Every index with what was read, or with the reason why it could not be.
    """

    def attempt(index: int) -> Item | InputError:
        try:
            return read(index)
        except InputError as error:
            return error

    waiting: deque[tuple[int, Future[Item | InputError]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for index in indices:
            waiting.append((index, pool.submit(attempt, index)))
            if len(waiting) > _AHEAD * threads:
                number, future = waiting.popleft()
                yield number, future.result()
        for number, future in waiting:
            yield number, future.result()
