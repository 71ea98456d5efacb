"""Small worlds for the tests of adapters."""

from collections.abc import Iterable
from dataclasses import replace

from adapters.base import DrainOrder, PlaceOrder, ReleaseOrder, Scale
from adapters.simulated import JobLedger, SimulatedSite, Weather
from scheduler.domain.names import (
    ActionKey,
    ClusterName,
    DataClass,
    GpuType,
    Instant,
    NodeName,
    PoolName,
    WorkloadName,
)
from scheduler.domain.places import Contract, NodePool, Resources
from scheduler.domain.snapshot import JobProgress, Node, Placement
from scheduler.domain.workloads import (
    InferenceService,
    LatencyCurve,
    Objective,
    Priority,
    Spread,
    TrainingJob,
)

DC = ClusterName("dc")
A100 = GpuType("A100-40GB")
T4 = GpuType("T4")
MIDNIGHT = Instant(1_790_640_000.0)
"""A UTC midnight."""
KEY = ActionKey("key")
CALM = Weather(interruptions=False)


def a_pool(name: str = "pool", nodes: int = 2, limit: int = 4, **changes: object) -> NodePool:
    pool = NodePool(
        name=PoolName(name),
        cluster=DC,
        zone="a",
        instance_type="",
        gpu_type=A100,
        gpu_memory_gib=40.0,
        per_node=Resources(gpus=8.0, cpu=128.0, memory_gib=1024.0, pods=110.0),
        contract=Contract.ON_DEMAND,
        min_nodes=nodes,
        max_nodes=limit,
        usd_per_node_hour=10.0,
        interruptions_per_hour=0.0,
        boot_s=300.0,
    )
    return replace(pool, **changes)  # type: ignore[arg-type]


def a_spot_pool(
    name: str = "spot", *, interruptions_per_hour: float, **changes: object
) -> NodePool:
    return a_pool(
        name, contract=Contract.SPOT, interruptions_per_hour=interruptions_per_hour, **changes
    )


def a_service(name: str = "search", gpus: float = 1.0, **changes: object) -> InferenceService:
    service = InferenceService(
        name=WorkloadName(name),
        priority=Priority.NORMAL,
        data_class=DataClass("internal"),
        per_pod=Resources(gpus=gpus, cpu=8.0, memory_gib=32.0),
        objective=Objective(quantile=0.95, seconds=0.06),
        curves={A100: LatencyCurve(base_s=0.008, queue_s=0.006, limit_rps=900.0)},
        min_replicas=1,
        max_replicas=64,
        start_s=45.0,
        late_usd_per_hour=40.0,
    )
    return replace(service, **changes)  # type: ignore[arg-type]


def a_job(
    name: str = "ranker", workers: int = 2, gpus: float = 8.0, **changes: object
) -> TrainingJob:
    job = TrainingJob(
        name=WorkloadName(name),
        priority=Priority.NORMAL,
        data_class=DataClass("internal"),
        per_pod=Resources(gpus=gpus, cpu=64.0, memory_gib=256.0),
        workers=workers,
        speed={A100: 1.0},
        work_gpu_hours=1600.0,
        checkpoint_s=1800.0,
        restart_s=300.0,
        spread=Spread.POOL,
        wait_usd_per_hour=6.0,
    )
    return replace(job, **changes)  # type: ignore[arg-type]


def a_site(
    *pools: NodePool,
    services: Iterable[InferenceService] = (),
    jobs: Iterable[TrainingJob] = (),
    weather: Weather = CALM,
    seed: int = 7,
    start: Instant = MIDNIGHT,
    ledger: JobLedger | None = None,
    cluster: ClusterName = DC,
) -> SimulatedSite:
    return SimulatedSite(
        cluster=cluster,
        pools=[replace(pool, cluster=cluster) for pool in pools],
        services={service.name: service for service in services},
        jobs={job.name: job for job in jobs},
        weather=weather,
        seed=seed,
        start=start,
        ledger=ledger,
    )


def after(minutes: float) -> Instant:
    return Instant(MIDNIGHT + 60.0 * minutes)


def scale(nodes: int, pool: str = "pool") -> Scale:
    return Scale(key=KEY, pool=PoolName(pool), nodes=nodes)


def place(
    workload: str, pods: int, pool: str = "pool", share: float = 1.0, gang: bool = False
) -> PlaceOrder:
    return PlaceOrder(
        key=KEY,
        workload=WorkloadName(workload),
        pool=PoolName(pool),
        pods=pods,
        share=0.0 if gang else share,
        gang=gang,
    )


def drain(*names: str, pool: str = "pool") -> DrainOrder:
    return DrainOrder(key=KEY, pool=PoolName(pool), nodes=tuple(map(NodeName, names)))


def release(*names: str, pool: str = "pool") -> ReleaseOrder:
    return ReleaseOrder(key=KEY, pool=PoolName(pool), nodes=tuple(map(NodeName, names)))


def nodes_of(site: SimulatedSite, pool: str = "pool") -> list[Node]:
    return [node for node in site.report().nodes if node.pool == pool]


def placed(site: SimulatedSite, workload: str, pool: str = "pool") -> Placement | None:
    for each in site.report().placements:
        if (each.workload, each.pool) == (workload, pool):
            return each
    return None


def ready(site: SimulatedSite, workload: str, pool: str = "pool") -> int:
    found = placed(site, workload, pool)
    return found.ready if found else 0


def progress(site: SimulatedSite, job: str) -> JobProgress | None:
    for each in site.report().progress:
        if each.job == job:
            return each
    return None
