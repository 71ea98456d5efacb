"""The optimum of a tiny world by trying everything: plain arithmetic, none of the model's code."""

from itertools import product
from math import ceil

from scheduler.domain.places import NodePool
from scheduler.domain.workloads import InferenceService, Priority, TrainingJob
from tests.model.random_worlds import World
from tests.model.worlds import PLANNED

SHORT_REPLICA_USD = 1000.0
"""What a replica below the minimum costs."""


def cheapest(world: World) -> tuple[float, float]:
    """(urgent share missing, USD per hour) under the policies cost and response time.

    One GPU type, and pods that are an eighth, a quarter or a half of a node: packing is exact.
    """
    fleet = world.snapshot.fleet
    pools = list(fleet.pools.values())
    best = (float("inf"), float("inf"))
    for placed in product(*(_ways(item, pools) for item in fleet.workloads())):
        nodes = _nodes(pools, [sum(row[i] for row in placed) for i in range(len(pools))])
        if nodes is None:
            continue
        urgent, usd = 0.0, sum(n * p.usd_per_node_hour for n, p in zip(nodes, pools, strict=True))
        for item, gpus in zip(fleet.workloads(), placed, strict=True):
            missing, extra = _worth(world, item, gpus)
            urgent += missing if item.priority is Priority.CRITICAL else 0.0
            usd += extra
        best = min(best, (round(urgent, 9), usd))
    return best


def _ways(item: InferenceService | TrainingJob, pools: list[NodePool]) -> list[tuple[float, ...]]:
    """GPUs by pool for every way to place one workload."""
    if isinstance(item, TrainingJob):
        gang = item.workers * item.per_pod.gpus
        alone = [
            tuple(gang if i == j else 0.0 for i in range(len(pools))) for j in range(len(pools))
        ]
        return [tuple(0.0 for _ in pools), *alone]
    each = item.per_pod.gpus
    most = [min(item.max_replicas, int(p.max_nodes * p.per_node.gpus / each)) for p in pools]
    counts = product(*(range(n + 1) for n in most))
    return [tuple(n * each for n in row) for row in counts if sum(row) <= item.max_replicas]


def _nodes(pools: list[NodePool], gpus: list[float]) -> list[int] | None:
    nodes = []
    for pool, used in zip(pools, gpus, strict=True):
        needed = max(ceil(used / pool.per_node.gpus - 1e-9), pool.min_nodes)
        if needed > pool.max_nodes:
            return None
        nodes.append(needed)
    return nodes


def _worth(
    world: World, item: InferenceService | TrainingJob, gpus: tuple[float, ...]
) -> tuple[float, float]:
    """(share missing, USD per hour for it)."""
    if isinstance(item, TrainingJob):
        missing = 0.0 if sum(gpus) else 1.0
        return missing, missing * item.wait_usd_per_hour
    replicas = sum(gpus) / item.per_pod.gpus
    rps = world.demand.services[item.name].rps
    share = max(0.0, rps - replicas * PLANNED) / rps if rps else 0.0
    short = max(0.0, item.min_replicas - replicas)
    return share, share * item.late_usd_per_hour + short * SHORT_REPLICA_USD
