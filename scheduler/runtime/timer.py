"""When to tick: a bell that anyone may ring, and the timers that wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC
from time import time
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from scheduler.domain.names import Instant

SHARES = "shares"
"""The reason of a turn between two whole ones, at the pace of the signals."""


class Bell:
    """Rings for the next tick. Rung while a tick runs, it is heard right after it."""

    def __init__(self) -> None:
        self._reasons: dict[str, None] = {}
        self._rung = asyncio.Event()
        self.urgent = False
        """Something is due that must not wait for others to join it."""

    def ring(self, why: str, *, urgent: bool = False) -> None:
        """Ask for a tick. Not safe from other threads: use the event loop's call for that."""
        self._reasons[why] = None
        self.urgent = self.urgent or urgent
        self._rung.set()

    async def heard(self) -> None:
        """Returns once the bell has been rung."""
        await self._rung.wait()

    def take(self) -> tuple[str, ...]:
        """Why it was rung, each reason once; the bell is silent again."""
        reasons = tuple(self._reasons)
        self._reasons.clear()
        self._rung.clear()
        self.urgent = False
        return reasons


class Timer(Protocol):
    """The passing of time, as the daemon sees it."""

    async def due(self, bell: Bell, every_s: float, shares_every_s: float = 0.0) -> tuple[str, ...]:
        """Returns when a turn is due, with the reasons; with none when time is up.

        SHARES alone asks for a turn that moves nothing but traffic.
        """
        ...

    async def close(self) -> None:
        """No more ticks will be asked for."""
        ...


class WallClock:
    """The time of the wall."""

    def now(self) -> Instant:
        """Seconds since 1970."""
        return Instant(time())


class WallTimer:
    """Ticks at the pace of the wall clock, and soon after an event.

    APScheduler's job only rings the bell. Its shutdown cancels running jobs, so nothing that must
    not be cut in half may run inside one.
    """

    def __init__(
        self,
        debounce_s: float = 0.5,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._debounce_s = debounce_s
        self._sleep = sleep
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._paces: dict[str, float] = {}

    async def due(self, bell: Bell, every_s: float, shares_every_s: float = 0.0) -> tuple[str, ...]:
        """The next beat or event; events that come within `debounce_s` share one tick."""
        self._keep_pace(bell, "timer", every_s)
        self._keep_pace(bell, SHARES, shares_every_s)
        await bell.heard()
        if not bell.urgent:
            await self._sleep(self._debounce_s)
        return bell.take()

    async def close(self) -> None:
        """Stop the scheduler."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
            # The shutdown itself is put off to the event loop's next turn.
            await asyncio.sleep(0)

    def _keep_pace(self, bell: Bell, why: str, every_s: float) -> None:
        if self._paces.get(why, 0.0) == every_s:
            return
        self._paces[why] = every_s
        if not every_s:
            self._scheduler.remove_job(why)
            return

        async def beat() -> None:
            bell.ring(why, urgent=True)

        self._scheduler.add_job(
            beat,
            "interval",
            seconds=every_s,
            id=why,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            replace_existing=True,
        )
        if not self._scheduler.running:
            self._scheduler.start()


class VirtualClock:
    """The time of a simulated world; it stands still during a tick."""

    def __init__(self, start: Instant) -> None:
        self._now = start

    def now(self) -> Instant:
        """The simulated instant."""
        return self._now

    def set(self, now: Instant) -> None:
        """Move to `now`."""
        self._now = now


class VirtualTimer:
    """Ticks as fast as they can be computed, up to the simulated instant `until`.

    Before each tick the world is moved by `advance`, and the event loop gets its turn, so that
    HTTP and reloads work as in real time.
    """

    def __init__(
        self,
        clock: VirtualClock,
        until: Instant,
        advance: Callable[[Instant], None],
        debounce_s: float = 1.0,
    ) -> None:
        self._clock = clock
        self._until = until
        self._advance = advance
        self._debounce_s = debounce_s
        self._next = clock.now()
        self._last = clock.now()

    async def due(self, bell: Bell, every_s: float, shares_every_s: float = 0.0) -> tuple[str, ...]:
        """The next beat, or an event that was rung, at its simulated time."""
        await asyncio.sleep(0)
        reasons = bell.take()
        at = self._next
        if shares_every_s and not reasons and self._last + shares_every_s < at:
            at, reasons = Instant(self._last + shares_every_s), (SHARES,)
        elif reasons:
            at = min(at, Instant(self._clock.now() + self._debounce_s))
        if at > self._until:
            return ()
        if at >= self._next:
            self._next = Instant(at + every_s)
        self._last = at
        self._clock.set(at)
        self._advance(at)
        return reasons or ("timer",)

    async def close(self) -> None:
        """Nothing to let go of."""
