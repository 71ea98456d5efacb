"""One budget of time for all the solvers of a plan."""

from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.domain.settings import SolverSettings
from scheduler.model.board import NODES, UNITS
from scheduler.planning.decide import decide
from scheduler.solve.answer import cost
from scheduler.solve.highs import complete
from scheduler.solve.patience import LEAST_S, begin
from scheduler.solve.repair import repair
from tests.model.worlds import PLANNED, a_demand, a_fleet, a_pool, a_service, a_snapshot
from tests.solve.questions import ask


class Seconds:
    """A clock that moves on by so much at each look."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self.step_s = 0.0, step_s

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


def test_what_one_solver_takes_the_next_ones_lack() -> None:
    clock = Seconds(step_s=4.0)
    patience = begin(SolverSettings(time_limit_s=10.0), clock)
    assert [patience.left.time_limit_s for _ in range(3)] == [6.0, 2.0, LEAST_S]


def test_without_a_clock_each_solver_has_all_the_time() -> None:
    patience = begin(SolverSettings(time_limit_s=10.0))
    assert [patience.left.time_limit_s for _ in range(3)] == [10.0, 10.0, 10.0]


def test_repairs_end_when_their_time_is_over() -> None:
    snapshot = a_snapshot(
        a_fleet(a_pool("dc-a"), a_pool("dc-b", usd_per_node_hour=9.0), a_service())
    )
    demand = a_demand(snapshot.fleet, {"search": PLANNED})
    problem, board = ask(snapshot, demand, (Cost(), ResponseTime()))
    dear = problem.lower.copy()
    dear[problem.span(NODES).start + 1] = 1.0
    dear[problem.span(UNITS).start + 1] = 1.0
    start = complete(problem, dear, 10.0)
    assert start is not None
    settings = SolverSettings(time_limit_s=10.0)
    assert cost(problem, repair(problem, board, start, settings)) < cost(problem, start)
    assert repair(problem, board, start, settings, Seconds(step_s=99.0)) is start


def test_a_plan_without_time_left_is_still_a_plan() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service())
    demand = a_demand(fleet, {"search": 3 * PLANNED})
    settings = SolverSettings(time_limit_s=0.1)
    plan = decide(
        a_snapshot(fleet), demand, (Cost(), ResponseTime()), settings, clock=Seconds(step_s=99.0)
    )
    assert not plan.missing
    assert plan.pools[0].after == 1
