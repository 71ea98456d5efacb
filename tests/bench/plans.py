"""Plans of a hundred workloads on sixty pools and of twenty on ten: how long, how good."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import vstack

from scheduler.domain.demand import Demand
from scheduler.domain.plan import Plan
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.model.affine import Floats
from scheduler.model.board import Board, survey
from scheduler.model.problem import Problem, assemble, restrict
from scheduler.planning.decide import decide
from scheduler.planning.reshare import reshare
from scheduler.solve.adoption import running_candidate
from tests.bench.checking import feasible, well_billed
from tests.bench.figures import Asked, Figure, Timed, timed
from tests.bench.worlds import a_world, all_policies, under_way

WORLDS = 3
RUNS = 3
CAP_USD_PER_WORKLOAD = 6.0
TRAFFIC_MS = 20.0
HAIR = 1e-7


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
    """The traffic alone, nodes and pods fixed: the LP, and the whole turn from the snapshot on."""
    cap = CAP_USD_PER_WORKLOAD * 100
    policies, settings = all_policies(cap), SolverSettings()
    splits, turns, same = [], [], []
    for number in range(WORLDS):
        first = a_world(100, 60, asked.seed + number)
        now = under_way(*first, decide(*first, policies, settings), asked.seed, swing=0.02)
        board, _ = restrict(survey(*now), policies)
        problem = assemble(board, policies)
        splits.append(timed(lambda p=problem, b=board: _split(p, b, settings), RUNS))
        turns.append(timed(lambda now=now: reshare(*now, policies, settings), RUNS))
        same.append("yes" if _is_best(problem, _split(problem, board, settings)) else "no")
    yield Figure(
        name="traffic_100x60",
        measured=1e3 * median(time.wall_s for time in splits),
        bound=TRAFFIC_MS,
        unit="ms",
        runs=sum(time.runs for time in splits),
        details={
            "worlds": str(WORLDS),
            "cpu": _each(f"{1e3 * time.cpu_s:.1f}" for time in splits) + " ms",
            "from snapshot to plan": _each(f"{1e3 * time.wall_s:.0f}" for time in turns) + " ms",
            "no other split is cheaper": _agreed(iter(same)),
        },
    )


def _split(problem: Problem, board: Board, settings: SolverSettings) -> Floats:
    found = running_candidate(problem, board, settings)
    if found is None:
        raise ValueError("the rules do not allow what runs: no traffic to split")
    return found


def _is_best(problem: Problem, x: Floats) -> bool:
    """Against another solver, over all unknowns that are no whole numbers."""
    lower, upper = (np.where(problem.integer, x, limit) for limit in (problem.lower, problem.upper))
    rows, low, high = problem.matrix, problem.row_lower, problem.row_upper
    above, below = np.isfinite(high), np.isfinite(low)
    other = linprog(
        problem.cost,
        A_ub=vstack([rows[above], -rows[below]]),
        b_ub=np.concatenate([high[above], -low[below]]) + HAIR,
        bounds=np.stack([lower, upper], axis=1),
        method="highs-ipm",
    )
    return bool(problem.cost @ x <= other.fun * (1.0 + 1e-6) + 1e-6)


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
