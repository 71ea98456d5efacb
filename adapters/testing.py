"""The promises of an adapter, as a test class: inherit it, give it the fixture `stage`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from adapters.base import (
    Adapter,
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
from scheduler.domain.names import ActionKey, NodeName, PoolName, WorkloadName
from scheduler.domain.snapshot import Node, NodePhase, Placement

NOWHERE = PoolName("no-such-pool")
NOBODY = WorkloadName("no-such-workload")
NO_NODE = NodeName("no-such-node")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A fresh site to check an adapter on: at least two ready nodes in `pool`, nothing placed."""

    adapter: Adapter
    settle: Callable[[], Awaitable[None]]
    """Lets enough time pass for nodes to boot, pods to start and gangs to train."""
    pool: PoolName
    limit: int
    """The most nodes that `pool` can have; what it has, if it cannot grow."""
    service: WorkloadName
    fills: int
    """Replicas of the service that fill the first nodes of the pool; at least two."""
    gang: WorkloadName
    workers: int
    """The gang's workers, two or more; they fit on the pool when it is empty."""
    gives_back: bool = True
    """Whether nodes can be released; else the order is Refused."""


class AdapterPromises:
    """What every adapter keeps. A subclass provides the fixture `stage`."""

    async def test_observing_twice_tells_the_same(self, stage: Stage) -> None:
        """An observation changes nothing."""
        await send(stage, put(stage, stage.fills))
        await stage.settle()
        first, second = await stage.adapter.observe(), await stage.adapter.observe()
        assert (first.nodes, first.placements, first.progress) == (
            second.nodes,
            second.placements,
            second.progress,
        )

    async def test_a_report_speaks_for_its_own_cluster(self, stage: Stage) -> None:
        """The report and the adapter name the same cluster."""
        assert (await stage.adapter.observe()).cluster == stage.adapter.cluster

    async def test_the_same_growth_ordered_again_buys_nothing_more(self, stage: Stage) -> None:
        """After a crash an order goes out again: with its own key, or with a new one."""
        target = min(stage.limit, len(await nodes(stage)) + 1)
        for key in ("grow", "grow", "grow-again"):
            await send(stage, Scale(key=ActionKey(key), pool=stage.pool, nodes=target))
        await stage.settle()
        assert [node.phase for node in await nodes(stage)] == [NodePhase.READY] * target

    async def test_scale_never_takes_a_node_away(self, stage: Stage) -> None:
        """To shrink is another order."""
        before = await nodes(stage)
        await send(stage, Scale(key=ActionKey("less"), pool=stage.pool, nodes=0))
        await stage.settle()
        assert await nodes(stage) == before

    async def test_growth_beyond_the_limit_is_no_capacity(self, stage: Stage) -> None:
        """And the limit holds."""
        with pytest.raises(NoCapacity, match=stage.pool):
            await send(stage, Scale(key=ActionKey("more"), pool=stage.pool, nodes=stage.limit + 1))
        await stage.settle()
        assert len(await nodes(stage)) <= stage.limit

    async def test_a_draining_node_is_taken_back_before_one_is_bought(self, stage: Stage) -> None:
        """It is there already, and paid for."""
        before = await nodes(stage)
        await send(stage, drain(stage, before[:1]))
        assert (await nodes(stage))[0].phase is NodePhase.DRAINING
        await send(stage, Scale(key=ActionKey("back"), pool=stage.pool, nodes=len(before)))
        await stage.settle()
        assert await nodes(stage) == before

    async def test_the_same_placement_ordered_again_adds_no_pods(self, stage: Stage) -> None:
        """Pods are an end state."""
        for key in ("put", "put", "put-again"):
            await send(stage, put(stage, 2, key=key))
        await stage.settle()
        placed = await placement(stage, stage.service)
        assert placed is not None
        assert (placed.wanted, placed.ready) == (2, 2)
        assert sum(node.pods for node in await nodes(stage)) == 2

    async def test_fewer_pods_and_none_at_all_come_true(self, stage: Stage) -> None:
        """Placements shrink, and one that is empty is told no longer."""
        await send(stage, put(stage, 2))
        await stage.settle()
        await send(stage, put(stage, 1))
        await stage.settle()
        placed = await placement(stage, stage.service)
        assert placed is not None
        assert (placed.wanted, placed.ready) == (1, 1)
        await send(stage, put(stage, 0, share=0.0))
        await stage.settle()
        assert await placement(stage, stage.service) is None
        assert all(node.pods == 0 for node in await nodes(stage))

    async def test_the_traffic_share_is_told_back(self, stage: Stage) -> None:
        """A shift of traffic alone moves no pods."""
        for share in (0.25, 0.75):
            await send(stage, put(stage, 2, share=share))
            await stage.settle()
            placed = await placement(stage, stage.service)
            assert placed is not None
            assert placed.share == pytest.approx(share)
            assert placed.ready == 2

    async def test_a_gang_runs_with_all_workers_or_none(self, stage: Stage) -> None:
        """It waits while the pool is full, and runs whole once there is room."""
        await send(stage, put(stage, stage.fills))
        await stage.settle()
        await send(stage, gather(stage, stage.workers))
        await stage.settle()
        placed = await placement(stage, stage.gang)
        assert placed is not None
        assert (placed.wanted, placed.ready) == (stage.workers, 0)
        await send(stage, put(stage, 0, share=0.0))
        await stage.settle()
        placed = await placement(stage, stage.gang)
        assert placed is not None
        assert (placed.wanted, placed.ready) == (stage.workers, stage.workers)

    async def test_pods_that_find_no_room_are_told_as_pending(self, stage: Stage) -> None:
        """A gang whole, a service by what is too much; and no longer once there is room."""
        await send(stage, put(stage, 100 * stage.fills))
        await send(stage, gather(stage, stage.workers))
        await stage.settle()
        service, gang = (
            await placement(stage, stage.service),
            await placement(stage, stage.gang),
        )
        assert service is not None
        assert gang is not None
        assert service.pending == service.wanted - service.ready > 0
        assert (gang.ready, gang.pending) in ((0, stage.workers), (stage.workers, 0))
        await send(stage, put(stage, 0, share=0.0))
        await stage.settle()
        gang = await placement(stage, stage.gang)
        assert gang is not None
        assert (gang.ready, gang.pending) == (stage.workers, 0)

    async def test_a_gang_without_room_is_pending_as_a_whole(self, stage: Stage) -> None:
        """Though some of its workers would find a seat."""
        await send(stage, put(stage, stage.fills))
        await stage.settle()
        await send(stage, gather(stage, stage.workers))
        await stage.settle()
        gang = await placement(stage, stage.gang)
        assert gang is not None
        assert (gang.ready, gang.pending) == (0, stage.workers)

    async def test_nodes_tell_the_gpus_in_use_and_the_workers_of_gangs(self, stage: Stage) -> None:
        """Replicas take GPUs and are no workers; what is drained uses none."""
        used = []
        for pods in (1, 2):
            await send(stage, put(stage, pods))
            await stage.settle()
            used.append(sum(node.gpus_used for node in await nodes(stage)))
        assert used[1] == pytest.approx(2.0 * used[0])
        assert used[0] > 0.0
        assert not any(node.workers for node in await nodes(stage))
        await send(stage, put(stage, 0, share=0.0))
        await send(stage, gather(stage, stage.workers))
        await stage.settle()
        assert sum(node.workers for node in await nodes(stage)) == stage.workers
        assert all(node.gpus_used > 0.0 for node in await nodes(stage) if node.pods)
        await send(stage, drain(stage, await nodes(stage)))
        await stage.settle()
        told = [(node.pods, node.gpus_used, node.workers) for node in await nodes(stage)]
        assert told == [(0, 0.0, 0)] * len(told)

    async def test_a_suspended_gang_leaves_its_nodes(self, stage: Stage) -> None:
        """And can be suspended again after a crash."""
        await send(stage, gather(stage, stage.workers))
        await stage.settle()
        for _ in range(2):
            await send(stage, gather(stage, 0))
        await stage.settle()
        assert await placement(stage, stage.gang) is None
        assert all(node.pods == 0 for node in await nodes(stage))

    async def test_a_drained_node_is_empty_and_stays_so(self, stage: Stage) -> None:
        """What sat there finds another node or waits; new pods go elsewhere."""
        await send(stage, put(stage, stage.fills))
        await stage.settle()
        target = (await nodes(stage))[0]
        for _ in range(2):
            await send(stage, drain(stage, [target]))
        await stage.settle()
        drained = next(node for node in await nodes(stage) if node.name == target.name)
        assert (drained.phase, drained.pods) == (NodePhase.DRAINING, 0)

    async def test_a_node_goes_by_drain_then_release(self, stage: Stage) -> None:
        """Released twice is released once; where nothing is given back, that is Refused."""
        before = await nodes(stage)
        await send(stage, drain(stage, before[:1]))
        await stage.settle()
        if not stage.gives_back:
            with pytest.raises(Refused, match=stage.pool):
                await send(stage, release(stage, before[:1]))
            assert len(await nodes(stage)) == len(before)
            return
        for _ in range(2):
            await send(stage, release(stage, before[:1]))
        await stage.settle()
        assert {node.name for node in await nodes(stage)} == {node.name for node in before[1:]}

    async def test_a_busy_node_is_not_released(self, stage: Stage) -> None:
        """Not drained means not given back: with pods on it, or without."""
        await send(stage, put(stage, stage.fills))
        await stage.settle()
        before = await nodes(stage)
        assert any(node.pods > 0 for node in before)
        assert await failure(stage, release(stage, before)) in (None, Refused)
        await stage.settle()
        assert await nodes(stage) == before

    async def test_an_unknown_pool_is_refused(self, stage: Stage) -> None:
        """A person has to look at the name, which the error says."""
        key = ActionKey("lost")
        for order in (
            Scale(key=key, pool=NOWHERE, nodes=1),
            PlaceOrder(key=key, workload=stage.service, pool=NOWHERE, pods=1, share=1.0),
            DrainOrder(key=key, pool=NOWHERE, nodes=(NO_NODE,)),
            ReleaseOrder(key=key, pool=NOWHERE, nodes=(NO_NODE,)),
        ):
            with pytest.raises(Refused, match=NOWHERE):
                await send(stage, order)

    async def test_an_unknown_workload_is_refused_and_may_be_cleared_away(
        self, stage: Stage
    ) -> None:
        """What left the documents can still be set to no pods."""
        key = ActionKey("who")
        with pytest.raises(Refused, match=NOBODY):
            await send(stage, PlaceOrder(key=key, workload=NOBODY, pool=stage.pool, pods=1))
        await send(stage, PlaceOrder(key=key, workload=NOBODY, pool=stage.pool, pods=0))

    async def test_a_node_that_is_gone_is_nothing_to_drain_or_release(self, stage: Stage) -> None:
        """The order may come again after the node went."""
        before = await nodes(stage)
        key = ActionKey("gone")
        await send(stage, DrainOrder(key=key, pool=stage.pool, nodes=(NO_NODE,)))
        await send(stage, ReleaseOrder(key=key, pool=stage.pool, nodes=(NO_NODE,)))
        assert await nodes(stage) == before

    async def test_nonsense_fails_in_the_four_ways_only(self, stage: Stage) -> None:
        """And leaves the site in order."""
        key, name = ActionKey("odd"), (await nodes(stage))[0].name
        for order in (
            Scale(key=key, pool=stage.pool, nodes=-1),
            Scale(key=key, pool=stage.pool, nodes=10**9),
            put(stage, -1),
            put(stage, 1, share=float("nan")),
            put(stage, 1, share=-0.5),
            put(stage, 1, share=7.0),
            gather(stage, stage.workers + 1),
            PlaceOrder(key=key, workload=stage.service, pool=stage.pool, pods=1, gang=True),
            DrainOrder(key=key, pool=stage.pool, nodes=()),
            ReleaseOrder(key=key, pool=stage.pool, nodes=(name, name)),
        ):
            await failure(stage, order)
            await stage.settle()
            report = await stage.adapter.observe()
            assert len(report.nodes) >= 2
            assert all(each.wanted >= 0 and 0.0 <= each.share <= 1.0 for each in report.placements)

    async def test_every_order_shows_in_the_end(self, stage: Stage) -> None:
        """One after the other, as a tick sends them: grow, place, shift, drain."""
        target = min(stage.limit, len(await nodes(stage)) + 1)
        await send(stage, Scale(key=ActionKey("1"), pool=stage.pool, nodes=target))
        await send(stage, put(stage, 2, key="2", share=1.0))
        await send(stage, put(stage, 2, key="3", share=0.5))
        await stage.settle()
        idle = [node for node in await nodes(stage) if node.pods == 0][:1]
        await send(stage, drain(stage, idle))
        await stage.settle()
        placed = await placement(stage, stage.service)
        assert placed is not None
        assert (placed.wanted, placed.ready) == (2, 2)
        assert placed.share == pytest.approx(0.5)
        phases = [node.phase for node in await nodes(stage)]
        assert phases.count(NodePhase.DRAINING) == len(idle)
        assert len(phases) == target


async def send(stage: Stage, order: Order) -> None:
    """Hand an order to the verb that it belongs to."""
    match order:
        case Scale():
            await stage.adapter.scale(order)
        case PlaceOrder():
            await stage.adapter.place(order)
        case DrainOrder():
            await stage.adapter.drain(order)
        case ReleaseOrder():
            await stage.adapter.release(order)


async def failure(stage: Stage, order: Order) -> type[Exception] | None:
    """Which of the four ways the order fails in, if it does; anything else goes up."""
    try:
        await send(stage, order)
    except (Unreachable, Refused, NoCapacity, Throttled) as error:
        return type(error)
    return None


async def nodes(stage: Stage) -> list[Node]:
    """The nodes of the stage's pool, by name."""
    report = await stage.adapter.observe()
    return sorted(
        (node for node in report.nodes if node.pool == stage.pool), key=lambda node: node.name
    )


async def placement(stage: Stage, workload: WorkloadName) -> Placement | None:
    """The workload on the stage's pool, if the site tells of it."""
    report = await stage.adapter.observe()
    for each in report.placements:
        if (each.workload, each.pool) == (workload, stage.pool):
            return each
    return None


def put(stage: Stage, pods: int, *, key: str = "put", share: float = 1.0) -> PlaceOrder:
    """Replicas of the service on the stage's pool."""
    return PlaceOrder(
        key=ActionKey(key), workload=stage.service, pool=stage.pool, pods=pods, share=share
    )


def gather(stage: Stage, workers: int) -> PlaceOrder:
    """Workers of the gang on the stage's pool."""
    return PlaceOrder(
        key=ActionKey("gather"), workload=stage.gang, pool=stage.pool, pods=workers, gang=True
    )


def drain(stage: Stage, which: list[Node]) -> DrainOrder:
    """These nodes shall be emptied."""
    names = tuple(node.name for node in which)
    return DrainOrder(key=ActionKey("drain"), pool=stage.pool, nodes=names)


def release(stage: Stage, which: list[Node]) -> ReleaseOrder:
    """These nodes shall be given back."""
    names = tuple(node.name for node in which)
    return ReleaseOrder(key=ActionKey("release"), pool=stage.pool, nodes=names)
