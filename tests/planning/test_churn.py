"""Bounded churn: from any state a few plans, each come true, lead to one that changes nothing."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cost import Cost
from policies.response_time import ResponseTime
from policies.stability import Stability
from scheduler.domain.places import Resources
from scheduler.domain.plan import Plan, Ruling
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Node, NodePhase, Snapshot
from scheduler.model.policy import Policy
from scheduler.planning.after import world_after
from scheduler.planning.decide import decide
from scheduler.planning.diff import diff
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World, worlds
from tests.model.worlds import (
    EXACT,
    HABIT,
    a_demand,
    a_fleet,
    a_node,
    a_pool,
    a_service,
    a_snapshot,
)

AT_MOST = 4
"""Plans that change something, one after the other, under a demand that stays the same."""
PAIR: tuple[Policy, ...] = (Cost(), ResponseTime(), Stability())


def is_steady(plan: Plan) -> bool:
    """The plan is what runs."""
    nodes = all(line.before == line.after for line in plan.pools)
    return nodes and all(line.before == line.after for line in plan.placements)


def chain(
    world: World, policies: tuple[Policy, ...] = ALL, settings: SolverSettings = HABIT
) -> list[Plan]:
    """Plans that change something, until one does not; one too many where there is no end."""
    plans: list[Plan] = []
    snapshot = world.snapshot
    while len(plans) <= AT_MOST:
        plan = decide(snapshot, world.demand, policies, settings)
        snapshot = world_after(plan, snapshot)
        if is_steady(plan):
            assert diff(plan, snapshot) == ()
            break
        plans.append(plan)
    return plans


@st.composite
def states(draw: st.DrawFn, world: World) -> World:
    """The same world in any state: overfull, in wrong places, in parts, leaving, undeclared."""
    fleet = world.snapshot.fleet
    nodes: list[Node] = []
    for pool in fleet.pools:
        phases = draw(st.lists(st.sampled_from(NodePhase), max_size=6))
        nodes += [
            a_node(f"{pool}-{at}", pool, phase, doomed=draw(st.integers(0, 7)) == 0)
            for at, phase in enumerate(phases)
        ]
    names = (*fleet.services, *fleet.jobs, "undeclared")
    places = st.tuples(st.sampled_from(names), st.sampled_from(tuple(fleet.pools)))
    pods = draw(st.dictionaries(places, st.integers(1, 12), max_size=8))
    there = a_snapshot(fleet, nodes=nodes, pods=pods)
    return replace(world, snapshot=replace(there, unseen=world.snapshot.unseen))


@SLOW
@given(worlds().flatmap(states))
def test_from_any_state_four_plans_at_most_lead_to_rest(world: World) -> None:
    assert len(chain(world)) <= AT_MOST


# -- every state there is of two services on two pools

Key = tuple[tuple[int, ...], tuple[int, ...]]
POOLS, SERVICES = ("large", "small"), ("ads", "rank")
PLACES = tuple(product(SERVICES, POOLS))
FLEET = a_fleet(
    a_pool("large", max_nodes=1, usd_per_node_hour=2.2),
    a_pool(
        "small",
        max_nodes=2,
        per_node=Resources(gpus=1, cpu=16, memory_gib=64, pods=110),
        usd_per_node_hour=0.6,
    ),
    *(a_service(name, max_replicas=4) for name in SERVICES),
)
DEMAND = a_demand(FLEET, {"ads": 60.0, "rank": 130.0})


def at(key: Key) -> Snapshot:
    nodes, pods = key
    return a_snapshot(
        FLEET,
        nodes=dict(zip(POOLS, nodes, strict=True)),
        pods=dict(zip(PLACES, pods, strict=True)),
    )


def next_state(key: Key, settings: SolverSettings) -> Key:
    plan = decide(at(key), DEMAND, PAIR, settings)
    nodes = {line.pool: line.after for line in plan.pools}
    pods = {(line.workload, line.pool): line.after for line in plan.placements}
    found = tuple(nodes[pool] for pool in map(str, POOLS)), tuple(pods.get(p, 0) for p in PLACES)
    assert (found == key) == (plan.adoption is not None and plan.adoption.ruling is Ruling.KEPT)
    return found


def lengths(settings: SolverSettings) -> Iterator[int]:
    """Steps from every state to one that stays; each state is decided once."""
    after: dict[Key, Key] = {}
    for nodes in product(range(2), range(4)):
        for pods in product(range(2), repeat=len(PLACES)):
            here, steps = (nodes, pods), 0
            while steps <= AT_MOST:
                if here not in after:
                    after[here] = next_state(here, settings)
                if after[here] == here:
                    break
                here, steps = after[here], steps + 1
            yield steps


@pytest.mark.parametrize("settings", [EXACT, HABIT], ids=["exact", "habit"])
def test_of_two_services_on_two_pools_every_state_comes_to_rest(settings: SolverSettings) -> None:
    found = list(lengths(settings))
    assert len(found) == 8 * 16
    assert max(found) <= (1 if settings is EXACT else AT_MOST)
