"""HiGHS, CBC through PuLP and trying everything agree."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.domain.places import Resources
from scheduler.domain.workloads import Priority
from scheduler.model.board import survey
from scheduler.model.policy import Policy
from scheduler.model.problem import assemble, restrict
from scheduler.solve.answer import Solution, is_feasible, urgency
from scheduler.solve.chain import NoPlanError, solve
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World, worlds
from tests.model.worlds import EXACT, a_demand, a_fleet, a_job, a_pool, a_service, a_snapshot
from tests.solve.oracle import cheapest

PAIR = (Cost(), ResponseTime())


@st.composite
def countable_worlds(draw: st.DrawFn) -> World:
    """So small that everything can be tried."""
    price, bits = st.sampled_from((0.5, 0.8, 1.0, 1.7)), st.integers(0, 1)
    eight = Resources(gpus=8, cpu=99, memory_gib=99, pods=99)
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=2, min_nodes=draw(bits), usd_per_node_hour=draw(price)),
        a_pool("cloud-a", "cloud", max_nodes=1, per_node=eight, usd_per_node_hour=draw(price) * 2),
        *(
            a_service(
                name,
                priority=draw(st.sampled_from((Priority.NORMAL, Priority.CRITICAL))),
                per_pod=Resources(gpus=draw(st.sampled_from((1, 2)))),
                min_replicas=draw(bits),
                max_replicas=draw(st.integers(1, 5)),
                late_usd_per_hour=draw(st.sampled_from((1.0, 9.0, 90.0))),
            )
            for name in ("chat", "news")
        ),
        a_job(wait_usd_per_hour=draw(st.sampled_from((0.4, 0.9, 3.0)))),
    )
    rps = {name: draw(st.sampled_from((0.0, 60.0, 140.0, 500.0))) for name in ("chat", "news")}
    return World(snapshot=a_snapshot(fleet), demand=a_demand(fleet, rps))


def solved(
    world: World, policies: tuple[Policy, ...], use: str = "highs"
) -> tuple[float, Solution]:
    """(urgent share missing, the solution), checked."""
    board, _ = restrict(survey(world.snapshot, world.demand), policies)
    problem = assemble(board, policies)
    solution = solve(problem, board, replace(EXACT, use=use))
    assert is_feasible(problem, solution.x)
    assert solution.solver == use
    return urgency(problem, solution.x), solution


@SLOW
@given(countable_worlds())
def test_the_plan_costs_what_the_cheapest_of_all_ways_costs(world: World) -> None:
    urgent, usd = cheapest(world)
    found, solution = solved(world, PAIR)
    assert found == pytest.approx(urgent, abs=2e-6)
    assert solution.objective == pytest.approx(usd, rel=1e-6, abs=1e-4)


@SLOW
@given(worlds())
def test_highs_and_cbc_agree_under_all_policies(world: World) -> None:
    try:
        urgent, one = solved(world, ALL)
    except NoPlanError:
        with pytest.raises(NoPlanError):
            solved(world, ALL, "cbc")
        return
    urgent_too, other = solved(world, ALL, "cbc")
    assert urgent == pytest.approx(urgent_too, abs=2e-6)
    # The tier that is held leaves a millionth of the urgent work free, at its price.
    assert one.objective == pytest.approx(other.objective, rel=1e-6, abs=2e-3)
    assert one.bound <= other.objective + 1e-6 * abs(other.objective) + 1e-6
