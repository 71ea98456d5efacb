"""One tick of the loop without the solver: everything but the decision, journal included."""

import asyncio
import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np

from adapters.base import DrainOrder, Order, PlaceOrder, ReleaseOrder, Scale
from scheduler.app.standing import BRAIN
from scheduler.domain.demand import Demand
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, Instant
from scheduler.domain.plan import Plan
from scheduler.domain.readings import Series, Signal
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import SiteReport, Snapshot
from scheduler.model.policy import Policy
from scheduler.planning.decide import decide
from scheduler.runtime.loop import tick
from scheduler.runtime.recorder import Recorder
from scheduler.runtime.status import Status
from scheduler.runtime.world import Standing, Tick, World
from tests.bench.figures import Asked, Figure
from tests.bench.worlds import NOW, a_world, all_policies, under_way

POOLS, WORKLOADS = 50, 200
RUNS = 40
READINGS = 15
"""Minutes of history in every series."""
BOUND_MS = 20.0


@dataclass(kw_only=True)
class MemorySite:
    """A site whose report is fixed; orders are taken and counted."""

    cluster: ClusterName
    report: SiteReport
    orders: list[Order] = field(default_factory=list)

    async def observe(self) -> SiteReport:
        """The report."""
        return self.report

    async def scale(self, order: Scale) -> None:
        """Taken."""
        self.orders.append(order)

    async def place(self, order: PlaceOrder) -> None:
        """Taken."""
        self.orders.append(order)

    async def drain(self, order: DrainOrder) -> None:
        """Taken."""
        self.orders.append(order)

    async def release(self, order: ReleaseOrder) -> None:
        """Taken."""
        self.orders.append(order)

    async def tend(self) -> None:
        """Nothing is under way."""


@dataclass(frozen=True, kw_only=True)
class MemorySource:
    """A source that has its readings at hand."""

    name: str = "memory"
    series: tuple[Series, ...]

    async def read(self, now: Instant, window_s: float) -> tuple[Series, ...]:
        """All of them."""
        return self.series


@dataclass(frozen=True, slots=True)
class StandingClock:
    """A clock that stands."""

    def now(self) -> Instant:
        """The bench's instant."""
        return NOW


def tick_without_solver(asked: Asked) -> Iterator[Figure]:
    """Observe, expect, diff, guard, act, remember, record; the decision is there already."""
    snapshot, demand = a_world(WORKLOADS, POOLS, asked.seed)
    first = _planned(snapshot, demand)
    now, needs = under_way(snapshot, demand, first, asked.seed, swing=0.4)
    walls, cpus, last, orders = asyncio.run(_ticks(now, _planned(now, needs), asked.seed))
    yield Figure(
        name="tick_without_solver",
        measured=1e3 * median(walls),
        bound=BOUND_MS,
        unit="ms",
        runs=len(walls),
        details={
            "cpu": f"{1e3 * median(cpus):.1f} ms",
            "worst": f"{1e3 * max(walls):.1f} ms",
            "pools": str(POOLS),
            "workloads": str(WORKLOADS),
            "series": str(len(last.snapshot.readings.series)),
            "orders a tick": str(orders),
            **{phase: f"{1e3 * seconds:.1f} ms" for phase, seconds in last.seconds.items()},
        },
    )


def _planned(snapshot: Snapshot, demand: Demand) -> Plan:
    """Good enough to act on: how good it is, is another bench's question."""
    quick = SolverSettings(gap=0.05, node_limit=50, time_limit_s=5.0, keep_within=0.0)
    return decide(snapshot, demand, all_policies(1e6), quick)


async def _ticks(
    snapshot: Snapshot, plan: Plan, seed: int
) -> tuple[list[float], list[float], Tick, int]:
    """Wall and CPU seconds of each tick, the last tick, and the orders of one."""

    def ready(_: Snapshot, __: Demand, ___: Sequence[Policy], ____: SolverSettings) -> Plan:
        return plan

    sites = [
        MemorySite(cluster=name, report=report) for name, report in sorted(snapshot.sites.items())
    ]
    source = MemorySource(series=tuple(_readings(snapshot.fleet, snapshot, seed)))
    standing = Standing(fleet=snapshot.fleet, adapters=tuple(sites), sources=(source,))
    walls, cpus = [], []
    previous: Tick | None = None
    with TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "journal.db", Status())
        world = World(
            brain=replace(BRAIN, decide=ready),
            standing=standing,
            clock=StandingClock(),
            record=recorder.record,
        )
        # As in a daemon at rest: what the set-up left behind is not the tick's to clean up.
        gc.collect()
        gc.freeze()
        for _ in range(RUNS):
            wall, cpu = perf_counter(), process_time()
            previous = await tick(world, previous)
            walls.append(perf_counter() - wall)
            # The journal is written beside the loop, long before the next tick of a real one.
            await recorder.settled()
            cpus.append(process_time() - cpu)
        await recorder.close()
        gc.unfreeze()
    assert previous is not None
    return walls, cpus, previous, sum(len(site.orders) for site in sites) // RUNS


def _readings(fleet: Fleet, snapshot: Snapshot, seed: int) -> Iterator[Series]:
    """Load, latency and queue of every service, latency by pool, and the price of every pool."""
    draw = np.random.default_rng(seed)
    for name, service in fleet.services.items():
        for signal, value in (
            (Signal.LOAD, 200.0),
            (Signal.LATENCY, service.objective.seconds * 0.7),
            (Signal.QUEUE, 2.0),
        ):
            yield _series(draw, signal, name, "", value)
    for report in snapshot.sites.values():
        for placed in report.placements:
            if placed.workload in fleet.services:
                seconds = fleet.services[placed.workload].objective.seconds * 0.6
                yield _series(draw, Signal.LATENCY, placed.workload, placed.pool, seconds)
    for pool in fleet.pools.values():
        yield _series(draw, Signal.PRICE, pool.name, "", pool.usd_per_node_hour)


def _series(
    draw: np.random.Generator, signal: Signal, subject: str, pool: str, value: float
) -> Series:
    return Series(
        signal=signal,
        subject=subject,
        pool=pool,
        times=tuple(Instant(NOW - 60.0 * back) for back in range(READINGS - 1, -1, -1)),
        values=tuple((value * draw.uniform(0.95, 1.05, READINGS)).tolist()),
    )
