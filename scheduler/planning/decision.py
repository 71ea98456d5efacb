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
from scheduler.solve.chain import solve
from scheduler.solve.highs import complete


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decision:
    """What was known, what was asked, and the checked answer."""

    demand: Demand
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
    snapshot: Snapshot, demand: Demand, policies: Sequence[Policy], settings: SolverSettings
) -> Decision:
    """One optimisation over everything known. Raises NoPlanError if hard rules contradict."""
    whole_board = survey(snapshot, demand)
    board, forbids = restrict(whole_board, policies)
    problem = assemble(board, policies)
    solution = solve(problem, board, settings)
    return Decision(
        demand=demand,
        whole_board=whole_board,
        board=board,
        forbids=forbids,
        problem=problem,
        solution=_made_whole(problem, board, solution, settings),
    )


def _made_whole(
    problem: Problem, board: Board, solution: Solution, settings: SolverSettings
) -> Solution:
    """Nodes are added where the pods of a pool do not pack on whole nodes.

    The room rows allow for that in all but rare mixes; then a node more, or a pod less, is taken.
    """
    units, nodes = solution.x[problem.span(UNITS)], solution.x[problem.span(NODES)]
    needed = needed_nodes(board, units)
    short = np.nonzero((needed > nodes + 1e-9) & ~board.pool_state.frozen)[0]
    if not len(short):
        return solution
    upper = board.blocks[NODES].upper
    lower = problem.lower.copy()
    most = problem.upper.copy()
    units_at, nodes_at = problem.span(UNITS).start, problem.span(NODES).start
    for pool in short:
        if needed[pool] <= upper[pool]:
            lower[nodes_at + pool] = needed[pool]
            continue
        rows = np.nonzero((board.options.pool == pool) & (units > 0.0))[0]
        for row in rows:
            most[units_at + row] = units[row]
        largest = rows[np.argmax(board.options.nodes_per_unit[rows])]
        most[units_at + largest] = units[largest] - 1.0
    return _again(replace(problem, lower=lower, upper=most), board, solution, settings)


def _again(
    problem: Problem, board: Board, solution: Solution, settings: SolverSettings
) -> Solution:
    """The narrowed problem: completed around today's whole numbers, or solved anew."""
    whole = np.clip(solution.x, problem.lower, problem.upper)
    x = complete(problem, whole, settings.time_limit_s)
    if x is None or not is_feasible(problem, x):
        return _made_whole(problem, board, solve(problem, board, settings), settings)
    settled = replace(
        solution, x=x, objective=cost(problem, x), bound=min(solution.bound, cost(problem, x))
    )
    return _made_whole(problem, board, settled, settings)
