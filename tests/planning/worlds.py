"""Builders of tiny worlds: pools of four one-GPU slots, services, gangs, snapshots and plans."""

from collections.abc import Iterable, Mapping

from scheduler.domain.fleet import Fleet
from scheduler.domain.names import (
    ClusterName,
    DataClass,
    GpuType,
    Instant,
    NodeName,
    PoolName,
    Region,
    WorkloadName,
)
from scheduler.domain.places import Cluster, Contract, Exposure, NodePool, Resources
from scheduler.domain.plan import PlacementLine, Plan, PoolLine, Proof, ServiceLine
from scheduler.domain.readings import Freshness
from scheduler.domain.snapshot import Memory, Node, NodePhase, Placement, SiteReport, Snapshot
from scheduler.domain.workloads import (
    InferenceService,
    LatencyCurve,
    Objective,
    Priority,
    TrainingJob,
)

NOW = Instant(1_780_000_000.0)
SLOTS = 4
"""Pods that one node holds."""
INTERNAL = DataClass("internal")
GPU = GpuType("A10G")
NO_PROOF = Proof(solver="none", objective=0.0, bound=0.0, kept=False)


def a_pool(
    name: str, cluster: str = "dc", *, least: int = 0, gpu: str = "A10G", slots: int = SLOTS
) -> NodePool:
    return NodePool(
        name=PoolName(name),
        cluster=ClusterName(cluster),
        zone="a",
        instance_type="",
        gpu_type=GpuType(gpu),
        gpu_memory_gib=24.0,
        per_node=Resources(gpus=slots, cpu=64, memory_gib=256, pods=110),
        contract=Contract.ON_DEMAND,
        min_nodes=least,
        max_nodes=100,
        usd_per_node_hour=1.0,
        interruptions_per_hour=0.0,
        boot_s=120.0,
    )


def a_service(
    name: str,
    *,
    gpus: float = 1.0,
    priority: Priority = Priority.NORMAL,
    limits: Mapping[str, float] | None = None,
) -> InferenceService:
    """A service of one-GPU replicas; `limits` are a replica's requests/s by GPU type."""
    return InferenceService(
        name=WorkloadName(name),
        priority=priority,
        data_class=INTERNAL,
        per_pod=Resources(gpus=gpus, cpu=1, memory_gib=1),
        objective=Objective(quantile=0.95, seconds=0.1),
        curves={
            GpuType(gpu): LatencyCurve(base_s=0.01, queue_s=0.01, limit_rps=limit)
            for gpu, limit in (limits or {"A10G": 100.0}).items()
        },
        min_replicas=0,
        max_replicas=1000,
        late_usd_per_hour=10.0,
    )


def a_job(
    name: str,
    workers: int = 4,
    *,
    gpus: float = 1.0,
    suspended: bool = False,
    priority: Priority = Priority.NORMAL,
    deadline: float | None = None,
) -> TrainingJob:
    return TrainingJob(
        name=WorkloadName(name),
        priority=priority,
        data_class=INTERNAL,
        per_pod=Resources(gpus=gpus, cpu=1, memory_gib=1),
        workers=workers,
        speed={GPU: 1.0},
        work_gpu_hours=10.0,
        wait_usd_per_hour=1.0,
        deadline=None if deadline is None else Instant(deadline),
        suspended=suspended,
    )


def a_fleet(*parts: NodePool | InferenceService | TrainingJob) -> Fleet:
    pools = [part for part in parts if isinstance(part, NodePool)]
    return Fleet(
        clusters={
            pool.cluster: Cluster(
                name=pool.cluster,
                exposure=Exposure.PUBLIC,
                provider="",
                region=Region("r"),
                holds=frozenset({INTERNAL}),
            )
            for pool in pools
        },
        pools={pool.name: pool for pool in pools},
        services={part.name: part for part in parts if isinstance(part, InferenceService)},
        jobs={part.name: part for part in parts if isinstance(part, TrainingJob)},
    )


def a_node(
    name: str,
    pool: str,
    phase: NodePhase = NodePhase.READY,
    *,
    pods: int = 0,
    gpus: float | None = None,
    workers: int = 0,
    age_s: float = 0.0,
    doomed: bool = False,
) -> Node:
    """A node; its pods take one GPU each unless `gpus` says how many they take together."""
    return Node(
        name=NodeName(name),
        pool=PoolName(pool),
        phase=phase,
        since=Instant(NOW - age_s),
        pods=pods,
        gpus_used=pods if gpus is None else gpus,
        workers=workers,
        doomed=doomed,
    )


def nodes(pool: str, count: int, *, pods: int = 0) -> list[Node]:
    """So many ready nodes, named pool-0, pool-1 and so on."""
    return [a_node(f"{pool}-{number}", pool, pods=pods) for number in range(count)]


def pods(
    workload: str,
    pool: str,
    wanted: int,
    ready: int | None = None,
    share: float = 0.0,
    *,
    pending: int = 0,
) -> Placement:
    return Placement(
        workload=WorkloadName(workload),
        pool=PoolName(pool),
        wanted=wanted,
        ready=wanted if ready is None else ready,
        pending=pending,
        share=share,
    )


def a_snapshot(
    fleet: Fleet,
    there: Iterable[Node | Placement] = (),
    *,
    now: float = NOW,
    memory: Memory | None = None,
    unseen: Mapping[str, str] | None = None,
) -> Snapshot:
    """Each cluster of the fleet has reported the nodes and pods of its pools."""
    things = tuple(there)
    cluster_of = {pool.name: pool.cluster for pool in fleet.pools.values()}
    home = ClusterName("dc")
    sites = {
        cluster: SiteReport(
            cluster=cluster,
            at=Instant(now),
            nodes=tuple(
                item
                for item in things
                if isinstance(item, Node) and cluster_of.get(item.pool, home) == cluster
            ),
            placements=tuple(
                item
                for item in things
                if isinstance(item, Placement) and cluster_of.get(item.pool, home) == cluster
            ),
        )
        for cluster in fleet.clusters
    }
    return Snapshot(
        now=Instant(now),
        fleet=fleet,
        sites=sites,
        unseen={ClusterName(name): why for name, why in (unseen or {}).items()},
        memory=memory or Memory(),
    )


def a_plan(
    fleet: Fleet,
    sizes: Mapping[str, int],
    *lines: tuple[str, str, int] | tuple[str, str, int, float],
    held: Mapping[str, str] | None = None,
) -> Plan:
    """Nodes by pool, and (workload, pool, pods, share) for each placement."""
    return Plan(
        pools=tuple(_pool_line(fleet, name, after) for name, after in sizes.items()),
        placements=tuple(_line(fleet, *line) for line in lines),
        services=tuple(_held_line(name, why) for name, why in (held or {}).items()),
        missing=(),
        bursts=(),
        bill=(),
        binding=(),
        notes=(),
        proof=NO_PROOF,
    )


def _pool_line(fleet: Fleet, name: str, after: int) -> PoolLine:
    return PoolLine(
        pool=PoolName(name),
        cluster=fleet.pools[PoolName(name)].cluster,
        exposure=Exposure.PUBLIC,
        contract=Contract.ON_DEMAND,
        before=0,
        after=after,
        usd_per_node_hour=1.0,
        gpus_per_node=SLOTS,
        gpus_used=0.0,
        because=f"{name} is cheap",
    )


def _line(
    fleet: Fleet, workload: str, pool: str, after: int, share: float | None = None
) -> PlacementLine:
    is_job = WorkloadName(workload) in fleet.jobs
    return PlacementLine(
        workload=WorkloadName(workload),
        pool=PoolName(pool),
        cluster=fleet.pools[PoolName(pool)].cluster,
        is_job=is_job,
        before=0,
        after=after,
        share_before=0.0,
        share_after=(0.0 if is_job or not after else 1.0) if share is None else share,
        capacity_rps=0.0 if is_job else 80.0 * after,
        because=f"{workload} does well on {pool}",
    )


def _held_line(name: str, why: str) -> ServiceLine:
    return ServiceLine(
        service=WorkloadName(name),
        rps=1.0,
        freshness=Freshness.STALE,
        objective_s=0.1,
        quantile=0.95,
        predicted_s=None,
        held=True,
        because=why,
    )
