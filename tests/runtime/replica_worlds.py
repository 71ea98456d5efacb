"""Replicas: daemons that share a lease, a memory and a site, and can be cut off or killed."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters.base import Order, Unreachable
from adapters.decorators import Around
from scheduler.domain.lease import Lease
from scheduler.domain.names import ActionKey, Instant
from scheduler.domain.settings import LoopSettings
from scheduler.domain.snapshot import Memory, SiteReport
from scheduler.runtime.daemon import Daemon, Home
from scheduler.runtime.election import Pace
from scheduler.runtime.keeping import Kept, OvertakenError
from scheduler.runtime.office import Elected
from scheduler.runtime.reload import Documents
from scheduler.runtime.status import Status
from scheduler.runtime.timer import WallTimer
from scheduler.runtime.world import Brain, Considered, Standing, Tick

from .worlds import BRAIN, FixedClock, MemorySite, a_fleet, a_pool, a_site, a_standing

QUICK = Pace(lease_s=0.6, renew_s=0.4, retry_s=0.05)
PATIENCE_S = 10.0


@dataclass
class SharedLease:
    """The lease, with versions, as the API server keeps it."""

    lease: Lease | None = None
    writes: int = 0


@dataclass
class SharedMemory:
    """The memory, with versions."""

    kept: Kept | None = None
    writes: int = 0
    intentions: list[tuple[ActionKey, ...]] = field(default_factory=list)


@dataclass
class Ballot:
    """One replica's way to the lease."""

    shared: SharedLease
    cut: bool = False

    async def read(self) -> Lease | None:
        self.reach()
        return self.shared.lease

    async def write(self, lease: Lease) -> Lease:
        self.reach()
        there = self.shared.lease.version if self.shared.lease else ""
        if lease.version != there:
            raise RuntimeError("the object has been modified")
        self.shared.writes += 1
        self.shared.lease = replace(lease, version=str(self.shared.writes))
        return self.shared.lease

    def reach(self) -> None:
        if self.cut:
            raise ConnectionError("cut off")


@dataclass
class Keeper:
    """One replica's way to the memory."""

    shared: SharedMemory
    version: int = 0
    broken: int = 0
    """So many loads fail."""

    async def load(self) -> Kept | None:
        if self.broken:
            self.broken -= 1
            raise ConnectionError("no memory now")
        self.version = self.shared.writes
        return self.shared.kept

    async def save(self, memory: Memory, at: Instant) -> None:
        self.write(Kept(memory=memory, at=at))

    async def intend(self, keys: Sequence[ActionKey]) -> None:
        self.shared.intentions.append(tuple(keys))
        kept = self.shared.kept or Kept(memory=Memory(), at=Instant(0.0))
        self.write(replace(kept, intended=tuple(keys)))

    def write(self, kept: Kept) -> None:
        if self.version != self.shared.writes:
            raise OvertakenError("written by another")
        self.shared.writes += 1
        self.version = self.shared.writes
        self.shared.kept = kept


class Line(Around):
    """One replica's way to the site. The orders that arrive are written down with its name."""

    def __init__(self, site: MemorySite, name: str, arrived: list[tuple[str, Order]]) -> None:
        super().__init__(site)
        self._name, self._arrived = name, arrived
        self.cut = False

    async def observe(self) -> SiteReport:
        if self.cut:
            raise Unreachable("cut off")
        return await super().observe()

    async def _ordered(self, send, order) -> None:  # type: ignore[no-untyped-def]
        if self.cut:
            raise Unreachable("cut off")
        self._arrived.append((self._name, order))
        await super()._ordered(send, order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    declared: Standing | None
    faults: Sequence[str] = ()


@dataclass(kw_only=True)
class Replica:
    """One daemon of several."""

    name: str
    stage: "Stage"
    pace: Pace = QUICK
    brain: Brain = BRAIN
    status: Status = field(default_factory=Status)
    ticks: list[Tick] = field(default_factory=list)
    told: list[Tick] = field(default_factory=list)
    home: Home | None = None
    """Takes the place of the lease and memory that the stage shares."""

    def __post_init__(self) -> None:
        self.ballot = Ballot(self.stage.lease)
        self.keeper = Keeper(self.stage.memory)
        self.line = Line(self.stage.site, self.name, self.stage.arrived)
        self.office = Elected(self.ballot, self.name, pace=self.pace, monotonic=time.monotonic)
        self.daemon = Daemon(
            brain=self.brain,
            documents=Documents([self.stage.folder], self._load, self.status, time.monotonic),
            timer=WallTimer(debounce_s=0.0),
            clock=FixedClock(),
            status=self.status,
            listeners=(self.ticks.append,),
            home=self.home
            or Home(office=self.office, keeper=self.keeper, reporters=(self._report,)),
            monotonic=time.monotonic,
        )
        self.running: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.running = asyncio.ensure_future(self.daemon.run())

    async def kill(self) -> None:
        """It is gone in mid-air: nothing that it still does arrives anywhere."""
        self.ballot.cut = self.line.cut = True
        await self._end()

    async def stop(self) -> None:
        """As by SIGTERM."""
        self.daemon.stop("told to")
        assert self.running is not None
        async with asyncio.timeout(PATIENCE_S):
            await self.running

    async def _end(self) -> None:
        assert self.running is not None
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)

    def _load(self, paths: Sequence[Path]) -> Outcome:
        standing = a_standing(self.line, fleet=a_fleet([a_pool(most=4)]))
        return Outcome(declared=replace(standing, loop=self.stage.loop))

    async def _report(self, tick: Tick) -> None:
        self.told.append(tick)

    @property
    def seen(self) -> Considered | None:
        return self.status.latest


@dataclass(kw_only=True)
class Stage:
    """What replicas share."""

    folder: Path
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(every_s=3600.0, deadline_s=5.0))
    site: MemorySite = field(default_factory=lambda: a_site("dc"))
    lease: SharedLease = field(default_factory=SharedLease)
    memory: SharedMemory = field(default_factory=SharedMemory)
    arrived: list[tuple[str, Order]] = field(default_factory=list)
    """Orders in the order of their arrival, with who sent them."""
    replicas: list[Replica] = field(default_factory=list)

    def replica(self, name: str, **more: object) -> Replica:
        one = Replica(name=name, stage=self, **more)  # type: ignore[arg-type]
        self.replicas.append(one)
        one.start()
        return one

    async def leader_and_standby(self) -> tuple[Replica, Replica]:
        """Two replicas; the first leads and has ticked, the second has looked once."""
        self.lease.lease = Lease(holder="", version="0")
        a = self.replica("a")
        await until(lambda: bool(a.ticks) and a.keeper.shared.kept is not None)
        b = self.replica("b")
        await until(lambda: b.seen is not None)
        return a, b

    async def close(self) -> None:
        for one in self.replicas:
            if one.running and not one.running.done():
                await one.kill()


async def until(true: Callable[[], bool]) -> None:
    """Returns when it is true; fails after a long time."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.01)
