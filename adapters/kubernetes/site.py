"""The Kubernetes site: one cluster as its API server tells it, and who supplies its machines."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from adapters.base import (
    AdapterError,
    DrainOrder,
    NoCapacity,
    PlaceOrder,
    Refused,
    ReleaseOrder,
    Scale,
)
from adapters.kubernetes.client import Client
from adapters.kubernetes.door import asked
from adapters.kubernetes.drain import drain, emptied, take_back, tend_drains
from adapters.kubernetes.gangs import place_gang, tend_gangs
from adapters.kubernetes.nodes import nodes_of
from adapters.kubernetes.notes import notes_of
from adapters.kubernetes.placements import placements_of
from adapters.kubernetes.progress import progress_of
from adapters.kubernetes.services import place_service, tend_services
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.view import Sight, View
from adapters.orders import check_place, check_scale, known_pool, workload_of
from adapters.supply import Machine, Supply, joined, overdue
from scheduler.domain.bindings import Adopted, Owned, OwnedJob, Suspendable
from scheduler.domain.names import ClusterName, Instant, NodeName
from scheduler.domain.snapshot import Node, NodePhase, SiteReport


class KubernetesSite:
    """The adapter of one Kubernetes cluster. It remembers nothing: the cluster does."""

    def __init__(
        self,
        *,
        setting: Setting,
        client: Client,
        sight: Sight,
        supply: Supply,
        now: Callable[[], Instant],
    ) -> None:
        self._setting, self._client, self._sight = setting, client, sight
        self._supply, self._now = supply, now

    @property
    def cluster(self) -> ClusterName:
        """The cluster that this adapter speaks for."""
        return self._setting.access.cluster

    async def observe(self) -> SiteReport:
        """Nodes, machines without a node, placements, progress, and what a person should see."""
        view, machines, now = await self._view(), await self._supply.observe(), self._now()
        # A large cluster takes half a second to sort, and probes are answered meanwhile.
        return await asyncio.to_thread(self._report, view, machines, now)

    async def scale(self, order: Scale) -> None:
        """Open closed nodes again, then ask the supply for what is still short."""
        pool = known_pool(self._setting.pools, self.cluster, order.pool)
        check_scale(order)
        view = await self._view()
        machines, now = await self._supply.observe(), self._now()
        nodes = await asyncio.to_thread(self._nodes, view, machines, now)
        there = sum(node.pool == pool.name and _takes_work(node) for node in nodes)
        within = replace(order, nodes=min(order.nodes, pool.max_nodes))
        if within.nodes > there:
            with asked(f"take back nodes of pool {pool.name}"):
                short = within.nodes - there
                there += await take_back(self._client, view, self._setting, pool.name, short)
        if within.nodes > there:
            await self._supply.scale(within, there)
        if order.nodes > pool.max_nodes:
            raise NoCapacity(
                f"pool {pool.name} may have {pool.max_nodes} nodes and {order.nodes} were ordered; "
                "raise nodes.max or use another pool"
            )

    async def place(self, order: PlaceOrder) -> None:
        """Set the pods and the traffic share of one workload on one pool."""
        setting = self._setting
        pool = known_pool(setting.pools, self.cluster, order.pool)
        workload = workload_of(order.workload, setting.services, setting.jobs)
        check_place(order, workload, pool)
        view, now = await self._view(), self._now()
        binding = setting.bindings.workloads.get(order.workload)
        match binding.runs if binding else None:
            case Adopted() | Owned():
                await place_service(self._client, view, setting, order, now)
            case OwnedJob() | Suspendable():
                await place_gang(self._client, view, setting, order, now)
            case None if order.pods:
                raise Refused(
                    f"{order.workload} does not say how it runs in cluster {self.cluster}; "
                    "add a kubernetes section to its document"
                )
            case None:
                # It left the documents, so what it was is not known: both find theirs by labels.
                await place_service(self._client, view, setting, order, now)
                await place_gang(self._client, view, setting, order, now)

    async def drain(self, order: DrainOrder) -> None:
        """Close nodes and ask their pods to go. Refused for nodes that are not ours to empty."""
        known_pool(self._setting.pools, self.cluster, order.pool)
        with asked(f"drain nodes of pool {order.pool}"):
            await drain(self._client, self._setting, order, self._now())

    async def release(self, order: ReleaseOrder) -> None:
        """Give back those of the nodes that are closed and empty at this moment."""
        known_pool(self._setting.pools, self.cluster, order.pool)
        with asked(f"release nodes of pool {order.pool}"):
            empty = await emptied(self._client, self._setting, order)
        if empty:
            await self._supply.release(replace(order, nodes=tuple(empty)), empty)

    async def tend(self) -> None:
        """Evict again, roll out new templates, start gangs whose seats are free: each for itself.

        Raises the first error, with the words of all, when everything had its turn.
        """
        view, now = await self._view(), self._now()
        client, setting = self._client, self._setting
        turns: Mapping[str, Callable[[], Awaitable[None]]] = {
            "evict from closed nodes": lambda: tend_drains(client, view, setting),
            "roll out templates": lambda: tend_services(client, view, setting, now),
            "start and stop gangs": lambda: tend_gangs(client, view, setting, now),
        }
        errors: list[AdapterError] = []
        for what, work in turns.items():
            try:
                with asked(what):
                    await work()
            except AdapterError as error:
                errors.append(error)
        if errors:
            raise type(errors[0])("; ".join(str(error) for error in errors)) from errors[0]

    async def close(self) -> None:
        """No more is watched, and the connections go."""
        await self._sight.close()
        await self._client.close()

    async def _view(self) -> View:
        with asked(f"look at cluster {self.cluster}"):
            return await self._sight.view()

    def _report(self, view: View, machines: Sequence[Machine], now: Instant) -> SiteReport:
        setting = self._setting
        return SiteReport(
            cluster=self.cluster,
            at=now,
            nodes=self._nodes(view, machines, now),
            placements=placements_of(view, setting, now),
            progress=progress_of(view, setting, now),
            notes=(
                *notes_of(view, setting, now),
                *overdue(_provider_ids(view), machines, setting.pools, now),
            ),
        )

    def _nodes(self, view: View, machines: Sequence[Machine], now: Instant) -> tuple[Node, ...]:
        nodes = nodes_of(view, self._setting, now)
        return joined(nodes, _provider_ids(view), machines, self._setting.pools, now)


def _provider_ids(view: View) -> Mapping[NodeName, str]:
    return {
        NodeName(node.metadata.name): node.spec.provider_id
        for node in view.nodes.values()
        if node.spec.provider_id
    }


def _takes_work(node: Node) -> bool:
    """Counts for an order to grow. One that is unwell is expected back, as plans do."""
    return node.phase is not NodePhase.DRAINING and not node.doomed
