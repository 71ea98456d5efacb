"""Tiny worlds for the optimiser: a private and a public cluster, and builders for what is in it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from scheduler.domain.demand import Demand, JobDemand, ServiceDemand
from scheduler.domain.fleet import Fleet, sorted_fleet
from scheduler.domain.names import (
    ClusterName,
    DataClass,
    DatasetName,
    GpuType,
    Instant,
    NodeName,
    PoolName,
    Region,
    WorkloadName,
)
from scheduler.domain.places import (
    Cluster,
    Contract,
    Dataset,
    Exposure,
    Link,
    NodePool,
    PriceTier,
    Resources,
)
from scheduler.domain.plan import Plan
from scheduler.domain.readings import Freshness
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import (
    Memory,
    Node,
    NodePhase,
    Placement,
    SiteReport,
    Snapshot,
)
from scheduler.domain.workloads import (
    InferenceService,
    LatencyCurve,
    Objective,
    Priority,
    TrainingJob,
)

NOW = Instant(1_780_000_000.0)
EXACT = SolverSettings(gap=0.0, keep_within=0.0, node_limit=20_000)
"""Nothing is given away: neither a gap nor a hair for the running plan."""
HABIT = SolverSettings()
"""The product's own settings."""
A10G, T4 = GpuType("A10G"), GpuType("T4")
CURVE = LatencyCurve(base_s=0.020, queue_s=0.010, limit_rps=100.0)
"""75 requests/s a replica within 60 ms, by check value L1."""
PER_REPLICA = 75.0
PLANNED = 67.5
"""With the safety of 0.9."""

Part = Cluster | NodePool | InferenceService | TrainingJob | Dataset | Link


def a_cluster(name: str = "cloud", *holds: str, **changes: Any) -> Cluster:
    cluster = Cluster(
        name=ClusterName(name),
        exposure=Exposure.PUBLIC,
        provider="aws",
        region=Region(f"{name}-region"),
        holds=frozenset(DataClass(h) for h in holds or ("public", "internal")),
    )
    return replace(cluster, **changes)


DC = a_cluster("dc", "public", "internal", "private", exposure=Exposure.PRIVATE, provider="own")
CLOUD = a_cluster("cloud")


def a_pool(name: str, cluster: str = "dc", **changes: Any) -> NodePool:
    """Up to ten nodes of four GPUs at one dollar."""
    pool = NodePool(
        name=PoolName(name),
        cluster=ClusterName(cluster),
        zone="a",
        instance_type="",
        gpu_type=A10G,
        gpu_memory_gib=24.0,
        per_node=Resources(gpus=4, cpu=64, memory_gib=256, pods=110),
        contract=Contract.ON_DEMAND,
        min_nodes=0,
        max_nodes=10,
        usd_per_node_hour=1.0,
        interruptions_per_hour=0.0,
        boot_s=120.0,
    )
    return replace(pool, **changes)


def a_service(name: str = "search", **changes: Any) -> InferenceService:
    """Replicas of one GPU that carry 75 requests/s each within 60 ms."""
    service = InferenceService(
        name=WorkloadName(name),
        priority=Priority.NORMAL,
        data_class=DataClass("internal"),
        per_pod=Resources(gpus=1, cpu=1, memory_gib=1),
        objective=Objective(quantile=0.95, seconds=0.060),
        curves={A10G: CURVE},
        min_replicas=0,
        max_replicas=40,
        late_usd_per_hour=1000.0,
    )
    return replace(service, **changes)


def a_job(name: str = "train", **changes: Any) -> TrainingJob:
    """A gang of four one-GPU workers with ten GPU-hours to do."""
    job = TrainingJob(
        name=WorkloadName(name),
        priority=Priority.NORMAL,
        data_class=DataClass("internal"),
        per_pod=Resources(gpus=1, cpu=1, memory_gib=1),
        workers=4,
        speed={A10G: 1.0},
        work_gpu_hours=10.0,
        wait_usd_per_hour=50.0,
    )
    return replace(job, **changes)


def a_dataset(name: str, size_gb: float, *homes: str, data_class: str = "internal") -> Dataset:
    return Dataset(
        name=DatasetName(name),
        size_gb=size_gb,
        data_class=DataClass(data_class),
        homes=tuple(ClusterName(home) for home in homes),
    )


def a_link(source: str, target: str, *tiers: tuple[float, float], **changes: Any) -> Link:
    """Tiers as (up to GB, USD per GB); 8 Gbit/s, so that one GB takes one second."""
    link = Link(
        source=source,
        target=target,
        tiers=tuple(PriceTier(up_to_gb=gb, usd_per_gb=usd) for gb, usd in tiers),
        gbit_per_s=8.0,
        rtt_s=0.0,
    )
    return replace(link, **changes)


def a_fleet(*parts: Part) -> Fleet:
    """With the two clusters `dc` and `cloud`, unless others of that name are given."""
    clusters = {c.name: c for c in (DC, CLOUD)}
    clusters |= {part.name: part for part in parts if isinstance(part, Cluster)}
    return sorted_fleet(
        Fleet(
            clusters=clusters,
            pools={part.name: part for part in parts if isinstance(part, NodePool)},
            services={part.name: part for part in parts if isinstance(part, InferenceService)},
            jobs={part.name: part for part in parts if isinstance(part, TrainingJob)},
            datasets={part.name: part for part in parts if isinstance(part, Dataset)},
            links=tuple(part for part in parts if isinstance(part, Link)),
        )
    )


def a_node(
    name: str, pool: str, phase: NodePhase = NodePhase.READY, *, doomed: bool = False
) -> Node:
    return Node(
        name=NodeName(name),
        pool=PoolName(pool),
        phase=phase,
        since=Instant(NOW - 3600.0),
        doomed=doomed,
    )


def a_snapshot(
    fleet: Fleet,
    *,
    nodes: Mapping[str, int] | Iterable[Node] = (),
    pods: Mapping[tuple[str, str], int] | None = None,
    unseen: Mapping[str, str] | None = None,
    memory: Memory | None = None,
) -> Snapshot:
    """Ready nodes by pool and pods by (workload, pool); their traffic is split evenly by pod."""
    things = _nodes(nodes) if isinstance(nodes, Mapping) else tuple(nodes)
    placed = _placements(pods or {})
    of = {pool.name: pool.cluster for pool in fleet.pools.values()}
    sites = {
        cluster: SiteReport(
            cluster=cluster,
            at=NOW,
            nodes=tuple(node for node in things if of.get(node.pool) == cluster),
            placements=tuple(item for item in placed if of.get(item.pool) == cluster),
        )
        for cluster in fleet.clusters
    }
    return Snapshot(
        now=NOW,
        fleet=fleet,
        sites=sites,
        unseen={ClusterName(name): why for name, why in (unseen or {}).items()},
        memory=memory or Memory(),
    )


def _nodes(count: Mapping[str, int]) -> tuple[Node, ...]:
    return tuple(a_node(f"{pool}-{i}", pool) for pool, many in count.items() for i in range(many))


def _placements(pods: Mapping[tuple[str, str], int]) -> tuple[Placement, ...]:
    total: dict[str, int] = {}
    for (workload, _), many in pods.items():
        total[workload] = total.get(workload, 0) + many
    return tuple(
        Placement(
            workload=WorkloadName(workload),
            pool=PoolName(pool),
            wanted=many,
            ready=many,
            share=many / total[workload],
        )
        for (workload, pool), many in pods.items()
        if many
    )


def load(rps: float, **changes: Any) -> ServiceDemand:
    need = ServiceDemand(
        rps=rps,
        now_rps=rps,
        freshness=Freshness.FRESH,
        hold=False,
        because=f"{rps:g} requests/s are expected",
    )
    return replace(need, **changes)


def a_demand(
    fleet: Fleet,
    rps: Mapping[str, float] | Mapping[str, ServiceDemand] | None = None,
    *,
    jobs: Mapping[str, JobDemand] | None = None,
    prices: Mapping[str, float] | None = None,
) -> Demand:
    """The loads named; every job that is not named is wanted and can wait."""
    services = {
        WorkloadName(name): load(x) if isinstance(x, int | float) else x
        for name, x in (rps or {}).items()
    }
    wanted = JobDemand(wanted=True, must_run=False, left_gpu_hours=10.0, because="it is due")
    return Demand(
        services=services,
        jobs={name: (jobs or {}).get(name, wanted) for name in fleet.jobs},
        prices={PoolName(name): usd for name, usd in (prices or {}).items()},
    )


NOT_WANTED = JobDemand(wanted=False, must_run=False, left_gpu_hours=0.0, because="it is done")
MUST_RUN = JobDemand(
    wanted=True, must_run=True, left_gpu_hours=10.0, because="its deadline is near"
)


def nodes_of(plan: Plan) -> dict[str, int]:
    """Nodes after by pool, without the empty ones."""
    return {line.pool: line.after for line in plan.pools if line.after}


def pods_of(plan: Plan) -> dict[tuple[str, str], int]:
    """Pods after by (workload, pool), without the empty ones."""
    return {(line.workload, line.pool): line.after for line in plan.placements if line.after}


def missing_of(plan: Plan) -> dict[str, float]:
    return {line.workload: line.amount for line in plan.missing}


def bill_of(plan: Plan) -> dict[str, float]:
    return {line.policy: line.usd_per_hour for line in plan.bill}
