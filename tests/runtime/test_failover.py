"""Of two daemons one acts; when it is gone, cut off or stopped, the other goes on where it was."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.base import NoCapacity, Scale, Unreachable
from scheduler.domain.lease import Lease
from scheduler.domain.names import Instant, PoolName
from scheduler.domain.settings import GuardSettings
from scheduler.domain.snapshot import Memory, SoldOut
from scheduler.runtime.election import Pace
from scheduler.runtime.keeping import Kept

from .replica_worlds import Stage, until
from .worlds import BRAIN, NOON, grow, place

FREE = Lease(holder="", version="0")
SOLD_OUT = Memory(tick=7, sold_out={PoolName("p"): SoldOut(until=Instant(NOON + 60), strikes=2)})


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(folder=tmp_path)
    yield stage
    await stage.close()


async def test_the_standby_observes_and_plans_and_acts_on_nothing(stage: Stage) -> None:
    a, b = await stage.leader_and_standby()
    assert [name for name, _ in stage.arrived] == ["a"]
    assert b.ticks == []
    assert b.seen is not None
    assert b.seen.plan.pools[0].after == 4
    assert b.status.unready_because == ""
    assert stage.site.tended == len(a.ticks)


async def test_when_the_leader_is_killed_the_other_acts_and_launches_nothing_twice(
    stage: Stage,
) -> None:
    a, b = await stage.leader_and_standby()
    await a.kill()
    await until(lambda: bool(b.ticks))
    assert [name for name, _ in stage.arrived] == ["a"], "four nodes are there, none is launched"
    assert len(stage.site.nodes) == 4
    assert b.ticks[0].number == a.ticks[-1].number + 1


async def test_an_order_in_flight_when_its_leader_dies_is_not_carried_out_twice(
    stage: Stage,
) -> None:
    """The site took it, and nobody lived to hear so."""
    stage.lease.lease = FREE
    stage.site.gate = asyncio.Event()
    a = stage.replica("a")
    await stage.site.entered.wait()
    assert stage.memory.intentions == [("grow:p:4",)], "written down before it was sent"
    a.ballot.cut = a.line.cut = True
    stage.site.gate.set()
    await a.kill()
    b = stage.replica("b")
    await until(lambda: bool(b.ticks))
    assert len(stage.site.nodes) == 4
    assert [name for name, _ in stage.arrived] == ["a"]


async def test_an_order_that_never_arrived_is_sent_by_the_next_leader_with_the_same_key(
    stage: Stage,
) -> None:
    stage.lease.lease = FREE

    def lost(order: object) -> None:
        if stage.arrived[-1][0] == "a":
            raise Unreachable("lost on the way")

    stage.site.on_order = lost
    a = stage.replica("a")
    await until(lambda: bool(a.ticks))
    await a.kill()
    b = stage.replica("b")
    await until(lambda: bool(b.ticks))
    assert [name for name, _ in stage.arrived if name == "b"] == ["b"]
    assert {order.key for _, order in stage.arrived} == {"grow:p:4"}
    assert len(stage.site.nodes) == 4


async def test_a_leader_that_is_cut_off_sends_no_order_once_another_may_lead(stage: Stage) -> None:
    a, b = await stage.leader_and_standby()
    a.ballot.cut = True
    await until(lambda: bool(b.ticks))
    stage.site.nodes.clear()
    a.daemon.ring("a node is lost")
    b.daemon.ring("a node is lost")
    await until(lambda: len(b.ticks) > 1 and a.status.considered is not None)
    assert [name for name, _ in stage.arrived] == ["a", "b"]


async def test_losing_the_lease_in_mid_act_finishes_one_order_and_sends_no_second(
    stage: Stage,
) -> None:
    stage.lease.lease = FREE
    stage.site.gate = asyncio.Event()
    a = stage.replica("a", brain=replace(BRAIN, diff=lambda *_: (grow(), place(pods=2))))
    await stage.site.entered.wait()
    a.ballot.cut = True
    await until(lambda: not a.office.leads())
    stage.site.gate.set()
    await until(lambda: bool(a.ticks))
    receipts = a.ticks[0].receipts
    assert [one.outcome for one in receipts] == ["accepted", "skipped"]
    assert receipts[1].detail == "another replica leads"


async def test_who_leads_again_begins_anew_and_does_not_finish_an_old_tick(stage: Stage) -> None:
    """Another may have led in between, and the world is not what that tick has seen."""
    stage.lease.lease = FREE
    stage.site.gate = asyncio.Event()
    a = stage.replica("a", brain=replace(BRAIN, diff=lambda *_: (grow(), place(pods=2))))
    await stage.site.entered.wait()
    a.ballot.cut = True
    await until(lambda: not a.office.leads())
    a.ballot.cut = False
    await until(a.office.leads)
    stage.site.gate.set()
    await until(lambda: bool(a.ticks))
    assert [one.outcome for one in a.ticks[0].receipts] == ["accepted", "skipped"]


async def test_who_stops_hands_over_at_once(stage: Stage) -> None:
    stage.lease.lease = FREE
    patient = Pace(lease_s=3600.0, renew_s=1800.0, retry_s=0.1)
    a = stage.replica("a", pace=patient)
    await until(lambda: bool(a.ticks))
    b = stage.replica("b", pace=patient)
    await until(lambda: b.seen is not None)
    await a.stop()
    await until(lambda: bool(b.ticks))
    assert b.office.transitions == 2


async def test_the_lease_is_held_until_the_order_in_flight_has_ended(stage: Stage) -> None:
    stage.lease.lease = FREE
    stage.site.gate = asyncio.Event()
    a = stage.replica("a")
    await stage.site.entered.wait()
    stopping = asyncio.ensure_future(a.stop())
    written = stage.lease.writes
    await until(lambda: stage.lease.writes > written + 2)
    assert stage.lease.lease.holder == "a"
    stage.site.gate.set()
    await stopping
    assert stage.lease.lease.holder == ""
    assert a.ticks[0].receipts[0].outcome == "accepted"


async def test_what_one_leader_learnt_the_next_one_knows(stage: Stage) -> None:
    """An offer that was sold out is not asked for again by who takes over."""
    stage.lease.lease = FREE

    def sold_out(order: object) -> None:
        raise NoCapacity("none left")

    stage.site.on_order = sold_out
    a = stage.replica("a", brain=replace(BRAIN, remember=lambda *_: SOLD_OUT))
    await until(lambda: stage.memory.kept is not None and bool(stage.memory.kept.memory.sold_out))
    await a.kill()
    b = stage.replica("b")
    await until(lambda: bool(b.ticks))
    assert b.ticks[0].snapshot.memory.sold_out == SOLD_OUT.sold_out


async def test_a_memory_from_before_a_long_night_does_not_say_that_somebody_watched(
    stage: Stage,
) -> None:
    stage.lease.lease = FREE
    old = Memory(tick=7, started_at=Instant(NOON - 90_000.0))
    stage.memory.kept = Kept(memory=old, at=Instant(NOON - 80_000.0))
    a = stage.replica("a")
    await until(lambda: bool(a.ticks))
    assert a.ticks[0].snapshot.memory == Memory(tick=7, started_at=NOON)


async def test_without_its_memory_a_new_leader_does_nothing_and_tries_again(stage: Stage) -> None:
    stage.lease.lease = FREE
    a = stage.replica("a")
    a.keeper.broken = 2
    await until(lambda: a.status.tick_failures > 0)
    assert stage.arrived == []
    await until(lambda: bool(a.ticks))


async def test_who_finds_the_memory_written_by_another_reads_it_before_it_acts_again(
    stage: Stage,
) -> None:
    a, _ = await stage.leader_and_standby()
    first = a.office.term
    stage.memory.kept = Kept(memory=replace(SOLD_OUT, started_at=NOON), at=NOON)
    stage.memory.writes += 1
    a.daemon.ring("again")
    await until(lambda: a.office.term > first and a.ticks[-1].snapshot.memory.tick >= 7)
    assert a.ticks[-1].snapshot.memory.sold_out == SOLD_OUT.sold_out


async def test_only_who_leads_reports(stage: Stage) -> None:
    a, b = await stage.leader_and_standby()
    await until(lambda: len(a.told) == len(a.ticks))
    assert b.told == []


async def test_while_paused_nothing_moves_not_even_what_is_under_way(stage: Stage) -> None:
    stage.loop = replace(stage.loop, guard=GuardSettings(paused=True))
    stage.lease.lease = FREE
    a = stage.replica("a")
    await until(lambda: bool(a.ticks))
    assert stage.site.tended == 0


async def test_growth_is_not_ordered_where_it_cannot_be_written_down(stage: Stage) -> None:
    stage.lease.lease = FREE
    a = stage.replica("a")

    async def full(keys: object) -> None:
        raise OSError("no space left")

    a.keeper.intend = full  # type: ignore[method-assign,assignment]
    await until(lambda: a.status.tick_failures > 0)
    assert not any(isinstance(order, Scale) for _, order in stage.arrived)
