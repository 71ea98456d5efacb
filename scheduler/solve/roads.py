"""Roads: who solves what. Each may fail, give up or lie, and none is believed unchecked."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Floats
from scheduler.model.board import MISSING, NODES, UNITS, Board
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer
from scheduler.solve.engine import Limits
from scheduler.solve.highs import Relaxed, certified, relax
from scheduler.solve.large.front import solve_large
from scheduler.solve.neighbourhood import relax_near, solve_near
from scheduler.solve.restricted import solve_restricted

Said = TypeVar("Said")
NOTHING = Answer(x=None, bound=-np.inf)
SIFTED = 5_000
"""With more options the relaxation starts from the few that matter."""
ROUNDED = 15_000
"""With more options the relaxation is made whole workload by workload, and mended."""


def _outside(problem: Problem, settings: SolverSettings) -> Answer:
    # Imported where it is needed: most plans are made without it.
    from scheduler.solve.pulp_road import solve_with_pulp

    return solve_with_pulp(problem, settings)


def _relax(problem: Problem, board: Board, time_limit_s: float) -> Relaxed | None:
    if board.options.count <= SIFTED or not _is_row_by_row(problem, board):
        return relax(problem, time_limit_s)
    return relax_near(problem, board, time_limit_s) or relax(problem, time_limit_s)


def _search(problem: Problem, board: Board, relaxed: Relaxed, settings: SolverSettings) -> Answer:
    if not problem.integer[problem.span(UNITS)].any():
        # Units that may be split: only nodes are whole, and a dive over prices finds them.
        limits = Limits(nodes=settings.node_limit, time_s=settings.time_limit_s)
        fluid = solve_large(problem, settings.gap, limits=limits)
        if fluid.x is not None:
            return Answer(x=fluid.x, bound=fluid.bound)
    if board.options.count > ROUNDED and _is_row_by_row(problem, board):
        answer = solve_near(problem, board, relaxed, None, settings)
        if answer.x is not None:
            return answer
    return solve_restricted(problem, board, relaxed, settings)


def _is_row_by_row(problem: Problem, board: Board) -> bool:
    """Whether each pool and workload has an unknown of its own: not where equal ones are merged."""
    nodes, missing = problem.span(NODES), problem.span(MISSING)
    own = (nodes.stop - nodes.start, missing.stop - missing.start)
    return own == (len(board.pools.names), len(board.workloads.names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Roads:
    """The solvers of a plan; each can be replaced by another one that is asked the same."""

    relax: Callable[[Problem, Board, float], Relaxed | None] = _relax
    """The LP relaxation within a time in seconds."""
    search: Callable[[Problem, Board, Relaxed, SolverSettings], Answer] = _search
    """Our own search for whole numbers."""
    outside: Callable[[Problem, SolverSettings], Answer] = _outside
    """The solver that the user owns."""

    def relaxed(self, problem: Problem, board: Board, time_limit_s: float) -> Relaxed | None:
        """The relaxation with the bound and prices that its duals prove; nothing if it fails."""
        return _certified(problem, _heard(lambda: self.relax(problem, board, time_limit_s)))

    def searched(
        self, problem: Problem, board: Board, relaxed: Relaxed, settings: SolverSettings
    ) -> Answer:
        """What our own search says, if anything."""
        return _sound(problem, _heard(lambda: self.search(problem, board, relaxed, settings)))

    def asked(self, problem: Problem, settings: SolverSettings) -> Answer:
        """What the user's solver says, if anything."""
        return _sound(problem, _heard(lambda: self.outside(problem, settings)))


ROADS = Roads()


def _heard(ask: Callable[[], Said]) -> Said | None:
    """What a solver says; nothing if it crashes."""
    try:
        return ask()
    except Exception:  # noqa: BLE001 - a solver is others' code: whatever it raises, a plan is due
        return None


def _sound(problem: Problem, said: Answer | None) -> Answer:
    """An answer that can be checked: what is no point, or no number, is nothing."""
    if said is None:
        return NOTHING
    return replace(
        said,
        x=said.x if _is_point(said.x, problem.columns) else None,
        bound=-np.inf if np.isnan(said.bound) else said.bound,
    )


def _certified(problem: Problem, said: Relaxed | None) -> Relaxed | None:
    """Only the duals are taken from it, and a point that is one: the rest is our arithmetic."""
    if said is None or not _is_point(said.x, problem.columns):
        return None
    good = _is_point(said.row_duals, len(problem.row_lower))
    duals = said.row_duals if good else np.zeros(len(problem.row_lower))
    return certified(problem, said.x, duals)


def _is_point(x: Floats | None, size: int) -> bool:
    if x is None or np.shape(x) != (size,) or x.dtype.kind != "f":
        return False
    return bool(np.all(np.isfinite(x)))
