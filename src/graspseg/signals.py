"""Signals of the process that uses us are as before, whatever a library does to them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
from collections.abc import Iterator

_LARGEST_STRUCT = 256  # bytes; `struct sigaction` and `stack_t` are smaller on every system


@contextlib.contextmanager
def kept_signals() -> Iterator[None]:
    """Let libraries change handlers and the thread's alternate signal stack; put all back afterwards.

    Asks the system, not only Python: handlers that compiled code set, such as those of `faulthandler`, are unknown to
    Python's table, and a library that puts back what it read there removes them.
    """
    if os.name != "posix":
        yield
        return
    numbers = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
    in_python = {number: signal.getsignal(number) for number in numbers}
    compiled = {number: _sigaction(number) for number in numbers}
    stack, thread = _sigaltstack(), threading.get_ident()
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in in_python.items():
                if handler is not None and signal.getsignal(number) is not handler:
                    signal.signal(number, handler)
        for number, action in compiled.items():
            if _sigaction(number) != action:
                _sigaction(number, action)
        if threading.get_ident() == thread and _sigaltstack() != stack:
            # Refused where the processor state that has come into use since does not fit the former stack.
            _sigaltstack(stack)


def _sigaction(number: int, new: bytes | None = None) -> bytes:
    """What the system does with a signal, opaque (`man 2 sigaction`); empty for signals the C library keeps."""
    old = ctypes.create_string_buffer(_LARGEST_STRUCT)
    failed = ctypes.CDLL(None).sigaction(int(number), new or None, old)
    return b"" if failed else old.raw


def _sigaltstack(new: bytes | None = None) -> bytes:
    """The thread's alternate signal stack (`man 2 sigaltstack`), as opaque bytes."""
    old = ctypes.create_string_buffer(_LARGEST_STRUCT)
    ctypes.CDLL(None).sigaltstack(new, old)
    return old.raw
