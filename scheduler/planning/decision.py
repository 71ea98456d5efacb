"""The decision: board, problem and solution of one instant, before it is written as a plan."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scheduler.domain.demand import Demand
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.model.affine import Floats
from scheduler.model.board import FLOW, MISSING, NODES, UNITS, Board, survey
from scheduler.model.policy import Policy
from scheduler.model.problem import Forbids, Problem, assemble, restrict
from scheduler.planning.whole_pods import needed_nodes
from scheduler.solve.answer import Solution, cost, is_feasible
from scheduler.solve.chain import NoPlanError, solve
from scheduler.solve.enrich import enrich
from scheduler.solve.highs import complete
from scheduler.solve.patience import Clock, Patience, begin, no_clock

ROUNDS = 20
"""Rounds of column generation at most, where a pool has more fillings than can be listed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decision:
    """What was known, what was asked, and the checked answer."""

    demand: Demand
    asked: str
    """The solver that was asked for."""
    whole_board: Board
    """With every option that physically fits."""
    board: Board
    """Without what policies forbid."""
    forbids: tuple[Forbids, ...]
    problem: Problem
    solution: Solution

    @property
    def nodes(self) -> Floats:
        """Nodes by pool."""
        return self.solution.x[self.problem.span(NODES)]

    @property
    def units(self) -> Floats:
        """Units by option of `board`."""
        return self.solution.x[self.problem.span(UNITS)]

    @property
    def flow(self) -> Floats:
        """Requests per second by routed option."""
        return self.solution.x[self.problem.span(FLOW)]

    @property
    def missing(self) -> Floats:
        """Requests per second, or gangs, by workload."""
        return self.solution.x[self.problem.span(MISSING)]


def settle(
    snapshot: Snapshot,
    demand: Demand,
    policies: Sequence[Policy],
    settings: SolverSettings,
    clock: Clock = no_clock,
) -> Decision:
    """One optimisation over everything known, within the time that the settings allow.

    Raises NoPlanError if hard rules contradict.
    """
    patience = begin(settings, clock)
    whole_board = survey(snapshot, demand)
    board, forbids = restrict(whole_board, policies)
    problem, board, bound = _enriched(board, policies, patience)
    solution = solve(problem, board, patience.left, clock)
    solution = replace(solution, bound=min(solution.bound, bound))
    return Decision(
        demand=demand,
        asked=settings.use,
        whole_board=whole_board,
        board=board,
        forbids=forbids,
        problem=problem,
        solution=_made_whole(problem, board, solution, patience),
    )


def _enriched(
    board: Board, policies: Sequence[Policy], patience: Patience
) -> tuple[Problem, Board, float]:
    """The problem with the fillings that pay, and a bound over those that are not listed."""
    problem, bound = assemble(board, policies), np.inf
    for _ in range(ROUNDS):
        found = enrich(problem, board, patience.left.time_limit_s)
        if found is None:
            break
        bound = found.bound
        if not found.grown:
            break
        board = board.packed(found.packings)
        problem = assemble(board, policies)
    return problem, board, bound


def _made_whole(problem: Problem, board: Board, solution: Solution, patience: Patience) -> Solution:
    """Nodes are added where the pods of a pool do not pack on whole nodes.

    The room rows allow for that in all but rare mixes; then a node more is taken, or a pod less
    where no rule allows the node.
    """
    units, nodes = solution.x[problem.span(UNITS)], solution.x[problem.span(NODES)]
    needed = needed_nodes(board, units)
    short = np.nonzero((needed > nodes + 1e-9) & ~board.pool_state.frozen)[0]
    if not len(short):
        return solution
    for most in (board.blocks[NODES].upper, nodes):
        narrowed = problem
        for pool in short.tolist():
            if needed[pool] <= most[pool]:
                narrowed = _with_nodes(narrowed, pool, needed[pool])
            else:
                narrowed = _with_fewer_pods(narrowed, board, pool, units)
        settled = _again(narrowed, board, solution, patience)
        if settled is not None:
            return _made_whole(narrowed, board, settled, patience)
    raise NoPlanError("pods do not pack on whole nodes: raise nodes.max of a pool, or the budget")


def _with_nodes(problem: Problem, pool: int, nodes: float) -> Problem:
    lower = problem.lower.copy()
    lower[problem.span(NODES).start + pool] = nodes
    return replace(problem, lower=lower)


def _with_fewer_pods(problem: Problem, board: Board, pool: int, units: Floats) -> Problem:
    """No more of anything on the pool, and one unit less of what takes the most room."""
    upper, start = problem.upper.copy(), problem.span(UNITS).start
    rows = np.nonzero((board.options.pool == pool) & (units > 0.5))[0]
    upper[start + rows] = units[rows]
    largest = rows[np.argmax(board.options.nodes_per_unit[rows])]
    upper[start + largest] = units[largest] - 1.0
    return replace(problem, upper=upper)


def _again(
    problem: Problem, board: Board, solution: Solution, patience: Patience
) -> Solution | None:
    """The narrowed problem: completed around the whole numbers found; solved anew without a pod.

    The bound of the wider problem holds on; that of the narrowed one proves nothing.
    """
    fewer = bool(np.any(solution.x > problem.upper + 1e-9))
    whole = np.clip(solution.x, problem.lower, problem.upper)
    x = None if fewer else complete(problem, whole, patience.left.time_limit_s)
    if x is None or not is_feasible(problem, x):
        try:
            found = solve(problem, board, patience.left, patience.clock)
        except NoPlanError:
            return None
        return replace(found, bound=min(solution.bound, found.objective))
    worth = cost(problem, x)
    return replace(solution, x=x, objective=worth, bound=min(solution.bound, worth))
