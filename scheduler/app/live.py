"""The daemon against real time: documents watched, ticks on the wall clock, pages over HTTP."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.app.custom_resources import following
from scheduler.app.dry import FixedClock
from scheduler.app.kubernetes_site import close_sites
from scheduler.app.standing import BRAIN, Loader, csv_sources, own_sites, standing_of
from scheduler.config import Declared
from scheduler.domain.names import Instant
from scheduler.runtime.daemon import Daemon, Forgetful, Home, Record, stopped_by_signals
from scheduler.runtime.http import pages
from scheduler.runtime.loop import tick
from scheduler.runtime.metrics import Metrics
from scheduler.runtime.recorder import Recorder
from scheduler.runtime.reload import Documents
from scheduler.runtime.server import serving
from scheduler.runtime.status import Status
from scheduler.runtime.timer import WallClock, WallTimer
from scheduler.runtime.world import Clock, Standing, Tick, World

if TYPE_CHECKING:
    from scheduler.app.custom_resources import Crds
    from scheduler.app.home import HomeCluster, HomePlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """How the daemon is reached and what it keeps."""

    journal: Path | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    """None: no pages are served."""


async def run_live(
    paths: Sequence[Path],
    doors: Doors,
    heard: Callable[[Tick], None],
    place: HomePlace | None = None,
    crds: Crds | None = None,
) -> None:
    """Turns until SIGTERM or SIGINT; with a home, as one of several replicas.

    Raises AccessError if there is no way into the home cluster, and UnreadError if documents that
    are custom resources cannot be read.
    """
    status, clock, bell = Status(), WallClock(), Rope()
    metrics = Metrics(status, clock, time.monotonic)
    async with AsyncExitStack() as stack:
        home = await opened_home(place, stack) if place else None
        fence = home.fence if home else None
        custom = await stack.enter_async_context(
            following(crds, lambda: bell("custom resources changed"), fence)
        )
        loader = Loader(
            None,
            None,
            clock,
            ring=bell,
            fence=fence,
            objects=custom.objects,
            judged=custom.judged,
        )
        stack.push_async_callback(loader.close)
        documents: Documents[Standing] = Documents(
            paths, loader, status, time.monotonic, beside=custom.mark
        )
        daemon = Daemon(
            brain=BRAIN,
            documents=documents,
            timer=WallTimer(),
            clock=clock,
            status=status,
            record=recorder(doors, status),
            listeners=(heard, metrics.ticked),
            home=shared(home, status, documents, clock, stack, custom.told),
            monotonic=time.monotonic,
        )
        bell.pull = daemon.ring
        await run_daemon(daemon, status, metrics, doors)


class Rope:
    """Rings the daemon's bell for sites that are built before there is a daemon."""

    def __init__(self) -> None:
        self.pull: Callable[[str], None] = lambda _: None

    def __call__(self, why: str) -> None:
        """Ring."""
        self.pull(why)


async def opened_home(place: HomePlace, stack: AsyncExitStack) -> HomeCluster:
    """The home cluster, connected for as long as the stack is open."""
    # Imported here, for the client of Kubernetes is slow to load and most runs have no home.
    from scheduler.app.home import open_home

    home = await open_home(place)
    stack.push_async_callback(home.close)
    return home


def shared(
    home: HomeCluster | None,
    status: Status,
    documents: Documents[Standing],
    clock: Clock,
    stack: AsyncExitStack,
    answer: Callable[[Tick], Awaitable[None]],
) -> Home:
    """What the daemon shares with its replicas, and who is told of its ticks."""
    if home is None:
        return Home(reporters=(answer,))
    told, events = home.reporters(status, lambda: documents.current, clock)
    stack.push_async_callback(events.close)
    return Home(office=home.office, keeper=home.keeper, reporters=(told, events, answer))


async def run_daemon(daemon: Daemon, status: Status, metrics: Metrics, doors: Doors) -> None:
    """The daemon until it ends by itself or by a signal, with its pages served meanwhile."""
    async with AsyncExitStack() as stack:
        if doors.port is not None:
            app = pages(status, metrics, time.monotonic)
            await stack.enter_async_context(serving(app, host=doors.host, port=doors.port))
        stack.enter_context(stopped_by_signals(daemon))
        await daemon.run()


def recorder(doors: Doors, status: Status) -> Record | None:
    """The journal, if one is kept."""
    return Recorder(doors.journal, status) if doors.journal else None


async def run_once(declared: Declared, at: Instant | None, doors: Doors) -> Tick:
    """One whole tick, and no more. It remembers nothing, so that it takes nothing away."""
    clock: Clock = WallClock() if at is None else FixedClock(at)
    sites = own_sites(declared, clock, once=True)
    standing = standing_of(declared, sites, csv_sources(declared))
    record = recorder(doors, Status()) or Forgetful()
    world = World(
        brain=BRAIN,
        standing=standing,
        clock=clock,
        record=record.record,
        ticks_before=record.last(),
    )
    try:
        return await tick(world, None)
    finally:
        await close_sites(sites)
        await record.close()
