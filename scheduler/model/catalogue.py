"""The catalogue: the declared fleet as arrays, and which workload fits which pool."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, GpuType
from scheduler.domain.places import Cluster, Contract, NodePool
from scheduler.domain.workloads import InferenceService, Spread, TrainingJob, Workload
from scheduler.model.affine import Bools, Floats, Ints

CONTRACTS = tuple(Contract)


class Fit(IntEnum):
    """Whether a workload could run on a pool, or the first reason why not."""

    FITS = 0
    NOT_LISTED = 1
    GPU_TYPE = 2
    GPU_MEMORY = 3
    NODE_TOO_SMALL = 4
    NO_SPOT = 5
    GANG_TOO_LARGE = 6
    NO_NODES = 7


FIT_WORDS = {
    Fit.NOT_LISTED: "the workload lists other clusters or pools",
    Fit.GPU_TYPE: "the workload declares no speed on this GPU type",
    Fit.GPU_MEMORY: "one GPU has less memory than a pod needs",
    Fit.NODE_TOO_SMALL: "one node has less room than a pod needs",
    Fit.NO_SPOT: "the workload does not run on spot nodes",
    Fit.GANG_TOO_LARGE: "the gang needs more nodes than the pool may have",
    Fit.NO_NODES: "the pool may have no nodes",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolTable:
    """One row a pool, in the order of names."""

    names: tuple[str, ...]
    cluster: Ints
    gpu_type: Ints
    is_spot: Bools
    contract: Ints
    """Index into CONTRACTS."""
    room: Floats
    """(pools, 4): GPUs, CPU cores, memory GiB, pods of one node."""
    gpu_memory_gib: Floats
    min_nodes: Floats
    max_nodes: Floats
    list_usd_per_node_hour: Floats
    interruptions_per_hour: Floats
    boot_s: Floats

    @property
    def gpus(self) -> Floats:
        """GPUs of one node."""
        return self.room[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkloadTable:
    """One row a workload: services first, then jobs, each in the order of names."""

    items: tuple[Workload, ...]
    names: tuple[str, ...]
    services: int
    """How many of the rows are services."""
    take: Floats
    """(workloads, 4): GPUs, CPU cores, memory GiB, pods of one pod."""
    gang: Ints
    """Workers of a gang; 1 for services."""
    whole_gang: Bools
    """One unit is the whole gang (it must sit in one pool)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Catalogue:
    """The declared fleet as arrays."""

    fleet: Fleet
    clusters: tuple[Cluster, ...]
    gpu_types: tuple[GpuType, ...]
    pools: PoolTable
    workloads: WorkloadTable
    speed: Floats
    """(workloads, GPU types): 0 where not usable; training speed, or 1 for services."""
    per_node: Ints
    """(workloads, pools): pods that one empty node holds."""
    fit: Ints
    """(workloads, pools): a Fit."""


def compile_fleet(fleet: Fleet) -> Catalogue:
    """The arrays of a fleet. A pool of an unknown cluster is left out: the loader reports it."""
    clusters = tuple(fleet.clusters.values())
    places = {cluster.name: i for i, cluster in enumerate(clusters)}
    pools = [pool for pool in fleet.pools.values() if pool.cluster in places]
    gpu_types = tuple(sorted({pool.gpu_type for pool in pools}))
    pool_table = _pool_table(pools, places, gpu_types)
    workload_table = _workload_table(tuple(fleet.workloads()), len(fleet.services))
    speed = _speed(workload_table.items, gpu_types)
    per_node = _per_node(workload_table.take, pool_table.room)
    fit = _fit(workload_table, pool_table, pools, speed, per_node)
    return Catalogue(
        fleet=fleet,
        clusters=clusters,
        gpu_types=gpu_types,
        pools=pool_table,
        workloads=workload_table,
        speed=speed,
        per_node=per_node,
        fit=fit,
    )


def _pool_table(
    pools: list[NodePool], places: dict[ClusterName, int], gpu_types: tuple[GpuType, ...]
) -> PoolTable:
    gpu_index = {gpu: i for i, gpu in enumerate(gpu_types)}

    def column(values: list[float]) -> Floats:
        return np.array(values, dtype=float)

    return PoolTable(
        names=tuple(p.name for p in pools),
        cluster=np.array([places[p.cluster] for p in pools], dtype=np.int64),
        gpu_type=np.array([gpu_index[p.gpu_type] for p in pools], dtype=np.int64),
        is_spot=np.array([p.contract is Contract.SPOT for p in pools], dtype=bool),
        contract=np.array([CONTRACTS.index(p.contract) for p in pools], dtype=np.int64),
        room=column(
            [
                x
                for p in pools
                for x in (p.per_node.gpus, p.per_node.cpu, p.per_node.memory_gib, p.per_node.pods)
            ]
        ).reshape(-1, 4),
        gpu_memory_gib=column([p.gpu_memory_gib for p in pools]),
        min_nodes=column([p.min_nodes for p in pools]),
        max_nodes=column([p.max_nodes for p in pools]),
        list_usd_per_node_hour=column([p.usd_per_node_hour for p in pools]),
        interruptions_per_hour=column([p.interruptions_per_hour for p in pools]),
        boot_s=column([p.boot_s for p in pools]),
    )


def _workload_table(items: tuple[Workload, ...], services: int) -> WorkloadTable:
    take = [
        (w.per_pod.gpus, w.per_pod.cpu, w.per_pod.memory_gib, max(w.per_pod.pods, 1.0))
        for w in items
    ]
    return WorkloadTable(
        items=items,
        names=tuple(w.name for w in items),
        services=services,
        take=np.array(take, dtype=float).reshape(-1, 4),
        gang=np.array(
            [w.workers if isinstance(w, TrainingJob) else 1 for w in items], dtype=np.int64
        ),
        whole_gang=np.array(
            [isinstance(w, TrainingJob) and w.spread is Spread.POOL for w in items], dtype=bool
        ),
    )


def _speed(items: tuple[Workload, ...], gpu_types: tuple[GpuType, ...]) -> Floats:
    table = np.zeros((len(items), len(gpu_types)))
    for row, item in enumerate(items):
        for column, gpu in enumerate(gpu_types):
            if isinstance(item, InferenceService):
                table[row, column] = 1.0 if gpu in item.curves else 0.0
            else:
                table[row, column] = item.speed.get(gpu, 0.0)
    return table


def _per_node(take: Floats, room: Floats) -> Ints:
    """Pods that fit one empty node, the scarcest resource deciding."""
    count = np.full((len(take), len(room)), np.inf)
    for resource in range(room.shape[1]):
        wanted = take[:, resource]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.floor(room[None, :, resource] / wanted[:, None] + 1e-9)
        count = np.minimum(count, np.where(wanted[:, None] > 0.0, ratio, np.inf))
    return np.asarray(np.minimum(count, 1e6), dtype=np.int64)


def _fit(
    work: WorkloadTable, table: PoolTable, pools: list[NodePool], speed: Floats, per_node: Ints
) -> Ints:
    """The first reason that applies, in the order of Fit."""
    need_memory = np.array([w.gpu_memory_gib for w in work.items])
    no_spot = np.array([not w.spot for w in work.items], dtype=bool)
    gang = np.where(work.whole_gang, work.gang, 1)
    fit = np.zeros(per_node.shape, dtype=np.int64)
    room = per_node * np.maximum(table.max_nodes, 0.0)[None, :]
    fit[(gang == 1)[:, None] & (table.max_nodes < 1.0)[None, :]] = Fit.NO_NODES
    fit[(gang > 1)[:, None] & (gang[:, None] > room)] = Fit.GANG_TOO_LARGE
    fit[no_spot[:, None] & table.is_spot[None, :]] = Fit.NO_SPOT
    fit[per_node < 1] = Fit.NODE_TOO_SMALL
    fit[need_memory[:, None] > table.gpu_memory_gib[None, :] + 1e-9] = Fit.GPU_MEMORY
    fit[speed[:, table.gpu_type] <= 0.0] = Fit.GPU_TYPE
    for row, item in enumerate(work.items):
        if item.clusters or item.pools:
            fit[row, [not _listed(item, pool) for pool in pools]] = Fit.NOT_LISTED
    return fit


def _listed(item: Workload, pool: NodePool) -> bool:
    here = not item.clusters or pool.cluster in item.clusters
    return here and (not item.pools or pool.name in item.pools)
