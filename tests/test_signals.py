from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
from pathlib import Path
from threading import Thread

import pytest

from graspseg.signals import kept_signals
from signal_state import alternate_stack, handlers

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX signals")


def test_a_handler_of_compiled_code_is_put_back(tmp_path: Path) -> None:
    """As Lightning does it: what Python knew of the signal is set again, which is less than was there."""
    with (tmp_path / "traceback").open("w") as file:
        faulthandler.register(signal.SIGUSR2, file=file)
        try:
            with kept_signals():
                signal.signal(signal.SIGUSR2, signal.getsignal(signal.SIGUSR2))
            signal.raise_signal(signal.SIGUSR2)
        finally:
            faulthandler.unregister(signal.SIGUSR2)
    assert "test_a_handler_of_compiled_code_is_put_back" in (tmp_path / "traceback").read_text()


@pytest.mark.parametrize("end", [None, KeyboardInterrupt])
def test_a_handler_in_python_is_put_back(end: type[BaseException] | None) -> None:
    before = handlers()
    caught: list[int] = []
    own = signal.signal(signal.SIGTERM, lambda number, _: caught.append(number))
    try:
        try:
            with kept_signals():
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                signal.signal(signal.SIGUSR1, lambda *_: None)
                if end is not None:
                    raise end
        except KeyboardInterrupt:
            assert end is KeyboardInterrupt
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, own)
    assert caught == [signal.SIGTERM]
    assert handlers() == before


def test_in_another_thread_handlers_of_compiled_code_are_put_back_too() -> None:
    before, libc = handlers(), ctypes.CDLL(None)
    ignore = ctypes.create_string_buffer(int(signal.SIG_IGN).to_bytes(8, sys.byteorder), 256)
    meanwhile = []

    def change() -> None:
        with kept_signals():
            assert libc.sigaction(signal.SIGUSR1, ignore, None) == 0
            meanwhile.append(handlers()["SIGUSR1"])

    thread = Thread(target=change)
    thread.start()
    thread.join()
    assert meanwhile[0][1] == signal.SIG_IGN
    assert handlers() == before


@pytest.mark.skipif(sys.platform != "linux", reason="the layout of stack_t is Linux's")
def test_the_alternate_stack_is_put_back() -> None:
    before, libc, memory = alternate_stack(), ctypes.CDLL(None), ctypes.create_string_buffer(1 << 16)
    new = ctypes.addressof(memory).to_bytes(8, sys.byteorder) + bytes(8) + (1 << 16).to_bytes(8, sys.byteorder)
    with kept_signals():
        assert libc.sigaltstack(new, None) == 0
        assert alternate_stack() == (ctypes.addressof(memory), 1 << 16)
    assert alternate_stack() == before
