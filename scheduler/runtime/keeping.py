"""Keeping: what must outlive a leader, and the reports that go out after a tick."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from scheduler.domain.names import ActionKey, Instant
from scheduler.domain.snapshot import Memory
from scheduler.runtime.logs import Logger
from scheduler.runtime.world import Tick

log = Logger("tidegate.reports")

REPORT_S = 10.0
"""The longest that one report may take."""
CLOSE_S = 5.0
AT_MOST = 16
"""Ticks that wait to be reported; the oldest are dropped."""


class OvertakenError(Exception):
    """Somebody else has written since: another leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the last leader left."""

    memory: Memory
    at: Instant
    """When it did."""
    intended: tuple[ActionKey, ...] = ()
    """Orders that it was about to send, of which nothing more is known."""


class Keeper(Protocol):
    """Keeps the memory where the next leader finds it."""

    async def load(self) -> Kept | None:
        """What was left; None where nothing was, or nothing that can be read."""
        ...

    async def save(self, memory: Memory, at: Instant) -> None:
        """Leave this. Raises OvertakenError, or whatever else kept it from being written."""
        ...

    async def intend(self, keys: Sequence[ActionKey]) -> None:
        """Write down orders before they are sent. Raises as `save` does."""
        ...


class Reports:
    """Tells of ticks beside the loop: what goes wrong here is logged and stops nothing."""

    def __init__(self, reporters: Sequence[Callable[[Tick], Awaitable[None]]]) -> None:
        self._reporters = tuple(reporters)
        self._waiting: deque[Tick] = deque(maxlen=AT_MOST)
        self._there = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, done: Tick) -> None:
        """Take a tick over; returns at once."""
        if self._reporters:
            self._waiting.append(done)
            self._there.set()
            self._idle.clear()

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            await self._there.wait()
            while self._waiting:
                done = self._waiting.popleft()
                await asyncio.gather(*(_report(one, done) for one in self._reporters))
            self._there.clear()
            self._idle.set()

    async def settled(self) -> None:
        """Returns when all is reported, or after CLOSE_S."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._idle.wait()


async def _report(reporter: Callable[[Tick], Awaitable[None]], done: Tick) -> None:
    try:
        async with asyncio.timeout(REPORT_S):
            await reporter(done)
    except Exception as error:  # noqa: BLE001 - the fan-out: a report that fails must not stop the loop
        log.warning("report.failed", why=f"{type(error).__name__}: {error}")
