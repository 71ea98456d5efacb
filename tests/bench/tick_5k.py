"""A tick of a large fleet: 5,000 nodes, 20,000 pods, 500 workloads, 60 pools, each load moved.

`python -m tests.bench.tick_5k [--input JOURNAL ...]`: the last tick of each journal instead of a
drawn world.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TypeVar

from scheduler.app.standing import policies_from_json
from scheduler.domain.actions import (
    Action,
    Drain,
    Grow,
    Guarded,
    Place,
    Release,
    Resume,
    Vacate,
)
from scheduler.domain.demand import Demand
from scheduler.domain.plan import Plan
from scheduler.domain.settings import GuardSettings, SolverSettings
from scheduler.domain.snapshot import NodePhase, Snapshot
from scheduler.model.board import UNITS, survey
from scheduler.model.policy import Policy
from scheduler.model.problem import assemble, restrict
from scheduler.planning.decision import settle
from scheduler.planning.diff import diff
from scheduler.planning.guard import guard
from scheduler.planning.whole_pods import needed_nodes
from scheduler.planning.write import write
from scheduler.runtime.journal import Journal
from tests.bench.alone import alone
from tests.bench.checking import Opinion, feasible
from tests.bench.figures import Asked, Figure
from tests.bench.worlds import a_world, all_policies, under_way

WORKLOADS, POOLS = 500, 60
TIMES_NODES, TIMES_LOAD = 16, 60
"""What makes the drawn fleet run about 5,000 nodes and 20,000 pods."""
SWING = 0.03
"""Every load moves by so much at most since the plan that runs."""
CAP_USD_PER_HOUR = 1e6
RUNS = 3
BOUND_MS = 1000.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a tick is asked: everything known at one instant, and the settings."""

    name: str
    snapshot: Snapshot
    demand: Demand
    policies: Sequence[Policy]
    solver: SolverSettings = field(default_factory=SolverSettings)
    guard: GuardSettings = field(default_factory=GuardSettings)


@dataclass(slots=True, kw_only=True)
class Watch:
    """Wall and CPU seconds, stage by stage."""

    wall_s: dict[str, float] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)

    def __call__(self, stage: str, call: Callable[[], T]) -> T:
        """Time one call."""
        wall, cpu = perf_counter(), process_time()
        found = call()
        self.wall_s[stage], self.cpu_s[stage] = perf_counter() - wall, process_time() - cpu
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """One tick from snapshot to actions."""

    plan: Plan
    actions: tuple[Action, ...]
    guarded: Guarded
    watch: Watch


LINE = ("settle", "write", "diff", "guard")
"""The stages of a tick; the others are parts of the first one, measured beside it."""


def tick_5k(asked: Asked) -> Iterator[Figure]:
    """Snapshot to actions of a large fleet under way."""
    for question in (*map(recorded, asked.inputs),) or (drawn(asked.seed),):
        ticks = [ticked(question) for _ in range(RUNS)]
        yield _figure(question, ticks)


def drawn(seed: int) -> Question:
    """The world after its first plan, every load a little up or down."""
    snapshot, demand = a_world(WORKLOADS, POOLS, seed, nodes=TIMES_NODES, load=TIMES_LOAD)
    policies = all_policies(CAP_USD_PER_HOUR)
    first = write(settle(snapshot, demand, policies, SolverSettings(time_limit_s=60.0)))
    now, later = under_way(snapshot, demand, first, seed, swing=SWING)
    return Question(name=f"seed {seed}", snapshot=now, demand=later, policies=policies)


def recorded(path: Path) -> Question:
    """The last tick of a journal."""
    journal = Journal.open(path)
    try:
        last = journal.read(journal.last())
    finally:
        journal.close()
    return Question(
        name=path.name,
        snapshot=last.snapshot,
        demand=last.demand,
        policies=policies_from_json(last.policy_uses),
        solver=last.loop.solver,
        guard=last.loop.guard,
    )


def ticked(question: Question) -> Ticked:
    """The line of a tick, and beside it the parts of its longest stage."""
    snapshot, demand, policies = question.snapshot, question.demand, question.policies
    watch = Watch()
    decision = watch("settle", lambda: settle(snapshot, demand, policies, question.solver))
    plan = watch("write", lambda: write(decision))
    actions = watch("diff", lambda: diff(plan, snapshot))
    guarded = watch("guard", lambda: guard(actions, plan, snapshot, question.guard))
    whole = watch("survey", lambda: survey(snapshot, demand))
    board, _ = watch("restrict", lambda: restrict(whole, policies))
    watch("assemble", lambda: assemble(board, policies))
    units = decision.solution.x[decision.problem.span(UNITS)]
    watch("whole pods", lambda: needed_nodes(decision.board, units))
    return Ticked(plan=plan, actions=actions, guarded=guarded, watch=watch)


def opinion_on_actions(
    actions: Sequence[Action], guarded: Guarded, plan: Plan, question: Question
) -> Opinion:
    """What is wrong with the orders of a tick; told without the planner's code."""
    return Opinion(
        broken=(
            *_stray_orders(actions, plan),
            *_lost_orders(actions, guarded),
            *_beyond_caps(guarded, question.guard),
            *_hasty_losses(guarded, question.snapshot),
        )
    )


def _stray_orders(actions: Sequence[Action], plan: Plan) -> Iterator[str]:
    """Growth goes to the plan's nodes, new pods to the plan's pods."""
    nodes = {line.pool: line.after for line in plan.pools}
    pods = {(line.workload, line.pool): line.after for line in plan.placements}
    for action in actions:
        if isinstance(action, Grow) and action.nodes != nodes[action.pool]:
            yield f"{action.key}: the plan has {nodes[action.pool]} nodes"
        if isinstance(action, Place | Resume):
            planned = pods.get((action.workload, action.pool), 0)
            before = action.before if isinstance(action, Place) else 0
            if action.pods > max(planned, before):
                yield f"{action.key}: the plan has {planned} pods"


def _lost_orders(actions: Sequence[Action], guarded: Guarded) -> Iterator[str]:
    """Every order is allowed, in part or as traffic alone, or held; none comes from nowhere."""
    asked = {(action.pool, getattr(action, "workload", "")) for action in actions}
    told = [*guarded.allowed, *(item.action for item in guarded.held)]
    answered = {(action.pool, getattr(action, "workload", "")) for action in told}
    yield from (f"{pool} {workload}: asked, not answered" for pool, workload in asked - answered)
    yield from (f"{pool} {workload}: never asked" for pool, workload in answered - asked)


def _beyond_caps(guarded: Guarded, settings: GuardSettings) -> Iterator[str]:
    added = sum(a.nodes - a.before for a in guarded.allowed if isinstance(a, Grow))
    gone = sum(len(a.nodes) for a in guarded.allowed if isinstance(a, Drain | Vacate))
    released = sum(len(a.nodes) for a in guarded.allowed if isinstance(a, Release))
    if added > settings.max_nodes_added_per_tick:
        yield f"{added} nodes are added at once"
    if max(gone, released) > settings.max_nodes_released_per_tick:
        yield f"{max(gone, released)} nodes go at once"


def _hasty_losses(guarded: Guarded, snapshot: Snapshot) -> Iterator[str]:
    """No order takes a service's last ready pods, and none drains a node that is not there."""
    ready: dict[str, int] = {}
    nodes = {node.name: node.phase for report in snapshot.sites.values() for node in report.nodes}
    for report in snapshot.sites.values():
        for there in report.placements:
            ready[there.workload] = ready.get(there.workload, 0) + there.ready
    for action in guarded.allowed:
        if isinstance(action, Place) and action.pods < action.before:
            ready[action.workload] -= action.before - action.pods
            if ready[action.workload] <= 0:
                yield f"{action.key}: nobody is left to answer"
        if isinstance(action, Drain):
            gone = [name for name in action.nodes if nodes.get(name) in (None, NodePhase.DRAINING)]
            yield from (f"{action.key}: {name} is not there to drain" for name in gone)


def _figure(question: Question, ticks: Sequence[Ticked]) -> Figure:
    last, proof = ticks[-1], ticks[-1].plan.proof
    snapshot = question.snapshot
    stages = list(last.watch.wall_s)
    return Figure(
        name="tick_5k",
        measured=1e3 * median(sum(t.watch.wall_s[stage] for stage in LINE) for t in ticks),
        bound=BOUND_MS,
        unit="ms",
        runs=len(ticks),
        details={
            "world": question.name,
            "nodes": str(sum(len(report.nodes) for report in snapshot.sites.values())),
            "pods": str(sum(p.wanted for r in snapshot.sites.values() for p in r.placements)),
            "workloads": str(len(snapshot.fleet.services) + len(snapshot.fleet.jobs)),
            "pools": str(len(snapshot.fleet.pools)),
            "cpu": _ms(median(sum(t.watch.cpu_s[stage] for stage in LINE) for t in ticks)),
            **{
                stage: f"{_ms(median(t.watch.wall_s[stage] for t in ticks))} wall, "
                f"{_ms(median(t.watch.cpu_s[stage] for t in ticks))} cpu"
                for stage in stages
            },
            "solver": proof.solver,
            "objective": f"{proof.objective:.2f} USD/h",
            "gap": f"{proof.gap:.2%}",
            "actions": _counted(last.actions),
            "held": str(len(last.guarded.held)),
            "feasible": feasible(last.plan, snapshot, question.demand).words,
            "orders checked": opinion_on_actions(
                last.actions, last.guarded, last.plan, question
            ).words,
        },
    )


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.0f} ms"


def _counted(actions: Sequence[Action]) -> str:
    kinds = [type(action).__name__.lower() for action in actions]
    return " ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds))) or "none"


if __name__ == "__main__":
    sys.exit(alone(tick_5k, sys.argv[1:]))
