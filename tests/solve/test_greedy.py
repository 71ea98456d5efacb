"""Greedy: an answer wherever there is one, and no silly one."""

import pytest
from hypothesis import given

from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.domain.workloads import Priority
from scheduler.model.board import UNITS
from scheduler.solve.answer import is_feasible, urgency
from scheduler.solve.greedy import solve_greedily
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World, worlds
from tests.model.worlds import a_demand, a_fleet, a_job, a_pool, a_service, a_snapshot
from tests.solve.questions import ask


@SLOW
@given(worlds())
def test_there_is_always_a_greedy_answer_and_it_holds(world: World) -> None:
    problem, board = ask(world.snapshot, world.demand, ALL)
    assert is_feasible(problem, solve_greedily(problem, board))


def units(safety: float, *, max_replicas: int = 40) -> list[float]:
    fleet = a_fleet(
        a_pool("dc-a", usd_per_node_hour=2.0),
        a_pool("dc-b", max_nodes=1),
        a_service(max_replicas=max_replicas),
    )
    policies = (Cost(), ResponseTime(safety=safety))
    problem, board = ask(a_snapshot(fleet), a_demand(fleet, {"search": 400.0}), policies)
    x = solve_greedily(problem, board)
    assert x is not None
    found: list[float] = x[problem.span(UNITS)].tolist()
    return found


@pytest.mark.parametrize(("safety", "replicas"), [(1.0, 6), (0.9, 6), (0.75, 8), (0.6, 9)])
def test_it_plans_with_the_safety_that_the_policy_asks_for(safety: float, replicas: int) -> None:
    assert sum(units(safety)) == replicas


def test_it_fills_the_cheapest_first() -> None:
    assert units(0.9) == [2.0, 4.0]


def test_it_keeps_to_the_most_replicas() -> None:
    assert sum(units(0.9, max_replicas=5)) == 5


def test_urgent_work_comes_before_dear_work() -> None:
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1),
        a_service("dear", late_usd_per_hour=1e6),
        a_service("urgent", priority=Priority.CRITICAL, late_usd_per_hour=0.1),
    )
    rps = {"dear": 270.0, "urgent": 270.0}
    problem, board = ask(a_snapshot(fleet), a_demand(fleet, rps), (Cost(), ResponseTime()))
    x = solve_greedily(problem, board)
    assert x is not None
    assert urgency(problem, x) == 0.0


def test_a_gang_that_has_no_room_waits() -> None:
    fleet = a_fleet(a_pool("dc-a", max_nodes=1), a_job("a"), a_job("b"))
    problem, board = ask(a_snapshot(fleet), a_demand(fleet), (Cost(),))
    x = solve_greedily(problem, board)
    assert x is not None
    assert sorted(x[problem.span(UNITS)].tolist()) == [0.0, 1.0]
