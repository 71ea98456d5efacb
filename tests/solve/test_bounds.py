"""Bounds: whatever is left out of the search, what is claimed to be least is least."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.domain.places import Resources
from scheduler.domain.settings import SolverSettings
from scheduler.solve.answer import cost, is_feasible
from scheduler.solve.greedy import solve_greedily
from scheduler.solve.highs import relax, solve_exactly
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
