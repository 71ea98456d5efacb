"""Staying: a plan carried out in another world than it was made for, and what it costs there."""

from dataclasses import dataclass, replace
from math import inf

import numpy as np

from scheduler.domain.plan import Plan
from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Floats
from scheduler.model.board import Board
from scheduler.planning.decision import Decision
from scheduler.planning.whole_pods import needed_nodes
from scheduler.solve.adoption import running_candidate
from scheduler.solve.answer import cost, urgency

HAIR = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stay:
    """The plan's nodes and pods, everything else at its best around them."""

    x: Floats
    usd_per_hour: float
    """Re-computed over all policies; feasible by our own check."""


def stay(plan: Plan, decision: Decision, settings: SolverSettings) -> Stay | None:
    """The plan in the decision's world; nothing if some of it cannot be there."""
    board = _as_planned(plan, decision.board)
    if board is None:
        return None
    if not decision.problem.columns:
        return Stay(x=np.zeros(0), usd_per_hour=decision.problem.constant)
    x = running_candidate(decision.problem, board, settings)
    if x is None or np.any(needed_nodes(board, board.options.units_now) > _nodes(board) + HAIR):
        return None
    return Stay(x=x, usd_per_hour=cost(decision.problem, x))


def saves(decision: Decision, kept: Stay, settings: SolverSettings) -> float:
    """USD per hour by which the decision is cheaper than what is kept, less a hair.

    The hair is that of the running placement. Infinite where only the decision has room for the
    urgent work: no money is worth that.
    """
    solution, problem = decision.solution, decision.problem
    if urgency(problem, kept.x) > urgency(problem, solution.x) + HAIR:
        return inf
    hair = max(0.0, settings.keep_within) * (abs(solution.objective) + 1e-9) + HAIR
    return kept.usd_per_hour - solution.objective - hair


def keep(decision: Decision, kept: Stay, *, running: bool) -> Decision:
    """The decision with the kept plan for its solution. `running`: it is what runs now."""
    solution = replace(
        decision.solution,
        x=kept.x,
        objective=kept.usd_per_hour,
        bound=min(decision.solution.bound, kept.usd_per_hour),
        kept=running,
    )
    return replace(decision, solution=solution)


def _as_planned(plan: Plan, board: Board) -> Board | None:
    """The board as if the plan's nodes and pods were there; nothing if it has no place for them."""
    pools = {name: i for i, name in enumerate(board.pools.names)}
    work = {name: i for i, name in enumerate(board.workloads.names)}
    nodes, pods = np.zeros(len(pools)), np.zeros((len(work), len(pools)))
    for line in plan.pools:
        if line.pool in pools:
            nodes[pools[line.pool]] = line.after
        elif line.after:
            return None
    for placed in plan.placements:
        if placed.workload in work and placed.pool in pools:
            pods[work[placed.workload], pools[placed.pool]] = placed.after
        elif placed.after:
            return None
    options = board.options
    units = pods[options.workload, options.pool] / options.pods_per_unit
    if float(pods.sum()) > float((units * options.pods_per_unit).sum()) + HAIR:
        return None
    return replace(
        board,
        pool_state=replace(board.pool_state, nodes_now=nodes),
        options=replace(options, units_now=units),
    )


def _nodes(board: Board) -> Floats:
    return board.pool_state.nodes_now
