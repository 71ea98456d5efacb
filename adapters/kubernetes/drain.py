"""Drain: nodes are closed, emptied within disruption budgets, taken back, or found to be empty."""

from collections import Counter
from collections.abc import Iterable

from adapters.base import DrainOrder, Refused, ReleaseOrder
from adapters.kubernetes.client import Client
from adapters.kubernetes.evict import evict, is_leaving, movable, pods_on, why_not
from adapters.kubernetes.fanout import fan_out
from adapters.kubernetes.faults import Conflict, NotThere
from adapters.kubernetes.marks import ours
from adapters.kubernetes.pods import holds_seat
from adapters.kubernetes.pools import binding_of, pool_of, run_by_others
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Node, Pod
from adapters.kubernetes.signs import is_doomed, is_draining, is_well
from adapters.kubernetes.taints import close_node, node_now, open_node
from adapters.kubernetes.view import View
from scheduler.domain.bindings import Supply
from scheduler.domain.names import Instant, NodeName, PoolName

TAKEN = ("ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted", "karpenter.sh/disruption")
"""Taints of nodes that another autoscaler is taking away at this moment."""
KEEPERS = (
    ("cluster-autoscaler.kubernetes.io/scale-down-disabled", "true"),
    ("karpenter.sh/do-not-disrupt", "true"),
)
"""Annotations by which people keep a node."""


async def drain(client: Client, setting: Setting, order: DrainOrder, now: Instant) -> None:
    """Close the nodes and ask their pods to go; `tend_drains` goes on with those that stay.

    Read from the server itself: a watch may be behind. Nodes that are gone, or that another
    autoscaler is taking away already, are left alone. Raises Refused for those that may not be
    emptied, after the others were seen to.
    """

    async def one(name: NodeName) -> str:
        node = await _node_of(client, setting, order.pool, name)
        if node is None:
            return ""
        if not is_draining(node) and (why := await _objection(client, setting, order.pool, node)):
            return f"node {name} is not drained: {why}"
        if await close_node(client, node, now):
            await _empty(client, setting, node)
        return ""

    refused = [why for why in await fan_out(dict.fromkeys(order.nodes), one) if why]
    if refused:
        raise Refused("; ".join(refused))


async def tend_drains(client: Client, view: View, setting: Setting) -> None:
    """Ask again on every node of ours that is closed and not empty, and clear away lost pods."""
    busy = Counter(pod.spec.node_name for pod in view.pods.values() if _can_be_asked(pod))
    closed = [node for node in _closed(view, setting) if busy[node.metadata.name]]

    async def again(node: Node) -> None:
        # It may have been taken back since this view.
        found = await node_now(client, NodeName(node.metadata.name))
        if found is not None and is_draining(found):
            await _empty(client, setting, found)

    await fan_out(closed, again)
    await _clear_lost(client, view, setting)


async def take_back(
    client: Client, view: View, setting: Setting, pool: PoolName, nodes: int
) -> int:
    """Let up to so many closed nodes of the pool take work again; how many do.

    Those with the most pods first: they need not move. None that is unwell or will be gone soon.
    """
    busy = Counter(pod.spec.node_name for pod in view.pods.values() if holds_seat(pod))
    closed = [node for node in _closed(view, setting) if pool_of(node, setting) == pool]
    closed.sort(key=lambda node: (-busy[node.metadata.name], node.metadata.name))
    back = 0
    for node in closed:
        if back >= nodes:
            break
        found = await node_now(client, NodeName(node.metadata.name))
        if found is not None and _may_return(found):
            back += await open_node(client, found)
    return back


async def emptied(client: Client, setting: Setting, order: ReleaseOrder) -> dict[NodeName, str]:
    """Those of the nodes that are closed by us and empty at this moment, with their providerID."""

    async def one(name: NodeName) -> dict[NodeName, str]:
        node = await _node_of(client, setting, order.pool, name)
        if node is None or not is_draining(node):
            return {}
        if any(holds_seat(pod) for pod in await pods_on(client, name)):
            return {}
        return {name: node.spec.provider_id}

    found = await fan_out(dict.fromkeys(order.nodes), one)
    return {name: provider_id for each in found for name, provider_id in each.items()}


async def _node_of(client: Client, setting: Setting, pool: PoolName, name: NodeName) -> Node | None:
    """The node now, if it is one of the pool's and nobody else is taking it away."""
    node = await node_now(client, name)
    if node is None or pool_of(node, setting) != pool or _is_taken(node):
        return None
    return node


async def _objection(client: Client, setting: Setting, pool: PoolName, node: Node) -> str:
    """Why the node is not ours to empty, with what to do; empty if it is."""
    others = run_by_others(node)
    shared = binding_of(pool, setting).shared or setting.access.supply is Supply.AUTOSCALER
    if others and not shared:
        return (
            f"{others} runs pool {pool}; set sharedWithAutoscaler for the pool "
            "if both shall, or leave its nodes to it"
        )
    if is_doomed(node):
        return ""
    for key, value in KEEPERS:
        if node.metadata.annotations.get(key) == value:
            return f"it has {key}={value}; remove the annotation, or set nodes.min to keep it"
    return why_not(await pods_on(client, NodeName(node.metadata.name)), setting)


async def _empty(client: Client, setting: Setting, node: Node) -> None:
    pods = await pods_on(client, NodeName(node.metadata.name))

    async def one(pod: Pod) -> None:
        await evict(client, pod)

    await fan_out(movable(pods, setting, doomed=is_doomed(node)), one)


async def _clear_lost(client: Client, view: View, setting: Setting) -> None:
    """Pods of ours whose node is gone count as running for most of a minute otherwise.

    Those with finalizers, as of Jobs, are left to the collector of the cluster: they would stay
    until somebody says that they have ended, and only kubelets and that collector do.
    """
    there = {name for _, name in view.nodes}
    lost = [
        pod
        for pod in view.pods.values()
        if pod.spec.node_name
        and pod.spec.node_name not in there
        and pod.metadata.namespace in setting.access.namespaces
        and ours(pod.metadata.labels)
        and not pod.metadata.finalizers
    ]

    async def one(pod: Pod) -> None:
        if await node_now(client, NodeName(pod.spec.node_name)) is not None:
            return
        path = f"/api/v1/namespaces/{pod.metadata.namespace}/pods/{pod.metadata.name}"
        try:
            # No kubelet is left to say that it has stopped.
            await client.delete(path, uid=pod.metadata.uid, grace_s=0)
        except (NotThere, Conflict):
            return

    await fan_out(lost, one)


def _closed(view: View, setting: Setting) -> Iterable[Node]:
    for node in view.nodes.values():
        if is_draining(node) and pool_of(node, setting) is not None and not _is_taken(node):
            yield node


def _can_be_asked(pod: Pod) -> bool:
    return holds_seat(pod) and not is_leaving(pod)


def _is_taken(node: Node) -> bool:
    return any(taint.key in TAKEN for taint in node.spec.taints)


def _may_return(node: Node) -> bool:
    return is_well(node) and not is_doomed(node) and not node.spec.unschedulable
