"""CBC through PuLP where it has been wrong before."""

from dataclasses import replace

import numpy as np
import pytest

from scheduler.domain.names import PolicyName
from scheduler.model.affine import Block
from scheduler.model.policy import Contribution, at_least, at_most
from scheduler.model.problem import Problem
from scheduler.solve.answer import cost
from scheduler.solve.pulp_road import solve_with_pulp
from tests.bench.modelled import modelled
from tests.model.worlds import EXACT

CBC = replace(EXACT, use="cbc")


def a_problem(whole: Block, parts: Block, *rows: list[float]) -> Problem:
    """min -3 for each of all, the first row at most -1, the others at least -1."""
    values = [
        whole.value @ np.array(row[: whole.size]) + parts.value @ np.array(row[whole.size :])
        for row in rows
    ]
    first, *others = values
    rules = (
        at_most("most", first, np.array([-1.0]), words=str),
        *(at_least(f"least {i}", one, np.array([-1.0]), words=str) for i, one in enumerate(others)),
    )
    usd = whole.value @ np.full(whole.size, -3.0) + parts.value @ np.full(parts.size, -3.0)
    part = Contribution(usd_per_hour=usd, rules=rules, blocks=(whole, parts))
    return modelled(part, PolicyName("test"))


def test_whole_numbers_that_are_all_fixed_do_not_make_a_problem_infeasible() -> None:
    fixed = Block(name="count", lower=np.zeros(4), upper=np.zeros(4), integer=True)
    parts = Block(name="amount", lower=np.zeros(3), upper=np.full(3, 2.5))
    problem = a_problem(
        fixed,
        parts,
        [-3.0, -3.0, -2.0, -2.0, -2.0, -3.0, 1.0],
        [1.0, -3.0, 1.0, -2.0, -2.0, 0.5, 5.0],
    )
    x = solve_with_pulp(problem, CBC).x
    assert x is not None
    assert cost(problem, x) == pytest.approx(-22.5)


def test_an_unknown_without_cost_and_row_does_not_cost_the_answer() -> None:
    whole = Block(name="count", lower=np.zeros(1), upper=np.ones(1), integer=True)
    parts = Block(name="amount", lower=np.full(2, -1.0), upper=np.full(2, 2.5))
    problem = a_problem(whole, parts, [-1.0, -1.0, 0.0])
    unused = replace(problem, cost=np.array([-3.0, -3.0, 0.0]))
    x = solve_with_pulp(unused, CBC).x
    assert x is not None
    assert x.tolist() == [1.0, 2.5, 0.0]
