"""The fleet: everything declared in the documents, at one version of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scheduler.domain.names import ClusterName, DatasetName, PoolName, WorkloadName
from scheduler.domain.places import Cluster, Dataset, Link, NodePool
from scheduler.domain.workloads import InferenceService, TrainingJob, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Declared places and workloads, each table in the order of its names."""

    clusters: Mapping[ClusterName, Cluster] = field(default_factory=dict)
    pools: Mapping[PoolName, NodePool] = field(default_factory=dict)
    services: Mapping[WorkloadName, InferenceService] = field(default_factory=dict)
    jobs: Mapping[WorkloadName, TrainingJob] = field(default_factory=dict)
    datasets: Mapping[DatasetName, Dataset] = field(default_factory=dict)
    links: tuple[Link, ...] = ()

    def workloads(self) -> Iterator[Workload]:
        """Services first, then jobs."""
        yield from self.services.values()
        yield from self.jobs.values()

    def workload(self, name: WorkloadName) -> Workload | None:
        """The service or job of that name, if any."""
        return self.services.get(name) or self.jobs.get(name)

    def pools_of(self, cluster: ClusterName) -> tuple[NodePool, ...]:
        """The pools of one cluster."""
        return tuple(pool for pool in self.pools.values() if pool.cluster == cluster)


def sorted_fleet(fleet: Fleet) -> Fleet:
    """The same fleet with every table in the order of its names, so that ties break alike."""
    return Fleet(
        clusters=dict(sorted(fleet.clusters.items())),
        pools=dict(sorted(fleet.pools.items())),
        services=dict(sorted(fleet.services.items())),
        jobs=dict(sorted(fleet.jobs.items())),
        datasets=dict(sorted(fleet.datasets.items())),
        links=tuple(sorted(fleet.links, key=lambda link: (link.source, link.target))),
    )
