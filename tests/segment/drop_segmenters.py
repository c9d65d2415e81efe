"""Makes and drops Segmenters in every order, from threads too, and handles a signal after each step.

python drop_segmenters.py MODEL main|thread [--own-cores]

Run by `test_engine.py` in a process of its own. The second argument says where the first Segmenter is made;
`--own-cores` gives every Segmenter a core of its own, as OpenVINO's documentation does.
"""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from threading import Thread

from graspseg import Segmenter
from graspseg.segment import engine
from signal_state import alternate_stack, is_usable


def in_thread(action: Callable[[], object]) -> None:
    """Do something in a thread of its own, and raise here what it raises."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def check(step: str) -> None:
    """Look at the thread's signal stack."""
    stack = alternate_stack()
    assert is_usable(stack), f"UNMAPPED signal stack {stack} after {step}"


def main(model: str, first_in: str) -> None:
    """Every order of dropping, in the main thread and in others, and signals after each."""
    held: list[Segmenter | None] = []
    run_in: dict[str, Callable[[Callable[[], object]], object]] = {"main": lambda action: action(), "thread": in_thread}

    def make() -> None:
        held.append(Segmenter(model, threads=1))
        check("making")

    def drop(index: int) -> None:
        held[index] = None
        check(f"dropping {index}")

    run_in[first_in](make)
    core = weakref.ref(engine.shared_core())
    held.clear()
    caught: set[int] = set()
    signal.signal(signal.SIGCHLD, lambda number, _: caught.add(number))
    signal.signal(signal.SIGUSR1, lambda number, _: caught.add(number))
    threaded = itertools.product((2,), run_in, run_in)
    for count, making, dropping in ((3, "main", "main"), *threaded):
        for order in itertools.permutations(range(count)):
            for _ in range(count):
                run_in[making](make)
            for index in order:
                run_in[dropping](lambda index=index: drop(index))
                check(f"dropping {index} of {order}, made in {making}, dropped in {dropping}")
                signal.raise_signal(signal.SIGUSR1)
            held.clear()
            subprocess.run(["true"], check=True)
    assert caught == {signal.SIGUSR1, signal.SIGCHLD}
    assert core() is engine.shared_core(), "the core died with a Segmenter"
    print("lived")


if __name__ == "__main__":
    if "--own-cores" in sys.argv:
        import openvino

        engine.shared_core = openvino.Core
    main(sys.argv[1], sys.argv[2])
