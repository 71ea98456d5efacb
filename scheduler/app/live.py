"""The daemon against real time: documents watched, ticks on the wall clock, pages over HTTP."""

import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from scheduler.app.dry import FixedClock
from scheduler.app.standing import BRAIN, Loader, csv_sources, own_sites, standing_of
from scheduler.config import Declared
from scheduler.domain.names import Instant
from scheduler.runtime.daemon import Daemon, Forgetful, Record, stopped_by_signals
from scheduler.runtime.http import pages
from scheduler.runtime.loop import tick
from scheduler.runtime.metrics import Metrics
from scheduler.runtime.recorder import Recorder
from scheduler.runtime.reload import Documents
from scheduler.runtime.server import serving
from scheduler.runtime.status import Status
from scheduler.runtime.timer import WallClock, WallTimer
from scheduler.runtime.world import Clock, Standing, Tick, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """How the daemon is reached and what it keeps."""

    journal: Path | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    """None: no pages are served."""


async def run_live(paths: Sequence[Path], doors: Doors, heard: Callable[[Tick], None]) -> None:
    """Tick until SIGTERM or SIGINT."""
    status, clock = Status(), WallClock()
    metrics = Metrics(status, clock, time.monotonic)
    documents: Documents[Standing] = Documents(
        paths, Loader(None, None, clock), status, time.monotonic
    )
    daemon = Daemon(
        brain=BRAIN,
        documents=documents,
        timer=WallTimer(),
        clock=clock,
        status=status,
        record=recorder(doors, status),
        listeners=(heard, metrics.ticked),
        monotonic=time.monotonic,
    )
    await run_daemon(daemon, status, metrics, doors)


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
    standing = standing_of(declared, own_sites(declared, clock), csv_sources(declared))
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
        await record.close()
