"""The check: what a solver says is believed only as far as our own arithmetic agrees."""

from dataclasses import replace

import numpy as np
import pytest

from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.model.affine import Floats
from scheduler.model.board import NODES, UNITS
from scheduler.model.problem import Problem
from scheduler.solve.answer import cost, is_feasible, rounded, violation
from tests.model.worlds import a_demand, a_fleet, a_pool, a_service, a_snapshot
from tests.solve.questions import ask

FLEET = a_fleet(a_pool("dc-a"), a_service())


@pytest.fixture
def problem() -> Problem:
    """100 requests/s, which two replicas on one node carry."""
    return ask(a_snapshot(FLEET), a_demand(FLEET, {"search": 100.0}), (Cost(), ResponseTime()))[0]


def answer(problem: Problem, nodes: float, units: float) -> Floats:
    x = problem.lower.copy()
    x[problem.span(NODES)], x[problem.span(UNITS)] = nodes, units
    return x


def test_a_plan_that_holds_is_accepted_at_its_own_price(problem: Problem) -> None:
    x = answer(problem, nodes=1.0, units=2.0)
    assert is_feasible(problem, x)
    assert cost(problem, x) == pytest.approx(1.0)


def test_load_that_nobody_carries_is_noticed(problem: Problem) -> None:
    assert not is_feasible(problem, answer(problem, nodes=1.0, units=1.0))


def test_pods_without_a_node_are_noticed(problem: Problem) -> None:
    worst, row = violation(problem, answer(problem, nodes=0.0, units=2.0))
    assert worst > 0.1
    assert problem.families[0].name == "room"
    assert row == problem.families[0].start


def test_half_a_node_is_noticed(problem: Problem) -> None:
    assert violation(problem, answer(problem, nodes=0.5, units=2.0)) == (0.5, -1)


def test_nodes_beyond_the_limit_are_noticed(problem: Problem) -> None:
    assert violation(problem, answer(problem, nodes=12.0, units=2.0)) == (2.0, -1)


@pytest.mark.parametrize("nonsense", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_no_answer(problem: Problem, nonsense: float) -> None:
    assert not is_feasible(problem, answer(problem, nodes=nonsense, units=2.0))


def test_no_answer_is_no_answer(problem: Problem) -> None:
    assert not is_feasible(problem, None)


def test_noise_of_a_solver_is_rounded_away(problem: Problem) -> None:
    noisy = answer(problem, nodes=1.0 + 1e-7, units=2.0 - 1e-7) - 1e-9
    assert is_feasible(problem, rounded(problem, noisy))


def test_an_unknown_block_and_column_are_errors(problem: Problem) -> None:
    with pytest.raises(KeyError):
        problem.span("no such block")
    with pytest.raises(IndexError):
        problem.column_label(problem.columns)


def test_every_column_and_row_has_a_name_for_people(problem: Problem) -> None:
    labels = [problem.column_label(i) for i in range(problem.columns)]
    assert labels[:3] == ["nodes[dc-a]", "units[search@dc-a]", "missing[search]"]
    words = [family.words(0) for family in problem.families if family.stop > family.start]
    assert "pool dc-a holds no more than fits its nodes" in words
    assert "search answers within its objective" in words


def test_a_problem_without_rows_has_no_violation(problem: Problem) -> None:
    empty = replace(
        problem,
        matrix=problem.matrix[:0],
        row_lower=problem.row_lower[:0],
        row_upper=problem.row_upper[:0],
    )
    assert is_feasible(empty, answer(empty, nodes=0.0, units=0.0))
