"""Supplies: who says no to what, and how machines and nodes become one list."""

import pytest

from adapters.base import NoCapacity, Refused, ReleaseOrder, Scale
from adapters.supply import AutoscalerSupply, Machine, StaticSupply, joined, overdue
from scheduler.domain.names import ActionKey, Instant, NodeName, PoolName
from scheduler.domain.snapshot import Node, NodePhase
from tests.adapters.adapter_worlds import a_pool

POOL = a_pool("gpu", boot_s=300.0)
POOLS = {POOL.name: POOL}
ONE, TWO = NodeName("gpu-1"), NodeName("gpu-2")
ORDERED = Instant(1000.0)
SOON, LATE = Instant(ORDERED + 899.0), Instant(ORDERED + 901.0)


def a_machine(provider_id: str = "cloud:///1", pool: str = "gpu", **more: bool) -> Machine:
    return Machine(pool=PoolName(pool), provider_id=provider_id, since=ORDERED, **more)


def a_node(name: NodeName = ONE) -> Node:
    return Node(name=name, pool=POOL.name, phase=NodePhase.READY, since=Instant(1200.0))


def growth(nodes: int) -> Scale:
    return Scale(key=ActionKey("grow"), pool=POOL.name, nodes=nodes)


def give_back(*nodes: NodeName) -> ReleaseOrder:
    return ReleaseOrder(key=ActionKey("give-back"), pool=POOL.name, nodes=nodes)


async def test_where_nobody_adds_nodes_growth_is_no_capacity() -> None:
    await StaticSupply().scale(growth(2), there=2)
    with pytest.raises(NoCapacity, match="gpu has 2 nodes and nobody who adds any"):
        await StaticSupply().scale(growth(3), there=2)


async def test_where_nobody_takes_nodes_a_release_is_refused() -> None:
    with pytest.raises(Refused, match="nobody takes nodes of pool gpu back"):
        await StaticSupply().release(give_back(ONE), {ONE: ""})
    assert await StaticSupply().observe() == ()


async def test_another_autoscaler_needs_no_telling() -> None:
    supply = AutoscalerSupply()
    await supply.scale(growth(9), there=2)
    await supply.release(give_back(ONE), {ONE: "cloud:///1"})
    assert await supply.observe() == ()


def test_a_node_is_paid_for_since_its_machine_was_ordered() -> None:
    nodes = joined([a_node()], {ONE: "cloud:///1"}, [a_machine()], POOLS, SOON)
    assert [(node.name, node.phase, node.since) for node in nodes] == [
        (ONE, NodePhase.READY, ORDERED)
    ]


def test_a_machine_that_will_be_gone_dooms_its_node() -> None:
    nodes = joined([a_node()], {ONE: "cloud:///1"}, [a_machine(doomed=True)], POOLS, SOON)
    assert [node.doomed for node in nodes] == [True]


def test_a_machine_without_a_node_boots() -> None:
    nodes = joined([a_node(TWO)], {TWO: "cloud:///2"}, [a_machine()], POOLS, SOON)
    assert [(node.name, node.phase) for node in nodes] == [
        (TWO, NodePhase.READY),
        ("cloud:///1", NodePhase.BOOTING),
    ]
    assert overdue({TWO: "cloud:///2"}, [a_machine()], POOLS, SOON) == ()


def test_a_machine_that_never_becomes_a_node_is_told() -> None:
    (node,) = joined([], {}, [a_machine()], POOLS, LATE)
    assert node.phase is NodePhase.UNREADY
    (note,) = overdue({}, [a_machine()], POOLS, LATE)
    assert (note.subject, note.reason) == ("machine/cloud:///1", "NodeNeverReady")
    assert "delete it at the provider" in note.message


def test_a_node_that_no_supply_knows_speaks_for_itself() -> None:
    assert joined([a_node()], {}, [], POOLS, LATE) == (a_node(),)


def test_machines_of_pools_that_are_not_declared_are_left_out() -> None:
    assert joined([], {}, [a_machine(pool="other")], POOLS, LATE) == ()
