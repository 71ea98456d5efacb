"""What the `kubernetes` sections say of one another: where work may be, it is known how it runs."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scheduler.config.documents import Catalogue, Entry, Source
from scheduler.config.faults import Fault, Path, closest
from scheduler.config.feasibility import Place, fitting_places
from scheduler.config.kubernetes_documents import KubernetesShape
from scheduler.config.mapping import fleet_of
from scheduler.config.place_documents import NodePoolSpec
from scheduler.config.workload_documents import InferenceServiceSpec, TrainingJobSpec
from scheduler.domain.names import WorkloadName
from scheduler.domain.workloads import Spread

SECTION = ("spec", "kubernetes")
ADOPT = (*SECTION, "adopt")
BACKENDS = (*SECTION, "route", "backends")

Work = Entry[InferenceServiceSpec] | Entry[TrainingJobSpec]


class _Known(NamedTuple):
    """What is declared of Kubernetes."""

    ways: dict[str, KubernetesShape]
    """Clusters that are Kubernetes, by name."""
    pools: dict[str, Entry[NodePoolSpec]]

    def cluster_of(self, pool: str) -> str:
        """The Kubernetes cluster of a pool; empty if its cluster is none or it is unknown."""
        entry = self.pools.get(pool)
        name = entry.spec.cluster if entry else ""
        return name if name in self.ways else ""


def kubernetes_faults(catalogue: Catalogue) -> Iterator[Fault]:
    """Everything about Kubernetes on which documents do not agree."""
    ways = {
        entry.name: entry.spec.access.kubernetes
        for entry in catalogue.clusters
        if entry.spec.access.kubernetes is not None
    }
    known = _Known(ways, {entry.name: entry for entry in catalogue.pools})
    if catalogue.whole:
        for service in catalogue.of("InferenceService"):
            yield from _unknown_pools(catalogue, service)
    if not (catalogue.whole and catalogue.places_valid):
        return
    for entry in catalogue.services:
        yield from _adoption(known, entry)
        yield from _backends(known, entry)
    yield from _adopted_twice(known, catalogue)
    yield from _ways_to_run(known, catalogue)


def _unknown_pools(catalogue: Catalogue, service: Source) -> Iterator[Fault]:
    pools = catalogue.named("NodePool")
    for at in (ADOPT, BACKENDS):
        for name in service.keys(*at):
            if name not in pools:
                message = f"unknown pool {name}"
                yield service.key_fault((*at, name), message, meant=closest(name, pools))


def _adoption(known: _Known, entry: Entry[InferenceServiceSpec]) -> Iterator[Fault]:
    """Adopted pools are in Kubernetes and allowed; allowed pools there are adopted."""
    spec = entry.spec
    adopt = spec.kubernetes.adopt if spec.kubernetes else None
    if adopt is None:
        return
    for name in adopt:
        cluster = known.cluster_of(name)
        why = ""
        if name in known.pools and not cluster:
            why = f"the cluster {known.pools[name].spec.cluster} of this pool is not Kubernetes"
        elif spec.pools and name not in spec.pools:
            why = "this pool is not one of the service's `pools`"
        elif cluster and spec.clusters and cluster not in spec.clusters:
            why = f"the cluster {cluster} of this pool is not one of the service's `clusters`"
        if why:
            yield entry.source.key_fault((*ADOPT, name), why)
    for index, name in enumerate(spec.pools):
        if known.cluster_of(name) and name not in adopt:
            message = f"the service adopts no Deployment on this pool: add it to {'.'.join(ADOPT)}"
            yield entry.source.fault(("spec", "pools", index), message, got=True)


def _backends(known: _Known, entry: Entry[InferenceServiceSpec]) -> Iterator[Fault]:
    shape = entry.spec.kubernetes
    if shape is None or shape.route is None:
        return
    for name in shape.route.backends:
        if name in known.pools and not known.cluster_of(name):
            message = f"the cluster {known.pools[name].spec.cluster} of this pool is not Kubernetes"
            yield entry.source.key_fault((*BACKENDS, name), message)
    if shape.adopt is not None:
        for name in shape.adopt:
            if name not in shape.route.backends:
                message = f"names no Service for the pool {name}, which is adopted"
                yield entry.source.fault(BACKENDS, message)
    elif shape.own is not None and shape.own.port is None and not shape.route.backends:
        message = "are missing: without `own.port` no Service is made that the route could name"
        yield entry.source.fault(BACKENDS, message)


def _adopted_twice(known: _Known, catalogue: Catalogue) -> Iterator[Fault]:
    """One Deployment has one replica count: nobody else may set it."""
    first: dict[tuple[str, str, str], str] = {}
    for entry in sorted(catalogue.services, key=_position):
        shape = entry.spec.kubernetes
        for pool, deployment in ((shape and shape.adopt) or {}).items():
            cluster = known.cluster_of(pool)
            namespace = shape.namespace if shape else ""
            place = entry.source.place((*ADOPT, pool))
            taken = first.setdefault((cluster, namespace, deployment), place)
            if cluster and taken != place:
                message = f"this Deployment is already adopted at {taken}"
                yield entry.source.fault((*ADOPT, pool), message, got=True)


def _position(entry: Work) -> tuple[str, int]:
    return entry.source.file, entry.source.node.line


def _ways_to_run(known: _Known, catalogue: Catalogue) -> Iterator[Fault]:
    """Of each workload, where it may really be placed."""
    fleet = fleet_of(catalogue)
    for entry in catalogue.workloads():
        workload = fleet.workload(WorkloadName(entry.name))
        if workload is None:
            continue
        places = [
            place for place in fitting_places(fleet, workload) if place.cluster.name in known.ways
        ]
        clusters = sorted({str(place.cluster.name) for place in places})
        if entry.spec.kubernetes is None:
            if clusters:
                yield _untold(entry, clusters)
            continue
        yield from _namespaces(known, entry, clusters)
        if isinstance(entry.spec, TrainingJobSpec):
            yield from _queues(known, entry.source, entry.spec, places)


def _untold(entry: Work, clusters: Sequence[str]) -> Fault:
    many = "clusters" if len(clusters) > 1 else "cluster"
    message = (
        f"is missing: it may be placed in the Kubernetes {many} {', '.join(clusters)}; "
        "say how it runs there, or where else it shall run with `clusters`"
    )
    return entry.source.fault(SECTION, message)


def _namespaces(known: _Known, entry: Work, clusters: Sequence[str]) -> Iterator[Fault]:
    """Namespaces that are written to are on the allow-list of every cluster it may be in."""
    shape = entry.spec.kubernetes
    assert shape is not None
    named: list[tuple[Path, str]] = [((*SECTION, "namespace"), shape.namespace)]
    route = getattr(shape, "route", None)
    if route is not None and route.namespace not in (None, shape.namespace):
        named.append(((*SECTION, "route", "namespace"), route.namespace))
    for path, namespace in named:
        for cluster in clusters:
            allowed = known.ways[cluster].namespaces
            if namespace not in allowed:
                message = (
                    f"the cluster {cluster} does not let Tidegate write to this namespace: "
                    "add it to its access.kubernetes.namespaces"
                )
                meant = closest(namespace, allowed)
                yield entry.source.fault(path, message, got=True, meant=meant)


def _queues(
    known: _Known, source: Source, spec: TrainingJobSpec, places: Sequence[Place]
) -> Iterator[Fault]:
    shape = spec.kubernetes
    assert shape is not None
    if shape.suspend is not None and spec.gang.spread is not Spread.POOL:
        message = "a custom resource is on one pool at a time: `suspend` goes with spread: pool"
        yield source.fault(("spec", "gang", "spread"), message, got=True)
    if shape.job is None or not shape.job.kueue:
        return
    for place in places:
        told = known.pools[str(place.pool.name)].spec.kubernetes
        if told is None or told.queue is None:
            message = f"the pool {place.pool.name} names no LocalQueue: set its kubernetes.queue"
            yield source.fault((*SECTION, "job", "kueue"), message)
