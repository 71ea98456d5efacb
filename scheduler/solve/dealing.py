"""Dealing: sums of nodes, fillings and units of equal members, given to whole members."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array

from scheduler.model.affine import Floats, Ints
from scheduler.model.board import FILLS, NODES, UNITS, Board
from scheduler.model.physics import UNMET
from scheduler.model.problem import Problem
from scheduler.solve.classes import Quotient

ROOM = ("room", "fill")
"""Rules of physics that say what fits a pool's nodes."""
MANY = 1_000_000
"""Fillings of more nodes than this are not dealt out one by one."""
HAIR = 1e-9
HALVINGS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How sums are dealt out."""

    even: bool
    """Nodes evenly over the fewest pools that hold them, or pool after pool."""
    spread: bool
    """Units first to the emptiest pools, which is cheap where crowding has a price, or packed."""


def split(quotient: Quotient, board: Board, x: Floats, way: Way) -> Floats:
    """Whole nodes, fillings and units; all else at its lower bound."""
    full = quotient.full
    whole = full.lower.copy()
    extra = x - quotient.problem.lower
    nodes = full.span(NODES)
    whole[nodes] += _nodes(quotient, extra, way)
    _fill(quotient, extra, whole, way)
    cells = _cells(full, board, whole)
    home = np.full(len(board.workloads.names), -1, dtype=np.int64)
    for task in _tasks(quotient, board, extra, cells):
        _place(task, board, cells, whole[full.span(UNITS)], home, way)
    return whole


def _nodes(quotient: Quotient, extra: Floats, way: Way) -> Floats:
    """Nodes above its lower bound of each pool. Pools of one class have the same room."""
    full = quotient.full
    span = full.span(NODES)
    of = quotient.columns.of[span]
    nodes = np.zeros(len(of))
    for each in np.unique(of):
        pools, total = np.nonzero(of == each)[0], float(np.round(extra[each]))
        if total <= 0.0:
            continue
        at = span.start + int(pools[0])
        room = float(full.upper[at] - full.lower[at])
        fewest = max(1, int(np.ceil(total / room)))
        if way.even:
            nodes[pools[:fewest]] = total // fewest
            nodes[pools[: int(total % fewest)]] += 1.0
        else:
            nodes[pools] = np.clip(total - room * np.arange(len(pools)), 0.0, room)
    return nodes


def _fill(quotient: Quotient, extra: Floats, whole: Floats, way: Way) -> None:
    """The fillings of a class of pools dealt along its nodes: mixed, or one after the other."""
    full = quotient.full
    fills, nodes = full.span(FILLS), full.span(NODES)
    if fills.start == fills.stop:
        return
    room = full.matrix[_rows(full, ROOM[:1])]
    pool = _owner(csc_array(room[:, fills]), csc_array(room[:, nodes]))
    of = quotient.columns.of[fills]
    group = quotient.columns.of[nodes][pool]
    for each in np.unique(group):
        rows = np.nonzero(group == each)[0]
        pools, at = np.unique(pool[rows], return_inverse=True)
        count = whole[nodes][pools].astype(np.int64)
        classes = np.unique(of[rows])
        if count.sum() > MANY:
            continue
        kinds = _sequence(np.round(extra[classes]), int(count.sum()), way.spread)
        home = np.repeat(np.arange(len(pools)), count)[: len(kinds)]
        for kind, filling in enumerate(classes.tolist()):
            member = rows[of[rows] == filling]
            # Fillings of one pool that are equal take turns.
            table = member[np.argsort(at[of[rows] == filling], kind="stable")]
            turns = table.reshape(len(pools), -1)
            slots = home[kinds == kind]
            chosen = turns[slots, np.arange(len(slots)) % turns.shape[1]]
            np.add.at(whole, fills.start + chosen, 1.0)


def _sequence(fillings: Floats, nodes: int, spread: bool) -> Ints:
    """The kind of filling of each node; mixed evenly, and then on idle nodes too: room is free."""
    count = fillings.astype(np.int64)
    total = int(count.sum())
    if spread and 0 < total < nodes:
        count = np.floor(fillings * (nodes / total)).astype(np.int64)
    kinds = np.repeat(np.arange(len(count)), count)
    if not spread:
        return kinds[:nodes]
    within = np.arange(len(kinds)) - np.repeat(np.cumsum(count) - count, count)
    place = (within + 0.5) / count[kinds]
    mixed: Ints = kinds[np.lexsort((kinds, place))][:nodes]
    return mixed


def _owner(fills: csc_array, nodes: csc_array) -> Ints:
    """The pool of each filling: both stand in one room row."""
    pool_of_row = np.full(nodes.shape[0], -1, dtype=np.int64)
    pool_of_row[nodes.indices] = np.repeat(np.arange(nodes.shape[1]), np.diff(nodes.indptr))
    owner: Ints = pool_of_row[fills.indices[fills.indptr[:-1]]]
    return owner


def _rows(problem: Problem, names: tuple[str, ...]) -> Ints:
    spans = [
        np.arange(family.start, family.stop)
        for family in problem.families
        if family.policy == UNMET and family.name in names
    ]
    return np.concatenate([*spans, np.zeros(0, dtype=np.int64)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cells:
    """The rows that say what fits: one row for each option at most."""

    of: Ints
    """Row by option; the last one, which never ends, for options in no row."""
    take: Floats
    """What one unit of each option takes of its row."""
    most: Floats
    """How many more units each option may have."""
    weight: Floats
    """What one unit of each option adds to the load of its pool, in nodes."""
    nodes: Floats
    """Nodes by pool."""
    room: Floats
    """What is left of each row: changes as units are placed."""
    load: Floats
    """Nodes' worth of GPUs in use by pool: changes too."""


def _cells(full: Problem, board: Board, whole: Floats) -> _Cells:
    rows, units = _rows(full, ROOM), full.span(UNITS)
    part = full.matrix[rows]
    entries = csc_array(part[:, units])
    count = np.diff(entries.indptr)
    of, take = np.full(len(count), len(rows), dtype=np.int64), np.zeros(len(count))
    placed = np.nonzero(count)[0]
    of[placed] = entries.indices[entries.indptr[placed]]
    take[placed] = entries.data[entries.indptr[placed]]
    pool, options = board.options.pool, board.options
    gpus = options.gpus_per_unit / np.maximum(board.pools.gpus[pool], 1.0)
    weight = np.where(gpus > 0.0, gpus, options.nodes_per_unit)
    nodes = whole[full.span(NODES)]
    return _Cells(
        of=of,
        take=take,
        most=full.upper[units] - full.lower[units],
        weight=weight,
        nodes=nodes,
        room=np.append(full.row_upper[rows] - part @ whole, np.inf),
        load=np.bincount(pool, weight * whole[units], minlength=len(nodes)).astype(float),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    """So many units for one workload, on any of these options."""

    workload: int
    options: Ints
    units: float


def _tasks(quotient: Quotient, board: Board, extra: Floats, cells: _Cells) -> list[_Task]:
    """The sums of units by workload, the largest units first: small ones fit the rest."""
    units = quotient.full.span(UNITS)
    of = quotient.columns.of[units]
    used = np.nonzero(np.round(extra)[of] > 0.0)[0]
    used = used[np.argsort(of[used], kind="stable")]
    starts = np.nonzero(np.diff(of[used], prepend=-1))[0]
    groups = np.split(used, starts[1:]) if len(used) else []
    # The classes of a gang's workers that must meet in one cluster follow one another.
    groups.sort(key=lambda rows: (-cells.take[rows[0]], int(board.options.cluster[rows[0]])))
    carried = np.zeros(len(board.workloads.names))
    return [
        task
        for rows in groups
        for task in _dealt(board, rows, float(np.round(extra[of[rows[0]]])), carried)
    ]


def _dealt(board: Board, rows: Ints, units: float, carried: Floats) -> Iterator[_Task]:
    """One class's units to its workloads: evenly, the rest to those that carry the least so far."""
    owners, starts = np.unique(board.options.workload[rows], return_index=True)
    gang = _spread_gang(board, int(owners[0]))
    if gang:
        share = _by_gangs(carried[owners], gang, units)
    else:
        share = np.full(len(owners), units // len(owners))
        share[np.argsort(carried[owners], kind="stable")[: int(units % len(owners))]] += 1.0
    carried[owners] += share * (1.0 if gang else _able(board, int(rows[0])))
    for owner, options, count in zip(owners, np.split(rows, starts[1:]), share, strict=True):
        if count > 0.0:
            yield _Task(workload=int(owner), options=options, units=float(count))


def _able(board: Board, option: int) -> float:
    """What one unit carries: requests per second, or a gang."""
    options = board.options
    if option >= board.traffic_options:
        return 1.0
    return float(options.capacity_rps[option] or options.stable_rps[option])


def _spread_gang(board: Board, workload: int) -> int:
    """Workers of a gang whose units are single workers; 0 where a unit is a replica or a gang."""
    work = board.workloads
    alone = workload >= work.services and not work.whole_gang[workload]
    return int(work.gang[workload]) if alone else 0


def _by_gangs(have: Floats, gang: int, units: float) -> Floats:
    """Workers to gangs: those begun are completed, then one after the other."""
    order = np.lexsort((np.arange(len(have)), -np.minimum(have % gang, 1.0)))
    lack = (gang - have % gang)[order]
    share = np.zeros(len(have))
    share[order] = np.clip(units - (np.cumsum(lack) - lack), 0.0, lack)
    return share


def _place(task: _Task, board: Board, cells: _Cells, units: Floats, home: Ints, way: Way) -> None:
    """Adds the task's units where they fit; what fits nowhere is left out."""
    options = task.options
    if _spread_gang(board, task.workload):
        options = _at_home(task, board, cells, home)
    count = np.minimum(_fits(cells, options), cells.most[options] - units[options])
    pool = board.options.pool[options]
    if way.spread and len(options) > 1:
        count = _levelled(cells, options, pool, count, task.units)
    count = np.clip(task.units - (np.cumsum(count) - count), 0.0, count)
    units[options] += count
    # Options of one workload stand in different rows, as each is on another pool.
    cells.room[cells.of[options]] -= count * cells.take[options]
    cells.load[pool] += count * cells.weight[options]


def _at_home(task: _Task, board: Board, cells: _Cells, home: Ints) -> Ints:
    """The options of a gang in its one cluster: where it is begun, or else where most fit."""
    cluster = board.options.cluster[task.options]
    if home[task.workload] < 0:
        room = np.bincount(cluster, np.minimum(_fits(cells, task.options), 1e12))
        home[task.workload] = int(np.argmax(room))
    here: Ints = task.options[cluster == home[task.workload]]
    return here


def _fits(cells: _Cells, options: Ints) -> Floats:
    """Units that each option's row has room for."""
    take = cells.take[options]
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.floor(cells.room[cells.of[options]] / take + HAIR)
    fits: Floats = np.where(take > 0.0, np.maximum(count, 0.0), np.inf)
    return fits


def _levelled(cells: _Cells, options: Ints, pool: Ints, fits: Floats, units: float) -> Floats:
    """No more of each than keeps the load of all pools as level as can be."""
    weight, load = cells.weight[options], cells.load[pool]
    nodes = np.maximum(cells.nodes[pool], HAIR)
    if units == 1.0:
        best = int(np.argmin(np.where(fits > 0.0, (load + weight) / nodes, np.inf)))
        return np.where(np.arange(len(options)) == best, fits, 0.0)
    low, high, count = 0.0, 1.0, fits
    for _ in range(HALVINGS):
        level = (low + high) / 2.0
        some = np.floor((level * nodes - load) / np.maximum(weight, HAIR) + HAIR)
        some = np.clip(some, 0.0, fits)
        if some.sum() >= units:
            high, count = level, some
        else:
            low = level
    return count
