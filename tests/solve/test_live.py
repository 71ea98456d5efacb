"""A linear program that stays in the solver, and whole numbers by branch and bound."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from scheduler.domain.settings import SolverSettings
from scheduler.model.board import survey
from scheduler.model.problem import Problem, assemble, restrict
from scheduler.solve.answer import cost, is_feasible
from scheduler.solve.highs import solve_exactly
from scheduler.solve.near.live import Live, Part, whole
from tests.bench.worlds import a_world, all_policies

KNAPSACK = Part(
    cost=np.array([-8.0, -11.0, -6.0]),
    lower=np.zeros(3),
    upper=np.ones(3),
    integer=np.ones(3, dtype=bool),
    matrix=csr_array(np.array([[5.0, 7.0, 4.0]])),
    row_lower=np.array([-np.inf]),
    row_upper=np.array([10.0]),
)


def _part(problem: Problem) -> Part:
    return Part(
        cost=problem.cost,
        lower=problem.lower,
        upper=problem.upper,
        integer=problem.integer,
        matrix=problem.matrix,
        row_lower=problem.row_lower,
        row_upper=problem.row_upper,
    )


def test_it_goes_on_after_its_limits_change() -> None:
    live = Live(KNAPSACK, 1.0)
    assert live.solve()
    assert KNAPSACK.cost @ live.x == pytest.approx(-8.0 - 5.0 / 7.0 * 11.0)
    assert live.duals == pytest.approx([-11.0 / 7.0])
    live.limit(np.array([0]), np.zeros(1), np.zeros(1))
    assert live.solve()
    assert live.x == pytest.approx([0.0, 1.0, 0.75])


def test_limits_that_nothing_satisfies_leave_no_optimum() -> None:
    live = Live(replace(KNAPSACK, row_upper=np.array([-1.0])), 1.0)
    assert not live.solve()


def test_a_basis_is_where_the_next_program_starts() -> None:
    live = Live(KNAPSACK, 1.0)
    assert live.solve()
    again = Live(KNAPSACK, 1.0, live.basis)
    assert again.solve()
    assert again.x == pytest.approx(live.x)
    assert (again.basis.columns == live.basis.columns).all()


def test_whole_numbers_are_the_best_ones_with_their_bound() -> None:
    found = whole(KNAPSACK, 0.0, 100, 5.0)
    assert found.x == pytest.approx([1.0, 0.0, 1.0])
    assert found.bound == pytest.approx(-14.0)
    assert not found.infeasible


def test_what_has_no_whole_numbers_is_told() -> None:
    found = whole(replace(KNAPSACK, row_lower=np.array([9.5]), row_upper=np.array([9.7])), 0, 9, 5)
    assert found.x is None
    assert found.infeasible


@pytest.mark.parametrize("seed", [1, 2])
def test_a_plan_comes_out_as_by_the_other_road_to_the_same_solver(seed: int) -> None:
    policies, settings = all_policies(60.0), SolverSettings(gap=1e-3, node_limit=500)
    board, _ = restrict(survey(*a_world(10, 6, seed)), policies)
    problem = assemble(board, policies)
    other = solve_exactly(problem, settings)
    found = whole(_part(problem), settings.gap, settings.node_limit, settings.time_limit_s)
    assert found.x is not None
    assert other.x is not None
    assert is_feasible(problem, found.x)
    assert cost(problem, found.x) == pytest.approx(cost(problem, other.x), rel=2e-3)
    assert found.bound + problem.constant <= cost(problem, other.x) * (1.0 + 1e-6)


def test_nothing_is_written_where_plans_are_read() -> None:
    script = (
        "import numpy as np; from scipy.sparse import csr_array;"
        "from scheduler.solve.near.live import Live, Part;"
        "one = np.ones(1);"
        "Live(Part(cost=one, lower=one, upper=one, integer=one > 0, matrix=csr_array([[1.0]]),"
        " row_lower=one, row_upper=one), 1.0).solve()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
