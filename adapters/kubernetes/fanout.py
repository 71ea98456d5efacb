"""Fan-out: the same work on many objects, a few at a time, and one that fails stops no other."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import msgspec

from adapters.kubernetes.faults import KubernetesError, Silent

T = TypeVar("T")
R = TypeVar("R")

WIDTH = 8
SILENCES = 3
"""After so many calls without an answer nothing new is begun: each would take its deadline."""


async def fan_out(items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> tuple[R, ...]:
    """The results in the order of the items. The first fault is raised when all had their turn."""
    gate = asyncio.Semaphore(WIDTH)
    faults: list[Exception] = []

    async def one(item: T) -> tuple[R, ...]:
        async with gate:
            if sum(isinstance(fault, Silent) for fault in faults) >= SILENCES:
                return ()
            try:
                return (await work(item),)
            except (KubernetesError, msgspec.MsgspecError) as fault:
                faults.append(fault)
                return ()

    found = await asyncio.gather(*(one(item) for item in items))
    if faults:
        raise faults[0]
    return tuple(result for each in found for result in each)
