"""The next-best plan: exactly what doing without something costs, and what is proven of it."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.budget import Budget
from policies.cost import Cost
from policies.residency import Residency
from policies.response_time import ResponseTime
from scheduler.domain.difference import NextBest
from scheduler.domain.fleet import Fleet
from scheduler.domain.settings import SolverSettings
from scheduler.model.policy import Policy
from scheduler.planning.alternatives import Limits, alternatives, refined, unit_at
from scheduler.planning.decide import decide
from scheduler.planning.decision import Decision, settle
from scheduler.planning.next_best import next_best_plan
from scheduler.planning.worth import cost_of_a_request, nearly, worth_of_a_node
from scheduler.solve.answer import cost, is_feasible
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World, worlds
from tests.model.worlds import (
    EXACT,
    HABIT,
    MUST_RUN,
    a_demand,
    a_fleet,
    a_job,
    a_pool,
    a_service,
    a_snapshot,
)

TRIO: tuple[Policy, ...] = (Residency(), Cost(), ResponseTime())
FLEET = a_fleet(
    a_pool("cloud-a", "cloud", usd_per_node_hour=1.5),
    a_pool("dc-a", usd_per_node_hour=1.0),
    a_service(),
)


def decision_of(
    fleet: Fleet,
    rps: dict[str, float],
    *policies: Policy,
    settings: SolverSettings = EXACT,
) -> Decision:
    return settle(a_snapshot(fleet), a_demand(fleet, rps), policies or TRIO, settings)


def next_best_of(
    fleet: Fleet, rps: dict[str, float], *policies: Policy, **world: object
) -> NextBest | None:
    snapshot, demand = a_snapshot(fleet, **world), a_demand(fleet, rps)  # type: ignore[arg-type]
    chosen = policies or TRIO
    plan = decide(snapshot, demand, chosen, EXACT)
    return next_best_plan(plan, snapshot, demand, chosen, EXACT)


# -- the next-best plan


def test_the_next_best_plan_does_without_the_option_that_takes_the_most_money() -> None:
    found = next_best_of(FLEET, {"search": 100.0})
    assert found is not None
    assert found.words == "without search on dc-a"
    assert found.extra_usd_per_hour == found.least_extra_usd_per_hour == pytest.approx(0.5)
    nodes = {line.pool: (line.today, line.then) for line in found.difference.pools}
    assert nodes == {"cloud-a": (0, 1), "dc-a": (1, 0)}


def test_a_plan_without_an_alternative_has_no_next_best() -> None:
    assert next_best_of(a_fleet(a_pool("dc-a")), {}) is None


def test_without_another_place_the_next_best_is_to_be_late() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service(late_usd_per_hour=90.0))
    found = next_best_of(fleet, {"search": 100.0})
    assert found is not None
    assert found.extra_usd_per_hour == pytest.approx(89.0)
    assert [(line.today, line.then) for line in found.difference.missing] == [(0.0, 100.0)]


def test_to_change_nothing_is_an_alternative_too() -> None:
    """A node that is not needed costs a dollar; to do without the pool costs two."""
    fleet = a_fleet(a_pool("cloud-a", "cloud", usd_per_node_hour=3.0), a_pool("dc-a"), a_service())
    world = {"nodes": {"dc-a": 2}, "pods": {("search", "dc-a"): 2}}
    found = next_best_of(fleet, {"search": 100.0}, **world)
    assert found is not None
    assert found.words == "without any change of nodes and pods"
    assert found.extra_usd_per_hour == pytest.approx(1.0)
    assert [(line.today, line.then) for line in found.difference.pools] == [(1, 2)]


def test_an_alternative_that_leaves_urgent_work_undone_comes_last_and_says_so() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_job(wait_usd_per_hour=0.1))
    snapshot, demand = a_snapshot(fleet), a_demand(fleet, jobs={"train": MUST_RUN})
    plan = decide(snapshot, demand, TRIO, EXACT)
    found = next_best_plan(plan, snapshot, demand, TRIO, EXACT)
    assert found is not None
    assert found.words.endswith(", and leaves urgent work undone")


@SLOW
@given(worlds())
def test_the_next_best_plan_never_costs_less_and_its_bill_is_its_difference(world: World) -> None:
    plan = decide(world.snapshot, world.demand, ALL, EXACT)
    found = next_best_plan(plan, world.snapshot, world.demand, ALL, EXACT)
    if found is not None:
        assert 0.0 <= found.least_extra_usd_per_hour <= found.extra_usd_per_hour + 1e-6
        more = found.difference.extra
        assert found.extra_usd_per_hour == pytest.approx(max(0.0, more), abs=1e-5)
        assert found.difference.today.usd_per_hour == plan.proof.objective


# -- alternatives


@SLOW
@given(worlds(), st.integers(0, 100))
def test_an_alternative_is_feasible_within_its_limits_and_its_cost_is_its_own(
    world: World, which: int
) -> None:
    decision = settle(world.snapshot, world.demand, ALL, EXACT)
    if not decision.board.options.count:
        return
    option = which % decision.board.options.count
    at = unit_at(decision, option)
    (without,) = alternatives(decision, [Limits(at_most={at: 0.0})], EXACT)
    if without is not None:
        found, problem = without.decision.solution, decision.problem
        assert is_feasible(problem, found.x)
        assert found.x[at] == 0.0
        usd = cost(problem, found.x) - cost(problem, decision.solution.x)
        assert without.extra_usd_per_hour == pytest.approx(max(0.0, usd), abs=1e-6)
        assert without.least_usd_per_hour <= without.extra_usd_per_hour + 1e-6


def test_limits_that_contradict_each_other_have_no_plan() -> None:
    decision = decision_of(FLEET, {"search": 100.0})
    at = unit_at(decision, 0)
    assert alternatives(decision, [Limits(at_least={at: 2.0}, at_most={at: 1.0})], EXACT) == [None]


def test_what_is_found_for_one_alternative_is_known_to_the_others() -> None:
    """However coarse the search is, a plan that was found is not told to be dearer than it is."""
    coarse = replace(HABIT, gap=0.5, node_limit=1, keep_within=-1.0)
    fleet = a_fleet(
        *(a_pool(f"dc-{i}", usd_per_node_hour=1.0 + 0.1 * i, max_nodes=1) for i in range(4)),
        a_service(),
        a_service("ads"),
        a_job(),
    )
    decision = decision_of(fleet, {"search": 200.0, "ads": 150.0}, settings=coarse)
    limits = [
        Limits(at_most={unit_at(decision, o): 0.0}) for o in range(decision.board.options.count)
    ]
    found = [item for item in alternatives(decision, limits, coarse) if item is not None]
    for one, other in itertools.product(found, found):
        if is_feasible(one.decision.problem, other.decision.solution.x):
            assert one.extra_usd_per_hour <= other.extra_usd_per_hour + 1e-6


def test_a_finer_search_proves_more_and_never_tells_more() -> None:
    decision = decision_of(FLEET, {"search": 100.0})
    limits = Limits(at_most={unit_at(decision, 1): 0.0})
    coarse = replace(HABIT, gap=0.3)
    (first,) = alternatives(decision, [limits], coarse)
    assert first is not None
    finer = refined(decision, first, coarse)
    assert finer.extra_usd_per_hour <= first.extra_usd_per_hour
    assert finer.least_usd_per_hour >= first.least_usd_per_hour


# -- worth


def test_a_request_more_costs_its_share_of_a_replica() -> None:
    """Four replicas of 67.5 requests/s on a node of one dollar."""
    decision = decision_of(FLEET, {"search": 100.0})
    assert cost_of_a_request(decision)[0] == pytest.approx(1.0 / (4 * 67.5))


def test_a_request_more_where_all_is_full_costs_what_a_late_one_costs() -> None:
    fleet = a_fleet(a_pool("dc-a", max_nodes=1), a_service(late_usd_per_hour=540.0))
    decision = decision_of(fleet, {"search": 540.0})
    assert cost_of_a_request(decision)[0] == pytest.approx(1.0)


def test_a_request_more_costs_what_the_bill_rises_by() -> None:
    """The relaxation's price is its slope: over whole nodes' worth of load it is the bill's too."""
    low, high = 4 * 67.5 * 3, 4 * 67.5 * 4
    bills = [decision_of(FLEET, {"search": rps}).solution.objective for rps in (low, high)]
    each = cost_of_a_request(decision_of(FLEET, {"search": low}))[0]
    assert bills[1] - bills[0] == pytest.approx(each * (high - low))


def test_the_shadow_price_of_a_node_is_what_a_node_more_saves() -> None:
    def bill(most: int) -> float:
        fleet = a_fleet(a_pool("dc-a", max_nodes=most), a_service(late_usd_per_hour=1000.0))
        decision = decision_of(fleet, {"search": 8 * 67.5})
        worth.append(float(worth_of_a_node(decision)[0]))
        return decision.solution.objective

    worth: list[float] = []
    saved = bill(1) - bill(2)
    assert worth[0] == pytest.approx(saved) == pytest.approx(499.0)


def test_a_pool_not_used_says_at_which_price_it_could_pay() -> None:
    decision = decision_of(FLEET, {"search": 270.0})
    (line,) = nearly(decision)
    assert (line.pool, line.workload) == ("cloud-a", "search")
    assert line.less_usd_per_node_hour == pytest.approx(0.5)
    for less, where in ((0.51, "cloud-a"), (0.49, "dc-a")):
        prices = {"cloud-a": 1.5 - less}
        plan = decide(
            a_snapshot(FLEET), a_demand(FLEET, {"search": 270.0}, prices=prices), TRIO, EXACT
        )
        assert [line.pool for line in plan.pools if line.after] == [where]


def test_what_is_in_use_sold_out_or_not_needed_is_not_nearly_used() -> None:
    assert nearly(decision_of(FLEET, {"search": 0.0})) == ()
    full = a_fleet(a_pool("cloud-a", "cloud", max_nodes=0), a_pool("dc-a"), a_service())
    assert nearly(decision_of(full, {"search": 100.0})) == ()


def test_the_relief_of_a_budget_is_one_dollar_an_hour() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_service(late_usd_per_hour=540.0))
    snapshot, demand = a_snapshot(fleet), a_demand(fleet, {"search": 540.0})
    plan = decide(snapshot, demand, (*TRIO, Budget(usd_per_hour=1.0)), EXACT)
    (line,) = [line for line in plan.binding if line.policy == "budget"]
    assert line.relief == "one USD/h more"
    assert line.usd_per_hour == pytest.approx(270.0 - 1.0)
