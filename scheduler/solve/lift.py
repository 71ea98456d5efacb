"""Back from a quotient: a whole solution of the full problem with the quotient's sums."""

from dataclasses import replace

import numpy as np

from scheduler.model.affine import Bools, Floats
from scheduler.model.board import FILLS, NODES, UNITS, Board
from scheduler.model.problem import Problem
from scheduler.solve.answer import cost, is_feasible, rounded
from scheduler.solve.classes import Quotient
from scheduler.solve.dealing import Way, split
from scheduler.solve.highs import relax_rest

NEAR = 1e-7
WAYS = (Way(even=False, spread=True), Way(even=True, spread=True), Way(even=False, spread=False))


def lift(quotient: Quotient, board: Board, x: Floats, time_limit_s: float) -> Floats | None:
    """A whole solution of the full problem with these sums, the cheapest that is found, or nothing.

    Nodes go to the fewest pools, units to workload after workload, and all other unknowns are
    completed by LP. Equal sums cost the same, so the first that loses nothing is the answer.
    """
    full = quotient.full
    least = cost(quotient.problem, x)
    found: list[Floats] = []
    for way in WAYS:
        whole = _completed(full, split(quotient, board, x, way), time_limit_s)
        if whole is not None:
            found.append(whole)
            if cost(full, whole) <= least + NEAR * (1.0 + abs(least)):
                break
    return min(found, key=lambda x: cost(full, x), default=None)


def _completed(full: Problem, whole: Floats, time_limit_s: float) -> Floats | None:
    """The other unknowns at their best: relaxed, what must be whole rounded up, solved again."""
    dealt = np.zeros(full.columns, dtype=bool)
    for block in (NODES, UNITS, FILLS):
        dealt[full.span(block)] = True
    first = _best_rest(full, whole, dealt, time_limit_s)
    if first is None:
        return None
    own = full.integer & ~dealt
    if own.any():
        first = rounded(full, np.where(own, np.ceil(first - 1e-7), first))
        if not is_feasible(full, first):
            again = _best_rest(full, first, dealt | own, time_limit_s)
            first = first if again is None else again
    return first if is_feasible(full, first) else None


def _best_rest(full: Problem, x: Floats, fixed: Bools, time_limit_s: float) -> Floats | None:
    """The columns that are not fixed by an LP of their own."""
    lower, upper = np.where(fixed, x, full.lower), np.where(fixed, x, full.upper)
    return relax_rest(replace(full, lower=lower, upper=upper), time_limit_s)
