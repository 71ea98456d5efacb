"""What of the orders fits on a static site's nodes: first come first seated, gangs all or none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.orders import workload_of
from adapters.packing import Room, amounts, first_fit, give_back
from scheduler.domain.names import NodeName, PoolName, WorkloadName
from scheduler.domain.places import NodePool
from scheduler.domain.workloads import InferenceService, TrainingJob, Workload


@dataclass(slots=True, kw_only=True)
class Seats:
    """The node of every pod that has one."""

    nodes: dict[tuple[WorkloadName, PoolName], list[NodeName]] = field(default_factory=dict)

    def ready(self, workload: WorkloadName, pool: PoolName) -> int:
        """Pods of the workload on the pool that have a node."""
        return len(self.nodes.get((workload, pool), ()))

    def by_node(self) -> Mapping[NodeName, Counter[WorkloadName]]:
        """Pods of each workload on each node that has any."""
        found: dict[NodeName, Counter[WorkloadName]] = {}
        for (workload, _), names in self.nodes.items():
            for name in names:
                found.setdefault(name, Counter())[workload] += 1
        return found


def packed(
    ordered: Mapping[tuple[WorkloadName, PoolName], int],
    pools: Mapping[PoolName, NodePool],
    nodes: Mapping[PoolName, Sequence[NodeName]],
    services: Mapping[WorkloadName, InferenceService],
    jobs: Mapping[WorkloadName, TrainingJob],
) -> Seats:
    """A pure function of the orders: the same orders sit on the same nodes.

    Workloads are seated in the order of `ordered`, so that a newcomer displaces nobody. Pods of
    a workload that is no longer declared have no known size and get no node.
    """
    rooms = {
        pool: [list(amounts(pools[pool].per_node)) for _ in names] for pool, names in nodes.items()
    }
    seats = Seats()
    for name in dict.fromkeys(name for name, _ in ordered):
        workload = workload_of(name, services, jobs)
        if workload is None:
            continue
        here = {pool: pods for (other, pool), pods in ordered.items() if other == name}
        for pool, indices in _seated(workload, here, rooms).items():
            seats.nodes[name, pool] = [nodes[pool][index] for index in indices]
    return seats


def _seated(
    workload: Workload, wanted: Mapping[PoolName, int], rooms: Mapping[PoolName, Sequence[Room]]
) -> dict[PoolName, list[int]]:
    size = amounts(workload.per_pod)
    found = {pool: first_fit(size, pods, rooms[pool]) for pool, pods in wanted.items()}
    whole = sum(len(indices) for indices in found.values())
    if isinstance(workload, InferenceService) or whole == workload.workers:
        return found
    for pool, indices in found.items():
        for index in indices:
            give_back(size, rooms[pool][index])
    return {}
