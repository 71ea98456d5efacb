"""Decorators: what they record, how they end calls, what they stop."""

import asyncio
from dataclasses import dataclass

import pytest
from adapter_worlds import DC, MIDNIGHT, a_pool, a_service, a_site, drain, place, release, scale

from adapters.base import (
    Adapter,
    DrainOrder,
    NoCapacity,
    PlaceOrder,
    Refused,
    ReleaseOrder,
    Scale,
    Throttled,
    Unreachable,
)
from adapters.decorators import Deadline, ReadOnly, Recording, Throttle
from adapters.simulated import SimulatedAdapter
from scheduler.domain.names import ClusterName
from scheduler.domain.snapshot import NodePhase, SiteReport


def an_adapter() -> SimulatedAdapter:
    return SimulatedAdapter(a_site(a_pool(), services=[a_service()]), lambda: MIDNIGHT)


@dataclass
class Deaf:
    """A site that never answers, or whose own connection times out."""

    own_timeout: bool = False
    cluster: ClusterName = DC

    async def observe(self) -> SiteReport:
        await self._silence()
        raise AssertionError("unreachable")

    async def scale(self, order: Scale) -> None:
        await self._silence()

    async def place(self, order: PlaceOrder) -> None:
        await self._silence()

    async def drain(self, order: DrainOrder) -> None:
        await self._silence()

    async def release(self, order: ReleaseOrder) -> None:
        await self._silence()

    async def tend(self) -> None:
        await self._silence()

    async def _silence(self) -> None:
        if self.own_timeout:
            raise TimeoutError("connect")
        await asyncio.Event().wait()


async def all_orders(adapter: Adapter) -> None:
    await adapter.scale(scale(3))
    await adapter.place(place("search", 1))
    await adapter.drain(drain("pool-1"))
    await adapter.release(release("pool-1"))


async def test_a_recording_tells_observations_from_orders() -> None:
    adapter = Recording(an_adapter())
    await adapter.observe()
    assert [call.mutates for call in adapter.calls] == [False]
    assert adapter.orders == ()
    await all_orders(adapter)
    assert adapter.orders == (scale(3), place("search", 1), drain("pool-1"), release("pool-1"))
    assert {call.cluster for call in adapter.calls} == {"dc"}


async def test_a_recording_keeps_orders_that_fail() -> None:
    adapter = Recording(an_adapter())
    with pytest.raises(NoCapacity):
        await adapter.scale(scale(99))
    assert adapter.orders == (scale(99),)


async def test_no_answer_in_time_is_unreachable() -> None:
    adapter = Deadline(Deaf(), seconds=0.001)
    for call in (adapter.observe(), adapter.scale(scale(1)), adapter.place(place("search", 1))):
        with pytest.raises(Unreachable, match=r"cluster dc gave no answer in 0\.001 s"):
            await call


async def test_a_timeout_of_the_connection_itself_is_unreachable_too() -> None:
    adapter = Deadline(Deaf(own_timeout=True), seconds=5.0)
    for call in (adapter.observe(), adapter.drain(drain("pool-0"))):
        with pytest.raises(Unreachable, match="cluster dc timed out: connect"):
            await call


async def test_a_deadline_does_not_swallow_a_cancellation() -> None:
    waiting = asyncio.ensure_future(Deadline(Deaf(), seconds=60.0).observe())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_throttle_lets_a_burst_through_and_then_one_at_a_time() -> None:
    clock = [0.0]
    adapter = Throttle(an_adapter(), per_second=0.5, burst=2.0, clock=lambda: clock[0])
    await adapter.scale(scale(2))
    await adapter.scale(scale(2))
    with pytest.raises(Throttled, match=r"takes 0\.5 orders a second; send key again in 2\.0 s"):
        await adapter.scale(scale(2))
    await adapter.observe()
    clock[0] = 2.0
    await adapter.scale(scale(2))
    with pytest.raises(Throttled):
        await adapter.scale(scale(2))
    clock[0] = 1000.0
    await adapter.scale(scale(2))
    await adapter.scale(scale(2))
    with pytest.raises(Throttled):
        await adapter.scale(scale(2))


async def test_read_only_shows_everything_and_changes_nothing() -> None:
    inner = an_adapter()
    adapter = ReadOnly(inner)
    before = await adapter.observe()
    assert [node.phase for node in before.nodes] == [NodePhase.READY] * 2
    for call in (
        adapter.scale(scale(3)),
        adapter.place(place("search", 1)),
        adapter.drain(drain("pool-0")),
        adapter.release(release("pool-0")),
    ):
        with pytest.raises(Refused, match="cluster dc is read-only here"):
            await call
    assert await inner.observe() == before
