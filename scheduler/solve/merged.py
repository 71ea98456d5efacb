"""Solving by classes: the quotient is solved, and its sums are dealt out to whole members."""

from dataclasses import dataclass, replace

import numpy as np

from scheduler.domain.settings import SolverSettings
from scheduler.model.board import UNITS, Board
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer, cost, is_feasible
from scheduler.solve.bounds import believed
from scheduler.solve.classes import Quotient, expand_relaxed, quotient
from scheduler.solve.cuts import strengthened
from scheduler.solve.highs import Relaxed
from scheduler.solve.lift import lift
from scheduler.solve.patience import Clock, Patience, begin, no_clock
from scheduler.solve.restricted import tightened
from scheduler.solve.roads import ROADS, Roads


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Merged:
    """What the quotient says of the full problem."""

    answer: Answer
    """Its x may be dearer than its bound by more than any gap: then the full problem decides."""
    relaxed: Relaxed
    """The relaxation of the full problem; its x gives equal unknowns equal shares."""


def solve_merged(
    problem: Problem,
    board: Board,
    settings: SolverSettings,
    known: float = np.inf,
    roads: Roads = ROADS,
    clock: Clock = no_clock,
) -> Merged | None:
    """The answer by classes of equal unknowns, or nothing where too little is equal.

    What costs more than `known` (USD per hour) is not looked for.
    """
    classes = quotient(problem)
    if classes is None:
        return None
    patience, merged = begin(settings, clock), _board(classes, board)
    relaxed = roads.relaxed(classes.problem, merged, patience.left.time_limit_s)
    if relaxed is None:
        return None
    answer = _solve(classes, merged, patience, known, roads)
    left_s = patience.left.time_limit_s
    x = None if answer.x is None else lift(classes, board, answer.x, left_s)
    return Merged(answer=replace(answer, x=x), relaxed=expand_relaxed(classes, relaxed))


def _solve(
    classes: Quotient, board: Board, patience: Patience, known: float, roads: Roads
) -> Answer:
    problem = strengthened(classes)
    relaxed = roads.relaxed(problem, board, patience.left.time_limit_s)
    if relaxed is None:
        return Answer(x=None, bound=-np.inf)
    if np.isfinite(known):
        problem = tightened(problem, relaxed, known)
    answer = roads.searched(problem, board, relaxed, patience.left)
    x = answer.x if is_feasible(problem, answer.x) else None
    if x is None and not np.isfinite(known):
        return Answer(x=None, bound=relaxed.bound)
    least = known if x is None else min(known, cost(problem, x))
    return replace(answer, x=x, bound=believed(answer.bound, relaxed.bound, least))


def _board(classes: Quotient, board: Board) -> Board:
    """The board of the quotient: one option of each class."""
    span = classes.full.span(UNITS)
    first = classes.columns.first
    options = first[(first >= span.start) & (first < span.stop)] - span.start
    return replace(board, options=board.options.take(options))
