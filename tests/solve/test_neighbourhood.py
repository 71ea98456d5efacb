"""Plans near what runs: the relaxation is the relaxation, answers are sound and never worse."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.demand import Demand
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.model.board import FLOW, UNITS, Board, survey
from scheduler.model.problem import Problem, assemble, restrict
from scheduler.planning.decide import decide
from scheduler.solve.adoption import running_candidate
from scheduler.solve.answer import cost, is_feasible
from scheduler.solve.highs import relax, solve_exactly
from scheduler.solve.near.carriers import carriers, without_idle_flows
from scheduler.solve.near.cover import Place, cheapest, lack
from scheduler.solve.neighbourhood import relax_near, solve_near
from tests.bench.worlds import a_world, all_policies, under_way

SETTINGS = SolverSettings(node_limit=20)
POLICIES = all_policies(1e6)
SIZES: tuple[tuple[int, int, dict[str, int]], ...] = (
    (12, 8, {}),
    (40, 30, {"nodes": 3, "load": 9}),
)


def _posed(snapshot: Snapshot, demand: Demand) -> tuple[Problem, Board]:
    board, _ = restrict(survey(snapshot, demand), POLICIES)
    return assemble(board, POLICIES), board


@pytest.fixture(scope="module", params=range(3))
def later(request: pytest.FixtureRequest) -> tuple[Problem, Board]:
    """A world under way, its load a little up or down."""
    snapshot, demand = a_world(18, 12, request.param, nodes=2, load=4)
    plan = decide(snapshot, demand, POLICIES, SolverSettings(gap=0.02, node_limit=20))
    return _posed(*under_way(snapshot, demand, plan, request.param))


@pytest.mark.parametrize(("workloads", "pools", "scale"), SIZES)
@pytest.mark.parametrize("seed", [1, 2])
def test_sifting_ends_at_the_optimum_of_all_options(
    workloads: int, pools: int, scale: dict[str, int], seed: int
) -> None:
    problem, board = _posed(*a_world(workloads, pools, seed, **scale))
    for asked in (problem, replace(problem, cost=problem.urgent, constant=0.0)):
        whole, sifted = relax(asked, 10.0), relax_near(asked, board, 10.0)
        assert whole is not None
        assert sifted is not None
        assert sifted.bound == pytest.approx(whole.bound, rel=1e-6, abs=1e-6)
        assert cost(asked, sifted.x) == pytest.approx(whole.bound, rel=1e-6, abs=1e-6)
        assert is_feasible(replace(asked, integer=np.zeros_like(asked.integer)), sifted.x)


def test_the_relaxation_prices_what_it_left_out(later: tuple[Problem, Board]) -> None:
    problem, board = later
    sifted = relax_near(problem, board, 10.0)
    assert sifted is not None
    at_lower = (sifted.x <= problem.lower + 1e-9) & (problem.upper > problem.lower)
    assert np.all(sifted.reduced_costs[at_lower] >= -1e-5 * (1.0 + np.abs(problem.cost[at_lower])))


def test_where_nothing_satisfies_the_rules_there_is_no_relaxation() -> None:
    problem, board = _posed(*a_world(12, 8, 1))
    impossible = problem.row_lower.copy()
    impossible[0] = problem.row_upper[0] + 1.0
    assert relax_near(replace(problem, row_lower=impossible), board, 10.0) is None


def test_urgent_work_is_reached_even_where_few_options_do_not_do(
    later: tuple[Problem, Board],
) -> None:
    problem, board = later
    none_missing = replace(problem, upper=np.where(problem.urgent > 0.0, 0.0, problem.upper))
    whole, sifted = relax(none_missing, 10.0), relax_near(none_missing, board, 10.0)
    assert (whole is None) == (sifted is None)
    if whole is not None and sifted is not None:
        assert sifted.bound == pytest.approx(whole.bound, rel=1e-6)


def test_an_answer_is_feasible_within_its_bound_and_no_dearer_than_what_runs(
    later: tuple[Problem, Board],
) -> None:
    problem, board = later
    relaxed = relax_near(problem, board, 10.0)
    assert relaxed is not None
    running = running_candidate(problem, board, SETTINGS)
    answer = solve_near(problem, board, relaxed, running, SETTINGS)
    assert answer.x is not None
    assert is_feasible(problem, answer.x)
    assert answer.bound == relaxed.bound <= cost(problem, answer.x) + 1e-6
    if running is not None:
        assert cost(problem, answer.x) <= cost(problem, running)
    assert cost(problem, answer.x) <= relaxed.bound * 1.25


def test_what_runs_is_given_back_where_nothing_is_better(later: tuple[Problem, Board]) -> None:
    problem, board = later
    relaxed = relax_near(problem, board, 10.0)
    assert relaxed is not None
    best = solve_near(problem, board, relaxed, None, replace(SETTINGS, gap=1e-3)).x
    assert best is not None
    lax = replace(SETTINGS, gap=10.0)
    again = solve_near(problem, board, relaxed, best, lax).x
    assert again is not None
    assert cost(problem, again) <= cost(problem, best)


def test_a_running_placement_that_breaks_a_rule_is_no_answer(
    later: tuple[Problem, Board],
) -> None:
    problem, board = later
    relaxed = relax_near(problem, board, 10.0)
    assert relaxed is not None
    broken = problem.upper + 1.0
    answer = solve_near(problem, board, relaxed, broken, SETTINGS)
    assert is_feasible(problem, answer.x)


def test_equal_questions_have_equal_answers(later: tuple[Problem, Board]) -> None:
    problem, board = later

    def asked() -> bytes:
        relaxed = relax_near(problem, board, 10.0)
        assert relaxed is not None
        answer = solve_near(problem, board, relaxed, None, SETTINGS)
        assert answer.x is not None
        return relaxed.row_duals.tobytes() + answer.x.tobytes()

    assert asked() == asked()


def test_no_more_urgent_work_waits_than_has_to(later: tuple[Problem, Board]) -> None:
    problem, board = later
    least = replace(problem, cost=problem.urgent, constant=0.0)
    relaxed = relax_near(least, board, 10.0)
    assert relaxed is not None
    exactly = replace(SETTINGS, gap=0.0)
    answer, best = solve_near(least, board, relaxed, None, exactly), solve_exactly(least, exactly)
    assert answer.x is not None
    assert best.x is not None
    assert is_feasible(least, answer.x)
    assert cost(least, answer.x) == pytest.approx(cost(least, best.x), abs=1e-6)


def test_of_two_rows_for_one_flow_the_tighter_one_counts() -> None:
    problem, board = _posed(*a_world(12, 8, 1))
    found = carriers(problem)
    assert sorted(found.flow) == list(range(problem.span(FLOW).start, problem.span(FLOW).stop))
    routed = board.routed
    able = np.minimum(board.options.stable_rps[routed], 0.9 * board.options.capacity_rps[routed])
    by_flow = found.most[np.argsort(found.flow)]
    assert by_flow == pytest.approx(able)
    assert found.idle.sum() == len(routed)


@given(
    relaxed=st.lists(st.integers(0, 300), min_size=1, max_size=4),
    carries=st.lists(st.floats(0.5, 3.0), min_size=4, max_size=4),
    price=st.lists(st.floats(0.1, 5.0), min_size=4, max_size=4),
)
def test_no_cheaper_rounding_carries_as_much(
    relaxed: list[int], carries: list[float], price: list[float]
) -> None:
    count, x = len(relaxed), np.array(relaxed) / 100.0
    place = Place(
        columns=np.arange(count),
        carries=np.array([carries[:count]]),
        least=np.array([carries[:count]]) @ x,
        price=np.array(price[:count]),
        most=np.full(count, 10.0),
    )
    chosen = cheapest(place, x)
    assert lack(place, chosen) <= 1e-5
    ways = product(*((np.floor(v + 1e-6), np.ceil(v - 1e-6)) for v in x))
    carrying = (np.array(way) for way in ways if lack(place, np.array(way)) <= 1e-5)
    assert place.price @ chosen <= min(place.price @ way for way in carrying) + 1e-3


def test_a_workload_without_enough_room_takes_what_there_is() -> None:
    place = Place(
        columns=np.arange(2),
        carries=np.array([[1.0, 2.0]]),
        least=np.array([5.0]),
        price=np.array([1.0, 1.0]),
        most=np.array([1.0, 1.0]),
    )
    assert cheapest(place, np.array([1.0, 2.0])).tolist() == [1.0, 1.0]


def test_flows_that_nobody_may_carry_change_nothing(later: tuple[Problem, Board]) -> None:
    problem, board = later
    upper = problem.upper.copy()
    units = problem.span(UNITS)
    upper[units] = np.maximum(problem.lower[units], board.options.units_now)
    closed = replace(problem, upper=upper)
    without = without_idle_flows(closed)
    assert (without.upper < closed.upper).sum() > 0
    one, other = relax(closed, 10.0), relax(without, 10.0)
    assert one is not None
    assert other is not None
    assert one.bound == pytest.approx(other.bound)
