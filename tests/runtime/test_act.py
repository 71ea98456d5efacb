"""Orders go out phase by phase, and nothing is taken away on an old look."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from adapters.base import (
    DrainOrder,
    NoCapacity,
    Order,
    PlaceOrder,
    Refused,
    ReleaseOrder,
    Scale,
    Throttled,
    Unreachable,
)
from scheduler.domain.actions import Action, Receipt, Resume, Shift, Suspend
from scheduler.domain.names import ActionKey, ClusterName, NodeName, PoolName, WorkloadName
from scheduler.domain.snapshot import Node, NodePhase, Placement, SiteReport
from scheduler.runtime.act import act
from scheduler.runtime.orders import order_of

from .worlds import (
    NOON,
    HungSite,
    MemorySite,
    a_node,
    a_site,
    drain,
    grow,
    place,
    release,
    vacate,
)

DRAINING = NodePhase.DRAINING
GANG: dict[str, Any] = {
    "key": ActionKey("k"),
    "cluster": ClusterName("dc"),
    "pool": PoolName("p"),
    "why": "deadline",
    "workload": WorkloadName("train"),
    "pods": 4,
}


async def carry_out(
    *actions: Action,
    sites: list[MemorySite],
    deadline_s: float = 5.0,
    stopping: asyncio.Event | None = None,
) -> tuple[Receipt, ...]:
    seen = {site.cluster: await MemorySite.observe(site) for site in sites}
    return await act(actions, sites, seen, deadline_s, stopping or asyncio.Event())


def outcomes(receipts: tuple[Receipt, ...]) -> list[str]:
    return [receipt.outcome for receipt in receipts]


def kinds(orders: list[Order]) -> list[type[Order]]:
    return [type(order) for order in orders]


async def test_room_is_added_before_it_is_used_and_taken_away_last() -> None:
    site = a_site("dc", a_node("old"), a_node("empty", phase=DRAINING))
    receipts = await carry_out(
        release("empty"),
        drain("old"),
        place("search", pods=0, before=2),
        place("search", pods=2, pool="q"),
        grow(nodes=3),
        sites=[site],
    )
    assert outcomes(receipts) == ["accepted"] * 5
    assert kinds(site.orders) == [Scale, PlaceOrder, PlaceOrder, DrainOrder, ReleaseOrder]
    assert [order.pods for order in site.orders if isinstance(order, PlaceOrder)] == [2, 0]


async def test_no_site_drains_before_every_site_has_its_new_work() -> None:
    told: list[str] = []
    here, there = a_site("dc", a_node("old")), a_site("east")
    here.on_order = lambda order: told.append("dc")
    there.on_order = lambda order: told.append("east")
    await carry_out(
        drain("old"), place(pods=1, cluster="east"), grow(cluster="east"), sites=[here, there]
    )
    assert told == ["east", "east", "dc"]


async def test_a_site_that_waits_does_not_hold_up_another() -> None:
    gate = asyncio.Event()
    slow, quick = a_site("dc", gate=gate), a_site("east")
    acting = asyncio.ensure_future(carry_out(grow(), grow(cluster="east"), sites=[slow, quick]))
    await slow.entered.wait()
    await quick.entered.wait()
    assert slow.orders == []
    gate.set()
    assert outcomes(await acting) == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(NoCapacity("sold out"), "no-capacity"), (Throttled("slow down"), "throttled")],
)
async def test_what_the_site_says_is_on_the_receipt(error: Exception, outcome: str) -> None:
    def refuse(_: Order) -> None:
        raise error

    [receipt] = await carry_out(grow(), sites=[a_site("dc", on_order=refuse)])
    assert (receipt.outcome, receipt.detail) == (outcome, str(error))


async def test_a_bug_in_one_adapter_stops_no_other_site() -> None:
    def stumble(_: Order) -> None:
        raise KeyError("spec")

    quick = a_site("east")
    receipts = await carry_out(
        grow(), grow(cluster="east"), sites=[a_site("dc", on_order=stumble), quick]
    )
    assert outcomes(receipts) == ["refused", "accepted"]
    assert receipts[0].detail == "KeyError: 'spec'"


async def test_an_order_without_an_answer_ends_at_its_deadline() -> None:
    site = a_site("dc", gate=asyncio.Event())
    [receipt] = await carry_out(grow(), sites=[site], deadline_s=0.01)
    assert (receipt.outcome, receipt.detail) == ("unreachable", "no answer within 0.01 s")


async def test_a_site_that_does_not_answer_is_asked_once_a_tick() -> None:
    tries: list[Order] = []

    def vanish(order: Order) -> None:
        tries.append(order)
        raise Unreachable("no route")

    told: list[Receipt] = []
    site, other = a_site("dc", on_order=vanish), a_site("east")
    actions: list[Action] = [grow(), grow("q"), place(pods=1), grow(cluster="east")]
    receipts = await act(actions, [site, other], {}, 5.0, asyncio.Event(), told.append)
    assert outcomes(receipts) == ["unreachable", "skipped", "skipped", "accepted"]
    assert receipts[1].detail == "the site was unreachable just now: the next tick asks again"
    assert len(tries) == 1
    assert set(told) == set(receipts)


async def test_a_cluster_without_a_way_in_is_refused_with_the_remedy() -> None:
    [receipt] = await carry_out(grow(cluster="moon"), sites=[a_site("dc")])
    assert receipt.outcome == "refused"
    assert "declare its access" in receipt.detail


async def test_a_service_keeps_its_old_place_while_the_new_one_is_refused() -> None:
    def refuse(_: Order) -> None:
        raise Refused("no permission")

    old, new = a_site("dc"), a_site("east", on_order=refuse)
    receipts = await carry_out(
        place(pods=0, before=2), place(pods=2, cluster="east"), sites=[old, new]
    )
    assert outcomes(receipts) == ["skipped", "refused"]
    assert receipts[0].detail == "its place on p was refused"
    assert old.orders == []


class TestRelease:
    """Nodes are given back only if a fresh look still shows them drained and empty."""

    async def test_a_node_that_became_busy_is_left(self) -> None:
        site = a_site("dc", a_node("n1", phase=DRAINING))
        seen = {site.cluster: await site.observe()}
        site.nodes[NodeName("n1")] = a_node("n1", phase=DRAINING, pods=2)
        [receipt] = await act([release("n1")], [site], seen, 5.0, asyncio.Event())
        assert (receipt.outcome, receipt.detail) == ("skipped", "n1: busy with 2 pods")
        assert site.orders == []

    async def test_only_the_nodes_still_empty_are_named_in_the_order(self) -> None:
        site = a_site(
            "dc", a_node("n1", phase=DRAINING), a_node("n2", phase=DRAINING, pods=1), a_node("n4")
        )
        [receipt] = await carry_out(release("n1", "n2", "n3", "n4"), sites=[site])
        assert receipt.outcome == "accepted"
        assert (
            receipt.detail == "n2: busy with 1 pods; n3: no longer there; n4: ready, not draining"
        )
        [order] = site.orders
        assert isinstance(order, ReleaseOrder)
        assert order.nodes == ("n1",)

    async def test_a_site_that_cannot_be_seen_again_loses_nothing(self) -> None:
        site = HungSite(cluster=ClusterName("dc"))
        [receipt] = await carry_out(release("n1"), sites=[site], deadline_s=0.01)
        assert receipt.outcome == "unreachable"
        assert site.orders == []


class TestDrain:
    """Nodes are drained if they are still there and no idle one has got work since."""

    async def test_a_node_with_the_work_it_had_is_drained(self) -> None:
        site = a_site("dc", a_node("n1", pods=3))
        [receipt] = await carry_out(drain("n1"), sites=[site])
        assert receipt.outcome == "accepted"

    async def test_an_idle_node_that_got_work_is_left(self) -> None:
        site = a_site("dc", a_node("n1"))
        seen = {site.cluster: await site.observe()}
        site.nodes[NodeName("n1")] = a_node("n1", pods=1)
        [receipt] = await act([drain("n1")], [site], seen, 5.0, asyncio.Event())
        assert (receipt.outcome, receipt.detail) == ("skipped", "n1: busy again with 1 pods")

    async def test_a_node_that_is_gone_is_left_out(self) -> None:
        site = a_site("dc", a_node("n1"))
        seen = {site.cluster: SiteReport(cluster=site.cluster, at=NOON)}
        [receipt] = await act([drain("n1", "n9")], [site], seen, 5.0, asyncio.Event())
        assert (receipt.outcome, receipt.detail) == ("accepted", "n9: no longer there")


class TestVacate:
    """Nodes are emptied together, on a fresh look, and only while the gang still waits."""

    def site(self, *nodes: Node, pending: int = 4) -> MemorySite:
        site = a_site("dc", *(nodes or (a_node("n1", pods=2), a_node("n2", pods=1))))
        wanted = (WorkloadName("train"), PoolName("p"))
        site.placements[wanted] = Placement(
            workload=wanted[0], pool=wanted[1], wanted=4, ready=0, pending=pending
        )
        return site

    async def test_it_is_a_drain_between_what_takes_work_off_and_what_drains_for_good(self) -> None:
        site = self.site(a_node("n1", pods=2), a_node("n2"), a_node("n3"))
        receipts = await carry_out(
            drain("n3"), vacate("n1", "n2"), place("search", pods=1, before=2), sites=[site]
        )
        assert outcomes(receipts) == ["accepted"] * 3
        assert kinds(site.orders) == [PlaceOrder, DrainOrder, DrainOrder]
        drained = [order.nodes for order in site.orders if isinstance(order, DrainOrder)]
        assert drained == [("n1", "n2"), ("n3",)]

    @pytest.mark.parametrize(
        ("now", "why"),
        [
            (None, "n1: no longer there"),
            (a_node("n1", pods=3, gpus=3.0), "n1: busier, with 3 pods"),
            (a_node("n1", pods=1, gpus=1.0, workers=1), "n1: a gang works on it"),
            (a_node("n1", phase=DRAINING), "n1: draining, not ready"),
            (replace(a_node("n1"), doomed=True), "n1: doomed, not ready"),
        ],
    )
    async def test_all_nodes_or_none(self, now: Node | None, why: str) -> None:
        site = self.site(a_node("n1", pods=2, gpus=2.0), a_node("n2", pods=1, gpus=1.0))
        seen = {site.cluster: await site.observe()}
        site.nodes.pop(NodeName("n1"))
        if now is not None:
            site.nodes[now.name] = now
        [receipt] = await act([vacate("n1", "n2")], [site], seen, 5.0, asyncio.Event())
        assert (receipt.outcome, receipt.detail) == ("skipped", why)
        assert site.orders == []

    async def test_a_node_that_lost_pods_meanwhile_is_only_the_better(self) -> None:
        site = self.site(a_node("n1", pods=2, gpus=2.0))
        seen = {site.cluster: await site.observe()}
        site.nodes[NodeName("n1")] = a_node("n1", pods=1, gpus=1.0)
        [receipt] = await act([vacate("n1")], [site], seen, 5.0, asyncio.Event())
        assert receipt.outcome == "accepted"

    @pytest.mark.parametrize("pending", [0, None])
    async def test_not_for_a_gang_that_found_its_seats_or_left(self, pending: int | None) -> None:
        site = self.site(pending=pending or 0)
        if pending is None:
            site.placements.clear()
        [receipt] = await carry_out(vacate("n1", "n2"), sites=[site])
        assert (receipt.outcome, receipt.detail) == ("skipped", "train has found its seats")
        assert site.orders == []


class TestStopping:
    """Told to stop, the daemon finishes the order in flight and sends no second."""

    async def test_the_order_in_flight_is_finished_and_no_second_is_sent(self) -> None:
        stopping, gate = asyncio.Event(), asyncio.Event()
        site = a_site("dc", gate=gate)
        acting = asyncio.ensure_future(
            carry_out(grow(), place(pods=1), sites=[site], stopping=stopping)
        )
        await site.entered.wait()
        stopping.set()
        gate.set()
        receipts = await acting
        assert outcomes(receipts) == ["accepted", "skipped"]
        assert kinds(site.orders) == [Scale]

    async def test_a_cancellation_waits_for_the_order_in_flight(self) -> None:
        gate = asyncio.Event()
        site = a_site("dc", gate=gate)
        acting = asyncio.ensure_future(carry_out(grow(), place(pods=1), sites=[site]))
        await site.entered.wait()
        acting.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await acting
        assert kinds(site.orders) == [Scale]


def test_gangs_run_with_all_their_workers_or_none() -> None:
    resume, suspend = order_of(Resume(**GANG)), order_of(Suspend(**GANG))
    assert isinstance(resume, PlaceOrder)
    assert isinstance(suspend, PlaceOrder)
    assert (resume.gang, resume.pods) == (True, 4)
    assert (suspend.gang, suspend.pods) == (True, 0)


def test_a_shift_moves_traffic_and_leaves_the_pods() -> None:
    order = order_of(Shift(**GANG, before=0.2, share=0.7))
    assert isinstance(order, PlaceOrder)
    assert (order.pods, order.share, order.gang) == (4, 0.7, False)
