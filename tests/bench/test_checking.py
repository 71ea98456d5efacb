"""The second opinion on plans must see what is wrong, and the table must say what was missed."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from scheduler.domain.demand import Demand
from scheduler.domain.plan import PlacementLine, Plan
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.planning.decide import decide
from tests.bench.__main__ import main
from tests.bench.checking import feasible, well_billed
from tests.bench.figures import Figure, as_json, as_table
from tests.bench.worlds import a_world, all_policies

CAP = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A small world and a plan for it."""

    plan: Plan
    snapshot: Snapshot
    demand: Demand

    def opinion(self) -> str:
        """Everything that is wrong with the plan."""
        return "; ".join(feasible(self.plan, self.snapshot, self.demand).broken)

    def of_the_bill(self, cap: float = CAP) -> str:
        """Everything that is wrong with its bill."""
        return "; ".join(well_billed(self.plan, self.snapshot, self.demand, cap).broken)

    def with_pods(self, old: PlacementLine, pods: int) -> "Planned":
        """The same with another number of pods in one line."""
        lines = tuple(
            replace(line, after=pods) if line is old else line for line in self.plan.placements
        )
        return replace(self, plan=replace(self.plan, placements=lines))

    def placed(self, *, jobs: bool = False) -> PlacementLine:
        """The first line of a service, or of a job."""
        return next(line for line in self.plan.placements if line.after and line.is_job is jobs)


@pytest.fixture(scope="module")
def planned() -> Planned:
    """As we plan it."""
    snapshot, demand = a_world(workloads=12, pools=8, seed=3)
    plan = decide(snapshot, demand, all_policies(CAP), SolverSettings())
    return Planned(plan=plan, snapshot=snapshot, demand=demand)


def test_a_plan_of_ours_is_feasible_and_well_billed(planned: Planned) -> None:
    assert planned.opinion() == ""
    assert planned.of_the_bill() == ""


def test_a_replica_too_few_is_seen(planned: Planned) -> None:
    assert "gets" in planned.with_pods(planned.placed(), 0).opinion()


def test_a_node_too_few_is_seen(planned: Planned) -> None:
    pools = tuple(replace(line, after=0) for line in planned.plan.pools)
    wrong = replace(planned, plan=replace(planned.plan, pools=pools))
    assert "nodes and has 0" in wrong.opinion()


def test_a_gang_in_parts_is_seen(planned: Planned) -> None:
    line = planned.placed(jobs=True)
    assert "has a part of its" in planned.with_pods(line, line.after + 1).opinion()


def test_a_bill_that_does_not_add_up_is_seen(planned: Planned) -> None:
    proof = replace(planned.plan.proof, objective=planned.plan.proof.objective + 1.0)
    wrong = replace(planned, plan=replace(planned.plan, proof=proof))
    assert "adds up to" in wrong.of_the_bill()


def test_a_budget_that_is_broken_is_seen(planned: Planned) -> None:
    assert "0.01 allowed" in planned.of_the_bill(cap=0.01)


@pytest.mark.parametrize(
    ("measured", "at_least", "verdict"),
    [(99.0, False, "ok"), (101.0, False, "missed"), (101.0, True, "ok"), (99.0, True, "missed")],
)
def test_a_figure_knows_its_bound(measured: float, at_least: bool, verdict: str) -> None:
    figure = Figure(name="x", measured=measured, bound=100.0, unit="ms", runs=3, at_least=at_least)
    assert figure.verdict == verdict
    assert verdict in as_table([figure]).splitlines()[1]
    assert json.loads(as_json([figure]))[0]["verdict"] == verdict


def test_equal_seeds_draw_equal_worlds() -> None:
    assert a_world(6, 5, seed=1) == a_world(6, 5, seed=1)
    assert a_world(6, 5, seed=1) != a_world(6, 5, seed=2)


def test_a_bench_that_breaks_ends_with_1_and_hides_no_other(
    tmp_path: Path, as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "deep" / "bench.json"
    nowhere = str(tmp_path / "nowhere")
    assert main(["--only", "plan_process", "--input", nowhere, "--json", str(report)]) == 1
    assert json.loads(report.read_text(encoding="utf-8")) == []
    assert "no such file or folder" in capsys.readouterr().err
