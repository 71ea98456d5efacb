"""Absurd worlds: nothing there, nothing to be had, prices of nothing and of millions."""

from dataclasses import replace
from math import isfinite

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.budget import Budget
from policies.cost import Cost
from policies.load_balancing import LoadBalancing
from policies.response_time import ResponseTime
from policies.stability import Stability
from scheduler.domain.demand import Demand
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import Instant, PoolName
from scheduler.domain.places import Resources
from scheduler.domain.plan import Plan
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Memory, Snapshot, SoldOut
from scheduler.domain.workloads import Objective, Priority, Spread
from scheduler.model.policy import Policy
from scheduler.planning.decide import decide
from scheduler.planning.decision import settle
from scheduler.solve.answer import is_feasible
from scheduler.solve.chain import NoPlanError, solve
from scheduler.solve.conflict import in_conflict
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World
from tests.model.worlds import (
    EXACT,
    HABIT,
    MUST_RUN,
    NOW,
    a_demand,
    a_fleet,
    a_job,
    a_pool,
    a_service,
    a_snapshot,
    missing_of,
    nodes_of,
    pods_of,
)
from tests.solve.questions import ask
from tests.solve.test_chain import AtLeast

CRITICAL = Priority.CRITICAL
FREE: tuple[Policy, ...] = (Cost(), ResponseTime(), LoadBalancing(), Stability())
EMPTY = Resources(gpus=0, cpu=0, memory_gib=0, pods=0)


def sold_out(*pools: str) -> Memory:
    until = SoldOut(until=Instant(NOW + 60.0), strikes=1)
    return Memory(sold_out={PoolName(name): until for name in pools})


def planned(
    snapshot: Snapshot,
    demand: Demand,
    policies: tuple[Policy, ...] = FREE,
    settings: SolverSettings = EXACT,
) -> Plan:
    """The plan, after its solution has been checked: feasible, and with a gap that is stated."""
    decision = settle(snapshot, demand, policies, settings)
    solution = decision.solution
    assert is_feasible(decision.problem, solution.x)
    plan = decide(snapshot, demand, policies, settings)
    assert isfinite(plan.proof.objective)
    assert isfinite(plan.proof.bound)
    assert plan.proof.bound <= plan.proof.objective + 1e-6 * (1.0 + abs(plan.proof.objective))
    return plan


def reasons(plan: Plan) -> dict[str, str]:
    return {line.workload: line.because for line in plan.missing}


def test_nothing_at_all_is_a_plan() -> None:
    fleet = a_fleet()
    plan = planned(a_snapshot(fleet), a_demand(fleet))
    assert (plan.pools, plan.placements, plan.missing) == ((), (), ())


def test_without_workloads_nodes_go_but_those_that_must_stay() -> None:
    fleet = a_fleet(a_pool("dc-a", min_nodes=1), a_pool("dc-b"))
    plan = planned(a_snapshot(fleet, nodes={"dc-a": 3, "dc-b": 2}), a_demand(fleet))
    assert nodes_of(plan) == {"dc-a": 1}


@pytest.mark.parametrize("priority", [Priority.NORMAL, CRITICAL])
@pytest.mark.parametrize(
    ("pools", "memory", "because"),
    [
        pytest.param((), Memory(), "no pool is declared", id="no pools"),
        pytest.param(
            (a_pool("dc-a", max_nodes=0),), Memory(), "the pool may have no nodes", id="no capacity"
        ),
        pytest.param(
            (a_pool("dc-a", per_node=EMPTY),),
            Memory(),
            "one node has less room than a pod needs",
            id="nodes of nothing",
        ),
        pytest.param(
            (a_pool("dc-a"), a_pool("cloud-a", "cloud")),
            sold_out("dc-a", "cloud-a"),
            "cloud-a is sold out; dc-a is sold out",
            id="all sold out",
        ),
    ],
)
def test_where_nothing_can_be_had_all_is_missing_and_the_reason_is_located(
    pools: tuple[object, ...], memory: Memory, because: str, priority: Priority
) -> None:
    fleet = a_fleet(*pools, a_service(priority=priority))  # type: ignore[arg-type]
    plan = planned(a_snapshot(fleet, memory=memory), a_demand(fleet, {"search": 100.0}))
    assert missing_of(plan) == {"search": pytest.approx(100.0)}
    assert reasons(plan) == {"search": because}


def test_what_is_sold_out_goes_on_with_what_it_has() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service())
    world = a_snapshot(
        fleet, nodes={"dc-a": 1}, pods={("search", "dc-a"): 2}, memory=sold_out("dc-a")
    )
    plan = planned(world, a_demand(fleet, {"search": 300.0}))
    assert pods_of(plan) == {("search", "dc-a"): 4}
    assert missing_of(plan) == {"search": pytest.approx(30.0)}


@pytest.mark.parametrize("nodes", [10, 100_000_000])
def test_a_load_of_a_thousand_millions_is_carried_as_far_as_there_is_room(nodes: int) -> None:
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=nodes), a_service(max_replicas=10**9, late_usd_per_hour=1e12)
    )
    plan = planned(a_snapshot(fleet), a_demand(fleet, {"search": 1e9}), (Cost(), ResponseTime()))
    carried = min(1e9, nodes * 4 * 67.5)
    assert 1e9 - sum(missing_of(plan).values()) == pytest.approx(carried, rel=1e-3, abs=1000.0)


@pytest.mark.parametrize(("price", "nodes"), [(0.0, 2), (1e6, 0)])
def test_prices_of_nothing_and_of_a_million_are_prices(price: float, nodes: int) -> None:
    fleet = a_fleet(a_pool("dc-a", usd_per_node_hour=price), a_service(late_usd_per_hour=1000.0))
    plan = planned(a_snapshot(fleet), a_demand(fleet, {"search": 500.0}), (Cost(), ResponseTime()))
    assert sum(nodes_of(plan).values()) >= nodes
    assert missing_of(plan) == ({} if nodes else {"search": pytest.approx(500.0)})


def test_an_urgent_service_pays_a_million_and_another_one_waits() -> None:
    fleet = a_fleet(
        a_pool("dc-a", usd_per_node_hour=1e6),
        a_service("must", priority=CRITICAL, late_usd_per_hour=0.0),
        a_service("may"),
    )
    demand = a_demand(fleet, {"must": 100.0, "may": 500.0})
    plan = planned(a_snapshot(fleet), demand, (Cost(), ResponseTime()))
    assert nodes_of(plan) == {"dc-a": 1}
    assert missing_of(plan)["may"] == pytest.approx(500.0 - 2 * 67.5)


@pytest.mark.parametrize(
    ("policies", "most", "because"),
    [
        pytest.param(
            (*FREE, Budget(usd_per_hour=2.0)),
            40,
            "rented nodes cost at most 2 USD/h (short by 1.704)",
            id="the budget",
        ),
        pytest.param(
            FREE,
            9,
            "search has at most 9 replicas (short by 5.815)",
            id="its own",
        ),
    ],
)
def test_urgent_work_says_which_limit_is_in_its_way_and_what_that_is_short_by(
    policies: tuple[Policy, ...], most: int, because: str
) -> None:
    """1,000 requests/s are 14.8 replicas on 3.7 nodes."""
    urgent = a_service(priority=CRITICAL, late_usd_per_hour=0.01, max_replicas=most)
    fleet = a_fleet(a_pool("dc-a"), urgent)
    plan = planned(a_snapshot(fleet), a_demand(fleet, {"search": 1000.0}), policies)
    assert reasons(plan) == {"search": because}


def test_rules_that_contradict_each_other_are_named_with_what_they_lack() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service())
    problem, board = ask(a_snapshot(fleet), a_demand(fleet), (Cost(), AtLeast(nodes=11.0)))
    with pytest.raises(NoPlanError, match=r"two hard rules .*: enough .*short by 1\)|enough"):
        solve(problem, board, EXACT)
    assert in_conflict(problem, 20.0) == ("enough (short by 1)",)


def test_where_all_holds_together_nothing_is_in_conflict() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service())
    problem, _ = ask(a_snapshot(fleet), a_demand(fleet, {"search": 1e6}), FREE)
    assert in_conflict(problem, 20.0) == ()


def test_an_objective_that_no_server_reaches_is_the_reason() -> None:
    fast = Objective(quantile=0.95, seconds=1e-6)
    fleet = a_fleet(a_pool("dc-a"), a_service(priority=CRITICAL, objective=fast))
    plan = planned(a_snapshot(fleet), a_demand(fleet, {"search": 100.0}))
    assert reasons(plan)["search"].startswith("best reachable p95 is 30 ms")


def test_a_gang_larger_than_the_world_waits_and_says_so() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_job(priority=CRITICAL, workers=10_000))
    plan = planned(a_snapshot(fleet), a_demand(fleet, jobs={"train": MUST_RUN}))
    assert reasons(plan) == {"train": "the gang needs more nodes than the pool may have"}


def equal_fleet() -> Fleet:
    return a_fleet(
        *(a_pool(f"p{i:02d}") for i in range(12)),
        *(a_service(f"s{i}") for i in range(4)),
        *(a_job(f"j{i}") for i in range(4)),
    )


def test_ties_are_broken_the_same_way_each_time() -> None:
    fleet = equal_fleet()
    demand = a_demand(fleet, {f"s{i}": 100.0 for i in range(4)})
    first, *others = (decide(a_snapshot(fleet), demand, ALL, HABIT) for _ in range(4))
    assert all(other == first for other in others)
    # Not by the order in which things were declared or policies are listed.
    turned = replace(demand, services=dict(reversed(list(demand.services.items()))))
    assert decide(a_snapshot(fleet), turned, tuple(reversed(ALL)), HABIT) == first


def test_a_hundred_equal_pools_are_no_more_than_one() -> None:
    fleet = a_fleet(*(a_pool(f"p{i:03d}") for i in range(100)), a_service())
    demand = a_demand(fleet, {"search": 1000.0})
    plan = planned(a_snapshot(fleet), demand, (Cost(), ResponseTime()), HABIT)
    assert sum(nodes_of(plan).values()) == 4
    assert sum(pods_of(plan).values()) == 15


huge = st.sampled_from((0.0, 1e-9, 1.0, 100.0, 1e6))
few = st.sampled_from((0, 1, 3, 1_000_000))


@st.composite
def absurd_worlds(draw: st.DrawFn) -> World:
    """Every figure at one of its ends, or ordinary; something runs already, perhaps too much."""
    gpus = draw(st.sampled_from((0, 1, 8, 1000)))
    node = Resources(gpus=gpus, cpu=99, memory_gib=999, pods=draw(st.sampled_from((0, 3, 250))))
    pools = [
        a_pool(
            name,
            per_node=node,
            max_nodes=draw(few),
            min_nodes=draw(st.sampled_from((0, 0, 1))),
            usd_per_node_hour=draw(huge),
        )
        for name in draw(st.sampled_from(((), ("a",), ("a", "b"), ("a", "b", "c"))))
    ]
    pools = [replace(pool, min_nodes=min(pool.min_nodes, pool.max_nodes)) for pool in pools]
    priority = draw(st.sampled_from(Priority))
    work = (
        a_service(
            "chat",
            priority=priority,
            max_replicas=draw(few),
            late_usd_per_hour=draw(st.sampled_from((0.0, 1.0, 1e9))),
        ),
        a_job(
            workers=draw(st.sampled_from((1, 4, 1000))),
            spread=draw(st.sampled_from(Spread)),
            priority=draw(st.sampled_from(Priority)),
            wait_usd_per_hour=draw(huge),
        ),
    )[: draw(st.integers(0, 2))]
    fleet = a_fleet(*pools, *work)
    up = {str(name): draw(st.integers(0, 2)) for name in fleet.pools}
    held = [str(pool.name) for pool in pools if draw(st.booleans())]
    pods = {(str(item.name), name): 1 for item in work[:1] for name in held}
    memory = sold_out(*(pool.name for pool in pools if draw(st.integers(0, 4)) == 0))
    rps = draw(st.sampled_from((0.0, 1e-9, 100.0, 1e5, 1e9)))
    return World(
        snapshot=a_snapshot(fleet, nodes=up, pods=pods, memory=memory),
        demand=a_demand(fleet, {str(name): rps for name in fleet.services}),
    )


@SLOW
@given(absurd_worlds())
def test_however_absurd_the_world_there_is_a_plan_that_holds_with_a_stated_gap(
    world: World,
) -> None:
    plan = planned(world.snapshot, world.demand, ALL, HABIT)
    missing = missing_of(plan)
    assert all(np.isfinite(amount) and amount > 0.0 for amount in missing.values())
    assert all(line.because for line in plan.missing)
