"""A static site: a private pool of given nodes that can neither grow nor be given back."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from adapters.base import DrainOrder, NoCapacity, PlaceOrder, Refused, ReleaseOrder, Scale
from adapters.orders import check_place, check_scale, known_pool, workload_of
from adapters.static_packing import packed
from adapters.static_state import Ordered, StateInFile, StateInMemory, StateStore, StaticState
from scheduler.domain.names import ClusterName, Instant, NodeName, PoolName, WorkloadName
from scheduler.domain.places import NodePool
from scheduler.domain.snapshot import Node, NodePhase, Placement, SiteReport
from scheduler.domain.workloads import InferenceService, TrainingJob


class StaticSite:
    """An adapter for nodes that are simply there: `nodes` says how many each pool has.

    The site holds the orders and does not run anything itself. With a `state` file other tooling
    can apply them (as with GitOps); without one they live in the object. It sees no pods, so
    `ready` is what fits on the nodes that are not draining, and it tells no progress of jobs:
    suspend a job in its document when it is done.
    """

    def __init__(
        self,
        *,
        cluster: ClusterName,
        pools: Sequence[NodePool],
        nodes: Mapping[PoolName, int],
        services: Mapping[WorkloadName, InferenceService],
        jobs: Mapping[WorkloadName, TrainingJob],
        now: Callable[[], Instant],
        state: Path | None = None,
    ) -> None:
        self._cluster, self._now = cluster, now
        self._services, self._jobs = services, jobs
        self._pools = {pool.name: pool for pool in pools if pool.cluster == cluster}
        unknown = sorted(set(nodes) - set(self._pools))
        if unknown:
            raise ValueError(f"cluster {cluster} has no pool {', '.join(unknown)}; declare it")
        self._nodes = {
            pool: tuple(NodeName(f"{pool}-{index}") for index in range(nodes.get(pool, 0)))
            for pool in self._pools
        }
        self._store: StateStore = StateInFile(state, cluster) if state else StateInMemory()
        self._one_at_a_time = threading.Lock()

    @property
    def cluster(self) -> ClusterName:
        """The cluster that this adapter speaks for."""
        return self._cluster

    async def observe(self) -> SiteReport:
        """The nodes given, and the placements last ordered."""
        return self._report(await asyncio.to_thread(self._store.load))

    async def scale(self, order: Scale) -> None:
        """Take draining nodes back. NoCapacity beyond the nodes that there are."""
        pool = known_pool(self._pools, self._cluster, order.pool)
        check_scale(order)
        names = self._nodes[pool.name]

        def take_back(state: StaticState) -> StaticState:
            draining = [name for name in names if name in state.draining]
            short = max(0, order.nodes - (len(names) - len(draining)))
            return replace(state, draining=state.draining - set(draining[:short]))

        await self._change(take_back)
        if order.nodes > len(names):
            raise NoCapacity(
                f"pool {pool.name} is static and has {len(names)} nodes: none of the "
                f"{order.nodes - len(names)} more came; use another pool"
            )

    async def place(self, order: PlaceOrder) -> None:
        """Write down the pods and the traffic share of one workload on one pool."""
        pool = known_pool(self._pools, self._cluster, order.pool)
        check_place(order, workload_of(order.workload, self._services, self._jobs), pool)

        def put(state: StaticState) -> StaticState:
            placements = dict(state.placements)
            if order.pods > 0:
                ordered = Ordered(pods=order.pods, share=order.share)
                placements[order.workload, order.pool] = ordered
            else:
                placements.pop((order.workload, order.pool), None)
            return replace(state, placements=placements)

        await self._change(put)

    async def drain(self, order: DrainOrder) -> None:
        """Keep pods off these nodes."""
        pool = known_pool(self._pools, self._cluster, order.pool)
        present = set(self._nodes[pool.name]).intersection(order.nodes)
        await self._change(lambda state: replace(state, draining=state.draining | present))

    async def release(self, order: ReleaseOrder) -> None:
        """Refused for nodes that are here: they are owned, and giving them back saves nothing.

        To accept it would be a promise that no later observation keeps.
        """
        pool = known_pool(self._pools, self._cluster, order.pool)
        here = set(self._nodes[pool.name]).intersection(order.nodes)
        if here:
            raise Refused(
                f"pool {pool.name} is static, {', '.join(sorted(here))} cannot be given back; "
                f"declare nodes.min = nodes.max = {len(self._nodes[pool.name])}"
            )

    async def tend(self) -> None:
        """Nothing is under way here: other tooling carries the orders out."""

    async def _change(self, change: Callable[[StaticState], StaticState]) -> None:
        def apply() -> None:
            # The thread outlives a cancelled call, so the lock is held here and not in the loop.
            with self._one_at_a_time:
                before = self._store.load()
                after = change(before)
                if after != before:
                    self._store.save(after)

        await asyncio.to_thread(apply)

    def _report(self, state: StaticState) -> SiteReport:
        ordered = {
            (workload, pool): each.pods
            for (workload, pool), each in state.placements.items()
            if pool in self._pools
        }
        open_nodes = {
            pool: [name for name in names if name not in state.draining]
            for pool, names in self._nodes.items()
        }
        seats = packed(ordered, self._pools, open_nodes, self._services, self._jobs)
        on_node = seats.by_node()
        return SiteReport(
            cluster=self._cluster,
            at=self._now(),
            nodes=tuple(
                self._node(name, pool, on_node.get(name, {}), draining=name in state.draining)
                for pool, names in self._nodes.items()
                for name in names
            ),
            placements=tuple(
                Placement(
                    workload=workload,
                    pool=pool,
                    wanted=wanted,
                    ready=seats.ready(workload, pool),
                    pending=wanted - seats.ready(workload, pool),
                    share=state.placements[workload, pool].share,
                )
                for (workload, pool), wanted in sorted(ordered.items())
            ),
        )

    def _node(
        self, name: NodeName, pool: PoolName, pods: Mapping[WorkloadName, int], *, draining: bool
    ) -> Node:
        known = {each: workload_of(each, self._services, self._jobs) for each in pods}
        sizes = {each: workload.per_pod.gpus for each, workload in known.items() if workload}
        return Node(
            name=name,
            pool=pool,
            phase=NodePhase.DRAINING if draining else NodePhase.READY,
            since=Instant(0.0),
            pods=sum(pods.values()),
            gpus_used=sum(sizes[each] * count for each, count in pods.items()),
            workers=sum(count for each, count in pods.items() if each in self._jobs),
        )
