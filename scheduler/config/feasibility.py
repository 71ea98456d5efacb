"""Workloads that no pool can hold, and objectives that no GPU can reach."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import floor
from typing import NamedTuple

from scheduler.config.documents import Catalogue, Source
from scheduler.config.faults import Fault, Path, closest
from scheduler.config.mapping import fleet_of
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, WorkloadName
from scheduler.domain.places import Cluster, Contract, Link, NodePool
from scheduler.domain.workloads import InferenceService, Spread, TrainingJob, Workload

ROUNDING = 1e-9
DETAILS_SHOWN = 3


class Misfit(NamedTuple):
    """Why a workload cannot be on a pool."""

    rank: int
    """How near the pool came: later checks rank higher."""
    path: Path
    """The key of the workload that would have to change."""
    why: str
    detail: str = ""
    near: float = 0.0
    """Of equal reasons the largest is named: it came nearest."""
    meant: str = ""
    """What the workload may have meant to say there."""


class Place(NamedTuple):
    """A pool and the cluster that it is in."""

    pool: NodePool
    cluster: Cluster


def feasibility_faults(catalogue: Catalogue) -> Iterator[Fault]:
    """One fault for every workload that cannot run anywhere, with the dominant reason."""
    known = catalogue.named("Cluster")
    placed = all(pool.spec.cluster in known for pool in catalogue.pools)
    if not (catalogue.whole and catalogue.places_valid and placed):
        return
    fleet = fleet_of(catalogue)
    places = [
        Place(pool, fleet.clusters[pool.cluster])
        for pool in fleet.pools.values()
        if pool.cluster in fleet.clusters
    ]
    for entry in catalogue.workloads():
        workload = fleet.workload(WorkloadName(entry.name))
        if workload is not None and _names_known(fleet, workload):
            yield from _checked(fleet, places, entry.source, workload)


def fitting_places(fleet: Fleet, workload: Workload) -> list[Place]:
    """Where a workload may be placed: allowed, and with room on an empty node."""
    places = (
        Place(pool, fleet.clusters[pool.cluster])
        for pool in fleet.pools.values()
        if pool.cluster in fleet.clusters
    )
    return [
        place
        for place in places
        if _listed(workload, place) and _misfit(fleet, workload, place) is None
    ]


def round_trip_s(links: Sequence[Link], users: str | None, cluster: Cluster) -> float:
    """From the users' region to the cluster, by the link to the cluster or else to its region."""
    if users is None or users == cluster.region:
        return 0.0
    ways = {(link.source, link.target): link for link in links}
    for target in (cluster.name, cluster.region):
        link = ways.get((users, target)) or ways.get((target, users))
        if link is not None:
            return link.rtt_s
    return 0.0


def _checked(
    fleet: Fleet, places: Sequence[Place], source: Source, workload: Workload
) -> Iterator[Fault]:
    allowed = [place for place in places if _listed(workload, place)]
    if not allowed:
        yield _nowhere(source, workload, places)
        return
    misfits = {place.pool.name: _misfit(fleet, workload, place) for place in allowed}
    fitting = [place for place in allowed if misfits[place.pool.name] is None]
    if not fitting:
        yield _unfit(source, [found for found in misfits.values() if found])
    elif isinstance(workload, TrainingJob):
        yield from _gang(source, workload, fitting)
    else:
        yield from _objective(fleet, source, workload, fitting)


def _names_known(fleet: Fleet, workload: Workload) -> bool:
    """A name that does not exist is a fault already."""
    pools, clusters = set(workload.pools), set(workload.clusters)
    return pools <= fleet.pools.keys() and clusters <= fleet.clusters.keys()


def _nowhere(source: Source, workload: Workload, places: Sequence[Place]) -> Fault:
    if not places:
        return source.fault(("spec",), "no NodePool is declared that it could run on")
    if workload.clusters and workload.pools:
        message = "none of these pools is in one of its `clusters`: it could run nowhere"
        return source.fault(("spec", "pools"), message)
    return source.fault(("spec", "clusters"), "these clusters have no pool: it could run nowhere")


def _listed(workload: Workload, place: Place) -> bool:
    here = not workload.clusters or place.cluster.name in workload.clusters
    return here and (not workload.pools or place.pool.name in workload.pools)


def _unfit(source: Source, misfits: Sequence[Misfit]) -> Fault:
    """The reason that most pools share; of equals, the one that came nearest."""
    counts = Counter(item.rank for item in misfits)
    rank = max(counts, key=lambda item: (counts[item], item))
    same = [item for item in misfits if item.rank == rank]
    near = max(item.near for item in same)
    details = sorted({item.detail for item in same if item.near == near})
    total = len(misfits)
    many = f"{len(same)} of {total} allowed pools" if total > 1 else "the only allowed pool"
    message = f"no pool can hold it: {many}: {same[0].why}{', '.join(details[:DETAILS_SHOWN])}"
    others = sorted({item.why + item.detail for item in misfits if item.rank != rank})
    if others:
        message += f"; the others: {'; '.join(others[:DETAILS_SHOWN])}"
    meant = next((item.meant for item in same if item.meant), "")
    return source.fault(same[0].path, message, meant=meant)


def _misfit(fleet: Fleet, workload: Workload, place: Place) -> Misfit | None:
    """The first reason why the workload cannot be on the pool."""
    found = _data(fleet, workload, place.cluster) or _terms(workload, place.pool)
    return found or _room(workload, place.pool)


def _data(fleet: Fleet, workload: Workload, cluster: Cluster) -> Misfit | None:
    holds = sorted(cluster.holds)
    if workload.data_class not in cluster.holds:
        why = f"{workload.data_class} data may not be in its cluster, which holds "
        meant = closest(workload.data_class, holds)
        return Misfit(0, ("spec", "dataClass"), why, " and ".join(holds), meant=meant)
    for index, name in enumerate(workload.datasets):
        data = fleet.datasets.get(name)
        if data is not None and data.data_class not in cluster.holds:
            why = f"{name} is {data.data_class} data, which its cluster does not hold"
            return Misfit(0, ("spec", "datasets", index), why)
    return None


def _terms(workload: Workload, pool: NodePool) -> Misfit | None:
    if pool.contract is Contract.SPOT and not workload.spot:
        return Misfit(1, ("spec", "spot"), "its nodes are spot, and spot is false here")
    gpus = workload.curves if isinstance(workload, InferenceService) else workload.speed
    if pool.gpu_type in gpus:
        return None
    meant = pool.gpu_type if closest(pool.gpu_type, gpus) else ""
    return Misfit(
        2, ("spec", "speed"), "no speed is given for its GPU type ", pool.gpu_type, meant=meant
    )


def _room(workload: Workload, pool: NodePool) -> Misfit | None:
    pod = "replica" if isinstance(workload, InferenceService) else "worker"
    node, need = pool.per_node, workload.per_pod
    memory, gpu_memory = workload.gpu_memory_gib, pool.gpu_memory_gib
    for rank, (key, wanted, there, unit) in enumerate(
        (
            ("gpus", need.gpus, node.gpus, "GPUs on a node"),
            ("gpuMemory", memory, gpu_memory, "GiB of GPU memory"),
            ("cpu", need.cpu, node.cpu, "cores on a node"),
            ("memory", need.memory_gib, node.memory_gib, "GiB of memory on a node"),
        ),
        start=3,
    ):
        if wanted > there + ROUNDING:
            why = f"it needs {wanted:g} {unit}, and there are "
            return Misfit(rank, ("spec", pod, key), why, f"{there:g}", near=there)
    if pool.max_nodes == 0:
        return Misfit(7, ("spec",), "it may have no node (its nodes.max is 0)")
    return None


def _gang(source: Source, job: TrainingJob, places: Sequence[Place]) -> Iterator[Fault]:
    """The gang must fit into the largest pool, or cluster if it may spread so far."""
    room: Counter[str] = Counter()
    for place in places:
        spread = job.spread is Spread.CLUSTER
        room[str(place.cluster.name if spread else place.pool.name)] += (
            _per_node(job, place.pool) * place.pool.max_nodes
        )
    where, largest = max(sorted(room.items()), key=lambda pair: pair[1])
    if largest < job.workers:
        kind = "cluster" if job.spread is Spread.CLUSTER else "pool"
        message = f"the gang is larger than any {kind}: {where} holds {largest} workers at most"
        yield source.fault(("spec", "gang", "workers"), message, got=True)


def _per_node(job: TrainingJob, pool: NodePool) -> int:
    node, need = pool.per_node, job.per_pod
    pairs = (
        (node.gpus, need.gpus),
        (node.cpu, need.cpu),
        (node.memory_gib, need.memory_gib),
        (node.pods, need.pods),
    )
    return min(floor(there / wanted + ROUNDING) for there, wanted in pairs if wanted > 0.0)


def _objective(
    fleet: Fleet, source: Source, service: InferenceService, places: Iterable[Place]
) -> Iterator[Fault]:
    """An idle replica answers in base + queue; the way from the users comes on top."""
    trips = {
        name: round_trip_s(fleet.links, service.users, cluster)
        for name, cluster in fleet.clusters.items()
    }
    best, place = min(
        ((_idle_s(service, place, trips), place) for place in places),
        key=lambda pair: (pair[0], pair[1].pool.name),
    )
    if best < service.objective.seconds:
        return
    way = trips[place.cluster.name]
    message = (
        f"no GPU type of an allowed pool reaches this objective: the best is {_ms(best)} on "
        f"{place.pool.gpu_type} in {place.pool.name}"
    )
    if way > 0.0:
        message += f", {_ms(way)} of it the way from {service.users}"
    yield source.fault(("spec", "objective", "latency"), message, got=True)


def _idle_s(service: InferenceService, place: Place, trips: Mapping[ClusterName, float]) -> float:
    curve = service.curves[place.pool.gpu_type]
    return curve.base_s + curve.queue_s + trips[place.cluster.name]


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.4g} ms"
