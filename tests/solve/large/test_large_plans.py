"""The large road: as good as the exact one, never promising more than is true."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from scheduler.domain.settings import SolverSettings
from scheduler.model.problem import Problem
from scheduler.solve.answer import cost, is_feasible
from scheduler.solve.highs import relax, solve_exactly
from scheduler.solve.large.front import solve_large
from tests.model.random_worlds import ALL, World, worlds
from tests.solve.large.markets import a_market, market
from tests.solve.questions import ask

EXACT = SolverSettings(gap=1e-7)
GAP = 0.002
WIDE = 0.02


def optimum(problem: Problem) -> float | None:
    """By the exact road."""
    answer = solve_exactly(problem, EXACT)
    return None if answer.x is None else cost(problem, answer.x)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10)
def test_a_market_is_planned_within_the_gap(seed: int) -> None:
    problem = a_market(seed=seed)
    best, answer = optimum(problem), solve_large(problem, GAP)
    assert best is not None
    assert answer.x is not None
    assert is_feasible(problem, answer.x)
    assert answer.bound <= best * (1.0 + 1e-6)
    assert cost(problem, answer.x) <= answer.bound * (1.0 + 1.01 * GAP) + 1e-6


@given(world=worlds())
@settings(max_examples=40)
def test_any_problem_is_solved_as_by_the_exact_road(world: World) -> None:
    problem, _ = ask(world.snapshot, world.demand, ALL)
    best, answer = optimum(problem), solve_large(problem, 1e-7)
    if best is None:
        assert answer.x is None
        return
    assert answer.x is not None
    assert is_feasible(problem, answer.x)
    assert cost(problem, answer.x) == pytest.approx(best, rel=1e-5, abs=1e-5)
    assert answer.bound <= best + 1e-5 * (1.0 + abs(best))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_replicas_are_whole_where_they_must_be(seed: int) -> None:
    problem = a_market(12, 4, seed, whole=True)
    best, answer = optimum(problem), solve_large(problem, 1e-6)
    assert best is not None
    assert answer.x is not None
    assert is_feasible(problem, answer.x)
    assert cost(problem, answer.x) == pytest.approx(best, rel=1e-4)
    assert answer.bound <= best * (1.0 + 1e-6)


def test_cuts_prove_more_than_the_relaxation() -> None:
    problem = a_market(60, 8, seed=5)
    relaxed, answer = relax(problem, 10.0), solve_large(problem, GAP)
    best = optimum(problem)
    assert relaxed is not None
    assert best is not None
    assert relaxed.bound < answer.bound <= best * (1.0 + 1e-6)


def test_a_small_change_is_planned_from_what_is_known() -> None:
    problem = a_market(200, 10, seed=2)
    first = solve_large(problem, WIDE)
    lower, upper = problem.row_lower.copy(), problem.upper.copy()
    lower[:20] *= 1.2
    upper[problem.span("missing")] = lower[:200]
    changed = replace(problem, row_lower=lower, upper=upper)
    again = solve_large(changed, WIDE, first.warm)
    cold = solve_large(changed, WIDE)
    assert again.x is not None
    assert cold.x is not None
    assert is_feasible(changed, again.x)
    assert cost(changed, again.x) <= again.bound * (1.0 + 1.02 * WIDE)
    assert again.bound <= cost(changed, cold.x) * (1.0 + 1e-9)
    assert cold.bound <= cost(changed, again.x) * (1.0 + 1e-9)


def test_prices_that_change_are_no_reason_to_forget() -> None:
    problem = a_market(200, 10, seed=4)
    first = solve_large(problem, WIDE)
    dearer = replace(problem, cost=problem.cost * np.where(problem.integer, 1.3, 1.0))
    again = solve_large(dearer, WIDE, first.warm)
    assert again.x is not None
    assert is_feasible(dearer, again.x)
    assert cost(dearer, again.x) <= again.bound * (1.0 + 1.02 * WIDE)


@pytest.mark.parametrize(
    "other", [a_market(40, 7, seed=1), a_market(30, 6, seed=2), a_market(30, 6, seed=1, whole=True)]
)
def test_what_is_known_of_another_model_is_not_used(other: Problem) -> None:
    first = solve_large(a_market(30, 6, seed=1), WIDE)
    answer, cold = solve_large(other, WIDE, first.warm), solve_large(other, WIDE)
    assert answer.x is not None
    assert cold.x is not None
    assert np.array_equal(answer.x, cold.x)


def test_the_same_question_has_the_same_answer() -> None:
    first, second = (solve_large(a_market(80, 8, seed=3), GAP) for _ in range(2))
    assert first.x is not None
    assert second.x is not None
    assert first.x.tobytes() == second.x.tobytes()
    assert first.bound == second.bound
    assert first.row_duals.tobytes() == second.row_duals.tobytes()


def test_a_contradiction_has_no_plan() -> None:
    problem = a_market(10, 3)
    lower = np.where(problem.integer, problem.upper + 1.0, problem.lower)
    answer = solve_large(replace(problem, lower=lower), GAP)
    assert answer.x is None


def test_where_nothing_is_wanted_nothing_is_paid() -> None:
    problem = a_market(10, 3)
    wanted = np.zeros_like(problem.row_lower)
    lower = np.where(np.isfinite(problem.row_lower), wanted, problem.row_lower)
    answer = solve_large(replace(problem, row_lower=lower), GAP)
    assert answer.x is not None
    assert cost(problem, answer.x) == pytest.approx(0.0, abs=1e-9)
    assert answer.bound == pytest.approx(0.0, abs=1e-9)


def test_where_nothing_is_for_sale_all_is_missing() -> None:
    problem = a_market(10, 3)
    upper = np.where(problem.integer, 0.0, problem.upper)
    answer = solve_large(replace(problem, upper=upper), GAP)
    assert answer.x is not None
    missing = problem.span("missing")
    assert answer.x[missing] == pytest.approx(problem.upper[missing])


def test_without_rows_each_unknown_is_at_its_cheapest() -> None:
    problem = a_market(4, 2)
    bare = replace(
        problem,
        matrix=csr_array((0, problem.columns)),
        row_lower=np.zeros(0),
        row_upper=np.zeros(0),
    )
    answer = solve_large(bare, GAP)
    assert answer.x is not None
    assert answer.bound == pytest.approx(0.0)


def test_a_hundred_equal_pools_cost_what_one_of_their_size_costs() -> None:
    demand, equal = np.array([7.0, 11.0, 30.0]), 100
    workload, pool = (grid.ravel() for grid in np.indices((3, equal)))
    split = market(
        workload,
        pool,
        speed=np.ones(3 * equal),
        demand=demand,
        node_usd=np.full(equal, 2.0),
        size=np.full(equal, 4.0),
        most=np.ones(equal),
    )
    answer = solve_large(split, 1e-6)
    assert answer.x is not None
    assert is_feasible(split, answer.x)
    assert answer.x[:equal].sum() == 12
