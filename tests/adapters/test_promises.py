"""Every adapter keeps the promises: simulated, static, and both inside decorators."""

from pathlib import Path

import pytest
from adapter_worlds import DC, MIDNIGHT, a_job, a_pool, a_service, a_site

from adapters.base import Adapter
from adapters.decorators import Deadline, Recording, Throttle
from adapters.simulated import SimulatedAdapter, Weather
from adapters.static import StaticSite
from adapters.testing import AdapterPromises, Stage
from scheduler.domain.names import Instant

POOL, SERVICE, GANG = a_pool(), a_service(gpus=2.0), a_job()
ONE_NODE, TWO_NODES = 4, 8
"""Pods. Where drains keep a disruption budget, what is evicted needs room on another node."""


class Clock:
    def __init__(self) -> None:
        self.now = MIDNIGHT

    def __call__(self) -> Instant:
        return self.now

    async def settle(self) -> None:
        self.now = Instant(self.now + 900.0)


def a_stage(
    adapter: Adapter, clock: Clock, *, limit: int, fills: int, gives_back: bool = True
) -> Stage:
    return Stage(
        adapter=adapter,
        settle=clock.settle,
        pool=POOL.name,
        limit=limit,
        service=SERVICE.name,
        fills=fills,
        gang=GANG.name,
        workers=GANG.workers,
        gives_back=gives_back,
    )


def simulated(clock: Clock) -> SimulatedAdapter:
    site = a_site(
        POOL, services=[SERVICE], jobs=[GANG], weather=Weather(boot_jitter=0.5, interruptions=True)
    )
    return SimulatedAdapter(site, clock)


def static(clock: Clock, state: Path | None) -> StaticSite:
    return StaticSite(
        cluster=DC,
        pools=[POOL],
        nodes={POOL.name: 2},
        services={SERVICE.name: SERVICE},
        jobs={GANG.name: GANG},
        now=clock,
        state=state,
    )


def wrapped(inner: Adapter, clock: Clock) -> Adapter:
    throttled = Throttle(inner, per_second=1.0, burst=10.0, clock=clock)
    return Recording(Deadline(throttled, seconds=20.0))


class TestSimulated(AdapterPromises):
    @pytest.fixture
    def stage(self) -> Stage:
        clock = Clock()
        return a_stage(simulated(clock), clock, limit=4, fills=ONE_NODE)


class TestSimulatedInsideDecorators(AdapterPromises):
    @pytest.fixture
    def stage(self) -> Stage:
        clock = Clock()
        return a_stage(wrapped(simulated(clock), clock), clock, limit=4, fills=ONE_NODE)


class TestStaticInMemory(AdapterPromises):
    @pytest.fixture
    def stage(self) -> Stage:
        clock = Clock()
        return a_stage(static(clock, None), clock, limit=2, fills=TWO_NODES, gives_back=False)


class TestStaticInAFile(AdapterPromises):
    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        clock = Clock()
        adapter = static(clock, tmp_path / "dc.json")
        return a_stage(adapter, clock, limit=2, fills=TWO_NODES, gives_back=False)


class TestStaticInsideDecorators(AdapterPromises):
    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        clock = Clock()
        adapter = wrapped(static(clock, tmp_path / "dc.json"), clock)
        return a_stage(adapter, clock, limit=2, fills=TWO_NODES, gives_back=False)
