"""Greedy: always an answer. Dearest need first, each on its cheapest options, then set right."""

import numpy as np

from scheduler.domain.workloads import InferenceService, TrainingJob
from scheduler.model.affine import Floats, Ints
from scheduler.model.board import FILLS, FLOW, MISSING, NODES, UNITS, Board, filled
from scheduler.model.problem import CHECK, Problem
from scheduler.solve.answer import cost, is_feasible, urgency

CARRIES = ("load", "objective")
"""Rules whose factors say what a unit carries."""
PASSES = 8
"""Rounds in which dependent unknowns (slack, crowding, switches) are raised to fit the rest."""


def solve_greedily(problem: Problem, board: Board) -> Floats | None:
    """The best feasible of: filled up, as it runs, nothing but what must be. Urgent work first."""
    starts = (_filled(problem, board), board.options.units_now, board.blocks[UNITS].lower)
    answers = [_settle(problem, board, np.asarray(units, dtype=float)) for units in starts]
    feasible = [x for x in answers if is_feasible(problem, x)]
    return min(
        feasible, key=lambda x: (round(urgency(problem, x), 6), cost(problem, x)), default=None
    )


def _filled(problem: Problem, board: Board) -> Floats:
    """Units by option, need by need."""
    units = board.blocks[UNITS].lower.copy()
    room = board.blocks[NODES].upper - board.taken - _nodes_used(board, units)
    able = _able(problem, board)
    for workload in _by_need(board):
        rows = np.nonzero(board.options.workload == workload)[0]
        order = np.argsort(_prices(problem, board, rows, able), kind="stable")
        _fill(board, workload, rows[order], units, room, able)
    return units


def _able(problem: Problem, board: Board) -> Floats:
    """Requests per second of one unit by the tightest rule that says so; 1 for jobs."""
    able = np.full(board.options.count, np.inf)
    for family in problem.families:
        if family.name.removesuffix(" routed") in CARRIES:
            rows = problem.matrix[family.start : family.stop, problem.span(UNITS)].tocoo()
            said = rows.data != 0.0
            np.minimum.at(able, rows.coords[1][said], np.abs(rows.data[said]))
    return np.where(np.isfinite(able), able, 1.0)


def _by_need(board: Board) -> Ints:
    state = board.workload_state
    worth = state.missing_usd_per_hour * state.wanted
    return np.lexsort((np.arange(len(worth)), -worth, ~state.urgent)).astype(np.int64)


def _prices(problem: Problem, board: Board, rows: Ints, able: Floats) -> Floats:
    """USD per hour of one unit, its share of nodes included, by request it can carry."""
    options = board.options
    unit = problem.cost[problem.span(UNITS)][rows]
    node = problem.cost[problem.span(NODES)][options.pool[rows]]
    price: Floats = (unit + node * options.nodes_per_unit[rows]) / able[rows]
    return price


def _fill(
    board: Board, workload: int, rows: Ints, units: Floats, room: Floats, able: Floats
) -> None:
    """Takes units of the cheapest options first, until the need is met or no room is left."""
    options = board.options
    item = board.workloads.items[workload]
    if isinstance(item, TrainingJob) and not board.workloads.whole_gang[workload]:
        return
    most = (item.max_replicas if isinstance(item, InferenceService) else 1.0) - units[rows].sum()
    left = board.workload_state.wanted[workload] - float(able[rows] @ units[rows])
    for row in rows:
        if left <= 1e-9:
            return
        fits = np.floor(room[options.pool[row]] / options.nodes_per_unit[row] + 1e-9)
        limit = min(most, board.blocks[UNITS].upper[row] - units[row])
        count = max(0.0, min(np.ceil(left / able[row] - 1e-9), fits, limit))
        units[row] += count
        most -= count
        room[options.pool[row]] -= count * options.nodes_per_unit[row]
        left -= count * able[row]


def _nodes_used(board: Board, units: Floats) -> Floats:
    options = board.options
    used: Floats = np.bincount(
        options.pool, options.nodes_per_unit * units, minlength=len(board.pools.names)
    ).astype(float)
    return used


def _settle(problem: Problem, board: Board, units: Floats) -> Floats:
    """Nodes, traffic and all dependent unknowns for given units."""
    x = problem.lower.copy()
    nodes = board.blocks[NODES]
    units = np.clip(np.round(units), board.blocks[UNITS].lower, board.blocks[UNITS].upper)
    fills = filled(board, units)
    used = _nodes_used(board, units)
    for packing, nodes_of in zip(board.packings, fills, strict=True):
        used[packing.pool] = nodes_of.sum()
    needed = np.ceil(used + board.taken - 1e-9)
    x[problem.span(NODES)] = np.clip(needed, nodes.lower, nodes.upper)
    x[problem.span(FILLS)] = np.concatenate([*fills, np.zeros(0)])
    x[problem.span(UNITS)] = units
    flow, missing = _traffic(board, units, _able(problem, board))
    x[problem.span(FLOW)], x[problem.span(MISSING)] = flow[board.routed], missing
    return _raise_dependents(problem, x)


def _traffic(board: Board, units: Floats, able: Floats) -> tuple[Floats, Floats]:
    """Shares by capacity; what is not carried is missing. Jobs: run or missing."""
    options, n, count = board.options, board.traffic_options, len(board.workloads.names)
    carrying = units[:n] * able[:n]
    owner, wanted = options.workload[:n], board.workload_state.wanted
    total = np.bincount(owner, carrying, minlength=count)
    carried = np.minimum(total, wanted)
    flow = carrying * (carried / np.maximum(total, 1e-9))[owner]
    gangs = np.bincount(options.workload[n:], units[n:], minlength=count)
    is_service = np.arange(count) < board.workloads.services
    missing = np.where(is_service, wanted - carried, wanted - np.minimum(gangs, wanted))
    return flow, np.maximum(0.0, missing)


def _raise_dependents(problem: Problem, x: Floats) -> Floats:
    """Lifts unknowns of the policies' own blocks until their rows hold."""
    base = problem.span(MISSING).stop
    own = problem.matrix[:, base:].tocsr()
    for _ in range(PASSES):
        value = problem.matrix @ x
        lack = np.where(
            value > problem.row_upper,
            problem.row_upper - value,
            np.maximum(0.0, problem.row_lower - value),
        )
        broken = np.nonzero(np.abs(lack) > CHECK * 0.01)[0]
        if not len(broken):
            return x
        for row in broken:
            _lift(problem, x, own, base, int(row), float(lack[row]))
    return x


def _lift(problem: Problem, x: Floats, own: object, base: int, row: int, lack: float) -> None:
    start, stop = own.indptr[row], own.indptr[row + 1]  # type: ignore[attr-defined]
    for column, factor in zip(own.indices[start:stop], own.data[start:stop], strict=True):  # type: ignore[attr-defined]
        step = lack / factor
        at = base + int(column)
        if step > 0.0 and x[at] < problem.upper[at]:
            step = np.ceil(step - 1e-9) if problem.integer[at] else step
            x[at] = min(problem.upper[at], x[at] + step)
            return
