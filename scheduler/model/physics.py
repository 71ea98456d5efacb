"""Physics: what is true of every plan, and the worth of what is missing."""

from collections.abc import Callable

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.domain.workloads import InferenceService, Spread, TrainingJob
from scheduler.model.affine import Affine, Block, Bools, Entries, Floats, Ints
from scheduler.model.board import FILLS, UNITS, Board
from scheduler.model.policy import Contribution, Hard, Priced, Rules, at_least, at_most

UNMET = PolicyName("unmet")
HOLD_USD_PER_HOUR = 1000.0
"""Price of a unit taken from a workload that is held: dearer than any node, so a last resort."""


def physics(board: Board) -> Contribution:
    """Room on nodes, demand, gangs, holds; missing work at its worth."""
    gangs = _spread_gangs(board)
    together, block = _gang_rules(board, gangs)
    rules = (
        _room(board),
        *_packed(board),
        *carry(board, board.options.stable_rps, "load", "carries its load"),
        _trained(board, gangs, block),
        *together,
        *_replica_limits(board),
        *_holds(board),
    )
    return Contribution(
        usd_per_hour=board.missing @ board.workload_state.missing_usd_per_hour,
        rules=rules,
        blocks=(block,),
    )


def _room(board: Board) -> Rules:
    """Units fit the nodes, beside what others have there; an unseen site keeps what it has."""
    options, pools = board.options, len(board.pools.names)
    packed = np.zeros(pools, dtype=bool)
    packed[[packing.pool for packing in board.packings]] = True
    shared = np.nonzero(~packed[options.pool])[0]
    by_share = board.units.take(shared) * options.nodes_per_unit[shared]
    used = by_share.sum_by(options.pool[shared], pools) + board.fills.sum_by(_filled(board), pools)
    seen = ~board.pool_state.frozen
    names = [name for name, flag in zip(board.pools.names, seen, strict=True) if flag]
    value = (used + board.taken - board.nodes).take(seen)
    return at_most(
        "room",
        value,
        np.zeros(value.rows),
        words=lambda row: f"pool {names[row]} holds no more than fits its nodes",
    )


def _filled(board: Board) -> Ints:
    """Pool of every filling."""
    each = [np.full(len(packing.fillings), packing.pool) for packing in board.packings]
    return np.concatenate([*each, np.zeros(0, dtype=np.int64)])


def _packed(board: Board) -> tuple[Rules, ...]:
    """Where shares do not say what fits: pods of each shape have a place in the fillings."""
    if not board.packings:
        return ()
    shapes = [len(packing.takes) for packing in board.packings]
    first = np.concatenate([[0], np.cumsum(shapes)])
    rows = np.concatenate([p.shape + at for p, at in zip(board.packings, first[:-1], strict=True)])
    options = np.concatenate([packing.options for packing in board.packings])
    pods = board.units.take(options) * board.options.pods_per_unit[options].astype(float)
    total = int(first[-1])
    names = [board.pools.names[p.pool] for p in board.packings for _ in range(len(p.takes))]
    return (
        at_most(
            "fill",
            pods.sum_by(rows, total) - _places(board, first, total),
            np.zeros(total),
            words=lambda row: f"pods on {names[row]} fill whole nodes",
        ),
    )


def _places(board: Board, first: Ints, total: int) -> Affine:
    """Pods of each shape of each packing that its fillings hold."""
    entries, column = [], 0
    for packing, at in zip(board.packings, first[:-1], strict=True):
        filling, shape = np.nonzero(packing.fillings)
        entries.append((shape + at, filling + column, packing.fillings[filling, shape]))
        column += len(packing.fillings)
    rows, columns, factors = (np.concatenate(part) for part in zip(*entries, strict=True))
    term = Entries(rows=rows, columns=columns, factors=factors.astype(float))
    return Affine(np.zeros(total), {FILLS: term})


def carry(board: Board, able: Floats, name: str, words: str) -> tuple[Rules, ...]:
    """The load of every service is carried, `able` requests/s by one unit of each option.

    What is not carried is missing. Routed services: flow by flow; all others by capacity alone.
    """
    n, services, routed = board.traffic_options, board.workloads.services, board.routed
    owner = board.options.workload
    by_capacity = able[:n].copy()
    by_capacity[routed] = 0.0
    capacity = (board.units.take(np.arange(n)) * by_capacity).sum_by(owner[:n], services)
    value = capacity + board.missing.take(np.arange(services))
    if len(routed):
        value += board.flow.sum_by(owner[routed], services)
    names = board.workloads.names
    load = at_least(
        name,
        value,
        board.workload_state.wanted[:services],
        words=lambda row: f"{names[row]} {words}",
    )
    within = at_most(
        f"{name} routed",
        board.flow - board.units.take(routed) * able[routed],
        np.zeros(len(routed)),
        words=lambda row: f"{board.option_label(int(routed[row]))} {words}",
    )
    return (load, within) if len(routed) else (load,)


def _spread_gangs(board: Board) -> Ints:
    """(pairs, 2): job and cluster of every gang that may spread over the pools of one cluster."""
    spread = [
        isinstance(item, TrainingJob) and item.spread is Spread.CLUSTER
        for item in board.workloads.items
    ]
    rows = np.array(spread, dtype=bool)[board.options.workload]
    pairs = np.stack([board.options.workload[rows], board.options.cluster[rows]], axis=1)
    return np.unique(pairs, axis=0).reshape(-1, 2)


def _gang_rules(board: Board, gangs: Ints) -> tuple[tuple[Rules, ...], Block]:
    """All workers of a spread gang in one cluster, or none there; at an unseen site as it is."""
    label, frozen = _gang_label(board, gangs), _frozen_clusters(board)[gangs[:, 1]]
    there = _workers_now(board, gangs) > 0.0
    block = Block(
        name="gang",
        lower=np.where(frozen & there, 1.0, 0.0),
        upper=np.where(frozen & ~there, 0.0, 1.0),
        integer=True,
        label=label,
    )
    if not len(gangs):
        return (), block
    pair_of = {(int(job), int(cluster)): i for i, (job, cluster) in enumerate(gangs)}
    rows = np.nonzero(np.isin(board.options.workload, gangs[:, 0]))[0]
    pairs = zip(board.options.workload[rows], board.options.cluster[rows], strict=True)
    group = np.array([pair_of[int(job), int(cluster)] for job, cluster in pairs])
    workers = board.units.take(rows).sum_by(group, len(gangs))
    whole = block.value * board.workloads.gang[gangs[:, 0]].astype(float)
    rule = Rules(
        name="gang",
        value=workers - whole,
        lower=np.where(frozen, -np.inf, 0.0),
        upper=np.where(frozen, np.inf, 0.0),
        strictness=Hard(),
        words=lambda row: f"{label(row)}: all workers or none",
    )
    return (rule,), block


def _frozen_clusters(board: Board) -> Bools:
    frozen = np.zeros(len(board.catalogue.clusters), dtype=bool)
    frozen[board.pools.cluster[board.pool_state.frozen]] = True
    return frozen


def _workers_now(board: Board, gangs: Ints) -> Floats:
    """Workers that run now of each spread gang in each cluster where it may run."""
    options = board.options
    now = np.zeros((len(board.workloads.names), len(board.catalogue.clusters)))
    np.add.at(now, (options.workload, options.cluster), options.units_now)
    running: Floats = now[gangs[:, 0], gangs[:, 1]]
    return running


def _gang_label(board: Board, gangs: Ints) -> Callable[[int], str]:
    names, clusters = board.workloads.names, board.catalogue.clusters
    return lambda row: f"{names[int(gangs[row, 0])]}@{clusters[int(gangs[row, 1])].name}"


def _trained(board: Board, gangs: Ints, block: Block) -> Rules:
    """Every job wanted runs once or is missing."""
    services, count = board.workloads.services, len(board.workloads.names)
    whole = board.workloads.whole_gang[board.options.workload]
    units = board.units.take(whole).sum_by(board.options.workload[whole], count)
    placed = units + block.value.sum_by(gangs[:, 0], count) if len(gangs) else units
    jobs = np.arange(services, count)
    wanted = board.workload_state.wanted[jobs]
    # What runs at an unseen site goes on there, wanted or not.
    stuck = placed.at({UNITS: board.blocks[UNITS].lower, block.name: block.lower})[jobs]
    return Rules(
        name="gangs",
        value=(placed + board.missing).take(jobs),
        lower=wanted,
        upper=np.maximum(wanted, stuck),
        strictness=Hard(),
        words=lambda row: f"{board.workloads.names[services + row]} runs once or waits",
    )


def _replica_limits(board: Board) -> tuple[Rules, ...]:
    n, services = board.traffic_options, board.workloads.services
    items = [i for i in board.workloads.items[:services] if isinstance(i, InferenceService)]
    low = np.array([item.min_replicas for item in items], dtype=float)
    high = np.array([item.max_replicas for item in items], dtype=float)
    owner = board.options.workload[:n]
    frozen = board.pool_state.frozen[board.options.pool[:n]]
    fixed = np.bincount(owner, board.options.units_now[:n] * frozen, minlength=services)
    replicas = board.units.take(np.arange(n)).sum_by(owner, services)
    return (
        at_least(
            "min replicas",
            replicas,
            low,
            strictness=Priced(HOLD_USD_PER_HOUR),
            words=lambda row: f"{items[row].name} keeps at least {low[row]:.0f} replicas",
        ),
        at_most(
            "max replicas",
            replicas,
            np.maximum(high, fixed),
            words=lambda row: f"{items[row].name} has at most {high[row]:.0f} replicas",
        ),
    )


def _holds(board: Board) -> tuple[Rules, ...]:
    """A service whose signals cannot be trusted yet keeps what it has, where it is."""
    options, state, n = board.options, board.workload_state, board.traffic_options
    rows = np.nonzero((options.units_now[:n] > 0.0) & state.hold[options.workload[:n]])[0]
    if not len(rows):
        return ()
    keep = at_least(
        "hold",
        board.units.take(rows),
        options.units_now[rows],
        strictness=Priced(HOLD_USD_PER_HOUR),
        words=lambda row: f"{board.option_label(int(rows[row]))} is held where it is",
    )
    return (keep,)
