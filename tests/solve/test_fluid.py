"""Where units may be split, only nodes are whole: the large link finds them and proves its gap."""

from dataclasses import replace

import pytest

from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.model.policy import Policy
from scheduler.solve.answer import cost, is_feasible
from scheduler.solve.chain import solve
from scheduler.solve.highs import solve_exactly
from tests.bench.worlds import a_world
from tests.model.worlds import EXACT
from tests.solve.questions import ask

POLICIES: tuple[Policy, ...] = (Cost(), ResponseTime())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_split_units_cost_what_branch_and_bound_finds(seed: int) -> None:
    problem, board = ask(*a_world(12, 8, seed), POLICIES)
    units = problem.span("units")
    whole = problem.integer.copy()
    whole[units] = False
    fluid = replace(problem, integer=whole)
    settings = replace(EXACT, gap=1e-3)
    found, other = solve(fluid, board, settings), solve_exactly(fluid, settings)
    assert other.x is not None
    assert is_feasible(fluid, found.x)
    assert found.objective == pytest.approx(cost(fluid, other.x), rel=2e-3)
    assert found.bound <= cost(fluid, other.x) + 1e-6
