"""The small problem beside a relaxation: options that matter, flows as what carries them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array, csr_array

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.model.board import MISSING, NODES, UNITS, Board
from scheduler.model.problem import Problem
from scheduler.solve.highs import Relaxed
from scheduler.solve.near.carriers import Carriers, carriers
from scheduler.solve.near.live import Live, Part
from scheduler.solve.restricted import rank

HAIR = 1e-7
ROOMY = 500
"""Options kept on pools with room left, beside those in use: the way out of each workload."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Small:
    """A part of a problem, with unit and flow in one: as if each unit were used to its most.

    Its solutions give whole numbers; `completed` finds the best flows for them. That costs no
    more than here, as a flow need not be the most that a unit carries.
    """

    part: Part
    columns: Ints
    """Of the problem, by column of the part."""
    option: Ints
    """By column of the part; -1 for what is no unit."""
    owner: Ints
    """Workload of each unit; -1 for what is no unit."""
    is_node: Bools
    carriers: Carriers


def small(problem: Problem, board: Board, relaxed: Relaxed) -> Small:
    """Keeps what the relaxation uses, what runs, and for each workload a place with room."""
    carried = carriers(problem)
    units, nodes = problem.span(UNITS), problem.span(NODES)
    kept = np.ones(problem.columns, dtype=bool)
    kept[units] = _options(problem, board, relaxed)
    kept[carried.flow] = False
    kept &= problem.upper > problem.lower
    columns = np.nonzero(kept)[0]
    is_unit = (columns >= units.start) & (columns < units.stop)
    option = np.where(is_unit, columns - units.start, -1)
    return Small(
        part=_part(problem, carried, columns),
        columns=columns,
        option=option,
        owner=np.where(is_unit, board.options.workload[option], -1),
        is_node=(columns >= nodes.start) & (columns < nodes.stop),
        carriers=carried,
    )


def _options(problem: Problem, board: Board, relaxed: Relaxed) -> Bools:
    units, nodes = problem.span(UNITS), problem.span(NODES)
    options = board.options
    matters = _matters(problem)[options.workload]
    used = (relaxed.x[units] > HAIR) | (matters & (options.units_now > 0.0))
    full = (relaxed.x[nodes] >= problem.upper[nodes] - HAIR)[options.pool]
    allowed = problem.upper[units] > problem.lower[units]
    price = np.where(full | ~allowed | used | ~matters, np.inf, relaxed.reduced_costs[units])
    each = -(-ROOMY // max(1, len(board.workloads.names)))
    roomy = np.isfinite(price) & (rank(options.workload, price) < each)
    kept: Bools = used | roomy
    return kept


def _matters(problem: Problem) -> Bools:
    """Workloads whose lack costs anything: where only urgency counts, few do."""
    priced: Bools = problem.cost[problem.span(MISSING)] > 0.0
    return priced | bool(problem.cost[problem.span(NODES)].any())


def _part(problem: Problem, carried: Carriers, columns: Ints) -> Part:
    """Each kept unit takes its flow along; what is left out stands at its lower limit."""
    position = np.full(problem.columns, -1)
    position[columns] = np.arange(len(columns))
    with_flow = np.nonzero(position[carried.unit] >= 0)[0]
    both = np.concatenate([columns, carried.flow[with_flow]])
    to = np.concatenate([np.arange(len(columns)), position[carried.unit[with_flow]]])
    factor = np.concatenate([np.ones(len(columns)), carried.most[with_flow]])
    merge = csr_array((factor, (np.arange(len(both)), to)), shape=(len(both), len(columns)))
    rows = ~carried.idle
    rows[carried.row] = False
    left_out = problem.lower.copy()
    left_out[both] = 0.0
    base = problem.matrix @ left_out
    matrix = csr_array((csc_array(problem.matrix)[:, both] @ merge).tocsr())
    matrix.data[np.abs(matrix.data) < HAIR * HAIR] = 0.0
    matrix.eliminate_zeros()
    at = np.nonzero(rows & (np.diff(matrix.indptr) > 0))[0]
    return Part(
        cost=merge.T @ problem.cost[both],
        lower=problem.lower[columns],
        upper=problem.upper[columns],
        integer=problem.integer[columns],
        matrix=csr_array(matrix[at]),
        row_lower=(problem.row_lower - base)[at],
        row_upper=(problem.row_upper - base)[at],
    )


def without_fixed(part: Part) -> tuple[Part, Ints]:
    """Only what is free to move, and which columns that are; the rest moves to the limits."""
    free = part.upper > part.lower
    base = part.matrix @ np.where(free, 0.0, part.lower)
    columns = np.nonzero(free)[0]
    matrix = csr_array(csc_array(part.matrix)[:, columns].tocsr())
    rows = np.nonzero(np.diff(matrix.indptr) > 0)[0]
    rest = replace(
        part,
        cost=part.cost[columns],
        lower=part.lower[columns],
        upper=part.upper[columns],
        integer=part.integer[columns],
        matrix=csr_array(matrix[rows]),
        row_lower=(part.row_lower - base)[rows],
        row_upper=(part.row_upper - base)[rows],
    )
    return rest, columns


def completed(problem: Problem, near: Small, x: Floats, time_limit_s: float) -> Floats | None:
    """The problem's unknowns for whole numbers of the small one: flows and slacks at their best."""
    found = problem.lower.copy()
    given = near.part.integer
    found[near.columns[given]] = x[given]
    in_use = np.zeros(problem.columns, dtype=bool)
    in_use[near.carriers.unit[found[near.carriers.unit] > 0.0]] = True
    open_ = np.zeros(problem.columns, dtype=bool)
    open_[near.columns[~given]] = True
    open_[near.carriers.flow] = in_use[near.carriers.unit]
    upper = np.where(open_, problem.upper, found)
    lower = np.where(open_, problem.lower, found)
    whole = Part(
        cost=problem.cost,
        lower=lower,
        upper=upper,
        integer=problem.integer,
        matrix=problem.matrix,
        row_lower=problem.row_lower,
        row_upper=problem.row_upper,
    )
    rest, columns = without_fixed(whole)
    live = Live(rest, time_limit_s)
    if not live.solve():
        return None
    found[columns] = live.x
    return np.clip(found, problem.lower, problem.upper)
