"""What this process does about signals, asked of the kernel: Python's own table misses what compiled code changed."""

from __future__ import annotations

import ctypes
import signal
from pathlib import Path
from typing import NamedTuple

_LIBC = ctypes.CDLL(None, use_errno=True)
_DISABLED = 2  # SS_DISABLE


class _Stack(ctypes.Structure):
    _fields_ = (("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


class AlternateStack(NamedTuple):
    """Where a thread handles its signals, in bytes."""

    start: int
    size: int


def alternate_stack() -> AlternateStack | None:
    """The calling thread's alternate signal stack, None where it has none."""
    stack = _Stack()
    assert _LIBC.sigaltstack(None, ctypes.byref(stack)) == 0
    return None if stack.flags & _DISABLED else AlternateStack(stack.address or 0, stack.size)


def is_usable(stack: AlternateStack | None) -> bool:
    """Whether signals can be handled: there is no alternate stack, or it is memory that can be written to."""
    if stack is None:
        return True
    reached, end = stack.start, stack.start + stack.size
    for line in Path("/proc/self/maps").read_text().splitlines():
        bounds, rights = line.split()[:2]
        first, last = (int(bound, 16) for bound in bounds.split("-"))
        if first <= reached < last and rights.startswith("rw"):
            reached = last
    return reached >= end


def handlers() -> dict[str, tuple[str, int]]:
    """Of every signal, by name: Python's handler as text, and the address of the compiled one."""
    found = {}
    for number in sorted(signal.valid_signals()):
        action = ctypes.create_string_buffer(256)  # larger than struct sigaction anywhere
        if _LIBC.sigaction(int(number), None, action) == 0:
            compiled = ctypes.cast(action, ctypes.POINTER(ctypes.c_void_p))[0] or 0  # its first member
            found[signal.Signals(number).name if number in set(signal.Signals) else str(number)] = (
                repr(signal.getsignal(number)),
                compiled,
            )
    return found
