"""Orders: the checks that a site makes before it takes one, each with what to do next."""

from collections.abc import Mapping

from adapters.base import PlaceOrder, Refused, Scale
from adapters.packing import unsuitable
from scheduler.domain.names import ClusterName, PoolName, WorkloadName
from scheduler.domain.places import NodePool
from scheduler.domain.workloads import InferenceService, Spread, TrainingJob, Workload


def known_pool(
    pools: Mapping[PoolName, NodePool], cluster: ClusterName, name: PoolName
) -> NodePool:
    """The pool of that name; Refused if the site has none."""
    pool = pools.get(name)
    if pool is None:
        known = ", ".join(pools) or "none"
        raise Refused(f"cluster {cluster} has no pool {name}; it has: {known}")
    return pool


def check_scale(order: Scale) -> None:
    """Refused if the number makes no sense."""
    if order.nodes < 0:
        raise Refused(f"pool {order.pool} cannot have {order.nodes} nodes; order 0 or more")


def check_place(order: PlaceOrder, workload: Workload | None, pool: NodePool) -> None:
    """Refused if the order could never come true.

    Zero pods of anything is always fine: what left the documents must still be cleared away.
    """
    if not (0.0 <= order.share <= 1.0):
        raise Refused(f"share {order.share:g} of {order.workload} is not within 0 and 1")
    if order.pods < 0:
        raise Refused(f"{order.workload} cannot have {order.pods} pods; order 0 or more")
    if order.pods == 0:
        return
    if workload is None:
        raise Refused(f"no workload {order.workload} is known here; declare it first")
    reason = unsuitable(workload, pool)
    if reason is not None:
        raise Refused(f"{reason}; choose another pool for it")
    _check_gang(order, workload)


def _check_gang(order: PlaceOrder, workload: Workload) -> None:
    match workload:
        case InferenceService():
            if order.gang:
                raise Refused(f"{order.workload} is a service, not a gang; order gang=False")
        case TrainingJob(workers=workers, spread=Spread.POOL):
            if order.pods != workers:
                raise Refused(
                    f"{order.workload} runs with {workers} workers on one pool or not at all; "
                    f"got {order.pods}"
                )
        case TrainingJob(workers=workers):
            if order.pods > workers:
                raise Refused(f"{order.workload} has {workers} workers; got {order.pods}")


def workload_of(
    name: WorkloadName,
    services: Mapping[WorkloadName, InferenceService],
    jobs: Mapping[WorkloadName, TrainingJob],
) -> Workload | None:
    """The service or job of that name, if any."""
    return services.get(name) or jobs.get(name)
