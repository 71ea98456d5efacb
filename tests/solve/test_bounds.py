"""Bounds: whatever is left out of the search, what is claimed to be least is least."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.domain.places import Resources
from scheduler.domain.settings import SolverSettings
from scheduler.solve.answer import cost, is_feasible
from scheduler.solve.bounds import believed, certified_bound
from scheduler.solve.greedy import solve_greedily
from scheduler.solve.highs import certified, relax, solve_exactly
from scheduler.solve.restricted import SMALL, solve_restricted, tightened
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World, worlds
from tests.model.worlds import EXACT, a_demand, a_fleet, a_pool, a_service, a_snapshot
from tests.solve.questions import ask


@SLOW
@given(worlds())
def test_the_relaxation_and_the_solver_bound_the_optimum_from_below(world: World) -> None:
    problem, _ = ask(world.snapshot, world.demand, ALL)
    relaxed, best = relax(problem, 20.0), solve_exactly(problem, EXACT)
    assert relaxed is not None
    assert best.x is not None
    hair = 1e-6 * (1.0 + abs(cost(problem, best.x)))
    assert relaxed.bound <= cost(problem, best.x) + hair
    assert best.bound <= cost(problem, best.x) + hair


@SLOW
@given(worlds())
def test_what_a_known_plan_rules_out_was_not_in_the_best_plan(world: World) -> None:
    problem, board = ask(world.snapshot, world.demand, ALL)
    relaxed, greedy = relax(problem, 20.0), solve_greedily(problem, board)
    best = solve_exactly(problem, EXACT).x
    assert relaxed is not None
    assert greedy is not None
    assert best is not None
    for known in (greedy, best):
        narrowed = tightened(problem, relaxed, cost(problem, known))
        again = solve_exactly(narrowed, EXACT).x
        assert again is not None
        assert cost(problem, again) == pytest.approx(cost(problem, best), rel=1e-6, abs=1e-6)
        assert np.all(best <= narrowed.upper + 1e-6) or known is greedy


def test_a_column_worth_just_what_the_gap_allows_is_kept() -> None:
    """The relaxation takes an eighth of a large node at 0.50, the best plan a small one at 0.90."""
    large = Resources(gpus=8, cpu=99, memory_gib=99, pods=99)
    fleet = a_fleet(
        a_pool("dc-a", per_node=large, usd_per_node_hour=4.0),
        a_pool("dc-b", per_node=Resources(gpus=1, cpu=9, memory_gib=9), usd_per_node_hour=0.9),
        a_service(),
    )
    problem, _ = ask(a_snapshot(fleet), a_demand(fleet, {"search": 67.5}), (Cost(), ResponseTime()))
    relaxed = relax(problem, 20.0)
    assert relaxed is not None
    assert relaxed.bound == pytest.approx(0.5)
    again = solve_exactly(tightened(problem, relaxed, 0.9), EXACT).x
    assert again is not None
    assert cost(problem, again) == pytest.approx(0.9)


@SLOW
@given(worlds())
def test_reduced_costs_and_duals_add_up_to_the_bound(world: World) -> None:
    """The Lagrangian of the LP at its own duals is its value: so the prices can be believed."""
    problem, _ = ask(world.snapshot, world.demand, ALL)
    relaxed = relax(problem, 20.0)
    assert relaxed is not None
    upper = np.where(np.isfinite(problem.upper), problem.upper, 0.0)
    prices = relaxed.reduced_costs
    by_columns = np.where(prices > 0.0, prices * problem.lower, prices * upper).sum()
    duals = relaxed.row_duals
    sides = np.where(duals > 0.0, problem.row_lower, problem.row_upper)
    by_rows = (duals * np.where(duals == 0.0, 0.0, sides)).sum()
    total = by_columns + by_rows + problem.constant
    assert total == pytest.approx(relaxed.bound, rel=1e-6, abs=1e-6)
    difference = problem.cost - problem.matrix.T @ duals - prices
    assert np.abs(difference).max() <= 1e-6 * (1.0 + np.abs(problem.cost).max())


@pytest.mark.parametrize("seed", [1, 2])
def test_a_restricted_search_of_a_large_problem_claims_no_more_than_it_proved(seed: int) -> None:
    dice = np.random.default_rng(seed)
    fleet = a_fleet(
        *(
            a_pool(f"p{i:02d}", max_nodes=2, usd_per_node_hour=float(dice.uniform(0.8, 1.2)))
            for i in range(21)
        ),
        *(a_service(f"s{i:02d}") for i in range(20)),
    )
    rps = {str(name): float(dice.uniform(20.0, 140.0)) for name in fleet.services}
    problem, board = ask(a_snapshot(fleet), a_demand(fleet, rps), (Cost(), ResponseTime()))
    assert board.options.count > SMALL
    relaxed = relax(problem, 20.0)
    assert relaxed is not None
    some = solve_restricted(problem, board, relaxed, SolverSettings())
    whole = solve_exactly(problem, replace(SolverSettings(), gap=0.01))
    assert some.x is not None
    assert whole.x is not None
    assert is_feasible(problem, some.x)
    assert some.bound <= min(cost(problem, some.x), cost(problem, whole.x)) + 1e-6
    assert some.bound >= relaxed.bound - 1e-6


@SLOW
@given(worlds(), st.integers(0, 2**32 - 1))
def test_any_prices_of_the_rows_prove_a_bound_and_the_best_prove_the_relaxation(
    world: World, seed: int
) -> None:
    problem, _ = ask(world.snapshot, world.demand, ALL)
    relaxed, best = relax(problem, 20.0), solve_exactly(problem, EXACT)
    assert relaxed is not None
    assert best.x is not None
    optimum = cost(problem, best.x)
    hair = 1e-6 * (1.0 + abs(optimum))
    everything = solve_exactly(replace(problem, integer=np.zeros_like(problem.integer)), EXACT)
    assert everything.x is not None
    assert relaxed.bound == pytest.approx(cost(problem, everything.x), rel=1e-6, abs=1e-6)
    dice = np.random.default_rng(seed)
    wild = dice.normal(0.0, 10.0, len(relaxed.row_duals))
    noisy = relaxed.row_duals * (1.0 + dice.normal(0.0, 0.1, len(wild)))
    for duals in (wild, noisy, -relaxed.row_duals, np.full(len(wild), np.nan), 0.0 * wild):
        assert certified_bound(problem, duals) <= optimum + hair


@SLOW
@given(worlds(), st.integers(0, 2**32 - 1))
def test_prices_that_are_wrong_leave_out_nothing_that_the_best_plan_uses(
    world: World, seed: int
) -> None:
    problem, _ = ask(world.snapshot, world.demand, ALL)
    best = solve_exactly(problem, EXACT)
    assert best.x is not None
    duals = np.random.default_rng(seed).normal(0.0, 10.0, len(problem.row_lower))
    for said in (duals, -np.abs(duals), np.abs(duals)):
        wrong = certified(problem, problem.lower, said)
        narrowed = tightened(problem, wrong, cost(problem, best.x))
        assert np.all(best.x <= narrowed.upper + 1e-9)


def test_noise_in_the_prices_costs_a_hair_of_the_bound_and_not_all_of_it() -> None:
    """Missing work may be as much as 1e9 requests/s, and slack has no upper limit at all."""
    fleet = a_fleet(
        a_pool("dc-a"), a_service(max_replicas=9, late_usd_per_hour=1e6, min_replicas=2)
    )
    problem, _ = ask(a_snapshot(fleet), a_demand(fleet, {"search": 1e9}), (Cost(), ResponseTime()))
    relaxed = relax(problem, 20.0)
    assert relaxed is not None
    dice = np.random.default_rng(1)
    noise = 1e-9 * dice.normal(size=len(relaxed.row_duals)) * np.abs(relaxed.row_duals)
    found = certified_bound(problem, relaxed.row_duals + noise)
    assert relaxed.bound * (1.0 - 1e-6) <= found <= relaxed.bound * (1.0 + 1e-9)


def test_prices_that_are_free_prove_no_more_than_what_costs_nothing() -> None:
    fleet = a_fleet(a_pool("dc-a", min_nodes=2), a_service())
    problem, _ = ask(
        a_snapshot(fleet), a_demand(fleet, {"search": 100.0}), (Cost(), ResponseTime())
    )
    assert certified_bound(problem, np.zeros(len(problem.row_lower))) == 2.0
    gift = np.where(np.isinf(problem.upper), -1.0, problem.cost)
    endless = replace(problem, cost=gift, upper=np.full(problem.columns, np.inf))
    assert certified_bound(endless, np.zeros(len(problem.row_lower))) == -np.inf


@pytest.mark.parametrize(
    ("claimed", "bound"),
    [
        pytest.param(8.0, 8.0, id="better than what we know"),
        pytest.param(5.0, 7.0, id="worse"),
        pytest.param(10.00001, 10.0, id="above the plan by rounding"),
        pytest.param(11.0, 7.0, id="above the plan: refuted"),
        pytest.param(np.inf, 7.0, id="nothing is possible: refuted"),
        pytest.param(np.nan, 7.0, id="no number"),
        pytest.param(-np.inf, 7.0, id="no claim"),
    ],
)
def test_a_claim_is_believed_until_a_plan_refutes_it(claimed: float, bound: float) -> None:
    assert believed(claimed, certified=7.0, objective=10.0) == bound
