"""Bad solvers: they crash, give up, talk nonsense and lie; the plan holds and claims no more."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cost import Cost
from policies.load_balancing import LoadBalancing
from policies.response_time import ResponseTime
from scheduler.domain.demand import Demand
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.domain.workloads import Priority
from scheduler.model.affine import Floats
from scheduler.model.board import MISSING, NODES, Board
from scheduler.model.policy import Policy
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer, Solution, cost, is_feasible, urgency
from scheduler.solve.chain import solve
from scheduler.solve.highs import Relaxed, relax, solve_exactly
from scheduler.solve.restricted import solve_restricted
from scheduler.solve.roads import Roads
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World, worlds
from tests.model.worlds import EXACT, a_demand, a_fleet, a_job, a_pool, a_service, a_snapshot
from tests.solve.questions import ask

POLICIES: tuple[Policy, ...] = (Cost(), ResponseTime(), LoadBalancing())
Twist = Callable[[Answer], Answer]
Bend = Callable[[Relaxed], Relaxed]


def crash(*_: object) -> None:
    raise RuntimeError("out of luck")


def idle() -> tuple[Snapshot, Demand]:
    """Nothing runs yet."""
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=3),
        a_pool("dc-b", usd_per_node_hour=1.3),
        a_service(),
        a_service("chat"),
        a_job(),
    )
    return a_snapshot(fleet), a_demand(fleet, {"search": 400.0, "chat": 130.0})


def running() -> tuple[Snapshot, Demand]:
    """What runs is too dear by half."""
    snapshot, demand = idle()
    pods = {("search", "dc-b"): 9, ("chat", "dc-b"): 2}
    return a_snapshot(snapshot.fleet, nodes={"dc-b": 5}, pods=pods), demand


def crowded() -> tuple[Snapshot, Demand]:
    """Room for 270 requests/s; a cheap critical service and a dear one want 500 each."""
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1),
        a_service("dear", late_usd_per_hour=1e6),
        a_service("urgent", priority=Priority.CRITICAL, late_usd_per_hour=0.1),
    )
    return a_snapshot(fleet), a_demand(fleet, {"dear": 500.0, "urgent": 500.0})


WORLDS = {"idle": idle, "running": running, "crowded": crowded}


@pytest.fixture(params=WORLDS)
def question(request: pytest.FixtureRequest) -> tuple[Problem, Board]:
    return ask(*WORLDS[request.param](), POLICIES)


def holds(question: tuple[Problem, Board], roads: Roads, use: str = "highs") -> Solution:
    """A plan by these roads that is feasible, at its own price, with a bound that is one."""
    problem, board = question
    found = solve(problem, board, replace(EXACT, use=use), roads=roads)
    assert is_feasible(problem, found.x)
    assert found.objective == cost(problem, found.x)
    honest = solve(problem, board, EXACT)
    if urgency(problem, found.x) <= urgency(problem, honest.x) + 2e-6:
        assert found.objective >= honest.bound - 1e-6 * (1.0 + abs(honest.bound))
        assert found.bound <= honest.objective + 1e-6 * (1.0 + abs(honest.objective))
    assert -np.inf < found.bound <= found.objective
    return found


def point(x: Callable[[Floats], Floats]) -> Twist:
    return lambda said: replace(said, x=None if said.x is None else x(said.x))


LIES: dict[str, Twist] = {
    "gives up": lambda _: Answer(x=None, bound=-np.inf),
    "says that nothing is possible": lambda _: Answer(x=None, bound=np.inf, infeasible=True),
    "says nothing": lambda _: None,  # type: ignore[return-value, dict-item]
    "claims that all at its least is optimal": point(np.zeros_like),
    "sells more than there is": point(lambda x: 2.0 * x + 1.0),
    "owes": point(lambda x: -x),
    "half a node": point(lambda x: x - 0.5),
    "nearly whole": point(lambda x: x + 4e-4),
    "not a number": point(lambda x: np.where(x > 0.0, np.nan, x)),
    "endless": point(lambda x: np.where(x > 0.0, np.inf, x)),
    "one too few": point(lambda x: x[:-1]),
    "one too many": point(lambda x: np.append(x, 0.0)),
    "none": point(lambda x: x[:0]),
    "a table": point(lambda x: x.reshape(1, -1)),
    "words": point(lambda x: np.array(["much"] * len(x))),
    "a bound above its own plan": lambda said: replace(said, bound=1e9),
    "a bound without end": lambda said: replace(said, bound=np.inf),
    "a bound that is no number": lambda said: replace(said, bound=np.nan),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_search_that_lies_is_found_out(question: tuple[Problem, Board], lie: str) -> None:
    def search(problem: Problem, board: Board, said: Relaxed, settings: SolverSettings) -> Answer:
        return LIES[lie](solve_restricted(problem, board, said, settings))

    holds(question, Roads(search=search))


def test_a_poor_plan_is_not_called_the_best_because_its_solver_says_so() -> None:
    """Two nodes more than are needed, and a bound above their price."""
    problem, board = ask(*idle(), POLICIES)
    best = solve(problem, board, EXACT)

    def search(problem: Problem, board: Board, said: Relaxed, settings: SolverSettings) -> Answer:
        answer = solve_restricted(problem, board, said, settings)
        assert answer.x is not None
        x = answer.x.copy()
        x[problem.span(NODES).start + 1] += 2.0
        return Answer(x=x, bound=cost(problem, x) + 1.0)

    found = holds((problem, board), Roads(search=search))
    assert found.objective == pytest.approx(best.objective + 2.6, abs=1.0)
    assert found.bound <= best.objective


@pytest.mark.parametrize("lie", LIES)
def test_a_solver_from_outside_that_lies_is_found_out_and_ours_answers(
    question: tuple[Problem, Board], lie: str
) -> None:
    def outside(problem: Problem, settings: SolverSettings) -> Answer:
        return LIES[lie](solve_exactly(problem, settings))

    found = holds(question, Roads(outside=outside), use="mine")
    assert found.objective == pytest.approx(solve(*question, EXACT).objective, rel=1e-6)


BENT: dict[str, Bend] = {
    "a bound above everything": lambda said: replace(said, bound=1e12),
    "a bound that is no number": lambda said: replace(said, bound=np.nan),
    "no x": lambda said: replace(said, x=said.x[:0]),
    "x is no number": lambda said: replace(said, x=np.full_like(said.x, np.nan)),
    "x is nothing": lambda said: replace(said, x=np.zeros_like(said.x)),
    "duals are no numbers": lambda said: replace(said, row_duals=np.nan * said.row_duals),
    "too few duals": lambda said: replace(said, row_duals=said.row_duals[:-1]),
    "duals of the wrong sign": lambda said: replace(said, row_duals=-said.row_duals),
    "duals a thousand times too large": lambda said: replace(said, row_duals=1e3 * said.row_duals),
    "every unknown is far too dear": lambda said: replace(
        said, reduced_costs=np.full_like(said.reduced_costs, 1e9)
    ),
    "every unknown is a gift": lambda said: replace(
        said, reduced_costs=np.full_like(said.reduced_costs, -1e9)
    ),
}


@pytest.mark.parametrize("bent", BENT)
def test_a_relaxation_that_lies_proves_no_more_than_is_true(
    question: tuple[Problem, Board], bent: str
) -> None:
    def bend(problem: Problem, board: Board, time_limit_s: float) -> Relaxed | None:
        said = relax(problem, time_limit_s)
        return None if said is None else BENT[bent](said)

    holds(question, Roads(relax=bend))


@pytest.mark.parametrize(
    "roads",
    [
        pytest.param(Roads(relax=crash), id="the relaxation"),
        pytest.param(Roads(search=crash), id="the search"),  # type: ignore[arg-type]
        pytest.param(Roads(outside=crash), id="the user's own"),  # type: ignore[arg-type]
        pytest.param(
            Roads(relax=crash, search=crash, outside=crash),  # type: ignore[arg-type]
            id="all of them",
        ),
        pytest.param(Roads(relax=lambda *_: None), id="the time is up before anything is said"),
    ],
)
def test_when_solvers_crash_there_is_a_plan_with_a_stated_gap(
    question: tuple[Problem, Board], roads: Roads
) -> None:
    holds(question, roads, use="mine")


def test_urgent_work_comes_first_even_when_no_solver_is_left() -> None:
    problem, board = ask(*crowded(), POLICIES)
    found = holds((problem, board), Roads(relax=crash, search=crash))  # type: ignore[arg-type]
    missing = dict(zip(board.workloads.names, found.x[problem.span(MISSING)], strict=True))
    assert missing["urgent"] == pytest.approx(230.0, abs=0.01)
    assert found.solver == "greedy"


def test_not_a_hundredth_of_urgent_work_is_given_up_for_money() -> None:
    """A second node carries 1 % of the load, and costs a million."""
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=9),
        a_pool("dc-b", max_nodes=1, usd_per_node_hour=1e6),
        a_service(priority=Priority.CRITICAL, late_usd_per_hour=0.1, max_replicas=90),
    )
    snapshot, demand = a_snapshot(fleet), a_demand(fleet, {"search": 27_000.0})
    problem, board = ask(snapshot, demand, (Cost(), ResponseTime()))
    found = solve(problem, board, SolverSettings())
    assert found.x[problem.span(MISSING)] == pytest.approx([27_000.0 - 2_700.0], abs=0.1)


@SLOW
@given(worlds(), st.sampled_from(sorted(LIES)), st.sampled_from(sorted(BENT)))
def test_no_pair_of_liars_brings_down_a_plan(world: World, lie: str, bent: str) -> None:
    problem, board = ask(world.snapshot, world.demand, ALL)

    def search(problem: Problem, board: Board, said: Relaxed, settings: SolverSettings) -> Answer:
        return LIES[lie](solve_restricted(problem, board, said, settings))

    def bend(problem: Problem, board: Board, time_limit_s: float) -> Relaxed | None:
        said = relax(problem, time_limit_s)
        return None if said is None else BENT[bent](said)

    holds((problem, board), Roads(relax=bend, search=search))


WRITES = "open(sys.argv[sys.argv.index('-solution') + 1], 'wb').write"
PROGRAMS = {
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "crashed": "raise SystemExit(139)",
    "rubbish": f"{WRITES}(bytes(range(256)) * 9)",
    "half a line": f"{WRITES}(b'Optimal - obj\\n0 X0')",
    "words": f"{WRITES}(b'Optimal - objective value 1\\n0 a b c\\n')",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_dies_or_writes_rubbish_is_done_without(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "cbc"
    made.write_text(f"#!{sys.executable}\nimport sys\n{PROGRAMS[program]}\n")
    made.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = holds(ask(*idle(), POLICIES), Roads(), use="COIN_CMD")
    assert found.solver == "highs"
