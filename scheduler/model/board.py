"""The board: pools, workloads and options at one instant as arrays, and the unknowns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from scheduler.domain.demand import Demand, JobDemand, ServiceDemand
from scheduler.domain.places import Link
from scheduler.domain.readings import Freshness
from scheduler.domain.snapshot import NodePhase, Snapshot
from scheduler.domain.workloads import InferenceService, Priority, TrainingJob
from scheduler.model.affine import Affine, Block, Bools, Floats, Ints
from scheduler.model.capacity import SLOWED, capacity_rps, stable_rps
from scheduler.model.catalogue import Catalogue, Fit, PoolTable, WorkloadTable, compile_fleet
from scheduler.model.fillings import Packing, nodes_by_filling, packings_of

EMPTYING_S = 600.0
"""Nodes that are emptied to make room are drained for so long at most, and then taken back."""
NODES, UNITS, FILLS, FLOW, MISSING = "nodes", "units", "fills", "flow", "missing"
OWN = (NODES, UNITS, FILLS, FLOW, MISSING)
"""The board's own blocks, in the order in which they stand in a problem."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolState:
    """One row a pool."""

    nodes_now: Floats
    """Nodes that take work or soon will: neither leaving nor doomed."""
    usd_per_node_hour: Floats
    sold_out: Bools
    frozen: Bools
    """The pool's site is not seen."""
    taken: Floats
    """Nodes' worth of GPUs that pods of others take."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkloadState:
    """One row a workload."""

    wanted: Floats
    """Requests per second for services; gangs (0 or 1) for jobs."""
    missing_usd_per_hour: Floats
    """Price of one missing request per second, or gang."""
    urgent: Bools
    """Settled before money: critical, or a deadline that cannot wait."""
    hold: Bools
    """Kept where it is: its signals are not fresh, or not seen for long enough."""
    left_gpu_hours: Floats
    """Work left of a job; 0 for services."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Options:
    """One row an option, sorted by workload, then pool: services' options come first.

    A unit is a replica, a whole gang, or one worker of a gang that may spread over a cluster.
    """

    workload: Ints
    pool: Ints
    cluster: Ints
    nodes_per_unit: Floats
    """Share of the pool's nodes that one unit takes, so that whole pods fit on whole nodes."""
    gpus_per_unit: Floats
    pods_per_unit: Ints
    units_now: Floats
    speed: Floats
    base_s: Floats
    """Curve of one replica there, slow-downs included; the network's round trip is apart."""
    queue_s: Floats
    limit_rps: Floats
    rtt_s: Floats
    stable_rps: Floats
    """Load per replica that it carries at any latency."""
    capacity_rps: Floats
    """Load per replica within the objective (0: never reached)."""

    @property
    def count(self) -> int:
        """How many options."""
        return len(self.workload)

    def take(self, rows: Ints | Bools) -> Options:
        """Only these options."""
        return Options(**{name: getattr(self, name)[rows] for name in self.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Board:
    """What policies look at: tables, options, and the unknowns of the plan."""

    catalogue: Catalogue
    snapshot: Snapshot
    pool_state: PoolState
    workload_state: WorkloadState
    options: Options
    packings: tuple[Packing, ...] = ()
    """Pools whose nodes are filled by patterns: shares of a node do not say what fits there."""
    blocks: Mapping[str, Block] = field(default_factory=dict)

    @property
    def pools(self) -> PoolTable:
        """Declared pools."""
        return self.catalogue.pools

    @property
    def workloads(self) -> WorkloadTable:
        """Declared workloads."""
        return self.catalogue.workloads

    @property
    def traffic_options(self) -> int:
        """How many options carry traffic: the first ones."""
        return int(np.searchsorted(self.options.workload, self.workloads.services))

    @property
    def routed(self) -> Ints:
        """Traffic options of services whose bytes have a price: these have a flow of their own.

        Of all other services the split costs nothing, so that capacity alone is modelled.
        """
        priced = np.array(
            [
                isinstance(item, InferenceService) and item.traffic_kb > 0.0 and bool(item.users)
                for item in self.workloads.items
            ],
            dtype=bool,
        )
        return np.nonzero(priced[self.options.workload])[0]

    @property
    def nodes(self) -> Affine:
        """Nodes by pool."""
        return self.blocks[NODES].value

    @property
    def units(self) -> Affine:
        """Units by option."""
        return self.blocks[UNITS].value

    @property
    def fills(self) -> Affine:
        """Nodes by filling of every packing, one packing after the other."""
        return self.blocks[FILLS].value

    @property
    def flow(self) -> Affine:
        """Requests per second by routed option."""
        return self.blocks[FLOW].value

    @property
    def missing(self) -> Affine:
        """Requests per second, or gangs, by workload."""
        return self.blocks[MISSING].value

    @property
    def taken(self) -> Floats:
        """Nodes by pool that pods of others take; never more than the pool may have."""
        return np.minimum(self.pool_state.taken, self.blocks[NODES].upper)

    def without(self, mask: Bools) -> Board:
        """The board with the masked options taken off."""
        options = self.options.take(~mask)
        return _with_blocks(replace(self, options=options))

    def packed(self, packings: tuple[Packing, ...]) -> Board:
        """The board with other fillings of the same packings."""
        board = replace(self, packings=packings)
        return replace(board, blocks={**self.blocks, FILLS: _fill_block(board)})

    def option_label(self, option: int) -> str:
        """`workload@pool`."""
        workload = self.workloads.names[int(self.options.workload[option])]
        return f"{workload}@{self.pools.names[int(self.options.pool[option])]}"


def filled(board: Board, units: Floats) -> tuple[Floats, ...]:
    """Nodes by filling of each packing that hold so many units by option."""
    pods = units * board.options.pods_per_unit
    return tuple(
        nodes_by_filling(
            packing,
            np.bincount(packing.shape, pods[packing.options], len(packing.takes)).astype(float),
        )
        for packing in board.packings
    )


def survey(snapshot: Snapshot, demand: Demand) -> Board:
    """Everything known at one instant, as arrays."""
    catalogue = compile_fleet(snapshot.fleet)
    board = Board(
        catalogue=catalogue,
        snapshot=snapshot,
        pool_state=_pool_state(catalogue, snapshot, demand),
        workload_state=_workload_state(catalogue.workloads, demand),
        options=_options(catalogue, snapshot, demand),
    )
    return _with_blocks(board)


def _pool_state(catalogue: Catalogue, snapshot: Snapshot, demand: Demand) -> PoolState:
    pools = catalogue.pools
    index = {name: i for i, name in enumerate(pools.names)}
    nodes, taken = np.zeros(len(pools.names)), np.zeros(len(pools.names))
    vacated = snapshot.memory.vacated_at
    coming_back = {pool for pool, at in vacated.items() if snapshot.now - at < EMPTYING_S}
    for report in snapshot.sites.values():
        for node in report.nodes:
            at = index.get(node.pool)
            stays = node.phase is not NodePhase.DRAINING or node.pool in coming_back
            if at is not None and stays and not node.doomed:
                nodes[at] += 1.0
                taken[at] += node.gpus_others / max(pools.gpus[at], 1.0)
    price = pools.list_usd_per_node_hour.copy()
    for pool, usd in demand.prices.items():
        if pool in index:
            price[index[pool]] = usd
    sold_out = [name for name, out in snapshot.memory.sold_out.items() if out.until > snapshot.now]
    seen = {c for c in snapshot.sites if c not in snapshot.unseen}
    frozen = np.array([cluster.name not in seen for cluster in catalogue.clusters], dtype=bool)
    return PoolState(
        nodes_now=nodes,
        usd_per_node_hour=price,
        sold_out=np.isin(np.array(pools.names), sold_out),
        frozen=frozen[pools.cluster],
        taken=taken,
    )


def _workload_state(table: WorkloadTable, demand: Demand) -> WorkloadState:
    rows = [_workload_row(item, demand) for item in table.items]
    columns = np.array(rows, dtype=float).reshape(-1, 5).T
    return WorkloadState(
        wanted=columns[0],
        missing_usd_per_hour=columns[1],
        urgent=columns[2] > 0.0,
        hold=columns[3] > 0.0,
        left_gpu_hours=columns[4],
    )


def _workload_row(item: InferenceService | TrainingJob, demand: Demand) -> tuple[float, ...]:
    critical = item.priority is Priority.CRITICAL
    if isinstance(item, InferenceService):
        service = demand.services.get(item.name) or _UNKNOWN_SERVICE
        hold = service.hold or service.freshness is not Freshness.FRESH
        price = item.late_usd_per_hour / max(service.rps, 1e-9)
        return (service.rps, price, critical, hold, 0.0)
    job = demand.jobs.get(item.name) or _UNWANTED_JOB
    wanted = 1.0 if job.wanted else 0.0
    urgent = critical or job.must_run
    return (wanted, item.wait_usd_per_hour, urgent, False, job.left_gpu_hours)


_UNKNOWN_SERVICE = ServiceDemand(
    rps=0.0, now_rps=0.0, freshness=Freshness.UNKNOWN, hold=True, because="no demand known"
)
_UNWANTED_JOB = JobDemand(wanted=False, must_run=False, left_gpu_hours=0.0, because="not known")


def _options(catalogue: Catalogue, snapshot: Snapshot, demand: Demand) -> Options:
    workload, pool = np.nonzero(catalogue.fit == Fit.FITS)
    work, pools = catalogue.workloads, catalogue.pools
    pods = np.where(work.whole_gang[workload], work.gang[workload], 1)
    curves = _curves(catalogue, demand)[:, workload, pools.gpu_type[pool]]
    declared = _curves(catalogue, Demand())[:, workload, pools.gpu_type[pool]]
    rtt, objective = _round_trips(catalogue), _objectives(work)
    rtt_s = rtt[workload, pools.cluster[pool]]
    base, queue, limit = curves
    room = objective[workload] - rtt_s
    return Options(
        workload=workload.astype(np.int64),
        pool=pool.astype(np.int64),
        cluster=pools.cluster[pool],
        nodes_per_unit=pods / catalogue.per_node[workload, pool],
        gpus_per_unit=pods * work.take[workload, 0],
        pods_per_unit=pods.astype(np.int64),
        units_now=pods_now(catalogue, snapshot)[workload, pool] / pods,
        speed=catalogue.speed[workload, pools.gpu_type[pool]],
        base_s=base,
        queue_s=queue,
        limit_rps=limit,
        rtt_s=rtt_s,
        stable_rps=np.where(limit > 0.0, stable_rps(limit), 0.0),
        capacity_rps=np.maximum(_within(curves, room), SLOWED * _within(declared, room)),
    )


def _within(curves: Floats, room_s: Floats) -> Floats:
    """Requests per second of one replica within its objective."""
    base, queue, limit = curves
    return capacity_rps(base, queue, np.maximum(limit, 1e-9), room_s)


def pods_now(catalogue: Catalogue, snapshot: Snapshot) -> Floats:
    """(workloads, pools): pods last ordered."""
    pool_index = {name: i for i, name in enumerate(catalogue.pools.names)}
    work_index = {name: i for i, name in enumerate(catalogue.workloads.names)}
    pods = np.zeros((len(work_index), len(pool_index)))
    for report in snapshot.sites.values():
        for placed in report.placements:
            row, column = work_index.get(placed.workload), pool_index.get(placed.pool)
            if row is not None and column is not None:
                pods[row, column] += placed.wanted
    return pods


def _curves(catalogue: Catalogue, demand: Demand) -> Floats:
    """(3, workloads, GPU types): base, queue, limit; zeros where there is no curve."""
    table = np.zeros((3, len(catalogue.workloads.items), len(catalogue.gpu_types)))
    for row, item in enumerate(catalogue.workloads.items[: catalogue.workloads.services]):
        assert isinstance(item, InferenceService)
        need = demand.services.get(item.name)
        slow = need.slowdown if need else {}
        for column, gpu in enumerate(catalogue.gpu_types):
            curve = item.curves.get(gpu)
            if curve is not None:
                factor = max(1.0, slow.get(gpu, 1.0))
                table[:, row, column] = (
                    curve.base_s * factor,
                    curve.queue_s * factor,
                    curve.limit_rps / factor,
                )
    return table


def _objectives(work: WorkloadTable) -> Floats:
    return np.array(
        [w.objective.seconds if isinstance(w, InferenceService) else 0.0 for w in work.items]
    )


def _round_trips(catalogue: Catalogue) -> Floats:
    """(workloads, clusters): round trip from the users' region; 0 where no link is declared."""
    rtt = np.zeros((len(catalogue.workloads.items), len(catalogue.clusters)))
    links = {(link.source, link.target): link for link in catalogue.fleet.links}
    for row, item in enumerate(catalogue.workloads.items[: catalogue.workloads.services]):
        if isinstance(item, InferenceService) and item.users is not None:
            for column, cluster in enumerate(catalogue.clusters):
                if item.users != cluster.region:
                    link = find_link(links, item.users, cluster.name, cluster.region)
                    rtt[row, column] = link.rtt_s if link else 0.0
    return rtt


def find_link(links: Mapping[tuple[str, str], Link], source: str, *targets: str) -> Link | None:
    """The link from `source` to the first of `targets` that has one, in either direction."""
    for target in targets:
        link = links.get((source, target)) or links.get((target, source))
        if link is not None:
            return link
    return None


def _with_blocks(board: Board) -> Board:
    board = replace(board, packings=_packings(board))
    routed = board.routed
    limits = _unit_limits(board)
    frozen = board.pool_state.frozen[board.options.pool]
    # A gang that grew in the documents while its site is not seen is a fraction of a unit.
    stuck = np.ceil(board.options.units_now)
    blocks = (
        _node_block(board),
        Block(
            name=UNITS,
            lower=np.where(frozen, stuck, 0.0),
            upper=np.where(frozen, stuck, limits),
            integer=True,
            label=board.option_label,
        ),
        _fill_block(board),
        Block(
            name=FLOW,
            lower=np.zeros(len(routed)),
            upper=board.workload_state.wanted[board.options.workload[routed]],
            label=lambda i: board.option_label(int(routed[i])),
        ),
        Block(
            name=MISSING,
            lower=np.zeros(len(board.workloads.names)),
            upper=board.workload_state.wanted,
            label=lambda i: board.workloads.names[i],
        ),
    )
    return replace(board, blocks={block.name: block for block in blocks})


def _node_block(board: Board) -> Block:
    state, pools = board.pool_state, board.pools
    upper = np.where(state.sold_out, np.minimum(state.nodes_now, pools.max_nodes), pools.max_nodes)
    upper = np.where(state.frozen, state.nodes_now, upper)
    lower = np.where(state.frozen, state.nodes_now, np.minimum(pools.min_nodes, upper))
    return Block(name=NODES, lower=lower, upper=upper, integer=True, label=lambda i: pools.names[i])


def _packings(board: Board) -> tuple[Packing, ...]:
    """Of the pools in sight where pods of several shapes may meet."""
    options = board.options
    rows = np.nonzero(~board.pool_state.frozen[options.pool])[0]
    takes = board.workloads.take[options.workload[rows]]
    return packings_of(rows, options.pool[rows], takes, board.pools.room)


def _fill_block(board: Board) -> Block:
    packings = board.packings
    pool = np.repeat([p.pool for p in packings], [len(p.fillings) for p in packings]).astype(int)
    names = board.pools.names
    return Block(
        name=FILLS,
        lower=np.zeros(len(pool)),
        upper=np.maximum(board.pools.max_nodes, board.pool_state.nodes_now)[pool],
        integer=True,
        label=lambda i: names[int(pool[i])],
    )


def _unit_limits(board: Board) -> Floats:
    """No option needs more units than its pool can hold or its workload can use."""
    options, work = board.options, board.workloads
    room = np.floor(
        board.pools.max_nodes[options.pool] / np.maximum(options.nodes_per_unit, 1e-9) + 1e-9
    )
    most = np.array(
        [
            item.max_replicas
            if isinstance(item, InferenceService)
            else (1 if work.whole_gang[row] else item.workers)
            for row, item in enumerate(work.items)
        ],
        dtype=float,
    )
    unwanted = (board.workload_state.wanted <= 0.0) & (np.arange(len(work.items)) >= work.services)
    most = np.where(unwanted, 0.0, most)
    limits: Floats = np.minimum(room, most[options.workload])
    return limits
