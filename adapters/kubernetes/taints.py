"""Taints: nodes are closed to new pods and opened again, and what others wrote there stays."""

import re
from collections.abc import Callable

import msgspec

from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import Conflict, NotThere
from adapters.kubernetes.instants import as_text
from adapters.kubernetes.marks import DRAINING, DRAINING_SINCE
from adapters.kubernetes.shapes import Node, Taint
from scheduler.domain.names import Instant, NodeName

OURS = Taint(key=DRAINING, value="true", effect="NoSchedule")
NODE_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
TRIES = 5
"""Kubelets and other controllers write to the same object."""

Change = tuple[tuple[Taint, ...], dict[str, str | None]]
"""All the taints that there shall be, and the annotations to set or to remove."""


async def node_now(client: Client, name: NodeName) -> Node | None:
    """The node as the server has it now; None if it is gone, or is a machine without a node yet."""
    if not NODE_NAME.fullmatch(name):
        return None
    try:
        return msgspec.json.decode(await client.get(f"/api/v1/nodes/{name}"), type=Node)
    except NotThere:
        return None


async def close_node(client: Client, node: Node, now: Instant) -> bool:
    """Set our taint and since when. `spec.unschedulable` is left to people. False: it is gone."""

    def closed(found: Node) -> Change | None:
        since = found.metadata.annotations.get(DRAINING_SINCE)
        if OURS in found.spec.taints and since:
            return None
        others = tuple(taint for taint in found.spec.taints if taint.key != DRAINING)
        return (*others, OURS), {DRAINING_SINCE: since or as_text(now)}

    return await _change(client, node, closed)


async def open_node(client: Client, node: Node) -> bool:
    """Take our taint off. False: the node is gone."""

    def opened(found: Node) -> Change | None:
        others = tuple(taint for taint in found.spec.taints if taint.key != DRAINING)
        if len(others) == len(found.spec.taints) and DRAINING_SINCE not in (
            found.metadata.annotations
        ):
            return None
        return others, {DRAINING_SINCE: None}

    return await _change(client, node, opened)


async def _change(client: Client, node: Node, change: Callable[[Node], Change | None]) -> bool:
    """Raises Conflict if others write faster than we do."""
    name = NodeName(node.metadata.name)
    found: Node | None = node
    for attempt in range(TRIES):
        if attempt:
            found = await node_now(client, name)
        if found is None or found.metadata.uid != node.metadata.uid:
            return False
        changed = change(found)
        if changed is None:
            return True
        try:
            await client.patch(f"/api/v1/nodes/{name}", _patch(found, *changed))
        except NotThere:
            return False
        except Conflict:
            if attempt == TRIES - 1:
                raise
        else:
            return True
    return False


def _patch(
    found: Node, taints: tuple[Taint, ...], annotations: dict[str, str | None]
) -> dict[str, object]:
    # A merge patch replaces the list of taints whole: the version keeps it from undoing what
    # others wrote after we read. The uid keeps it off another node of the same name.
    metadata = {
        "uid": found.metadata.uid,
        "resourceVersion": found.metadata.resource_version,
        "annotations": annotations,
    }
    return {"metadata": metadata, "spec": {"taints": taints}}
