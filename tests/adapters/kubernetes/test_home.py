"""Two daemons with one home cluster: one acts, tells what it does, and is succeeded."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.kubernetes.client import Client
from adapters.kubernetes.lease import LeaseObject
from scheduler.app.home import HomeCluster, HomePlace, fence_of
from scheduler.domain.lease import Lease
from scheduler.domain.names import Instant
from scheduler.domain.snapshot import Memory
from scheduler.runtime.daemon import Home
from scheduler.runtime.election import Pace
from scheduler.runtime.keeping import OvertakenError
from scheduler.runtime.office import Elected, steady_clock
from scheduler.runtime.status import Status
from tests.doubles.api_worlds import Api, until
from tests.runtime.replica_worlds import Replica, Stage
from tests.runtime.replica_worlds import until as until_true
from tests.runtime.worlds import FixedClock

PACE = Pace(lease_s=3.0, renew_s=2.0, retry_s=0.2)
NOON = Instant(1_790_000_000.0)


class Wire:
    """The way to the lease, until it is cut."""

    def __init__(self, inner: LeaseObject) -> None:
        self.inner, self.cut = inner, False

    async def read(self) -> Lease | None:
        return None if self.cut else await self.inner.read()

    async def write(self, lease: Lease) -> Lease:
        if self.cut:
            raise ConnectionError("cut")
        return await self.inner.write(lease)


def a_home(api: Api, name: str, wires: dict[str, Wire] | None = None) -> HomeCluster:
    place = HomePlace(context="here", namespace=api.namespace, identity=name)
    election = Client(api.server.connection())
    wire = Wire(LeaseObject(election, api.namespace))
    if wires is not None:
        wires[name] = wire
    office = Elected(wire, name, pace=PACE, monotonic=steady_clock())
    fence = fence_of(office, call_s=1.0)
    client = Client(api.server.connection(), deadline_s=1.0, fence=fence)
    return HomeCluster(election, client, office, place, fence)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(folder=tmp_path)
    yield stage
    await stage.close()


def a_replica(stage: Stage, home: HomeCluster) -> Replica:
    status = Status()
    told, events = home.reporters(status, lambda: None, FixedClock())
    shared = Home(office=home.office, keeper=home.keeper, reporters=(told, events))
    return stage.replica(home.office.identity, status=status, home=shared)


async def test_a_killed_leader_is_succeeded_and_nothing_is_launched_twice(
    api: Api, stage: Stage
) -> None:
    async with AsyncExitStack() as stack:
        wires: dict[str, Wire] = {}
        homes = [a_home(api, name, wires) for name in ("a", "b")]
        for home in homes:
            stack.push_async_callback(home.close)
        await LeaseObject(api.client, api.namespace).write(Lease())
        a = a_replica(stage, homes[0])
        await until_true(lambda: bool(a.ticks))
        b = a_replica(stage, homes[1])
        await until_true(lambda: b.seen is not None)
        # The dead write nothing, not even that they leave.
        wires["a"].cut = True
        await a.kill()
        await until_true(lambda: bool(b.ticks))
        assert [name for name, _ in stage.arrived] == ["a"]
        assert b.ticks[0].number > a.ticks[-1].number - 1
        assert homes[1].office.transitions == 2
        await b.stop()
        lease = await LeaseObject(api.client, api.namespace).read()
        assert lease is not None
        assert lease.holder == ""


async def test_who_leads_writes_status_traffic_and_events(api: Api, stage: Stage) -> None:
    home = a_home(api, "a")
    await LeaseObject(api.client, api.namespace).write(Lease())
    a = a_replica(stage, home)

    async def told() -> dict[str, str]:
        found: dict[str, str] = (
            await api.get(api.path("v1", "configmaps", "tidegate-status"))
        ).get("data", {})
        return found

    data = await until(told)
    assert data["status"].startswith("Tidegate  ready, leader a\n")
    assert json.loads(data["summary.json"])["leader"] is True
    assert json.loads(data["traffic.json"]) == {}
    assert data["plan"]

    async def events() -> list[str]:
        items = (await api.get(api.path("v1", "events")))["items"]
        return [one["reason"] for one in items if one.get("reportingInstance") == "a"]

    assert await until(events) == ["Growing"]
    await a.stop()
    await home.close()


async def test_a_memory_written_by_another_says_so(api: Api) -> None:
    home, other = a_home(api, "a"), a_home(api, "b")
    await LeaseObject(api.client, api.namespace).write(Lease())
    holding = asyncio.ensure_future(home.office.hold(lambda: None))
    try:
        await until_true(home.office.leads)
        await home.keeper.load()
        await home.keeper.save(Memory(tick=1), NOON)
        path = api.path("v1", "configmaps", "tidegate-memory")
        await api.patch(path, {"data": {"at": "1.0"}})
        with pytest.raises(OvertakenError):
            await home.keeper.save(Memory(tick=2), NOON)
        with pytest.raises(OvertakenError):
            await home.keeper.intend(())
        await other.keeper.load()
        with pytest.raises(Exception, match="does not lead"):
            await other.keeper.save(Memory(tick=3), NOON)
    finally:
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        await asyncio.gather(home.close(), other.close())


async def test_a_memory_that_cannot_be_read_is_begun_anew(api: Api) -> None:
    home = a_home(api, "a")
    await api.create(
        api.path("v1", "configmaps"),
        {"metadata": {"name": "tidegate-memory"}, "data": {"memory.json": "{"}},
    )
    assert await home.keeper.load() is None
    await home.close()


def test_the_way_home_is_the_pods_own_account_or_a_context() -> None:
    place = HomePlace(context="in-cluster", namespace="tidegate", identity="a")
    assert place.access.context is None
    assert replace(place, context="kind-dev").access.context == "kind-dev"
