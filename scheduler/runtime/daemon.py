"""The daemon: one tick at a time, from the timer and from events, until told to stop."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

from structlog.contextvars import bound_contextvars

from scheduler.runtime.logs import Logger
from scheduler.runtime.loop import StoppedError, tick
from scheduler.runtime.reload import Documents
from scheduler.runtime.status import Status
from scheduler.runtime.timer import SHARES, Bell, Timer
from scheduler.runtime.world import Brain, Clock, Standing, Tick, World

log = Logger("tidegate.daemon")


class Record(Protocol):
    """Where ticks are kept."""

    def last(self) -> int:
        """The number of the last tick kept, or 0."""
        ...

    async def record(self, tick: Tick) -> None:
        """Keep one tick."""
        ...

    async def close(self) -> None:
        """Returns when all is kept."""
        ...


class Forgetful:
    """Keeps no tick: for runs without a journal."""

    def last(self) -> int:
        """There is none."""
        return 0

    async def record(self, tick: Tick) -> None:
        """Let it go."""

    async def close(self) -> None:
        """Nothing to finish."""


class Daemon:
    """Ticks one after the other; what happens during a tick is answered by the next one.

    A tick that fails is logged and counted, and the world is left as it is.
    """

    def __init__(
        self,
        *,
        brain: Brain,
        documents: Documents[Standing],
        timer: Timer,
        clock: Clock,
        status: Status,
        record: Record | None = None,
        listeners: Sequence[Callable[[Tick], None]] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._brain = brain
        self._documents = documents
        self._timer = timer
        self._clock = clock
        self._status = status
        self._record = record or Forgetful()
        self._listeners = tuple(listeners)
        self._monotonic = monotonic
        self._bell = Bell()
        self._stopping = asyncio.Event()
        self._previous: Tick | None = None
        self._ticks_before = 0

    async def run(self) -> None:
        """Tick until `stop` is called or the timer's time is up; leaves nothing half done."""
        self._ticks_before = await asyncio.to_thread(self._record.last)
        self._beat()
        self._bell.ring("start", urgent=True)
        log.info("daemon.started", ticks_before=self._ticks_before)
        try:
            async with self._watching():
                while reasons := await self._due():
                    await self._turn(reasons)
        finally:
            await self._timer.close()
            await self._record.close()
            log.info("daemon.stopped")

    def ring(self, why: str) -> None:
        """Ask for a tick soon: a spot notice, a node lost, an objective burning."""
        self._bell.ring(why)

    def stop(self, why: str) -> None:
        """Finish the order in flight, keep the tick, and end `run`."""
        log.info("daemon.stopping", why=why)
        self._stopping.set()
        self._bell.ring("stop", urgent=True)

    async def _due(self) -> tuple[str, ...]:
        loop = self._status.loop
        reasons = await self._timer.due(self._bell, loop.every_s, loop.shares_every_s)
        log.debug("tick.due", reasons=list(reasons))
        return () if self._stopping.is_set() else reasons

    async def _turn(self, reasons: tuple[str, ...]) -> None:
        self._beat()
        await self._documents.refresh()
        standing = self._documents.current
        if standing is not None:
            self._status.loop = standing.loop
            with bound_contextvars(cycle=self._ticks_done() + 1):
                await self._tick(standing, reasons)
        self._beat()

    async def _tick(self, standing: Standing, reasons: tuple[str, ...]) -> None:
        world = World(
            brain=self._brain,
            standing=standing,
            clock=self._clock,
            record=self._record.record,
            stopping=self._stopping,
            # A long row of orders is work, not a hang.
            told=lambda _: self._beat(),
            shares_only=reasons == (SHARES,) and self._previous is not None,
            ticks_before=self._ticks_before,
            monotonic=self._monotonic,
        )
        try:
            done = await tick(world, self._previous)
        except StoppedError:
            log.info("tick.dropped", why="told to stop before anything was touched")
        except Exception as error:
            # The loop's outer edge: whatever went wrong, the next tick looks at the world anew.
            self._status.failed(f"{type(error).__name__}: {error}")
            log.exception("tick.failed", why=str(error))
        else:
            self._note(done)

    def _note(self, done: Tick) -> None:
        self._previous = done
        self._status.ticked(done)
        log.info("tick.done", **_summary(done))
        for listener in self._listeners:
            listener(done)

    def _ticks_done(self) -> int:
        return self._previous.number if self._previous else self._ticks_before

    def _beat(self) -> None:
        self._status.beat_s = self._monotonic()

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        watch = asyncio.ensure_future(self._documents.watch(lambda: self.ring("documents")))
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)


@contextmanager
def stopped_by_signals(daemon: Daemon) -> Iterator[None]:
    """SIGTERM and SIGINT stop the daemon in order, instead of Python's way."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, daemon.stop, number.name)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _summary(done: Tick) -> dict[str, object]:
    accepted = sum(receipt.outcome == "accepted" for receipt in done.receipts)
    return {
        "whole": done.whole,
        "usd_per_hour": round(done.plan.usd_per_hour_after, 4),
        "gap": round(done.plan.proof.gap, 6),
        "missing": len(done.plan.missing),
        "accepted": accepted,
        "not_accepted": len(done.receipts) - accepted,
        "held": len(done.guarded.held),
        "unseen": sorted(done.snapshot.unseen),
        "seconds": round(sum(done.seconds.values()), 4),
    }
