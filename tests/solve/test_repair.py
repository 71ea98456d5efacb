"""Repair: one dear node for several cheap ones, or several for one; never dearer, never broken."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from policies.cost import Cost
from policies.response_time import ResponseTime
from policies.stability import Stability
from scheduler.domain.places import NodePool, Resources
from scheduler.model.affine import Floats
from scheduler.model.board import NODES, Board
from scheduler.model.policy import Policy
from scheduler.model.problem import Problem
from scheduler.solve.adoption import running_candidate
from scheduler.solve.answer import cost, is_feasible, urgency
from scheduler.solve.greedy import solve_greedily
from scheduler.solve.highs import solve_exactly
from scheduler.solve.repair import repair
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World, worlds
from tests.model.worlds import (
    EXACT,
    HABIT,
    PLANNED,
    a_demand,
    a_fleet,
    a_pool,
    a_service,
    a_snapshot,
)
from tests.solve.questions import ask

TRIO: tuple[Policy, ...] = (Cost(), ResponseTime(), Stability())


def a_shape(name: str, gpus: int, usd: float, most: int = 12) -> NodePool:
    room = Resources(gpus=gpus, cpu=16 * gpus, memory_gib=64 * gpus, pods=110)
    return a_pool(name, per_node=room, usd_per_node_hour=usd, max_nodes=most)


def asked(
    large_usd: float, small_usd: float, replicas: float, **running: dict[object, int]
) -> tuple[Problem, Board]:
    """A pool of eight-GPU nodes, one of single GPUs, and a service of so many replicas."""
    fleet = a_fleet(a_shape("large", 8, large_usd), a_shape("small", 1, small_usd), a_service())
    demand = a_demand(fleet, {"search": replicas * PLANNED - 1.0})
    return ask(a_snapshot(fleet, **running), demand, TRIO)  # type: ignore[arg-type]


def nodes(problem: Problem, x: Floats) -> dict[str, int]:
    names = problem.blocks[0].label
    return {names(i): round(n) for i, n in enumerate(x[problem.span(NODES)]) if n > 0.5}


def greedy(problem: Problem, board: Board) -> Floats:
    x = solve_greedily(problem, board)
    assert x is not None
    return x


def test_one_large_node_becomes_several_small_ones() -> None:
    """By its GPUs the large node is cheaper, but it would be three eighths full."""
    problem, board = asked(4.0, 0.7, replicas=3)
    before = greedy(problem, board)
    assert nodes(problem, before) == {"large": 1}
    after = repair(problem, board, before, HABIT)
    assert nodes(problem, after) == {"small": 3}
    assert cost(problem, before) - cost(problem, after) == pytest.approx(4.0 - 2.1, abs=0.3)


def test_several_small_nodes_become_one_large_one() -> None:
    running = {"nodes": {"small": 7}, "pods": {("search", "small"): 7}}
    problem, board = asked(4.0, 2.0, replicas=7, **running)
    before = running_candidate(problem, board, HABIT)
    assert before is not None
    after = repair(problem, board, before, HABIT)
    assert nodes(problem, after) == {"large": 1}


def test_an_exchange_that_does_not_pay_for_its_change_is_not_made() -> None:
    """Seven starts and seven stops cost about 3.80 USD in the hour that they should last."""
    running = {"nodes": {"small": 7}, "pods": {("search", "small"): 7}}
    problem, board = asked(4.0, 1.0, replicas=7, **running)
    before = running_candidate(problem, board, HABIT)
    assert before is not None
    assert repair(problem, board, before, HABIT) is before


def a_market(seed: int, services: int, pools: int) -> tuple[Problem, Board]:
    draw = np.random.default_rng(seed)
    gpus = draw.choice([1, 2, 4, 8], pools)
    fleet = a_fleet(
        *(
            a_shape(
                f"p{i:02}", int(n), float(n * draw.uniform(0.6, 2.0)), int(draw.integers(2, 20))
            )
            for i, n in enumerate(gpus)
        ),
        *(
            a_service(
                f"s{i:02}",
                per_pod=Resources(gpus=int(draw.choice([1, 1, 2, 4])), cpu=2, memory_gib=8),
            )
            for i in range(services)
        ),
    )
    rps = {f"s{i:02}": float(draw.uniform(20, 900)) for i in range(services)}
    return ask(a_snapshot(fleet), a_demand(fleet, rps), TRIO)


@pytest.mark.parametrize("seed", [1, 3, 8])
def test_of_a_few_pools_it_finds_what_an_exact_search_finds(seed: int) -> None:
    problem, board = a_market(seed, services=8, pools=6)
    start, best = greedy(problem, board), solve_exactly(problem, replace(EXACT, gap=1e-3)).bound
    assert cost(problem, start) > 1.03 * best
    assert cost(problem, repair(problem, board, start, HABIT)) < 1.002 * best


def test_of_many_pools_it_wins_back_most_of_what_greed_gives_away() -> None:
    problem, board = a_market(5, services=40, pools=20)
    start, least = greedy(problem, board), solve_exactly(problem, HABIT).bound
    found = cost(problem, repair(problem, board, start, HABIT))
    assert found - least < 0.5 * (cost(problem, start) - least)


def test_equal_questions_have_equal_answers() -> None:
    problem, board = a_market(4, services=10, pools=8)
    start = greedy(problem, board)
    one, other = (repair(problem, board, start, HABIT) for _ in range(2))
    assert np.array_equal(one, other)


def test_a_solver_without_time_changes_nothing() -> None:
    problem, board = asked(4.0, 0.7, replicas=3)
    before = greedy(problem, board)
    assert repair(problem, board, before, replace(HABIT, time_limit_s=0.0)) is before


def test_without_pools_there_is_nothing_to_exchange() -> None:
    fleet = a_fleet(a_service())
    problem, board = ask(a_snapshot(fleet), a_demand(fleet, {"search": 10.0}), TRIO)
    before = greedy(problem, board)
    assert repair(problem, board, before, HABIT) is before


@SLOW
@given(worlds())
def test_it_is_never_dearer_and_never_breaks_a_rule(world: World) -> None:
    problem, board = ask(world.snapshot, world.demand, ALL)
    start = solve_greedily(problem, board)
    if start is not None:
        found = repair(problem, board, start, HABIT)
        assert is_feasible(problem, found)
        assert cost(problem, found) <= cost(problem, start)
        assert urgency(problem, found) <= urgency(problem, start) + 1e-9
