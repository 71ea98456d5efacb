"""Classes: equal workloads are one, equal pools are one, and whole plans come back from them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from policies.cost import Cost
from policies.load_balancing import LoadBalancing
from policies.reserve import Reserve
from policies.response_time import ResponseTime
from policies.stability import Stability
from scheduler.domain.places import Resources
from scheduler.domain.workloads import Priority, Spread
from scheduler.model.board import MISSING, NODES, UNITS
from scheduler.model.policy import Policy
from scheduler.model.problem import CHECK, Problem
from scheduler.solve.answer import cost, is_feasible
from scheduler.solve.classes import Quotient, expand_relaxed, quotient, sums
from scheduler.solve.cuts import strengthened
from scheduler.solve.highs import relax, solve_exactly
from scheduler.solve.merged import solve_merged
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World
from tests.model.worlds import (
    EXACT,
    HABIT,
    a_cluster,
    a_demand,
    a_fleet,
    a_job,
    a_pool,
    a_service,
    a_snapshot,
)
from tests.solve.equal_worlds import equal_things, equal_worlds
from tests.solve.questions import ask

PAIR: tuple[Policy, ...] = (Cost(), ResponseTime())
CROWD: tuple[Policy, ...] = (*PAIR, LoadBalancing(), Stability())


def merged(problem: Problem) -> Quotient:
    classes = quotient(problem)
    assert classes is not None
    return classes


def test_equal_things_are_one_column_each() -> None:
    problem, _ = ask(*equal_things(pools=7, services=3, jobs=5), PAIR)
    small = merged(problem).problem
    labels = [small.column_label(i) for i in range(small.columns)]
    assert labels == [
        "nodes[p0000 and 6 like it]",
        "units[s000@p0000 and 20 like it]",
        "units[j000@p0000 and 34 like it]",
        "missing[s000 and 2 like it]",
        "missing[j000 and 4 like it]",
        "unmet/min replicas[0 and 2 like it]",
    ]
    assert small.upper[small.span(NODES)].tolist() == [70.0]
    assert small.upper[small.span(MISSING)].tolist() == [300.0, 5.0]


def test_every_rule_of_a_quotient_keeps_its_words_and_every_bill_its_sum() -> None:
    problem, _ = ask(*equal_things(pools=7, services=3, jobs=5), CROWD)
    small = merged(problem).problem
    assert [f.name for f in small.families] == [f.name for f in problem.families]
    assert small.families[0].words(0) == problem.families[0].words(0)
    assert small.families[-1].stop == len(small.row_lower)
    total = sum(vector for vector, _ in small.bills.values())
    assert total == pytest.approx(small.cost)


def test_what_differs_by_a_cent_or_a_node_is_not_equal() -> None:
    fleet = a_fleet(
        *(a_pool(f"a{i}") for i in range(4)),
        a_pool("dear", usd_per_node_hour=1.01),
        a_pool("low", max_nodes=9),
        *(a_service(f"s{i}") for i in range(4)),
        a_service("slow", late_usd_per_hour=999.0),
    )
    rps = {str(name): 100.0 for name in fleet.services}
    problem, _ = ask(a_snapshot(fleet, nodes={"a3": 1}), a_demand(fleet, rps), CROWD)
    classes = merged(problem)
    of = classes.columns.of[problem.span(NODES)].tolist()
    names = sorted(fleet.pools)
    groups = {tuple(n for n, c in zip(names, of, strict=True) if c == each) for each in of}
    assert groups == {("a0", "a1", "a2"), ("a3",), ("dear",), ("low",)}
    assert len(set(classes.columns.of[problem.span(MISSING)].tolist())) == 2


def test_a_world_without_equals_is_left_alone() -> None:
    fleet = a_fleet(
        *(a_pool(f"p{i}", usd_per_node_hour=1.0 + i) for i in range(4)),
        *(a_service(f"s{i}") for i in range(4)),
    )
    rps = {str(name): 10.0 + i for i, name in enumerate(fleet.services)}
    problem, board = ask(a_snapshot(fleet), a_demand(fleet, rps), PAIR)
    assert quotient(problem) is None
    assert solve_merged(problem, board, EXACT) is None


@SLOW
@given(equal_worlds())
def test_members_of_a_class_see_the_same_in_every_other_class(world: World) -> None:
    """Equitable, by plain sums over the dense matrix."""
    problem, _ = ask(world.snapshot, world.demand, ALL)
    classes = quotient(problem)
    if classes is None:
        return
    dense = problem.matrix.toarray()
    columns = np.eye(len(classes.columns.first))[classes.columns.of]
    rows = np.eye(len(classes.rows.first))[classes.rows.of]
    by_row, by_column = dense @ columns, rows.T @ dense
    assert by_row == pytest.approx(by_row[classes.rows.first][classes.rows.of])
    assert by_column == pytest.approx(by_column[:, classes.columns.first][:, classes.columns.of])


@SLOW
@given(equal_worlds())
def test_the_relaxation_by_classes_is_that_of_the_whole(world: World) -> None:
    problem, _ = ask(world.snapshot, world.demand, ALL)
    classes, whole = quotient(problem), relax(problem, 20.0)
    if classes is None:
        return
    small = relax(classes.problem, 20.0)
    assert (small is None) == (whole is None)
    if small is None or whole is None:
        return
    assert small.bound == pytest.approx(whole.bound, rel=1e-7, abs=1e-7)
    found = expand_relaxed(classes, small)
    everything = replace(problem, integer=np.zeros_like(problem.integer))
    assert is_feasible(everything, found.x)
    assert cost(problem, found.x) == pytest.approx(whole.bound, rel=1e-7, abs=1e-7)
    assert worth(problem, found.row_duals) == pytest.approx(whole.bound, rel=1e-6, abs=1e-6)
    left = problem.cost - problem.matrix.T @ found.row_duals
    assert found.reduced_costs == pytest.approx(left, rel=1e-6, abs=1e-6)


def worth(problem: Problem, duals: np.ndarray) -> float:
    """The Lagrangian at these prices, by hand."""
    left = problem.cost - problem.matrix.T @ duals
    left[np.abs(left) < 1e-9] = 0.0
    duals = np.where(np.abs(duals) < 1e-9, 0.0, duals)
    with np.errstate(invalid="ignore"):
        sides = np.where(duals > 0.0, problem.row_lower, problem.row_upper) * duals
        ends = np.where(left > 0.0, problem.lower, problem.upper) * left
    rows = np.where(duals == 0.0, 0.0, sides).sum()
    return float(rows + np.where(left == 0.0, 0.0, ends).sum() + problem.constant)


@SLOW
@given(equal_worlds())
def test_no_whole_plan_is_cheaper_than_the_sums_or_cut_off_by_them(world: World) -> None:
    problem, board = ask(world.snapshot, world.demand, ALL)
    classes = quotient(problem)
    best = solve_exactly(problem, replace(EXACT, gap=1e-9))
    if classes is None or best.x is None:
        return
    tight = strengthened(classes)
    added = sums(classes, best.x)
    value = tight.matrix @ added
    size = 1.0 + abs(tight.matrix) @ np.abs(added)
    assert np.all(value >= tight.row_lower - CHECK * size)
    assert np.all(value <= tight.row_upper + CHECK * size)
    found = solve_merged(problem, board, EXACT)
    assert found is not None
    assert found.answer.bound <= cost(problem, best.x) * (1.0 + 1e-6) + 1e-6
    if found.answer.x is not None:
        assert is_feasible(problem, found.answer.x)
        assert cost(problem, found.answer.x) >= best.bound - 1e-6 * abs(best.bound) - 1e-6


@pytest.mark.parametrize(
    ("pools", "services", "jobs"),
    [
        pytest.param(3000, 3, 2, id="thousands of equal pools"),
        pytest.param(10, 2, 300, id="hundreds of equal jobs"),
        pytest.param(20, 60, 40, id="many of everything"),
    ],
)
def test_large_and_equal_is_planned_and_proven_as_if_it_were_small(
    pools: int, services: int, jobs: int
) -> None:
    problem, board = ask(*equal_things(pools, services, jobs), CROWD)
    assert merged(problem).problem.columns <= 12
    found = solve_merged(problem, board, HABIT)
    assert found is not None
    x = found.answer.x
    assert x is not None
    assert is_feasible(problem, x)
    assert cost(problem, x) - found.answer.bound <= HABIT.gap * cost(problem, x)


def test_what_is_left_over_by_sums_is_not_left_over_by_members() -> None:
    """Ten services that need 1.5 replicas each need 20 of them: 5 nodes, and not 4."""
    problem, board = ask(*equal_things(pools=10, services=10, rps=100.0), PAIR)
    found = solve_merged(problem, board, EXACT)
    assert found is not None
    x = found.answer.x
    assert x is not None
    assert x[problem.span(NODES)].sum() == 5.0
    by_service = np.bincount(board.options.workload, x[problem.span(UNITS)])
    assert by_service.tolist() == [2.0] * 10
    assert found.answer.bound == pytest.approx(cost(problem, x))


def test_routed_services_are_rounded_up_too() -> None:
    fleet = a_fleet(
        *(a_pool(f"p{i}") for i in range(5)),
        *(a_service(f"s{i}", users="here", traffic_kb=10.0) for i in range(6)),
    )
    rps = {str(name): 100.0 for name in fleet.services}
    problem, board = ask(a_snapshot(fleet), a_demand(fleet, rps), PAIR)
    assert len(board.routed) == 30
    found = solve_merged(problem, board, EXACT)
    assert found is not None
    assert found.answer.x is not None
    assert cost(problem, found.answer.x) == pytest.approx(3.0)
    assert found.answer.bound == pytest.approx(3.0)


def test_gangs_that_may_spread_stay_in_one_of_two_equal_clusters() -> None:
    fleet = a_fleet(
        *(a_cluster(name, region="r") for name in ("left", "right")),
        *(a_pool(f"{name}-{i}", name, max_nodes=2) for name in ("left", "right") for i in (1, 2)),
        *(a_job(f"j{i}", spread=Spread.CLUSTER, workers=8) for i in range(4)),
    )
    fleet = replace(fleet, clusters={n: c for n, c in fleet.clusters.items() if n[0] in "lr"})
    problem, board = ask(a_snapshot(fleet), a_demand(fleet), PAIR)
    found = solve_merged(problem, board, EXACT)
    assert found is not None
    x = found.answer.x
    assert x is not None
    assert is_feasible(problem, x)
    assert cost(problem, x) == pytest.approx(8.0)


def test_pods_of_two_shapes_fill_the_nodes_of_equal_pools() -> None:
    """Nodes of four GPUs hold a pod of three and one of one."""
    fleet = a_fleet(
        *(a_pool(f"p{i}", max_nodes=3) for i in range(4)),
        *(a_service(f"big{i}", per_pod=Resources(gpus=3, cpu=1, memory_gib=1)) for i in range(6)),
        *(a_service(f"small{i}") for i in range(6)),
    )
    rps = {str(name): 120.0 for name in fleet.services}
    problem, board = ask(a_snapshot(fleet), a_demand(fleet, rps), PAIR)
    found = solve_merged(problem, board, EXACT)
    assert found is not None
    x = found.answer.x
    assert x is not None
    assert is_feasible(problem, x)
    assert cost(problem, x) == pytest.approx(12.0)
    assert found.answer.bound == pytest.approx(12.0)


def test_with_a_reserve_for_all_and_gangs_of_all_kinds_the_gap_is_small() -> None:
    fleet = a_fleet(
        *(a_pool(f"p{i}") for i in range(6)),
        *(a_service(f"s{i}") for i in range(4)),
        *(a_job(f"j{i}") for i in range(4)),
        *(a_job(f"g{i}", spread=Spread.CLUSTER, workers=6) for i in range(3)),
    )
    rps = {str(name): 100.0 for name in fleet.services}
    policies = (*CROWD, Reserve(from_priority=Priority.NORMAL))
    problem, board = ask(a_snapshot(fleet), a_demand(fleet, rps), policies)
    found = solve_merged(problem, board, HABIT)
    assert found is not None
    x = found.answer.x
    assert x is not None
    assert is_feasible(problem, x)
    assert cost(problem, x) - found.answer.bound <= HABIT.gap * cost(problem, x)


def test_equal_questions_have_equal_answers() -> None:
    problem, board = ask(*equal_things(20, 6, 4), CROWD)
    one, other = (solve_merged(problem, board, HABIT) for _ in range(2))
    assert one is not None
    assert other is not None
    assert one.answer.x is not None
    assert other.answer.x is not None
    assert one.answer.x.tobytes() == other.answer.x.tobytes()


def test_what_costs_more_than_is_known_is_not_looked_for() -> None:
    problem, board = ask(*equal_things(5, 4), PAIR)
    found = solve_merged(problem, board, EXACT, known=2.0)
    assert found is not None
    assert found.answer.bound == pytest.approx(2.0)


def test_thousands_of_classes_are_solved_although_their_pools_and_workloads_are_merged() -> None:
    pools = [a_pool(f"dc-{i:03d}", usd_per_node_hour=1.0 + i // 2 * 0.01) for i in range(150)]
    work = [a_service(f"s{i:03d}", max_replicas=5 + i // 2) for i in range(150)]
    fleet = a_fleet(*pools, *work)
    demand = a_demand(fleet, {f"s{i:03d}": 100.0 + i // 2 for i in range(150)})
    problem, board = ask(a_snapshot(fleet), demand, (Cost(), ResponseTime()))
    found = solve_merged(problem, board, HABIT)
    assert found is not None
    assert is_feasible(problem, found.answer.x)
