"""The daemon: one turn at a time, from the timer and from events, until told to stop."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from structlog.contextvars import bound_contextvars

from scheduler.runtime.keeping import Keeper, OvertakenError, Reports
from scheduler.runtime.logs import Logger
from scheduler.runtime.loop import StoppedError, consider, tick, unless
from scheduler.runtime.office import Alone, Office
from scheduler.runtime.reload import Documents
from scheduler.runtime.status import Status
from scheduler.runtime.succession import Succession
from scheduler.runtime.timer import SHARES, Bell, Timer
from scheduler.runtime.world import Brain, Clock, Considered, Standing, Tick, World

log = Logger("tidegate.daemon")

STANDING_BY = "another replica leads"
AGAIN_S = 2.0
"""Until a new leader that could not read the memory tries again."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What a daemon shares with its replicas; by itself, nothing."""

    office: Office = field(default_factory=Alone)
    keeper: Keeper | None = None
    reporters: Sequence[Callable[[Tick], Awaitable[None]]] = ()
    """Told of each tick beside the loop, while we lead."""


class Daemon:
    """Turns one after the other; what happens during a turn is answered by the next one.

    Who leads ticks. Who stands by observes and plans at the same pace, and acts on nothing. A turn
    that fails is logged and counted, and the world is left as it is.
    """

    def __init__(  # noqa: PLR0913 - one argument a part of the world outside
        self,
        *,
        brain: Brain,
        documents: Documents[Standing],
        timer: Timer,
        clock: Clock,
        status: Status,
        record: Record | None = None,
        listeners: Sequence[Callable[[Tick], None]] = (),
        home: Home | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._brain = brain
        self._documents = documents
        self._timer = timer
        self._clock = clock
        self._status = status
        self._record = record or Forgetful()
        self._listeners = tuple(listeners)
        home = home or Home()
        self._office = home.office
        self._succession = Succession(home.office, home.keeper)
        self._reports = Reports(home.reporters)
        self._monotonic = monotonic
        self._bell = Bell()
        self._stopping = asyncio.Event()
        self._cut_short = asyncio.Event()
        """A turn on stand-by is given up: we lead, or stop."""
        status.office = self._office

    async def run(self) -> None:
        """Take turns until `stop` is called or the timer's time is up; leaves nothing half done."""
        self._succession.ticks_before = await asyncio.to_thread(self._record.last)
        self._beat()
        self._bell.ring("start", urgent=True)
        log.info("daemon.started", ticks_before=self._succession.ticks_before)
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(self._holding())
                await stack.enter_async_context(self._reporting())
                await stack.enter_async_context(self._watching())
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
        self._cut_short.set()
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
                await self._guarded(standing, reasons)
        self._beat()

    async def _guarded(self, standing: Standing, reasons: tuple[str, ...]) -> None:
        leads = self._office.leads()
        try:
            await (self._lead if leads else self._stand_by)(standing, reasons)
        except StoppedError:
            log.info("tick.dropped", why="cut short before anything was touched")
        except OvertakenError as error:
            self._office.resign(str(error))
        except Exception as error:
            # The loop's outer edge: whatever went wrong, the next tick looks at the world anew.
            self._status.failed(f"{type(error).__name__}: {error}")
            log.exception("tick.failed", why=str(error))
            if leads and self._succession.is_due:
                self._ring_later("the memory is not read yet")

    async def _lead(self, standing: Standing, reasons: tuple[str, ...]) -> None:
        await self._succession.take_over(self._clock.now(), standing.loop.forecast.window_s)
        done = await tick(self._world(standing, reasons), self._succession.past)
        await self._succession.done(done)
        self._status.memory_fault = self._succession.fault
        self._note(done)

    async def _stand_by(self, standing: Standing, reasons: tuple[str, ...]) -> None:
        if reasons == (SHARES,):
            return
        self._cut_short.clear()
        if self._stopping.is_set() or self._office.leads():
            return
        thought = await unless(self._cut_short, self._watched(standing, reasons))
        self._succession.considered(thought)
        self._status.stood_by(thought)
        log.info("standby.done", usd_per_hour=round(thought.plan.usd_per_hour_after, 4))

    async def _watched(self, standing: Standing, reasons: tuple[str, ...]) -> Considered:
        await self._succession.follow(self._clock.now(), standing.loop.forecast.window_s)
        return await consider(self._world(standing, reasons), self._succession.past)

    def _world(self, standing: Standing, reasons: tuple[str, ...]) -> World:
        past = self._succession.past
        return World(
            brain=self._brain,
            standing=standing,
            clock=self._clock,
            record=self._record.record,
            stopping=self._stopping,
            barred=self._barred,
            intend=self._succession.intend,
            # A long row of orders is work, not a hang.
            told=lambda _: self._beat(),
            shares_only=reasons == (SHARES,) and past is not None and past.snapshot is not None,
            ticks_before=self._succession.ticks_before,
            monotonic=self._monotonic,
        )

    def _barred(self) -> str:
        # Who led in between has moved on from the world that this tick has seen.
        still = self._office.leads() and not self._succession.is_due
        return "" if still else STANDING_BY

    def _note(self, done: Tick) -> None:
        self._status.ticked(done)
        log.info("tick.done", **_summary(done))
        for listener in self._listeners:
            listener(done)
        self._reports.put(done)

    def _ticks_done(self) -> int:
        past = self._succession.past
        return past.memory.tick if past else self._succession.ticks_before

    def _beat(self) -> None:
        self._status.beat_s = self._monotonic()

    def _changed(self) -> None:
        if self._office.leads():
            self._cut_short.set()
            self._bell.ring("leading", urgent=True)

    def _ring_later(self, why: str) -> None:
        asyncio.get_running_loop().call_later(AGAIN_S, self.ring, why)

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        async with _beside(self._documents.watch(lambda: self.ring("documents"))):
            yield

    @asynccontextmanager
    async def _reporting(self) -> AsyncIterator[None]:
        async with _beside(self._reports.run()):
            yield
            await self._reports.settled()

    @asynccontextmanager
    async def _holding(self) -> AsyncIterator[None]:
        """The lease is renewed until the last order and report are through, then given up."""
        try:
            async with _beside(self._office.hold(self._changed)):
                yield
        finally:
            await self._office.release()


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """The work goes on meanwhile, and is cancelled in the end."""
    running = asyncio.ensure_future(work)
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


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
