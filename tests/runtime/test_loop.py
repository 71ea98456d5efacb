"""One tick sees the whole line; considering it touches nothing."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from adapters.base import Unreachable
from scheduler.domain.names import ClusterName, PoolName
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import Memory
from scheduler.runtime.codec import plan_json
from scheduler.runtime.loop import StoppedError, consider, tick
from scheduler.runtime.status import Status
from scheduler.runtime.world import Tick

from .worlds import BRAIN, NOON, BrokenSite, a_node, a_site, a_standing, a_world, decide


async def test_a_tick_moves_the_site_to_the_plan() -> None:
    site = a_site("dc", a_node("p-0"))
    done = await tick(a_world(a_standing(site)), None)
    assert [receipt.outcome for receipt in done.receipts] == ["accepted"]
    assert len(site.nodes) == 4


async def test_a_steady_world_gets_no_second_action() -> None:
    world = a_world(a_standing(a_site("dc")))
    first = await tick(world, None)
    second = await tick(world, first)
    assert (len(first.receipts), len(second.receipts)) == (1, 0)
    assert (first.number, second.number) == (1, 2)


async def test_between_two_ticks_nothing_grows() -> None:
    site = a_site("dc", a_node("p-0"))
    world = replace(a_world(a_standing(site)), shares_only=True)
    done = await tick(world, None)
    assert not done.whole
    assert (done.receipts, len(site.nodes)) == ((), 1)


async def test_where_traffic_alone_is_no_answer_the_whole_plan_is_made() -> None:
    site = a_site("dc")
    done = await tick(replace(a_world(a_standing(site)), shares_only=True), None)
    assert done.whole
    assert len(site.nodes) == 4


async def test_the_pages_go_on_showing_the_last_whole_plan() -> None:
    status, world = Status(), a_world(a_standing(a_site("dc", a_node("p-0"))))
    first = await tick(world, None)
    status.ticked(first)
    status.ticked(await tick(replace(world, shares_only=True), first))
    assert status.tick is first


async def test_a_turn_of_traffic_alone_forgets_no_surplus() -> None:
    world = a_world(a_standing(a_site("dc", a_node("p-0"))))
    first = await tick(world, None)
    known = replace(first.memory, surplus_since={PoolName("p"): NOON})
    second = await tick(replace(world, shares_only=True), replace(first, memory=known))
    assert not second.whole
    assert second.memory.surplus_since == {PoolName("p"): NOON}


async def test_considering_sends_no_order_and_finds_the_plan_of_the_tick() -> None:
    site = a_site("dc")
    world = a_world(a_standing(site))
    thought = await consider(world, None)
    assert site.orders == []
    assert plan_json((await tick(world, None)).plan) == plan_json(thought.plan)


async def test_the_first_tick_remembers_since_when_it_looks() -> None:
    done = await tick(replace(a_world(a_standing()), ticks_before=41), None)
    assert done.snapshot.memory == Memory(tick=41, started_at=NOON)
    assert done.memory == Memory(tick=42, started_at=NOON)


async def test_a_site_lost_between_ticks_is_planned_with_as_last_seen() -> None:
    first = await tick(a_world(a_standing(a_site("dc", a_node("p-0")))), None)
    lost = BrokenSite(cluster=ClusterName("dc"), error=Unreachable("no route"))
    second = await tick(a_world(a_standing(lost)), first)
    assert second.snapshot.sites == first.snapshot.sites
    assert second.receipts == ()


async def test_every_phase_is_timed() -> None:
    done = await tick(a_world(a_standing()), None)
    assert list(done.seconds) == [
        "observe",
        "expect",
        "decide",
        "diff",
        "guard",
        "act",
        "tend",
        "remember",
    ]


async def test_the_record_gets_the_whole_tick() -> None:
    kept: list[Tick] = []

    async def keep(done: Tick) -> None:
        kept.append(done)

    done = await tick(replace(a_world(a_standing()), record=keep), None)
    assert kept == [done]
    assert done.policy_uses == '[{"use":"cost"}]'


async def test_told_to_stop_while_deciding_it_touches_nothing() -> None:
    entered, leave = threading.Event(), threading.Event()

    def think(*told: Any) -> Plan:
        entered.set()
        leave.wait(5.0)
        return decide(*told)

    site = a_site("dc")
    world = a_world(a_standing(site), replace(BRAIN, decide=think))
    ticking = asyncio.ensure_future(tick(world, None))
    await asyncio.to_thread(entered.wait, 5.0)
    world.stopping.set()
    with pytest.raises(StoppedError):
        await ticking
    leave.set()
    assert site.orders == []


async def test_a_decision_that_fails_leaves_the_world_as_it_is() -> None:
    def fail(*told: Any) -> Plan:
        raise ArithmeticError("no pivot")

    site = a_site("dc")
    with pytest.raises(ArithmeticError):
        await tick(a_world(a_standing(site), replace(BRAIN, decide=fail)), None)
    assert site.orders == []
