"""The one way to do work in chunks: in processes of this machine or on a Ray cluster, with the same function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from graspseg.parallel.processes import in_processes

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Processes:
    """So many processes of this machine; 1 = this one."""

    count: int = 1


@dataclass(frozen=True)
class RayCluster:
    """A Ray cluster: `auto` (that of this machine, or of the Ray Job this process is) or `host:port` of its head."""

    address: str


Where = Processes | RayCluster
THIS_PROCESS = Processes(1)


def run_chunks(function: Callable[[Chunk], Result], chunks: Sequence[Chunk], where: Where) -> Iterator[Result]:
    """Do chunks in any order and hand on their results as they come.

    Whether a cluster answers is found out at once; the work starts when the first result is requested. When an
    error or the user ends it early, chunks that were begun are told to stop (`stop.stopping`) and are waited for.

    Args:
        function: does a chunk; a function of a module, because other processes import it. On a cluster a chunk may be
            done twice, even at the same time, when its worker is lost: what it writes must appear whole or not at all,
            and be the same every time.
        chunks: what `function` is called with, each once.
        where: who does them.

    Raises:
        InputError: the cluster cannot be used, a process is ended from outside, or a chunk raises it.
        ModuleNotFoundError: a cluster is requested and Ray is not installed.
    """
    if isinstance(where, RayCluster):
        from graspseg.parallel.ray_cluster import on_ray

        return on_ray(function, chunks, where.address)
    if where.count == 1:
        return map(function, chunks)
    return in_processes(function, chunks, min(where.count, len(chunks)))
