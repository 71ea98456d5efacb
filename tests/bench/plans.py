"""Plans of a hundred workloads on sixty pools and of twenty on ten: how long, how good."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose
from statistics import median

from scheduler.domain.demand import Demand
from scheduler.domain.plan import Plan
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.model.affine import Floats
from scheduler.model.board import survey
from scheduler.model.problem import Problem, assemble, restrict
from scheduler.planning.decide import decide
from scheduler.solve.adoption import running_candidate
from scheduler.solve.warm import Basis, Traffic, traffic
from tests.bench.checking import feasible, well_billed
from tests.bench.figures import Asked, Figure, Timed, timed
from tests.bench.worlds import a_world, all_policies, under_way

WORLDS = 3
RUNS = 3
CAP_USD_PER_WORKLOAD = 6.0
TRAFFIC_MS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One plan of one world, with its time and two opinions on it."""

    plan: Plan
    time: Timed
    feasible: str
    billed: str


def plan_100x60(asked: Asked) -> Iterator[Figure]:
    """A hundred workloads, sixty pools, all default policies and a budget."""
    yield from _figures("plan_100x60", 100, 60, 1000.0, asked.seed)


def plan_20x10(asked: Asked) -> Iterator[Figure]:
    """Twenty workloads, ten pools, the same policies."""
    yield from _figures("plan_20x10", 20, 10, 100.0, asked.seed)


def traffic_100x60(asked: Asked) -> Iterator[Figure]:
    """The traffic alone, nodes and pods fixed, started where the last split ended."""
    cap = CAP_USD_PER_WORKLOAD * 100
    times, same = [], []
    for number in range(WORLDS):
        first = a_world(100, 60, asked.seed + number)
        plan = decide(*first, all_policies(cap), SolverSettings())
        before, now = (
            _as_it_runs(*under_way(*first, plan, asked.seed + turn, swing=0.02), cap)
            for turn in (1, 2)
        )
        begun = _split(before, None)
        times.append(timed(lambda now=now, basis=begun.basis: _split(now, basis), RUNS))
        anew, cold = _split(now, begun.basis), _split(now, None)
        worth = now[0].cost
        same.append("yes" if isclose(worth @ anew.x, worth @ cold.x, rel_tol=1e-7) else "no")
    yield Figure(
        name="traffic_100x60",
        measured=1e3 * median(time.wall_s for time in times),
        bound=TRAFFIC_MS,
        unit="ms",
        runs=sum(time.runs for time in times),
        details={
            "worlds": str(WORLDS),
            "cpu": _each(f"{1e3 * time.cpu_s:.1f}" for time in times) + " ms",
            "as dear as from nothing": _agreed(iter(same)),
        },
    )


def _as_it_runs(snapshot: Snapshot, demand: Demand, cap: float) -> tuple[Problem, Floats]:
    """The problem, and today's nodes and pods in it."""
    policies = all_policies(cap)
    board, _ = restrict(survey(snapshot, demand), policies)
    problem = assemble(board, policies)
    running = running_candidate(problem, board, SolverSettings())
    if running is None:
        raise ValueError("the rules do not allow what runs: no traffic to split")
    return problem, running


def _split(world: tuple[Problem, Floats], basis: Basis | None) -> Traffic:
    found = traffic(*world, SolverSettings().time_limit_s, basis)
    if found is None:
        raise ValueError("no split of the traffic was found")
    return found


def _figures(name: str, workloads: int, pools: int, bound_ms: float, seed: int) -> Iterator[Figure]:
    """The first plan on an empty fleet, and the plan of the tick after it."""
    first, following = [], []
    cap = CAP_USD_PER_WORKLOAD * workloads
    for number in range(WORLDS):
        snapshot, demand = a_world(workloads, pools, seed + number)
        first.append(_planned(snapshot, demand, cap))
        later = under_way(snapshot, demand, first[-1].plan, seed + number)
        following.append(_planned(*later, cap))
    yield _figure(name, first, bound_ms)
    yield _figure(f"{name}_next_tick", following, bound_ms)


def _planned(snapshot: Snapshot, demand: Demand, cap: float) -> Planned:
    policies, settings = all_policies(cap), SolverSettings()
    plan = decide(snapshot, demand, policies, settings)
    return Planned(
        plan=plan,
        time=timed(lambda: decide(snapshot, demand, policies, settings), RUNS),
        feasible=feasible(plan, snapshot, demand).words,
        billed=well_billed(plan, snapshot, demand, cap).words,
    )


def _figure(name: str, plans: list[Planned], bound_ms: float) -> Figure:
    proofs = [item.plan.proof for item in plans]
    return Figure(
        name=name,
        measured=1e3 * median(item.time.wall_s for item in plans),
        bound=bound_ms,
        unit="ms",
        runs=sum(item.time.runs for item in plans),
        details={
            "worlds": str(len(plans)),
            "wall": _each(f"{1e3 * item.time.wall_s:.0f}" for item in plans) + " ms",
            "cpu": _each(f"{1e3 * item.time.cpu_s:.0f}" for item in plans) + " ms",
            "gap": _each(f"{proof.gap:.2%}" for proof in proofs),
            "objective": _each(f"{proof.objective:.2f}" for proof in proofs) + " USD/h",
            "solver": _each(proof.solver for proof in proofs),
            "missing": _each(str(len(item.plan.missing)) for item in plans),
            "feasible": _agreed(item.feasible for item in plans),
            "bill checked": _agreed(item.billed for item in plans),
        },
    )


def _each(words: Iterator[str]) -> str:
    return "/".join(words)


def _agreed(words: Iterator[str]) -> str:
    """One word where all say the same."""
    return "; ".join(sorted(set(words)))
