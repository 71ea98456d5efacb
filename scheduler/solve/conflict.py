"""Conflict: where not all can be had, which limits are in the way, and what each is short by."""

from bisect import bisect_right
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.model.board import NODES, UNITS
from scheduler.model.physics import UNMET
from scheduler.model.problem import CHECK, Problem
from scheduler.solve.highs import relax

MOST = 3
"""So many limits are named."""
STRUCTURE = ("room", "fill", "load", "gangs", "gang")
"""Rules of physics that nobody can bend: what a node holds, what a replica carries."""
ROUTED = " routed"


def in_conflict(problem: Problem, time_limit_s: float) -> tuple[str, ...]:
    """The limits, in words, that must give way, with what each is short by; none if not known.

    By the LP that bends rules and the most nodes of pools as little as can be, each relative to
    its size; all that it leaves alone holds together. Rows of urgent work are not bent: where
    `upper` allows none of it to be missing, this says what it lacks.
    """
    bends = _bends(problem)
    relaxed = relax(_bent(problem, bends), time_limit_s)
    if relaxed is None:
        return ()
    lack = relaxed.x[problem.columns :]
    worst = np.argsort(-lack / bends.size, kind="stable")[:MOST]
    return tuple(
        f"{_words(problem, bends, int(at))} (short by {lack[at]:,.4g})"
        for at in worst
        if lack[at] > CHECK * bends.size[at]
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Bends:
    """Sides of rows that may give way, then pools that may have more nodes."""

    rows: Ints
    sign: Floats
    """1 for a lower limit, -1 for an upper one."""
    pools: Ints
    size: Floats
    """One for each row side, then each pool: 1 and its limit."""


def _bends(problem: Problem) -> _Bends:
    soft = ~_firm(problem) & ~_switches(problem)
    below = np.nonzero(soft & np.isfinite(problem.row_lower))[0]
    above = np.nonzero(soft & np.isfinite(problem.row_upper))[0]
    nodes = problem.span(NODES)
    most = problem.upper[nodes]
    pools = np.nonzero(np.isfinite(most))[0]
    limits = (problem.row_lower[below], problem.row_upper[above], most[pools])
    return _Bends(
        rows=np.concatenate([below, above]),
        sign=np.repeat([1.0, -1.0], [len(below), len(above)]),
        pools=pools,
        size=1.0 + np.abs(np.concatenate(limits)),
    )


def _firm(problem: Problem) -> Bools:
    """Rows of structure, and those that say what urgent work wants."""
    firm: Bools = abs(problem.matrix) @ (problem.urgent > 0.0).astype(float) > 0.0
    for family in problem.families:
        if family.name.endswith(ROUTED) or (family.policy == UNMET and family.name in STRUCTURE):
            firm[family.start : family.stop] = True
    return firm


def _bent(problem: Problem, bends: _Bends) -> Problem:
    """The problem with an unknown for each bend, its rows and pools widened by them."""
    rows, columns, pools = len(problem.row_lower), problem.columns, len(bends.pools)
    sides, most = len(bends.rows), problem.upper[problem.span(NODES)]
    widened = csr_array((bends.sign, (bends.rows, np.arange(sides))), shape=(rows, sides + pools))
    at = np.arange(pools)
    nodes = problem.span(NODES).start + bends.pools
    entries = np.repeat([1.0, -1.0], pools)
    where = (np.concatenate([at, at]), np.concatenate([nodes, columns + sides + at]))
    more = csr_array((entries, where), shape=(pools, columns + sides + pools))
    return replace(
        problem,
        cost=np.concatenate([np.zeros(columns), 1.0 / bends.size]),
        constant=0.0,
        lower=np.concatenate([problem.lower, np.zeros(sides + pools)]),
        upper=np.concatenate([_opened(problem), np.full(sides + pools, np.inf)]),
        integer=np.zeros(columns + sides + pools, dtype=bool),
        matrix=csr_array(vstack([hstack([problem.matrix, widened]), more])),
        row_lower=np.concatenate([problem.row_lower, np.full(pools, -np.inf)]),
        row_upper=np.concatenate(
            [np.where(_switches(problem), np.inf, problem.row_upper), most[bends.pools]]
        ),
    )


def _switches(problem: Problem) -> Bools:
    """Rows that only say with a pool's most nodes that it is in use: they bend with that."""
    nodes, units = problem.span(NODES), problem.span(UNITS)
    entries = problem.matrix.tocoo()
    row, column = entries.coords
    count = len(problem.row_lower)
    pairs = np.bincount(row, minlength=count) == 2
    pool = np.bincount(row[(column < nodes.stop) & (entries.data > 0.0)], minlength=count) == 1
    switch = (column >= units.stop) & problem.integer[column] & (entries.data < 0.0)
    found: Bools = pairs & pool & (np.bincount(row[switch], minlength=count) == 1)
    return found


def _opened(problem: Problem) -> Floats:
    """Upper bounds without those that follow from the most nodes of a pool."""
    upper = problem.upper.copy()
    for block in (NODES, UNITS):
        span = problem.span(block)
        fixed = problem.lower[span] == problem.upper[span]
        upper[span] = np.where(fixed & (block == UNITS), problem.upper[span], np.inf)
    return upper


def _words(problem: Problem, bends: _Bends, at: int) -> str:
    if at >= len(bends.rows):
        pool = int(bends.pools[at - len(bends.rows)])
        return f"{problem.blocks[0].label(pool)} has at most {problem.upper[pool]:g} nodes"
    row = int(bends.rows[at])
    starts = [family.start for family in problem.families]
    family = problem.families[bisect_right(starts, row) - 1]
    return family.words(row - family.start) if row < family.stop else "urgent work runs"
