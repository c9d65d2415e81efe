"""Frames a second. Processor time stands beside wall time, because it does not depend on what else the machine does."""

from __future__ import annotations

import time
from collections.abc import Callable


def timed(work: Callable[[], object], frames: int) -> dict[str, float]:
    """Frames a second of wall and of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"per_second": round(frames / wall, 1), "per_cpu_second": round(frames / cpu, 1)}
