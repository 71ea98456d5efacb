"""The Lease on a server: made once, replaced by version only, readable with kubectl."""

import asyncio
import time
from dataclasses import replace

import pytest

from adapters.kubernetes.faults import Conflict, Fenced, KubernetesError
from adapters.kubernetes.lease import LeaseObject
from scheduler.app.home import fence_of
from scheduler.domain.lease import Lease
from scheduler.runtime.election import Pace
from scheduler.runtime.office import Elected
from tests.doubles.api_worlds import Api

QUICK = Pace(lease_s=2.0, renew_s=1.5, retry_s=0.1)
NOON = "2026-11-11T12:00:00.000000Z"
OURS = Lease(holder="pod-a_uid", lease_s=15.0, transitions=3, acquired=NOON, renewed=NOON)


async def test_what_is_written_is_read_back(api: Api) -> None:
    box = LeaseObject(api.client, api.namespace)
    assert await box.read() is None
    written = await box.write(OURS)
    assert written == replace(OURS, version=written.version)
    assert await box.read() == written


async def test_it_reads_as_other_leases_do(api: Api) -> None:
    await LeaseObject(api.client, api.namespace).write(OURS)
    there = await api.get(api.path("coordination.k8s.io/v1", "leases", "tidegate"))
    assert there["spec"] == {
        "holderIdentity": "pod-a_uid",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 3,
        "acquireTime": NOON,
        "renewTime": NOON,
    }
    assert there["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "tidegate"}


async def test_of_two_who_make_it_one_is_refused(api: Api) -> None:
    box = LeaseObject(api.client, api.namespace)
    await box.write(OURS)
    with pytest.raises(Conflict):
        await box.write(replace(OURS, holder="pod-b_uid"))


async def test_a_write_on_an_older_version_is_refused(api: Api) -> None:
    box = LeaseObject(api.client, api.namespace)
    first = await box.write(OURS)
    await box.write(first)
    renewed = await box.read()
    assert renewed is not None
    await box.write(replace(renewed, renewed="2026-11-11T12:00:02.000000Z"))
    with pytest.raises(Conflict):
        await box.write(replace(first, holder="pod-b_uid"))


async def test_a_released_lease_names_nobody(api: Api) -> None:
    box = LeaseObject(api.client, api.namespace)
    held = await box.write(OURS)
    await box.write(replace(held, holder="", lease_s=1.0))
    found = await box.read()
    assert found is not None
    assert (found.holder, found.lease_s, found.transitions) == ("", 1.0, 3)


async def until(true) -> None:
    async with asyncio.timeout(20.0):
        while not true():
            await asyncio.sleep(0.02)


async def test_two_replicas_on_one_server_lead_one_after_the_other(api: Api) -> None:
    box = LeaseObject(api.client, api.namespace)
    await box.write(replace(OURS, holder=""))
    a, b = (Elected(box, name, pace=QUICK, monotonic=time.monotonic) for name in "ab")
    holding = [asyncio.ensure_future(one.hold(lambda: None)) for one in (a, b)]
    try:
        await until(lambda: a.leads() or b.leads())
        first, second = (a, b) if a.leads() else (b, a)
        await until(lambda: second.holder == first.identity)
        holding[first is b].cancel()
        await first.release()
        assert not first.leads()
        await until(second.leads)
        found = await box.read()
        assert found is not None
        assert (found.holder, found.transitions) == (second.identity, 5)
    finally:
        for task in holding:
            task.cancel()
        await asyncio.gather(*holding, return_exceptions=True)


async def test_a_server_that_goes_away_ends_the_lead_and_not_the_election(api: Api) -> None:
    box = Failing(LeaseObject(api.client, api.namespace))
    await box.inner.write(replace(OURS, holder=""))
    office = Elected(box, "a", pace=QUICK, monotonic=time.monotonic)
    fence = fence_of(office)
    holding = asyncio.ensure_future(office.hold(lambda: None))
    try:
        await until(office.leads)
        box.away = True
        await until(lambda: not office.leads())
        with pytest.raises(Fenced):
            fence()
        box.away = False
        await until(office.leads)
        assert office.term == 2
    finally:
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)


class Failing:
    """The way to the lease, with a switch."""

    def __init__(self, inner: LeaseObject) -> None:
        self.inner, self.away = inner, False

    async def read(self) -> Lease | None:
        self.reach()
        return await self.inner.read()

    async def write(self, lease: Lease) -> Lease:
        self.reach()
        return await self.inner.write(lease)

    def reach(self) -> None:
        if self.away:
            raise KubernetesError("away")
