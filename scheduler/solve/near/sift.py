"""The relaxation by sifting: an LP over the options that matter, all others priced and added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, csr_array

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.model.board import NODES, UNITS, Board
from scheduler.model.problem import Problem
from scheduler.solve.engine import Basis
from scheduler.solve.highs import Relaxed, certified
from scheduler.solve.near.carriers import Carriers, carriers
from scheduler.solve.near.live import AT_LOWER, BASIC, Live, Part
from scheduler.solve.restricted import rank

FIRST = 2
"""Options of each workload that the first LP has, beside those where it runs."""
MORE = 5
"""Options of each workload that one round adds at most."""
ROUNDS = 40
NOISE = 1e-7


def relax_near(problem: Problem, board: Board, time_limit_s: float) -> Relaxed | None:
    """The LP relaxation, from the options in use; nothing where the first LP has no optimum.

    What is left out is priced with the duals of what is in. A flow that is left out with its unit
    takes the dual of its row `flow <= most * unit` at its best. No negative price is left at the
    end, so that the duals prove the optimum of the whole problem; before that they prove a bound.
    """
    sieve = _Sieve(problem=problem, carriers=carriers(problem), columns=csc_array(problem.matrix))
    for open_ in _starts(problem, board, sieve.carriers):
        found = _sifted(sieve, board, open_, time_limit_s)
        if found is not None:
            return found
    return None


def _sifted(sieve: _Sieve, board: Board, open_: Bools, time_limit_s: float) -> Relaxed | None:
    """From these options on, round by round; nothing where they alone have no solution."""
    problem = sieve.problem
    found: _Found | None = None
    before: tuple[_Kept, Basis] | None = None
    for _ in range(ROUNDS):
        kept = _kept(sieve, open_)
        live = Live(kept.part, time_limit_s, _moved(kept, before))
        if not live.solve():
            break
        before = (kept, live.basis)
        found = _read(sieve, kept, live, open_)
        lack = _lacking(problem, found.reduced_costs, open_)
        if not lack.any():
            break
        open_ = open_ | _best_of(board.options.workload, found.reduced_costs, lack, problem)
    if found is None:
        return None
    return certified(problem, found.x, found.row_duals)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sieve:
    problem: Problem
    carriers: Carriers
    columns: csc_array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kept:
    """A part of the problem: these columns and rows."""

    part: Part
    columns: Ints
    rows: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    x: Floats
    row_duals: Floats
    reduced_costs: Floats


def _starts(problem: Problem, board: Board, carried: Carriers) -> Iterator[Bools]:
    """The few that should do; with all of the urgent workloads, which must not wait; with all."""
    few = _first(problem, board, carried)
    yield few
    yield few | board.workload_state.urgent[board.options.workload]
    yield np.ones(len(few), dtype=bool)


def _first(problem: Problem, board: Board, carried: Carriers) -> Bools:
    """By option: where it runs or must run, and the cheapest by price alone."""
    units = problem.span(UNITS)
    options = board.options
    price = problem.cost[units] + problem.cost[problem.span(NODES)][options.pool] * (
        options.nodes_per_unit
    )
    each = np.where(options.capacity_rps > 0.0, options.capacity_rps, options.stable_rps)
    able = np.where(each > 0.0, each, 1.0)
    by_request = price / able
    by_request[carried.unit - units.start] += problem.cost[carried.flow]
    allowed = problem.upper[units] > problem.lower[units]
    by_request[~allowed] = np.inf
    cheap = allowed & (rank(options.workload, by_request) < FIRST)
    open_: Bools = cheap | (options.units_now > 0.0) | (problem.lower[units] > 0.0)
    return open_


def _kept(sieve: _Sieve, open_: Bools) -> _Kept:
    """Without closed units, their flows, and the rows between the two."""
    problem, carried = sieve.problem, sieve.carriers
    units = problem.span(UNITS)
    columns, rows = np.ones(problem.columns, dtype=bool), ~carried.idle
    columns[units] = open_
    closed = ~open_[carried.unit - units.start]
    columns[carried.flow[closed]] = False
    rows[carried.row[closed]] = False
    at, row = np.nonzero(columns)[0], np.nonzero(rows)[0]
    part = Part(
        cost=problem.cost[at],
        lower=problem.lower[at],
        upper=problem.upper[at],
        integer=problem.integer[at],
        matrix=csr_array(sieve.columns[:, at].tocsr()[row]),
        row_lower=problem.row_lower[row],
        row_upper=problem.row_upper[row],
    )
    return _Kept(part=part, columns=at, rows=row)


def _moved(kept: _Kept, before: tuple[_Kept, Basis] | None) -> Basis | None:
    """The last basis with the new columns at their limit and the new rows slack."""
    if before is None:
        return None
    was, basis = before
    columns = np.full(len(kept.columns), AT_LOWER, dtype=np.int8)
    rows = np.full(len(kept.rows), BASIC, dtype=np.int8)
    columns[np.searchsorted(kept.columns, was.columns)] = basis.columns
    rows[np.searchsorted(kept.rows, was.rows)] = basis.rows
    return Basis(columns=columns, rows=rows)


def _read(sieve: _Sieve, kept: _Kept, live: Live, open_: Bools) -> _Found:
    """The LP's optimum in the whole problem, and the price of every column."""
    problem, carried = sieve.problem, sieve.carriers
    x, duals = problem.lower.copy(), np.zeros(len(problem.row_lower))
    x[kept.columns], duals[kept.rows] = live.x, live.duals
    prices = problem.cost - sieve.columns.T @ duals
    closed = ~open_[carried.unit - problem.span(UNITS).start]
    row, flow = carried.row[closed], carried.flow[closed]
    unit, most = carried.unit[closed], carried.most[closed]
    # A flow that pays makes its unit pay: the dual of the row between them says how much.
    worth = np.minimum(0.0, prices[flow])
    scale = problem.matrix[row, flow] if len(row) else np.ones(0)
    duals[row] = worth / np.asarray(scale).ravel()
    prices[flow] -= worth
    prices[unit] += worth * most
    return _Found(x=x, row_duals=duals, reduced_costs=prices)


def _lacking(problem: Problem, prices: Floats, open_: Bools) -> Bools:
    """By option: left out, and it would pay."""
    units = problem.span(UNITS)
    allowed = problem.upper[units] > problem.lower[units]
    noise = NOISE * (1.0 + np.abs(problem.cost[units]))
    lacking: Bools = ~open_ & allowed & (prices[units] < -noise)
    return lacking


def _best_of(owner: Ints, prices: Floats, lack: Bools, problem: Problem) -> Bools:
    """The most negative ones of each workload."""
    each = np.where(lack, prices[problem.span(UNITS)], np.inf)
    best: Bools = lack & (rank(owner, each) < MORE)
    return best
