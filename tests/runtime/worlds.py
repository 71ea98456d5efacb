"""Small worlds: sites in memory that keep the adapter's promises, and a brain of a few lines."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from adapters.base import (
    Adapter,
    DrainOrder,
    Order,
    PlaceOrder,
    ReleaseOrder,
    Scale,
)
from scheduler.domain.actions import Action, Drain, Grow, Guarded, Place, Receipt, Release, Vacate
from scheduler.domain.demand import Demand, ServiceDemand
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import (
    ActionKey,
    ClusterName,
    DataClass,
    GpuType,
    Instant,
    NodeName,
    PolicyName,
    PoolName,
    Region,
    WorkloadName,
)
from scheduler.domain.places import (
    Cluster,
    Contract,
    Exposure,
    Link,
    NodePool,
    PriceTier,
    Resources,
)
from scheduler.domain.plan import BillLine, MissingLine, Plan, PoolLine, Proof
from scheduler.domain.readings import Freshness, Series, Signal
from scheduler.domain.settings import ForecastSettings, GuardSettings, LoopSettings, SolverSettings
from scheduler.domain.snapshot import Memory, Node, NodePhase, Placement, SiteReport, Snapshot
from scheduler.domain.workloads import InferenceService, LatencyCurve, Objective, Priority
from scheduler.model.policy import Policy
from scheduler.runtime.world import Brain, Standing, World
from scheduler.signals.source import Source

NOON = Instant(1_790_000_000.0)


@dataclass(kw_only=True)
class MemorySite:
    """A site whose nodes are a table; orders take effect at once and are written down."""

    cluster: ClusterName
    nodes: dict[NodeName, Node] = field(default_factory=dict)
    placements: dict[tuple[WorkloadName, PoolName], Placement] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    at: Instant = NOON
    on_order: Callable[[Order], None] = lambda _: None
    """May raise, as a site does that refuses."""
    gate: asyncio.Event | None = None
    """Orders wait for it, where there is one."""
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    """An order has arrived."""
    tended: int = 0

    async def observe(self) -> SiteReport:
        return SiteReport(
            cluster=self.cluster,
            at=self.at,
            nodes=tuple(self.nodes.values()),
            placements=tuple(self.placements.values()),
        )

    async def scale(self, order: Scale) -> None:
        await self._arrive(order)
        have = sum(node.pool == order.pool for node in self.nodes.values())
        for number in range(have, order.nodes):
            node = a_node(f"{order.pool}-{number}", pool=order.pool)
            self.nodes[node.name] = node

    async def place(self, order: PlaceOrder) -> None:
        await self._arrive(order)
        self.placements[order.workload, order.pool] = Placement(
            workload=order.workload,
            pool=order.pool,
            wanted=order.pods,
            ready=order.pods,
            share=order.share,
        )

    async def drain(self, order: DrainOrder) -> None:
        await self._arrive(order)
        for name in order.nodes:
            self.nodes[name] = replace(self.nodes[name], phase=NodePhase.DRAINING)

    async def release(self, order: ReleaseOrder) -> None:
        await self._arrive(order)
        for name in order.nodes:
            self.nodes.pop(name, None)

    async def tend(self) -> None:
        self.tended += 1

    async def _arrive(self, order: Order) -> None:
        self.entered.set()
        if self.gate:
            await self.gate.wait()
        self.on_order(order)
        self.orders.append(order)


@dataclass(kw_only=True)
class HungSite(MemorySite):
    """A site that never answers a question."""

    async def observe(self) -> SiteReport:
        await asyncio.Event().wait()
        raise AssertionError


@dataclass(kw_only=True)
class BrokenSite(MemorySite):
    """A site that fails with the given error."""

    error: Exception

    async def observe(self) -> SiteReport:
        raise self.error


@dataclass(kw_only=True)
class FixedSource:
    """A source that always says the same, or fails."""

    name: str = "fixed"
    series: tuple[Series, ...] = ()
    error: Exception | None = None

    async def read(self, now: Instant, window_s: float) -> tuple[Series, ...]:
        if self.error:
            raise self.error
        return self.series


@dataclass(kw_only=True)
class FixedClock:
    """A clock that stands still."""

    at: Instant = NOON

    def now(self) -> Instant:
        return self.at


def a_node(
    name: str,
    pool: str = "p",
    phase: NodePhase = NodePhase.READY,
    pods: int = 0,
    *,
    gpus: float = 0.0,
    workers: int = 0,
) -> Node:
    return Node(
        name=NodeName(name),
        pool=PoolName(pool),
        phase=phase,
        since=NOON,
        pods=pods,
        gpus_used=gpus,
        workers=workers,
    )


def a_site(cluster: str = "dc", *nodes: Node, **more: object) -> MemorySite:
    site = MemorySite(cluster=ClusterName(cluster), **more)  # type: ignore[arg-type]
    site.nodes.update({node.name: node for node in nodes})
    return site


def a_pool(name: str = "p", cluster: str = "dc", most: int = 4) -> NodePool:
    return NodePool(
        name=PoolName(name),
        cluster=ClusterName(cluster),
        zone="a",
        instance_type="box",
        gpu_type=GpuType("A10G"),
        gpu_memory_gib=24.0,
        per_node=Resources(gpus=8, cpu=96.0, memory_gib=512.0, pods=110),
        contract=Contract.ON_DEMAND,
        min_nodes=0,
        max_nodes=most,
        usd_per_node_hour=2.5,
        interruptions_per_hour=0.0,
        boot_s=300.0,
    )


def a_service(name: str = "search") -> InferenceService:
    return InferenceService(
        name=WorkloadName(name),
        priority=Priority.CRITICAL,
        data_class=DataClass("internal"),
        per_pod=Resources(gpus=1.0, cpu=8.0, memory_gib=32.0),
        objective=Objective(quantile=0.95, seconds=0.06),
        curves={
            GpuType("T4"): LatencyCurve(base_s=0.02, queue_s=0.01, limit_rps=90.0),
            GpuType("A10G"): LatencyCurve(base_s=0.01, queue_s=0.01, limit_rps=300.0),
        },
        min_replicas=1,
        max_replicas=64,
        late_usd_per_hour=400.0,
    )


def a_fleet(pools: Sequence[NodePool] = (), services: Sequence[InferenceService] = ()) -> Fleet:
    pools = pools or (a_pool(),)
    clusters = sorted({pool.cluster for pool in pools})
    return Fleet(
        clusters={
            name: Cluster(
                name=name,
                exposure=Exposure.PRIVATE,
                provider="on-premises",
                region=Region("here"),
                holds=frozenset(DataClass(word) for word in ("public", "internal", "private")),
            )
            for name in clusters
        },
        pools={pool.name: pool for pool in pools},
        services={service.name: service for service in services},
        links=(
            Link(
                source="here",
                target="there",
                tiers=(PriceTier(up_to_gb=float("inf"), usd_per_gb=0.09),),
                gbit_per_s=5.0,
                rtt_s=0.2,
            ),
        ),
    )


def a_series(subject: str = "search", value: float = 40.0, points: int = 2) -> Series:
    times = tuple(Instant(NOON - 60.0 * (points - 1 - index)) for index in range(points))
    return Series(signal=Signal.LOAD, subject=subject, times=times, values=(value,) * points)


def a_plan(pools: Sequence[PoolLine] = (), missing: Sequence[MissingLine] = ()) -> Plan:
    return Plan(
        pools=tuple(pools),
        placements=(),
        services=(),
        missing=tuple(missing),
        bursts=(),
        bill=(BillLine(policy=PolicyName("cost"), usd_per_hour=2.5),),
        binding=(),
        notes=(),
        proof=Proof(solver="counting", objective=10.0, bound=9.0, kept=False),
    )


def a_pool_line(pool: NodePool, before: int, after: int) -> PoolLine:
    return PoolLine(
        pool=pool.name,
        cluster=pool.cluster,
        exposure=Exposure.PRIVATE,
        contract=pool.contract,
        before=before,
        after=after,
        usd_per_node_hour=pool.usd_per_node_hour,
        gpus_per_node=pool.per_node.gpus,
        gpus_used=0.0,
        because="one node for each request per second",
    )


def grow(pool: str = "p", nodes: int = 2, cluster: str = "dc") -> Grow:
    return Grow(
        key=ActionKey(f"grow:{pool}:{nodes}"),
        cluster=ClusterName(cluster),
        pool=PoolName(pool),
        why="load",
        before=0,
        nodes=nodes,
    )


def place(
    workload: str = "search", *, pods: int, before: int = 0, cluster: str = "dc", pool: str = "p"
) -> Place:
    return Place(
        key=ActionKey(f"place:{workload}:{pool}:{pods}"),
        cluster=ClusterName(cluster),
        pool=PoolName(pool),
        why="load",
        workload=WorkloadName(workload),
        before=before,
        pods=pods,
        share=float(pods > 0),
    )


def drain(*nodes: str, cluster: str = "dc") -> Drain:
    return Drain(
        key=ActionKey("drain"),
        cluster=ClusterName(cluster),
        pool=PoolName("p"),
        why="surplus",
        nodes=tuple(NodeName(name) for name in nodes),
    )


def vacate(*nodes: str, cluster: str = "dc", workload: str = "train") -> Vacate:
    return Vacate(
        key=ActionKey("vacate"),
        cluster=ClusterName(cluster),
        pool=PoolName("p"),
        why="scattered",
        nodes=tuple(NodeName(name) for name in nodes),
        workload=WorkloadName(workload),
    )


def release(*nodes: str, cluster: str = "dc") -> Release:
    return Release(
        key=ActionKey("release"),
        cluster=ClusterName(cluster),
        pool=PoolName("p"),
        why="surplus",
        nodes=tuple(NodeName(name) for name in nodes),
    )


def expect(snapshot: Snapshot, settings: ForecastSettings) -> Demand:
    """The last load reading of each service; unknown stays unknown."""
    services = {}
    for name in snapshot.fleet.services:
        series = snapshot.readings.find(Signal.LOAD, name)
        last = series.last() if series else None
        services[name] = ServiceDemand(
            rps=last[1] if last else 0.0,
            now_rps=last[1] if last else 0.0,
            freshness=Freshness.FRESH if last else Freshness.UNKNOWN,
            hold=last is None,
            because="the last reading",
        )
    return Demand(services=services)


def decide(
    snapshot: Snapshot, demand: Demand, policies: Sequence[Policy], settings: SolverSettings
) -> Plan:
    """Every seen pool at its most; a service without a reading is missing."""
    missing = [
        MissingLine(
            workload=name,
            amount=1.0,
            wanted=1.0,
            is_job=False,
            because="no reading",
            remedy="give it a source",
        )
        for name, one in demand.services.items()
        if one.hold
    ]
    return a_plan(
        [
            a_pool_line(pool, nodes_of(snapshot, pool), pool.max_nodes)
            for pool in snapshot.fleet.pools.values()
            if pool.cluster not in snapshot.unseen
        ],
        missing,
    )


def reshare(
    snapshot: Snapshot, demand: Demand, policies: Sequence[Policy], settings: SolverSettings
) -> Plan | None:
    """Every seen pool as it is; nothing where there is no node at all."""
    lines = [
        a_pool_line(pool, nodes_of(snapshot, pool), nodes_of(snapshot, pool))
        for pool in snapshot.fleet.pools.values()
        if pool.cluster not in snapshot.unseen
    ]
    return a_plan(lines, []) if any(line.after for line in lines) else None


def nodes_of(snapshot: Snapshot, pool: NodePool) -> int:
    site = snapshot.sites.get(pool.cluster)
    return sum(node.pool == pool.name for node in site.nodes) if site else 0


def diff(plan: Plan, snapshot: Snapshot) -> tuple[Action, ...]:
    return tuple(
        grow(line.pool, line.after, line.cluster) for line in plan.pools if line.after > line.before
    )


def guard(
    actions: tuple[Action, ...], plan: Plan, snapshot: Snapshot, settings: GuardSettings
) -> Guarded:
    return Guarded(allowed=actions, held=())


def remember(
    snapshot: Snapshot, plan: Plan, guarded: Guarded, receipts: tuple[Receipt, ...]
) -> Memory:
    return snapshot.memory


BRAIN = Brain(
    expect=expect, decide=decide, reshare=reshare, diff=diff, guard=guard, remember=remember
)


def a_standing(
    *adapters: Adapter, sources: Sequence[Source] = (), fleet: Fleet | None = None
) -> Standing:
    return Standing(
        fleet=fleet or a_fleet(),
        policy_uses='[{"use":"cost"}]',
        loop=LoopSettings(deadline_s=5.0),
        adapters=tuple(adapters),
        sources=tuple(sources),
    )


def a_world(standing: Standing, brain: Brain = BRAIN) -> World:
    return World(brain=brain, standing=standing, clock=FixedClock())
