"""The chain: tiers before money, nobody believed unchecked, the running plan kept for a hair."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.domain.names import PolicyName
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.domain.workloads import Priority
from scheduler.model.board import MISSING, NODES, UNITS, Board
from scheduler.model.policy import Contribution, Policy, at_least
from scheduler.solve.answer import Solution, is_feasible
from scheduler.solve.chain import NoPlanError, solve
from scheduler.solve.pulp_road import available_solvers
from tests.model.worlds import (
    EXACT,
    HABIT,
    MUST_RUN,
    a_demand,
    a_fleet,
    a_job,
    a_node,
    a_pool,
    a_service,
    a_snapshot,
)
from tests.solve.questions import ask

PAIR: tuple[Policy, ...] = (Cost(), ResponseTime())
CRITICAL = Priority.CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """A hard rule of one's own: so many nodes in all."""

    nodes: float
    name: ClassVar[PolicyName] = PolicyName("at-least")

    def contribute(self, board: Board) -> Contribution:
        pools = len(board.pools.names)
        total = board.nodes.sum_by(np.zeros(pools, dtype=np.int64), 1)
        limit = np.array([self.nodes])
        return Contribution(rules=(at_least("nodes", total, limit, words=lambda _: "enough"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subsidy:
    """A dollar back for every node, so that doing nothing is a poor plan."""

    name: ClassVar[PolicyName] = PolicyName("subsidy")

    def contribute(self, board: Board) -> Contribution:
        return Contribution(usd_per_hour=board.nodes @ np.full(len(board.pools.names), -1.0))


def crowded(use: str = "highs") -> tuple[dict[str, float], Solution]:
    """Room for 270 requests/s; a cheap critical service and a dear one want 500 each."""
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1),
        a_service("dear", late_usd_per_hour=1e6),
        a_service("urgent", priority=CRITICAL, late_usd_per_hour=0.1),
    )
    rps = {"dear": 500.0, "urgent": 500.0}
    problem, board = ask(a_snapshot(fleet), a_demand(fleet, rps), PAIR)
    solution = solve(problem, board, replace(EXACT, use=use))
    missing = solution.x[problem.span(MISSING)].tolist()
    return dict(zip(board.workloads.names, missing, strict=True)), solution


@pytest.mark.parametrize("use", ["highs", "cbc"])
def test_urgent_work_is_never_given_up_for_money(use: str) -> None:
    missing, solution = crowded(use)
    assert missing == {"dear": pytest.approx(500.0), "urgent": pytest.approx(230.0, abs=0.01)}
    assert solution.solver == use


def test_a_job_at_its_deadline_is_urgent_too() -> None:
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1),
        a_job("cheap", wait_usd_per_hour=0.01),
        a_job("dear", wait_usd_per_hour=1e6),
    )
    problem, board = ask(a_snapshot(fleet), a_demand(fleet, jobs={"cheap": MUST_RUN}), PAIR)
    x = solve(problem, board, EXACT).x
    assert x[problem.span(MISSING)].tolist() == [0.0, 1.0]


def test_with_room_for_all_nothing_is_missing() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service("a", priority=CRITICAL), a_service("b"))
    problem, board = ask(a_snapshot(fleet), a_demand(fleet, {"a": 300.0, "b": 300.0}), PAIR)
    solution = solve(problem, board, EXACT)
    assert solution.x[problem.span(MISSING)] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert solution.objective == pytest.approx(3.0)


@pytest.mark.parametrize("use", ["highs", "cbc"])
def test_what_pods_of_others_take_is_no_room_of_ours(use: str) -> None:
    """Five replicas and four foreign GPUs need three nodes of four GPUs."""
    nodes = [replace(a_node(name, "dc-a"), gpus_others=2.0) for name in ("n1", "n2")]
    fleet = a_fleet(a_pool("dc-a"), a_service())
    problem, board = ask(a_snapshot(fleet, nodes=nodes), a_demand(fleet, {"search": 300.0}), PAIR)
    solution = solve(problem, board, replace(EXACT, use=use))
    assert solution.x[problem.span(UNITS)].tolist() == [5.0]
    assert solution.x[problem.span(NODES)].tolist() == [3.0]


def test_a_pool_that_others_fill_carries_nothing_and_is_no_contradiction() -> None:
    """Though they take more than the pool may have."""
    nodes = [replace(a_node(f"n{i}", "dc-a"), gpus_others=4.0) for i in range(3)]
    fleet = a_fleet(a_pool("dc-a", max_nodes=2), a_service())
    problem, board = ask(a_snapshot(fleet, nodes=nodes), a_demand(fleet, {"search": 300.0}), PAIR)
    solution = solve(problem, board, EXACT)
    assert solution.x[problem.span(UNITS)].tolist() == [0.0]
    assert solution.x[problem.span(MISSING)] == pytest.approx([300.0])


def test_rules_that_contradict_each_other_end_in_advice() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service())
    problem, board = ask(a_snapshot(fleet), a_demand(fleet), (Cost(), AtLeast(nodes=11.0)))
    with pytest.raises(NoPlanError, match=r"tidegate check.*without the policies added last"):
        solve(problem, board, EXACT)


def simple(
    policies: tuple[Policy, ...], settings: SolverSettings, snapshot: Snapshot | None = None
) -> tuple[dict[str, float], Solution]:
    """Units by option of one service with 100 requests/s on two pools of equal price."""
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc-b", usd_per_node_hour=1.001), a_service())
    world = snapshot or a_snapshot(fleet)
    problem, board = ask(world, a_demand(fleet, {"search": 100.0}), policies)
    solution = solve(problem, board, settings)
    assert is_feasible(problem, solution.x)
    units = solution.x[problem.span(UNITS)]
    labels = (board.option_label(i) for i in range(len(units)))
    return {label: n for label, n in zip(labels, units.tolist(), strict=True) if n}, solution


def on_b() -> Snapshot:
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc-b", usd_per_node_hour=1.001), a_service())
    return a_snapshot(fleet, nodes={"dc-b": 1}, pods={("search", "dc-b"): 2})


def test_the_running_plan_is_kept_for_a_hair() -> None:
    units, solution = simple(PAIR, HABIT, on_b())
    assert (units, solution.kept) == ({"search@dc-b": 2.0}, True)
    assert solution.objective == pytest.approx(1.001)
    assert solution.bound <= solution.objective


def test_the_running_plan_goes_for_more_than_a_hair() -> None:
    units, solution = simple(PAIR, EXACT, on_b())
    assert (units, solution.kept) == ({"search@dc-a": 2.0}, False)


Liar = Callable[[str], SolverSettings]


@pytest.fixture
def liar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Liar:
    """An external solver that says whatever it is told to say, wherever the problem leads."""

    def saying(solution: str) -> SolverSettings:
        said = tmp_path / "said"
        said.write_text(solution)
        program = tmp_path / "cbc"
        program.write_text(
            f"#!{sys.executable}\nimport pathlib, shutil, sys\n"
            f"if pathlib.Path({str(said)!r}).stat().st_size:\n"
            f"    shutil.copy({str(said)!r}, sys.argv[sys.argv.index('-solution') + 1])\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        return replace(EXACT, use="COIN_CMD")

    return saying


@pytest.mark.parametrize(
    "solution",
    [
        pytest.param("Optimal - objective value 0.0\n", id="all zero, claimed optimal"),
        pytest.param(
            "Optimal - objective value 0.0\n0 X0000000 nan 0\n1 X0000001 nan 0\n", id="not a number"
        ),
        pytest.param("Optimal - objective value 0.0\n0 X0000000 1e30 0\n", id="beyond its bounds"),
        pytest.param("Optimal - objective value 0.0\n0 X0000000 0.5 0\n", id="half a node"),
        pytest.param("Infeasible - objective value 0.0\n", id="claims that nothing is possible"),
        pytest.param("", id="says nothing"),
    ],
)
def test_a_solver_that_lies_is_caught_and_another_one_answers(liar: Liar, solution: str) -> None:
    units, found = simple(PAIR, liar(solution))
    assert units == {"search@dc-a": 2.0}
    assert found.solver == "highs"
    assert found.objective == pytest.approx(1.0)


def test_a_poor_answer_that_is_claimed_optimal_shows_its_gap(liar: Liar) -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service())
    problem, board = ask(a_snapshot(fleet), a_demand(fleet), (Subsidy(),))
    solution = solve(problem, board, liar("Optimal - objective value -10.0\n"))
    assert solution.solver == "COIN_CMD"
    assert (solution.objective, solution.bound) == (0.0, -10.0)


@pytest.mark.parametrize("use", ["GLPK_CMD", "no-such-solver"])
def test_a_solver_that_is_not_there_does_not_stop_the_plan(use: str) -> None:
    if use in available_solvers():
        pytest.skip(f"{use} is installed here")
    units, solution = simple(PAIR, replace(EXACT, use=use))
    assert units == {"search@dc-a": 2.0}
    assert solution.solver == "highs"


def test_without_time_greed_answers_and_says_so() -> None:
    units, solution = simple(PAIR, replace(EXACT, time_limit_s=0.0))
    assert units == {"search@dc-a": 2.0}
    assert solution.solver == "greedy"
    assert solution.bound <= solution.objective


def test_equal_questions_have_equal_answers() -> None:
    one, other = simple(PAIR, EXACT)[1], simple(PAIR, EXACT)[1]
    assert np.array_equal(one.x, other.x)
