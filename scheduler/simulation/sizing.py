"""Sizing: what one replica or gang needs where, and what that costs; shared by the baselines."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, inf

import numpy as np

from adapters.packing import unsuitable
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import PoolName, WorkloadName
from scheduler.domain.places import Contract, NodePool
from scheduler.domain.workloads import InferenceService, TrainingJob, Workload
from scheduler.model.capacity import SAFETY, capacity_rps
from scheduler.simulation.tables import LoadTable
from scheduler.simulation.traffic import round_trip_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One workload on one pool: how much a node of it does, and for how much."""

    workload: WorkloadName
    pool: PoolName
    per_node: int
    """Pods that fit one empty node."""
    work_per_pod: float
    """Requests per second within the objective, or reference GPU-hours per hour."""
    usd_per_work: float
    """USD per hour for one unit of that work."""


def seats(
    fleet: Fleet, workload: Workload, contracts: Iterable[Contract], *, busy: float | None = None
) -> tuple[Seat, ...]:
    """Where the workload may run under these contracts, cheapest work first.

    Data classes are kept; lists of clusters and pools in the documents are not, for they name spot
    offers. `busy` judges a service at that share of a replica's limit instead of at its capacity.
    """
    wanted = set(contracts)
    found = [
        seat
        for pool in fleet.pools.values()
        if pool.contract in wanted
        and _may_hold(fleet, workload, pool)
        and (seat := _seat(fleet, workload, pool, busy)) is not None
    ]
    return tuple(sorted(found, key=lambda seat: (seat.usd_per_work, seat.pool)))


def pods_per_node(workload: Workload, pool: NodePool) -> int:
    """Pods of the workload that fit one empty node, the scarcest resource deciding."""
    take, room = workload.per_pod, pool.per_node
    pairs = (
        (take.gpus, room.gpus),
        (take.cpu, room.cpu),
        (take.memory_gib, room.memory_gib),
        (take.pods, room.pods),
    )
    return floor(min(has / needs if needs > 0.0 else inf for needs, has in pairs) + 1e-9)


def peak_replicas(service: InferenceService, seat: Seat, load: LoadTable) -> int:
    """Replicas for the highest recorded load."""
    _, values = load.points.get(service.name, (np.zeros(1), np.zeros(1)))
    return max(service.min_replicas, ceil(float(values.max()) / seat.work_per_pod))


def run_time_s(job: TrainingJob, seat: Seat) -> float:
    """Seconds that the job takes there, if nothing interrupts it."""
    return job.restart_s + 3600.0 * job.work_gpu_hours / (seat.work_per_pod * job.workers)


def _may_hold(fleet: Fleet, workload: Workload, pool: NodePool) -> bool:
    holds = fleet.clusters[pool.cluster].holds
    classes = {workload.data_class, *(fleet.datasets[d].data_class for d in workload.datasets)}
    return classes <= holds and unsuitable(workload, pool) is None


def _seat(fleet: Fleet, workload: Workload, pool: NodePool, busy: float | None) -> Seat | None:
    match workload:
        case InferenceService():
            work = _service_rps(fleet, workload, pool, busy)
        case TrainingJob():
            work = workload.speed[pool.gpu_type] * workload.per_pod.gpus
    per_node = pods_per_node(workload, pool)
    if work <= 0.0 or per_node < 1:
        return None
    return Seat(
        workload=workload.name,
        pool=pool.name,
        per_node=per_node,
        work_per_pod=work,
        usd_per_work=pool.usd_per_node_hour / (per_node * work),
    )


def _service_rps(
    fleet: Fleet, service: InferenceService, pool: NodePool, busy: float | None
) -> float:
    curve = service.curves[pool.gpu_type]
    room_s = service.objective.seconds - round_trip_s(fleet, service, pool.cluster)
    if busy is None:
        columns = (curve.base_s, curve.queue_s, curve.limit_rps, room_s)
        base, queue, limit, room = (np.array([value]) for value in columns)
        return SAFETY * float(capacity_rps(base, queue, limit, room)[0])
    in_time = curve.base_s + curve.queue_s / (1.0 - busy) <= room_s
    return busy * curve.limit_rps if in_time else 0.0
