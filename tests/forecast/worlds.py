"""Small worlds for the forecast's tests, with defaults that do not matter to a sentence."""

from collections.abc import Sequence
from dataclasses import replace

from scheduler.domain.fleet import Fleet
from scheduler.domain.names import (
    ClusterName,
    DataClass,
    GpuType,
    Instant,
    PoolName,
    WorkloadName,
)
from scheduler.domain.places import Cluster, Contract, Exposure, NodePool, Resources
from scheduler.domain.readings import Readings, Series, Signal
from scheduler.domain.snapshot import JobProgress, Memory, Placement, SiteReport, Snapshot
from scheduler.domain.workloads import (
    InferenceService,
    LatencyCurve,
    Objective,
    Priority,
    TrainingJob,
)

NOW = Instant(1_000_000.0)
LONG_AGO = Instant(0.0)
GPU = GpuType("A10G")
CLUSTER = ClusterName("cloud")
POOL = PoolName("cloud-a10g")
NAME = WorkloadName("search")
CURVE = LatencyCurve(base_s=0.020, queue_s=0.010, limit_rps=100.0)


def a_cluster(name: str = CLUSTER, *holds: str) -> Cluster:
    return Cluster(
        name=ClusterName(name),
        exposure=Exposure.PUBLIC,
        provider="aws",
        region="us-east-1",  # type: ignore[arg-type]
        holds=frozenset(DataClass(h) for h in holds or ("public", "internal")),
    )


def a_pool(name: str = POOL, **changes: object) -> NodePool:
    pool = NodePool(
        name=PoolName(name),
        cluster=CLUSTER,
        zone="a",
        instance_type="g5.xlarge",
        gpu_type=GPU,
        gpu_memory_gib=24.0,
        per_node=Resources(gpus=1.0, cpu=8.0, memory_gib=32.0, pods=10.0),
        contract=Contract.ON_DEMAND,
        min_nodes=0,
        max_nodes=50,
        usd_per_node_hour=1.0,
        interruptions_per_hour=0.0,
        boot_s=240.0,
    )
    return replace(pool, **changes)  # type: ignore[arg-type]


def a_service(name: str = NAME, **changes: object) -> InferenceService:
    service = InferenceService(
        name=WorkloadName(name),
        priority=Priority.NORMAL,
        data_class=DataClass("internal"),
        per_pod=Resources(gpus=1.0, cpu=4.0, memory_gib=16.0),
        objective=Objective(quantile=0.95, seconds=0.060),
        curves={GPU: CURVE},
        min_replicas=1,
        max_replicas=100,
        late_usd_per_hour=100.0,
    )
    return replace(service, **changes)  # type: ignore[arg-type]


def a_job(name: str = "ranker", /, **changes: object) -> TrainingJob:
    job = TrainingJob(
        name=WorkloadName(name),
        priority=Priority.NORMAL,
        data_class=DataClass("internal"),
        per_pod=Resources(gpus=1.0, cpu=4.0, memory_gib=16.0),
        workers=4,
        speed={GPU: 1.0},
        work_gpu_hours=8.0,
        wait_usd_per_hour=6.0,
    )
    return replace(job, **changes)  # type: ignore[arg-type]


def a_fleet(*items: InferenceService | TrainingJob | NodePool | Cluster) -> Fleet:
    """The items, with one cluster and one pool where none is named."""
    clusters = [i for i in items if isinstance(i, Cluster)] or [a_cluster()]
    pools = [i for i in items if isinstance(i, NodePool)] or [a_pool()]
    return Fleet(
        clusters={c.name: c for c in clusters},
        pools={p.name: p for p in pools},
        services={i.name: i for i in items if isinstance(i, InferenceService)},
        jobs={i.name: i for i in items if isinstance(i, TrainingJob)},
    )


def readings(
    signal: Signal,
    values: Sequence[float],
    *,
    of: str = NAME,
    pool: str = "",
    every_s: float = 60.0,
    age_s: float = 0.0,
) -> Series:
    """Evenly spaced readings, the newest `age_s` ago."""
    last = len(values) - 1
    return Series(
        signal=signal,
        subject=of,
        pool=pool,
        times=tuple(Instant(NOW - age_s - every_s * (last - i)) for i in range(len(values))),
        values=tuple(float(v) for v in values),
    )


def a_world(
    fleet: Fleet, *series: Series, memory: Memory | None = None, **more: object
) -> Snapshot:
    """A snapshot at NOW of a daemon that has run for long."""
    world = Snapshot(
        now=NOW,
        fleet=fleet,
        readings=Readings(series=series),
        memory=memory or Memory(started_at=LONG_AGO),
    )
    return replace(world, **more)  # type: ignore[arg-type]


def a_site(
    *placements: Placement, progress: tuple[JobProgress, ...] = ()
) -> dict[ClusterName, SiteReport]:
    """What the one cluster says of itself."""
    return {CLUSTER: SiteReport(cluster=CLUSTER, at=NOW, placements=placements, progress=progress)}


def running(
    ready: int, *, of: str = NAME, pool: str = POOL, share: float = 1.0, wanted: int | None = None
) -> Placement:
    return Placement(
        workload=WorkloadName(of),
        pool=PoolName(pool),
        wanted=ready if wanted is None else wanted,
        ready=ready,
        share=share,
    )
