"""Supply: who adds and takes the machines under a cluster's nodes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from adapters.base import NoCapacity, Refused, ReleaseOrder, Scale
from scheduler.domain.names import Instant, NodeName, PoolName
from scheduler.domain.places import NodePool
from scheduler.domain.snapshot import Node, NodePhase, SiteNote

PATIENCE_S = 900.0
"""A machine may take twice its pool's boot time to show its node, and no less than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine that was ordered, whether its node shows already or not."""

    pool: PoolName
    provider_id: str
    """As `spec.providerID` of its node; what joins the two."""
    since: Instant
    """When it was ordered: it is paid for from here on."""
    doomed: bool = False
    """A spot notice was given."""


class Supply(Protocol):
    """Machines by pool. Same promises as an adapter: end states, keys, the four errors."""

    async def observe(self) -> Sequence[Machine]:
        """Machines that the supply knows. A supply that knows none leaves nodes to the cluster."""
        ...

    async def scale(self, order: Scale, there: int) -> None:
        """Grow. `there` nodes and machines of the pool are neither closed nor about to go.

        Its own machines are counted in, so that an order sent again buys nothing twice.
        """
        ...

    async def release(self, order: ReleaseOrder, provider_ids: Mapping[NodeName, str]) -> None:
        """Give back exactly these machines; they are drained and empty.

        Who needs an id refuses a node that has none: its `spec.providerID` is empty.
        """
        ...


class StaticSupply:
    """Machines that are simply there."""

    async def observe(self) -> Sequence[Machine]:
        """It knows none: the cluster's nodes speak for themselves."""
        return ()

    async def scale(self, order: Scale, there: int) -> None:
        """Raises NoCapacity beyond what is there."""
        if order.nodes > there:
            raise NoCapacity(
                f"pool {order.pool} has {there} nodes and nobody who adds any; "
                "lower nodes.max, or name its supply"
            )

    async def release(self, order: ReleaseOrder, provider_ids: Mapping[NodeName, str]) -> None:  # noqa: ARG002 - no one is told
        """Raises Refused: there is nobody to take them."""
        if order.nodes:
            raise Refused(
                f"nobody takes nodes of pool {order.pool} back; set nodes.min to what it has"
            )


class AutoscalerSupply:
    """Another autoscaler adds nodes for pods that wait, and takes empty ones."""

    async def observe(self) -> Sequence[Machine]:
        """What it has ordered is not known before a node shows."""
        return ()

    async def scale(self, order: Scale, there: int) -> None:
        """Nothing to send: the pods that are placed next will wait, and that is the order."""

    async def release(self, order: ReleaseOrder, provider_ids: Mapping[NodeName, str]) -> None:
        """Nothing to send: the nodes are tainted and empty, and it takes what is not needed."""


def joined(
    nodes: Iterable[Node],
    provider_ids: Mapping[NodeName, str],
    machines: Iterable[Machine],
    pools: Mapping[PoolName, NodePool],
    now: Instant,
) -> tuple[Node, ...]:
    """The nodes as their machines complete them, then the machines that have no node yet.

    Such a machine is told as a node by the name of its provider_id: booting, and unready once it
    is overdue.
    """
    known = {machine.provider_id: machine for machine in machines}
    told = tuple(_completed(node, known.get(provider_ids.get(node.name, ""))) for node in nodes)
    return (*told, *(_unborn(each, pools, now) for each in _nodeless(known, provider_ids, pools)))


def overdue(
    provider_ids: Mapping[NodeName, str],
    machines: Iterable[Machine],
    pools: Mapping[PoolName, NodePool],
    now: Instant,
) -> tuple[SiteNote, ...]:
    """What a person should know of machines that are paid for and never became a node."""
    known = {machine.provider_id: machine for machine in machines}
    return tuple(
        SiteNote(
            subject=f"machine/{machine.provider_id}",
            reason="NodeNeverReady",
            message=(
                f"a machine of pool {machine.pool} was ordered and its node did not join; "
                "look at its boot log, and delete it at the provider if it is lost"
            ),
        )
        for machine in _nodeless(known, provider_ids, pools)
        if _is_overdue(machine, pools, now)
    )


def _completed(node: Node, machine: Machine | None) -> Node:
    if machine is None:
        return node
    return replace(node, since=machine.since, doomed=node.doomed or machine.doomed)


def _nodeless(
    known: Mapping[str, Machine],
    provider_ids: Mapping[NodeName, str],
    pools: Mapping[PoolName, NodePool],
) -> tuple[Machine, ...]:
    with_node = set(provider_ids.values())
    return tuple(
        machine
        for provider_id, machine in known.items()
        if provider_id not in with_node and machine.pool in pools
    )


def _unborn(machine: Machine, pools: Mapping[PoolName, NodePool], now: Instant) -> Node:
    late = _is_overdue(machine, pools, now)
    return Node(
        name=NodeName(machine.provider_id),
        pool=machine.pool,
        phase=NodePhase.UNREADY if late else NodePhase.BOOTING,
        since=machine.since,
        doomed=machine.doomed,
    )


def _is_overdue(machine: Machine, pools: Mapping[PoolName, NodePool], now: Instant) -> bool:
    return now - machine.since > max(PATIENCE_S, 2.0 * pools[machine.pool].boot_s)
