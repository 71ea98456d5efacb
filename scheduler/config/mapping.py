"""From documents to the values of the domain, one small function a kind."""

from collections.abc import Iterator
from dataclasses import replace

from scheduler.config.documents import Catalogue, Entry
from scheduler.config.place_documents import (
    ClusterSpec,
    DatasetSpec,
    LinkSpec,
    NodePoolSpec,
    TierShape,
)
from scheduler.config.policy_document import PolicySpec, QuietHoursShape
from scheduler.config.workload_documents import (
    InferenceServiceSpec,
    PodShape,
    TrainingJobSpec,
)
from scheduler.domain.fleet import Fleet, sorted_fleet
from scheduler.domain.names import (
    ClusterName,
    DataClass,
    DatasetName,
    GpuType,
    Instant,
    PoolName,
    Region,
    WorkloadName,
)
from scheduler.domain.places import (
    Cluster,
    Dataset,
    Exposure,
    Link,
    NodePool,
    PriceTier,
    Resources,
)
from scheduler.domain.settings import (
    ForecastSettings,
    GuardSettings,
    LoopSettings,
    QuietHours,
    SolverSettings,
)
from scheduler.domain.workloads import (
    InferenceService,
    LatencyCurve,
    Objective,
    Priority,
    TrainingJob,
)

LATE_USD_PER_HOUR = {
    Priority.LOW: 10.0,
    Priority.NORMAL: 50.0,
    Priority.HIGH: 200.0,
    Priority.CRITICAL: 1_000.0,
}
"""`lateCost` where a service does not name it."""
WAIT_USD_PER_GPU_HOUR = {
    Priority.LOW: 2.0,
    Priority.NORMAL: 6.0,
    Priority.HIGH: 20.0,
    Priority.CRITICAL: 200.0,
}
"""`waitCost` of one GPU of the gang where a job does not name it."""


def fleet_of(catalogue: Catalogue) -> Fleet:
    """The fleet that the documents declare."""
    elsewhere = _pools_without_kubernetes(catalogue)
    return sorted_fleet(
        Fleet(
            clusters={ClusterName(item.name): cluster_of(item) for item in catalogue.clusters},
            pools={PoolName(item.name): pool_of(item) for item in catalogue.pools},
            services={
                WorkloadName(item.name): _narrowed(service_of(item), item.spec, elsewhere)
                for item in catalogue.services
            },
            jobs={WorkloadName(item.name): job_of(item) for item in catalogue.jobs},
            datasets={DatasetName(item.name): dataset_of(item) for item in catalogue.datasets},
            links=tuple(link for item in catalogue.links for link in links_of(item.spec)),
        )
    )


def _pools_without_kubernetes(catalogue: Catalogue) -> frozenset[str]:
    clusters = {item.name for item in catalogue.clusters if item.spec.access.kubernetes}
    return frozenset(item.name for item in catalogue.pools if item.spec.cluster not in clusters)


def _narrowed(
    service: InferenceService, spec: InferenceServiceSpec, elsewhere: frozenset[str]
) -> InferenceService:
    """In Kubernetes an adopting service has only the Deployments that it names."""
    adopt = spec.kubernetes.adopt if spec.kubernetes else None
    if adopt is None:
        return service
    allowed = spec.pools or sorted({*adopt, *elsewhere})
    return replace(
        service, pools=tuple(PoolName(n) for n in allowed if n in adopt or n in elsewhere)
    )


def cluster_of(entry: Entry[ClusterSpec]) -> Cluster:
    """A cluster; private ones hold private data unless they say otherwise."""
    spec = entry.spec
    return Cluster(
        name=ClusterName(entry.name),
        exposure=spec.exposure,
        provider=spec.provider,
        region=Region(spec.region),
        holds=frozenset(map(DataClass, spec.holds or default_classes(spec.exposure))),
    )


def default_classes(exposure: Exposure) -> tuple[str, ...]:
    """The data classes that a cluster may hold where its document names none."""
    both = ("public", "internal")
    return (*both, "private") if exposure is Exposure.PRIVATE else both


def pool_of(entry: Entry[NodePoolSpec]) -> NodePool:
    """A node pool."""
    spec = entry.spec
    return NodePool(
        name=PoolName(entry.name),
        cluster=ClusterName(spec.cluster),
        zone=spec.zone or "",
        instance_type=spec.instance_type or "",
        gpu_type=GpuType(spec.gpu.type),
        gpu_memory_gib=spec.gpu.memory,
        per_node=Resources(
            gpus=float(spec.gpu.count),
            cpu=spec.cpu,
            memory_gib=spec.memory,
            pods=float(spec.pods),
        ),
        contract=spec.contract,
        min_nodes=spec.nodes.min,
        max_nodes=spec.nodes.max,
        usd_per_node_hour=spec.price,
        interruptions_per_hour=spec.interruptions_per_hour,
        boot_s=spec.boot,
    )


def service_of(entry: Entry[InferenceServiceSpec]) -> InferenceService:
    """An inference service."""
    spec = entry.spec
    late = LATE_USD_PER_HOUR[spec.priority] if spec.late_cost is None else spec.late_cost
    return InferenceService(
        name=WorkloadName(entry.name),
        priority=spec.priority,
        data_class=DataClass(spec.data_class),
        datasets=tuple(map(DatasetName, spec.datasets)),
        per_pod=_taken(spec.replica),
        gpu_memory_gib=spec.replica.gpu_memory,
        clusters=tuple(map(ClusterName, spec.clusters)),
        pools=tuple(map(PoolName, spec.pools)),
        spot=spec.spot,
        image_gb=spec.image,
        objective=Objective(quantile=spec.objective.quantile, seconds=spec.objective.latency),
        curves={
            GpuType(gpu): LatencyCurve(
                base_s=curve.base, queue_s=curve.queue, limit_rps=curve.limit
            )
            for gpu, curve in sorted(spec.speed.items())
        },
        min_replicas=spec.replicas.min,
        max_replicas=spec.replicas.max,
        users=Region(spec.users) if spec.users else None,
        traffic_kb=spec.traffic,
        start_s=spec.start,
        late_usd_per_hour=late,
    )


def job_of(entry: Entry[TrainingJobSpec]) -> TrainingJob:
    """A training job."""
    spec = entry.spec
    gpus = spec.worker.gpus * spec.gang.workers
    by_default = WAIT_USD_PER_GPU_HOUR[spec.priority] * gpus
    return TrainingJob(
        name=WorkloadName(entry.name),
        priority=spec.priority,
        data_class=DataClass(spec.data_class),
        datasets=tuple(map(DatasetName, spec.datasets)),
        per_pod=_taken(spec.worker),
        gpu_memory_gib=spec.worker.gpu_memory,
        clusters=tuple(map(ClusterName, spec.clusters)),
        pools=tuple(map(PoolName, spec.pools)),
        spot=spec.spot,
        image_gb=spec.image,
        workers=spec.gang.workers,
        speed={GpuType(gpu): speed for gpu, speed in sorted(spec.speed.items())},
        work_gpu_hours=spec.work,
        not_before=None if spec.not_before is None else Instant(spec.not_before),
        deadline=None if spec.deadline is None else Instant(spec.deadline),
        checkpoint_s=spec.checkpoint,
        restart_s=spec.restart,
        spread=spec.gang.spread,
        wait_usd_per_hour=by_default if spec.wait_cost is None else spec.wait_cost,
        suspended=spec.suspended,
    )


def dataset_of(entry: Entry[DatasetSpec]) -> Dataset:
    """A dataset."""
    spec = entry.spec
    return Dataset(
        name=DatasetName(entry.name),
        size_gb=spec.size,
        data_class=DataClass(spec.data_class),
        homes=tuple(map(ClusterName, spec.homes)),
    )


def links_of(spec: LinkSpec) -> Iterator[Link]:
    """One link, or two where it holds both ways."""
    ends = [(spec.source, spec.target)]
    if spec.both_ways:
        ends.append((spec.target, spec.source))
    for source, target in ends:
        yield Link(
            source=source,
            target=target,
            tiers=tuple(map(_tier, spec.price)),
            gbit_per_s=spec.bandwidth,
            rtt_s=spec.rtt,
        )


def loop_of(spec: PolicySpec) -> LoopSettings:
    """The settings of the loop."""
    forecast, guard, solver = spec.forecast, spec.guard, spec.solver
    return LoopSettings(
        every_s=spec.loop.every,
        shares_every_s=spec.loop.shares_every,
        deadline_s=spec.loop.deadline,
        forecast=ForecastSettings(
            stale_after_s=forecast.stale_after,
            window_s=forecast.window,
            margin=forecast.margin,
            quantile=forecast.quantile,
            scale_down_after_s=forecast.scale_down_after,
            slowdown_limit=forecast.slowdown_limit,
        ),
        guard=GuardSettings(
            paused=guard.paused,
            max_nodes_added_per_tick=guard.max_nodes_added_per_tick,
            max_nodes_released_per_tick=guard.max_nodes_released_per_tick,
            release_after_s=guard.release_after,
            unready_share=guard.unready_share,
            quiet_hours=tuple(map(_quiet, guard.quiet_hours)),
        ),
        solver=SolverSettings(
            use=solver.use,
            gap=solver.gap,
            node_limit=solver.node_limit,
            time_limit_s=solver.time_limit,
            keep_within=solver.keep_within,
        ),
    )


def _taken(pod: PodShape) -> Resources:
    return Resources(gpus=pod.gpus, cpu=pod.cpu, memory_gib=pod.memory)


def _tier(tier: TierShape) -> PriceTier:
    limit = float("inf") if tier.up_to is None else tier.up_to
    return PriceTier(up_to_gb=limit, usd_per_gb=tier.per_gb)


def _quiet(hours: QuietHoursShape) -> QuietHours:
    return QuietHours(start_minute=hours.start, end_minute=hours.end, time_zone=hours.time_zone)
