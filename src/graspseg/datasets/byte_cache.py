"""What was used last, as long as it takes no more memory than is good."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ByteCache(Generic[Value]):
    """Remembers values by key; those not used for long go when all together are too large. May be used by threads.

    Args:
        most_bytes: all values together may have; the last one is kept however large it is.
        size_of: bytes of a value.
    """

    def __init__(self, most_bytes: int, size_of: Callable[[Value], int]) -> None:
        self._most_bytes = most_bytes
        self._size_of = size_of
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """A value, made when it is not remembered."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        value = make()
        size = self._size_of(value)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = value, size
                self.bytes += size
            while self.bytes > self._most_bytes and len(self._kept) > 1:
                self.bytes -= self._kept.popitem(last=False)[1][1]
        return value
