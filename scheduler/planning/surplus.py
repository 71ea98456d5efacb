"""Surplus: which nodes go, in which order, and which stay for pods that have not left yet."""

from collections.abc import Iterable, Mapping
from math import ceil

from scheduler.domain.actions import Drain, Release
from scheduler.domain.names import ActionKey, NodeName, PoolName
from scheduler.domain.snapshot import Node, NodePhase
from scheduler.planning.room import pods_per_node
from scheduler.planning.standing import Option, PoolState, Standing


def drains(state: PoolState, kept_for_pods: int, *, pods_leave_now: bool) -> tuple[Drain, ...]:
    """Drain what neither the plan nor the pods that are still ordered need.

    A working node goes only while enough working ones stay. Where pods leave in this very tick
    only empty nodes go: the next observation shows which others became empty.
    """
    stay = state.floor + kept_for_pods
    spare, spare_ready = len(state.serving) - stay, state.ready - stay
    victims: list[NodeName] = []
    for node in sorted(state.serving, key=_order) if spare > 0 else ():
        ready = node.phase is NodePhase.READY
        if len(victims) == spare or (node.pods and pods_leave_now) or (ready and spare_ready <= 0):
            continue
        victims.append(node.name)
        spare_ready -= ready
    if not victims:
        return ()
    line = state.line
    return (
        Drain(
            key=ActionKey(f"drain/{line.pool}/{','.join(victims)}"),
            cluster=line.cluster,
            pool=line.pool,
            why=line.because,
            nodes=tuple(victims),
        ),
    )


def releases(state: PoolState) -> tuple[Release, ...]:
    """Give drained and empty nodes back, unless the pool is to take one back."""
    if len(state.serving) < state.line.after:
        return ()
    empty = sorted((node for node in state.draining if not node.pods), key=_order)
    nodes = tuple(node.name for node in empty[: max(0, state.surplus)])
    if not nodes:
        return ()
    line = state.line
    return (
        Release(
            key=ActionKey(f"release/{line.pool}/{','.join(nodes)}"),
            cluster=line.cluster,
            pool=line.pool,
            why=line.because,
            nodes=nodes,
        ),
    )


def kept_for_pods(left: Iterable[tuple[Option, int]], standing: Standing) -> Mapping[PoolName, int]:
    """Nodes to keep beyond the plan's for pods beyond the plan's, by pool with a surplus.

    The planned pods fit the planned nodes; each excess is given whole nodes of its own, so that
    what stays is enough however the pods lie.
    """
    kept: dict[PoolName, int] = {}
    for option, pods in left:
        state = standing.pools.get(option.pool)
        if pods > option.after and state is not None and state.surplus > 0:
            nodes = ceil((pods - option.after) / _pods_per_node(option, standing))
            kept[option.pool] = kept.get(option.pool, 0) + nodes
    return kept


def _order(node: Node) -> tuple[bool, bool, int, bool, float, NodeName]:
    """Booting first, last what others hold; then the emptiest, the unwell and the youngest."""
    booting, unwell = node.phase is NodePhase.BOOTING, node.phase is NodePhase.UNREADY
    held = node.gpus_others > 0.0
    return (held, not booting, node.pods, not unwell, -node.since, node.name)


def _pods_per_node(option: Option, standing: Standing) -> int:
    """How many pods of the workload one node holds; 1 where that is not known."""
    fleet = standing.snapshot.fleet
    workload, pool = fleet.workload(option.workload), fleet.pools.get(option.pool)
    if workload is None or pool is None:
        return 1
    return max(1, pods_per_node(workload.per_pod, pool.per_node))
