"""What if: the same world with something supposed, and what the plan would then be."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.budget import Budget
from policies.cost import Cost
from policies.data_gravity import DataGravity
from policies.residency import Residency
from policies.response_time import ResponseTime
from policies.stability import Stability
from scheduler.domain.demand import Demand
from scheduler.domain.difference import PlanDifference
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, Instant, PolicyName, PoolName, WorkloadName
from scheduler.domain.settings import ForecastSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.forecast import expect
from scheduler.model.board import Board
from scheduler.model.policy import Contribution, Policy, at_least, at_most
from scheduler.planning.decide import decide
from scheduler.planning.suppositions import (
    Amount,
    ClusterLost,
    JobDeadline,
    JobSuspended,
    PoolMax,
    PoolPrice,
    PoolSoldOut,
    Relation,
    ServiceLoad,
    ServiceObjective,
    Supposition,
)
from scheduler.planning.what_if import Question, Supposed, suppose, what_if
from scheduler.solve.chain import NoPlanError
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World, worlds
from tests.model.worlds import (
    EXACT,
    MUST_RUN,
    NOW,
    a_dataset,
    a_demand,
    a_fleet,
    a_job,
    a_pool,
    a_service,
    a_snapshot,
    load,
)

TRIO: tuple[Policy, ...] = (Residency(), Cost(), ResponseTime())
FLEET = a_fleet(
    a_pool("cloud-a", "cloud", usd_per_node_hour=1.5),
    a_pool("dc-a", usd_per_node_hour=1.0),
    a_service(),
)
SEARCH, DC_A, CLOUD_A = WorkloadName("search"), PoolName("dc-a"), PoolName("cloud-a")
Expect = Callable[[Snapshot], Demand]


def times(value: float) -> Amount:
    return Amount(Relation.TIMES, value)


def plus(value: float) -> Amount:
    return Amount(Relation.PLUS, value)


def exactly(value: float) -> Amount:
    return Amount(Relation.IS, value)


def asked(
    *suppositions: Supposition,
    fleet: Fleet = FLEET,
    demand: Demand | None = None,
    expected: Expect | None = None,
    policies: tuple[Policy, ...] = TRIO,
    then_policies: tuple[Policy, ...] | None = None,
    **world: Any,
) -> PlanDifference:
    """The difference in a world of 100 requests/s, unless another demand is given."""
    snapshot = a_snapshot(fleet, **world)
    today = demand or a_demand(fleet, {"search": 100.0})
    plan = decide(snapshot, today, policies, EXACT)
    then = suppose(snapshot, suppositions, expected or (lambda _: today))
    return what_if(
        plan,
        Question(world=Supposed(snapshot=snapshot, demand=today), policies=policies),
        Question(world=then, policies=then_policies or policies),
        EXACT,
        ("told",),
    )


def nodes(found: PlanDifference) -> dict[str, tuple[int, int]]:
    return {line.pool: (line.today, line.then) for line in found.pools}


def pods(found: PlanDifference) -> dict[tuple[str, str], tuple[int, int]]:
    return {(line.workload, line.pool): (line.today, line.then) for line in found.placements}


# -- what each supposition does


def test_nothing_supposed_is_no_difference() -> None:
    found = asked()
    assert found.is_same
    assert (found.pools, found.services) == ((), ())
    assert found.extra == 0.0
    assert found.stay_usd_per_hour == found.today.usd_per_hour


def test_a_price_that_rises_sends_the_work_elsewhere() -> None:
    found = asked(PoolPrice((DC_A,), times(1.6)))
    assert nodes(found) == {"cloud-a": (0, 1), "dc-a": (1, 0)}
    assert (found.today.nodes_usd_per_hour, found.then.nodes_usd_per_hour) == (1.0, 1.5)
    assert found.stay_usd_per_hour == pytest.approx(1.6)


def test_a_price_that_is_too_low_a_rise_to_move_for_is_only_paid() -> None:
    found = asked(PoolPrice((DC_A,), times(1.2)))
    assert found.is_same
    assert [(line.today, line.then) for line in found.bill if line.policy == "cost"] == [(1.0, 1.2)]
    assert [line.usd_per_node_hour_then for line in found.pools] == [1.2]


def test_a_factor_is_on_the_price_in_force_and_not_on_the_list() -> None:
    demand = a_demand(FLEET, {"search": 100.0}, prices={"dc-a": 0.5})
    found = asked(PoolPrice((DC_A,), times(2.0)), demand=demand)
    assert [line.usd_per_node_hour_then for line in found.pools] == [1.0]


def test_a_pool_without_room_sends_the_work_elsewhere() -> None:
    found = asked(PoolMax((DC_A,), exactly(0.0)))
    assert nodes(found) == {"cloud-a": (0, 1), "dc-a": (1, 0)}
    assert found.stay_usd_per_hour is None


def test_more_room_is_used_where_it_saves() -> None:
    fleet = a_fleet(a_pool("dc-a", max_nodes=1), a_service(late_usd_per_hour=100.0))
    demand = a_demand(fleet, {"search": 540.0})
    found = asked(PoolMax((DC_A,), plus(1.0)), fleet=fleet, demand=demand)
    assert nodes(found) == {"dc-a": (1, 2)}
    assert [(line.today, line.then) for line in found.missing] == [(270.0, 0.0)]
    assert found.extra == pytest.approx(1.0 - 50.0)


def test_the_least_of_a_pool_never_exceeds_its_supposed_most() -> None:
    fleet = a_fleet(a_pool("dc-a", min_nodes=3), a_service())
    then = suppose(a_snapshot(fleet), [PoolMax((DC_A,), exactly(1.0))], lambda _: Demand())
    pool = then.snapshot.fleet.pools[DC_A]
    assert (pool.min_nodes, pool.max_nodes) == (1, 1)


def test_a_pool_that_is_sold_out_keeps_what_it_has() -> None:
    demand = a_demand(FLEET, {"search": 540.0})
    world: dict[str, Any] = {"nodes": {"dc-a": 1}, "pods": {("search", "dc-a"): 4}}
    found = asked(PoolSoldOut((DC_A,), True), demand=demand, **world)
    assert nodes(found) == {"cloud-a": (0, 1), "dc-a": (2, 1)}
    assert "sold out and planned without: dc-a" in found.notes


def test_an_offer_can_be_supposed_to_be_back() -> None:
    snapshot = suppose(
        a_snapshot(FLEET), [PoolSoldOut((DC_A,), True), PoolSoldOut((DC_A,), False)], _nothing
    ).snapshot
    assert snapshot.memory.sold_out == {}


def _nothing(_: Snapshot) -> Demand:
    return Demand()


def test_the_work_of_a_lost_site_moves() -> None:
    world: dict[str, Any] = {"nodes": {"dc-a": 1}, "pods": {("search", "dc-a"): 2}}
    found = asked(ClusterLost((ClusterName("dc"),)), **world)
    assert nodes(found) == {"cloud-a": (0, 1), "dc-a": (1, 0)}
    assert pods(found) == {("search", "cloud-a"): (0, 2), ("search", "dc-a"): (2, 0)}
    assert found.stay_usd_per_hour is None
    assert {line.pool: line.because for line in found.pools}["dc-a"] == "it is lost"


def test_a_site_that_is_not_seen_can_be_supposed_to_be_lost() -> None:
    """Unseen it is frozen, with all that was there; lost, its work is started elsewhere."""
    world: dict[str, Any] = {
        "nodes": {"dc-a": 1},
        "pods": {("search", "dc-a"): 2},
        "unseen": {"dc": "timeout"},
    }
    assert pods(asked(ClusterLost((ClusterName("dc"),)), **world)) == {
        ("search", "cloud-a"): (0, 2),
        ("search", "dc-a"): (2, 0),
    }


def test_what_may_only_be_in_the_lost_site_goes_missing() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_pool("dc-a"), a_service(pools=(DC_A,)))
    found = asked(ClusterLost((ClusterName("dc"),)), fleet=fleet)
    assert [(line.workload, line.then) for line in found.missing] == [("search", 100.0)]
    assert found.missing[0].because == "the workload lists other clusters or pools"


def test_data_of_which_no_copy_is_left_cannot_be_brought_anywhere() -> None:
    job = a_job(datasets=("logs",))
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_pool("dc-a"), job, a_dataset("logs", 10.0, "dc"))
    policies = (*TRIO, DataGravity())
    found = asked(
        ClusterLost((ClusterName("dc"),)), fleet=fleet, demand=a_demand(fleet), policies=policies
    )
    assert [(line.workload, line.then) for line in found.missing] == [("train", 1.0)]


def test_twice_the_load_needs_more_replicas() -> None:
    found = asked(ServiceLoad((SEARCH,), times(4.0)))
    assert nodes(found) == {"dc-a": (1, 2)}
    assert [(line.rps_today, line.rps_then) for line in found.services] == [(100.0, 400.0)]
    assert [line.then for line in found.placements] == [6]


def test_less_load_is_believed_although_the_service_is_held() -> None:
    world: dict[str, Any] = {"nodes": {"dc-a": 2}, "pods": {("search", "dc-a"): 8}}
    demand = a_demand(FLEET, {"search": load(500.0, hold=True)})
    found = asked(ServiceLoad((SEARCH,), exactly(100.0)), demand=demand, **world)
    assert nodes(found) == {"dc-a": (2, 1)}


def test_more_load_lets_nothing_go_of_a_service_that_is_held() -> None:
    world: dict[str, Any] = {"nodes": {"dc-a": 2}, "pods": {("search", "dc-a"): 8}}
    demand = a_demand(FLEET, {"search": load(100.0, hold=True)})
    assert asked(ServiceLoad((SEARCH,), times(2.0)), demand=demand, **world).is_same


def test_a_tighter_objective_needs_more_replicas() -> None:
    """Within 45 ms a replica carries 60 requests/s, within 60 ms 75."""
    found = asked(
        ServiceObjective((SEARCH,), exactly(0.045)), demand=a_demand(FLEET, {"search": 130.0})
    )
    assert pods(found) == {("search", "dc-a"): (2, 3)}
    assert [(line.objective_s_today, line.objective_s_then) for line in found.services] == [
        (0.060, 0.045)
    ]


def test_an_objective_that_nobody_reaches_leaves_the_load_late() -> None:
    found = asked(ServiceObjective((SEARCH,), times(0.2)))
    assert [line.then for line in found.missing] == [100.0]
    assert "best reachable p95" in found.missing[0].because


def test_a_suspended_job_frees_its_nodes() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_job())
    found = asked(JobSuspended((WorkloadName("train"),), True), fleet=fleet, **_forecast(fleet))
    assert nodes(found) == {"dc-a": (1, 0)}
    assert found.missing == ()


def test_a_near_deadline_makes_a_job_run_that_would_wait() -> None:
    """A node costs more than waiting is worth: only who must run, runs."""
    fleet = a_fleet(a_pool("dc-a", usd_per_node_hour=60.0), a_job(wait_usd_per_hour=1.0))
    soon = JobDeadline((WorkloadName("train"),), at=Instant(NOW + 3600.0))
    found = asked(soon, fleet=fleet, **_forecast(fleet))
    assert nodes(found) == {"dc-a": (0, 1)}


def test_a_later_deadline_lets_a_job_wait() -> None:
    job = a_job(wait_usd_per_hour=1.0, deadline=Instant(NOW + 3600.0))
    fleet = a_fleet(a_pool("dc-a", usd_per_node_hour=60.0), job)
    name = (WorkloadName("train"),)
    later = asked(JobDeadline(name, later_s=48 * 3600.0), fleet=fleet, **_forecast(fleet))
    none = asked(JobDeadline(name), fleet=fleet, **_forecast(fleet))
    assert nodes(later) == nodes(none) == {"dc-a": (1, 0)}


def _forecast(fleet: Fleet) -> dict[str, Any]:
    """Today's demand by the product's own forecast, which is asked again of what is supposed."""

    def expected(snapshot: Snapshot) -> Demand:
        return expect(snapshot, ForecastSettings())

    return {"demand": expected(a_snapshot(fleet)), "expected": expected}


def test_a_budget_sheds_what_is_worth_less() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_service(late_usd_per_hour=100.0))
    demand = a_demand(fleet, {"search": 540.0})
    found = asked(fleet=fleet, demand=demand, then_policies=(*TRIO, Budget(usd_per_hour=1.0)))
    assert nodes(found) == {"cloud-a": (2, 1)}
    assert [(line.today, line.then) for line in found.missing] == [(0.0, 270.0)]
    assert found.missing[0].because.startswith("the budget binds")


def test_suppositions_hold_together_and_in_their_order() -> None:
    then = suppose(
        a_snapshot(FLEET),
        [ServiceLoad((SEARCH,), times(2.0)), ServiceLoad((SEARCH,), plus(10.0))],
        lambda _: a_demand(FLEET, {"search": 100.0}),
    )
    assert then.demand.services[SEARCH].rps == 210.0


# -- the same world


def test_what_runs_stays_where_it_runs_unless_moving_pays() -> None:
    """The price of moving is that of the world as it runs, not of an empty one."""
    policies = (*TRIO, Stability(usd_per_pod=2.0))
    world: dict[str, Any] = {"nodes": {"dc-a": 1}, "pods": {("search", "dc-a"): 2}}
    rise = PoolPrice((DC_A,), times(2.0))
    assert asked(rise, policies=policies, **world).is_same
    assert not asked(rise, policies=policies).is_same


def test_urgent_work_is_not_given_up_to_keep_todays_plan() -> None:
    fleet = a_fleet(a_pool("dc-a", usd_per_node_hour=60.0), a_job(wait_usd_per_hour=1.0))
    must = a_demand(fleet, jobs={"train": MUST_RUN})
    found = asked(fleet=fleet, demand=a_demand(fleet), expected=lambda _: must)
    assert nodes(found) == {"dc-a": (0, 1)}
    assert found.stay_usd_per_hour == pytest.approx(1.0), "cheaper, and yet not chosen"


def test_equal_plans_elsewhere_are_no_difference() -> None:
    """Two pools of one price: what is supposed of a third moves nothing from twin to twin."""
    fleet = a_fleet(
        a_pool("dc-a"),
        a_pool("dc-b"),
        a_service(),
        a_service("ads"),
        a_pool("idle", "cloud", usd_per_node_hour=2.0),
    )
    demand = a_demand(fleet, {"search": 270.0, "ads": 270.0})
    found = asked(PoolPrice((PoolName("idle"),), times(3.0)), fleet=fleet, demand=demand)
    assert found.is_same


def test_a_gap_of_todays_plan_is_no_answer_to_what_is_supposed() -> None:
    """The solver may leave today's plan dear; a price that nobody pays does not mend that."""
    fleet = a_fleet(
        a_pool("dc-a"),
        a_pool("dc-b", usd_per_node_hour=1.2),
        a_pool("idle", "cloud", usd_per_node_hour=5.0),
        a_service(),
    )
    snapshot, demand = a_snapshot(fleet), a_demand(fleet, {"search": 100.0})
    dear = decide(snapshot, a_demand(fleet, {"search": 100.0}, prices={"dc-a": 2.0}), TRIO, EXACT)
    plan = replace(dear, proof=replace(dear.proof, objective=1.2, bound=1.0))
    rise = suppose(snapshot, [PoolPrice((PoolName("idle"),), times(2.0))], lambda _: demand)
    cheap = suppose(snapshot, [PoolPrice((DC_A,), times(0.5))], lambda _: demand)
    now = Question(world=Supposed(snapshot=snapshot, demand=demand), policies=TRIO)
    same, other = (
        what_if(plan, now, Question(world=world, policies=TRIO), EXACT, ())
        for world in (rise, cheap)
    )
    assert same.is_same
    assert nodes(other)["dc-a"] == (0, 1)


def test_the_supposed_world_is_another_value() -> None:
    snapshot = a_snapshot(FLEET, nodes={"dc-a": 1})
    before = repr(snapshot)
    suppose(
        snapshot,
        [ClusterLost((ClusterName("dc"),)), PoolMax((CLOUD_A,), exactly(1.0))],
        lambda _: a_demand(FLEET, {"search": 100.0}),
    )
    assert repr(snapshot) == before


def test_a_world_of_nothing_has_no_difference() -> None:
    empty = a_fleet()
    found = asked(ClusterLost((ClusterName("dc"),)), fleet=empty, demand=Demand())
    assert found.is_same
    assert found.extra == 0.0


def test_to_lose_every_site_leaves_everything_missing() -> None:
    found = asked(ClusterLost((ClusterName("cloud"), ClusterName("dc"))))
    assert [(line.workload, line.then) for line in found.missing] == [("search", 100.0)]
    assert nodes(found) == {"dc-a": (1, 0)}


@pytest.mark.parametrize("rps", [0.0, 1e9])
def test_absurd_loads_have_a_plan_too(rps: float) -> None:
    found = asked(ServiceLoad((SEARCH,), exactly(rps)))
    assert [line.rps_then for line in found.services] == [rps]
    assert bool(found.missing) is (rps > 0.0)


def test_rules_that_contradict_each_other_have_no_plan_then() -> None:
    both = (*TRIO, _Nodes(), _NoNodes())
    with pytest.raises(NoPlanError):
        asked(then_policies=both)


@dataclass(frozen=True)
class _Nodes:
    """Insists on a node."""

    name = PolicyName("nodes")

    def contribute(self, board: Board) -> Contribution:
        total = board.nodes @ np.ones(board.nodes.rows)
        return Contribution(rules=(at_least("some", total, np.ones(1), words=str),))


@dataclass(frozen=True)
class _NoNodes:
    """Forbids all nodes."""

    name = PolicyName("no-nodes")

    def contribute(self, board: Board) -> Contribution:
        total = board.nodes @ np.ones(board.nodes.rows)
        return Contribution(rules=(at_most("none", total, np.zeros(1), words=str),))


@SLOW
@given(worlds(), st.sampled_from([0.0, 0.5, 1.0, 3.0]))
def test_a_dearer_world_is_never_proven_cheaper(world: World, factor: float) -> None:
    """Whatever is supposed of prices, the proven interval holds the difference of the optima."""
    today = decide(world.snapshot, world.demand, ALL, EXACT)
    pools = tuple(world.snapshot.fleet.pools)
    then = suppose(world.snapshot, [PoolPrice(pools, times(factor))], lambda _: world.demand)
    now = Supposed(snapshot=world.snapshot, demand=world.demand)
    found = what_if(
        today,
        Question(world=now, policies=ALL),
        Question(world=then, policies=ALL),
        EXACT,
        (),
    )
    assert found.least_extra <= found.extra + 1e-6 <= found.most_extra + 2e-6
    if factor >= 1.0:
        assert found.most_extra >= -1e-6
    if factor == 1.0:
        assert found.is_same
    if found.stay_usd_per_hour is not None and not any(today.missing):
        assert found.then.usd_per_hour <= found.stay_usd_per_hour + 1e-6
