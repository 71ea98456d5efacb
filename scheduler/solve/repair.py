"""Repair: a few pools at a time are filled anew, exactly; one node for several, or several for one.

For plans that no search has proven: each round frees the nodes and units of one pool that costs
more than its work would elsewhere, or the places of a workload that is missing, and of the pools
where that work could go. All else stays.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Bools, Floats, Ints
from scheduler.model.board import FILLS, MISSING, NODES, UNITS, Board
from scheduler.model.problem import Problem
from scheduler.solve.answer import cost, is_feasible, urgency
from scheduler.solve.highs import complete, solve_exactly
from scheduler.solve.patience import Clock, begin, no_clock

ROUNDS = 24
"""Small problems that are solved, at most."""
POOLS = 12
"""Pools that are freed together."""
OPTIONS = 200
"""Options that are freed together, beside those in use."""
NODE_LIMIT = 60
GAP = 1e-4
SECONDS = 1.0
HAIR = 1e-9


def repair(
    problem: Problem, board: Board, x: Floats, settings: SolverSettings, clock: Clock = no_clock
) -> Floats:
    """As good as x or cheaper, feasible by our own check; the same for equal questions.

    All rounds together take the time that the settings allow.
    """
    nodes, most_s = min(NODE_LIMIT, settings.node_limit), min(SECONDS, settings.time_limit_s)
    patience = begin(replace(settings, gap=GAP, node_limit=nodes), clock)
    market, tried = _market(problem, board), set[int]()
    for _ in range(ROUNDS):
        losses = _losses(problem, board, market, x)
        losses[list(tried)] = 0.0
        if not losses.any() or patience.over:
            break
        worst = int(np.argmax(losses))
        tried.add(worst)
        limit_s = min(most_s, patience.left.time_limit_s)
        small = replace(patience.settings, time_limit_s=limit_s)
        better = _exchanged(problem, x, _freed(problem, board, market, x, worst), small)
        if better is not None:
            # Where one pool has changed, others may have become worth another look.
            x, tried = better, {worst}
    return x


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Market:
    """What the work of one unit costs elsewhere."""

    work: Floats
    """By option: what one unit does, in its workload's own measure."""
    price: Floats
    """By option: USD per hour of that work, with its share of nodes."""
    least: Floats
    """By workload: the least of these."""


def _market(problem: Problem, board: Board) -> _Market:
    options = board.options
    able = np.where(options.capacity_rps > 0.0, options.capacity_rps, options.stable_rps)
    workers = np.where(board.workloads.whole_gang, 1, board.workloads.gang)
    is_service = options.workload < board.workloads.services
    work = np.where(is_service, able, 1.0 / workers[options.workload])
    node = problem.cost[problem.span(NODES)][options.pool] * options.nodes_per_unit
    unit = problem.cost[problem.span(UNITS)] + node
    open_ = (problem.upper[problem.span(UNITS)] > 0.0) & (work > 0.0)
    price = np.where(open_, unit / np.maximum(work, HAIR), np.inf)
    least = np.full(len(board.workloads.names), np.inf)
    np.minimum.at(least, options.workload, price)
    return _Market(work=work, price=price, least=least)


def _losses(problem: Problem, board: Board, market: _Market, x: Floats) -> Floats:
    """What could be saved at most, in a fluid world: by pool, then by workload that is missing.

    A pool's nodes and units cost so much more than their work would at its cheapest.
    """
    options, units = board.options, x[problem.span(UNITS)]
    nodes, price = x[problem.span(NODES)], problem.cost[problem.span(NODES)]
    least = market.least[options.workload]
    worth = units * market.work * np.where(np.isfinite(least), least, 0.0)
    own = units * problem.cost[problem.span(UNITS)]
    excess = nodes * price + np.bincount(options.pool, own - worth, minlength=len(nodes))
    fixed = problem.lower[problem.span(NODES)] >= problem.upper[problem.span(NODES)]
    excess[fixed | (nodes < 0.5)] = 0.0
    missing = problem.cost[problem.span(MISSING)] * x[problem.span(MISSING)]
    losses = np.concatenate([excess, missing])
    return np.where(losses > HAIR, losses, 0.0)


def _freed(problem: Problem, board: Board, market: _Market, x: Floats, worst: int) -> Bools:
    """Columns that may change: those of the pool and of its alternatives, and what depends on them.

    `worst` is a pool, or beyond them a workload that is missing.
    """
    options, units = board.options, x[problem.span(UNITS)]
    missing = worst - len(board.pools.names)
    there = (options.pool == worst) & (units > 0.5) | (options.workload == missing)
    moving = np.unique(options.workload[there])
    pools = _alternatives(board, market, units, moving, worst)
    here = np.isin(options.pool, pools)
    used = here & (units > 0.5)
    able = here & np.isfinite(market.price)
    able &= np.isin(options.workload, np.append(options.workload[used], moving))
    # Those that cost least beyond their workload's best come first.
    extra = np.nonzero(able & ~used)[0]
    loss = market.price[extra] / np.maximum(market.least[options.workload[extra]], HAIR)
    chosen = extra[np.argsort(loss, kind="stable")][:OPTIONS]
    free = np.zeros(problem.columns, dtype=bool)
    free[problem.span(NODES).start + pools] = True
    free[problem.span(UNITS).start + np.concatenate([np.nonzero(used)[0], chosen])] = True
    free[problem.span(FILLS)] = np.isin(_pool_of_fill(board), pools)
    return free | _dependent(problem, free)


def _alternatives(board: Board, market: _Market, units: Floats, moving: Ints, pool: int) -> Ints:
    """The pool itself, and those where its work is cheapest or has a place already."""
    options = board.options
    rows = np.nonzero(np.isin(options.workload, moving) & np.isfinite(market.price))[0]
    loss = market.price[rows] / np.maximum(market.least[options.workload[rows]], HAIR)
    # A pool that has some of the work already is as good as one that is a little cheaper.
    loss -= np.where(units[rows] > 0.5, 0.25, 0.0)
    best = np.full(len(board.pools.names), np.inf)
    np.minimum.at(best, options.pool[rows], loss)
    best[pool : pool + 1] = -np.inf
    order = np.argsort(best, kind="stable")[:POOLS]
    chosen: Ints = order[best[order] < np.inf]
    return chosen


def _pool_of_fill(board: Board) -> Ints:
    each = [np.full(len(packing.fillings), packing.pool) for packing in board.packings]
    return np.concatenate([*each, np.zeros(0)]).astype(np.int64)


def _dependent(problem: Problem, free: Bools) -> Bools:
    """Unknowns beside nodes, units and fillings that stand in one row with a freed one."""
    met = abs(problem.matrix) @ free.astype(float) > 0.0
    beside: Bools = met.astype(float) @ abs(problem.matrix) > 0.0
    beside[: problem.span(FILLS).stop] = False
    return beside


def _exchanged(problem: Problem, x: Floats, free: Bools, settings: SolverSettings) -> Floats | None:
    """The best for the freed columns, the others fixed; nothing unless it is cheaper."""
    if not free.any():
        return None
    part = csr_array(problem.matrix[:, free])
    met, rest = np.diff(part.indptr) > 0, problem.matrix @ np.where(free, 0.0, x)
    answer = solve_exactly(
        replace(
            problem,
            cost=problem.cost[free],
            urgent=problem.urgent[free],
            lower=problem.lower[free],
            upper=problem.upper[free],
            integer=problem.integer[free],
            matrix=part[met],
            row_lower=(problem.row_lower - rest)[met],
            row_upper=(problem.row_upper - rest)[met],
        ),
        settings,
    )
    if answer.x is None:
        return None
    found = x.copy()
    found[free] = answer.x
    if not is_feasible(problem, found):
        again = complete(problem, found, settings.time_limit_s)
        if again is None or not is_feasible(problem, again):
            return None
        found = again
    no_worse = urgency(problem, found) <= urgency(problem, x) + HAIR
    hair = HAIR * (1.0 + abs(cost(problem, x)))
    return found if no_worse and cost(problem, found) < cost(problem, x) - hair else None
