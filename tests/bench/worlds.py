"""Fleets of a given size, drawn at random around real shapes, prices and speeds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from scheduler.app.tables import POLICY_TYPES, presets, resolve
from scheduler.config import load_text
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
from scheduler.domain.snapshot import Node, NodePhase, Placement, SiteReport, Snapshot
from scheduler.domain.workloads import (
    InferenceService,
    LatencyCurve,
    Objective,
    Priority,
    Spread,
    TrainingJob,
)
from scheduler.model.policy import Policy

NOW = Instant(1_794_398_400.0)
REGIONS = (Region("hangzhou"), Region("beijing"), Region("virginia"))
RTT_S = (0.030, 0.216, 0.240)
"""Hangzhou - Beijing, Hangzhou - Virginia, Beijing - Virginia."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A node that clouds rent: its GPUs, its list price and its speed against one T4."""

    gpu: str
    memory_gib: float
    gpus: int
    usd_per_node_hour: float
    speed: float


SHAPES = (
    Shape("T4", 16.0, 4, 3.912, 1.0),
    Shape("A10G", 24.0, 4, 5.672, 1.9),
    Shape("A100-40GB", 40.0, 8, 21.958, 3.4),
    Shape("A100-80GB", 80.0, 8, 27.447, 3.8),
    Shape("H100-80GB", 80.0, 8, 55.04, 6.5),
)


def a_world(
    workloads: int, pools: int, seed: int, *, nodes: int = 1, load: int = 1
) -> tuple[Snapshot, Demand]:
    """Two services to each job, over clusters of about ten pools; owned nodes are up and empty.

    Every pool may have `nodes` times as many nodes, and every service `load` times the load.
    """
    draw = np.random.default_rng(seed)
    clusters = dict(_clusters(max(3, pools // 10)))
    places = {pool.name: pool for pool in _pools(draw, list(clusters.values()), pools, nodes)}
    datasets = dict(_datasets(draw, list(clusters), max(2, workloads // 10)))
    services, jobs = {}, {}
    for number in range(workloads):
        if number % 3 == 2:
            job = _job(draw, number, list(datasets))
            jobs[job.name] = job
        else:
            service = _service(draw, number, load)
            services[service.name] = service
    fleet = Fleet(
        clusters=clusters,
        pools=places,
        services=services,
        jobs=jobs,
        datasets=datasets,
        links=tuple(_links()),
    )
    up = {pool.name: pool.min_nodes for pool in places.values()}
    demand = Demand(
        services={name: _load(draw, service, load) for name, service in services.items()},
        jobs={name: _wanted(draw, job) for name, job in jobs.items()},
    )
    return _snapshot(sorted_fleet(fleet), up, {}), demand


def under_way(
    snapshot: Snapshot, demand: Demand, plan: Plan, seed: int, swing: float = 0.1
) -> tuple[Snapshot, Demand]:
    """The world after the plan, every load up or down by `swing` at most: the tick to come."""
    draw = np.random.default_rng(seed)
    nodes = {line.pool: line.after for line in plan.pools}
    held = {(line.workload, line.pool): (line.after, line.share_after) for line in plan.placements}
    services = {}
    for name, need in demand.services.items():
        rps = need.rps * float(draw.uniform(1.0 - swing, 1.0 + swing))
        services[name] = replace(need, rps=rps, now_rps=rps)
    return _snapshot(snapshot.fleet, nodes, held), replace(demand, services=services)


def all_policies(usd_per_hour: float) -> tuple[Policy, ...]:
    """The default preset's policies and a budget."""
    document = (
        "apiVersion: tidegate.io/v1alpha1\nkind: Policy\nmetadata: {name: bench}\n"
        f"spec: {{preset: balanced, policies: [{{use: budget, usdPerHour: {usd_per_hour:g}}}]}}\n"
    )
    loaded = load_text(
        {"policy.yaml": document}, presets=presets(), policy_types=POLICY_TYPES, resolve=resolve
    )
    if loaded.declared is None:
        raise ValueError("; ".join(str(fault) for fault in loaded.faults))
    return loaded.declared.policies  # type: ignore[return-value]  # the loader has checked them


def _clusters(count: int) -> Iterator[tuple[ClusterName, Cluster]]:
    """Every fourth one is private, and the only ones that may hold private data."""
    for number in range(count):
        private = number % 4 == 0
        held = ("public", "internal", "private") if private else ("public", "internal")
        name = ClusterName(f"cluster-{number:02d}")
        yield (
            name,
            Cluster(
                name=name,
                exposure=Exposure.PRIVATE if private else Exposure.PUBLIC,
                provider="any",
                region=REGIONS[number % len(REGIONS)],
                holds=frozenset(map(DataClass, held)),
            ),
        )


def _pools(
    draw: np.random.Generator, clusters: list[Cluster], count: int, times: int
) -> Iterator[NodePool]:
    for number in range(count):
        cluster = clusters[number % len(clusters)]
        turn = number // len(clusters)
        shape = SHAPES[turn % len(SHAPES)]
        owned = cluster.exposure is Exposure.PRIVATE
        spot = not owned and (turn // len(SHAPES) + turn) % 2 == 1
        contract = Contract.OWNED if owned else Contract.SPOT if spot else Contract.ON_DEMAND
        factor = 0.35 if owned else draw.uniform(0.3, 0.65) if spot else 1.0
        yield NodePool(
            name=PoolName(f"pool-{number:03d}"),
            cluster=cluster.name,
            zone="a",
            instance_type=shape.gpu.lower(),
            gpu_type=GpuType(shape.gpu),
            gpu_memory_gib=shape.memory_gib,
            per_node=Resources(
                gpus=shape.gpus, cpu=12.0 * shape.gpus, memory_gib=60.0 * shape.gpus, pods=110
            ),
            contract=contract,
            min_nodes=4 * times if owned else 0,
            max_nodes=times * (4 if owned else int(draw.integers(6, 20))),
            usd_per_node_hour=shape.usd_per_node_hour * factor * float(draw.uniform(0.9, 1.2)),
            interruptions_per_hour=float(draw.uniform(0.02, 0.1)) if spot else 0.0,
            boot_s=300.0,
        )


def _links() -> Iterator[Link]:
    for (source, target), rtt_s in zip(((0, 1), (0, 2), (1, 2)), RTT_S, strict=True):
        for here, there in ((source, target), (target, source)):
            yield Link(
                source=REGIONS[here],
                target=REGIONS[there],
                tiers=(
                    PriceTier(up_to_gb=10_000.0, usd_per_gb=0.09),
                    PriceTier(up_to_gb=float("inf"), usd_per_gb=0.07),
                ),
                gbit_per_s=5.0,
                rtt_s=rtt_s,
            )


def _datasets(
    draw: np.random.Generator, clusters: list[ClusterName], count: int
) -> Iterator[tuple[DatasetName, Dataset]]:
    for number in range(count):
        name = DatasetName(f"data-{number:02d}")
        yield (
            name,
            Dataset(
                name=name,
                size_gb=float(draw.lognormal(4.5, 1.2)),
                data_class=DataClass("internal"),
                homes=(clusters[int(draw.integers(len(clusters)))],),
            ),
        )


def _service(draw: np.random.Generator, number: int, load: int) -> InferenceService:
    gpus = int(draw.choice([1, 1, 1, 2, 4]))
    base_s = float(draw.uniform(0.008, 0.06))
    limit_rps = float(draw.uniform(80.0, 600.0))
    return InferenceService(
        name=WorkloadName(f"service-{number:03d}"),
        priority=_priority(draw),
        data_class=_data_class(draw, private=0.15),
        per_pod=Resources(gpus=gpus, cpu=4.0 * gpus, memory_gib=24.0 * gpus),
        gpu_memory_gib=float(draw.choice([8.0, 14.0, 20.0, 36.0])),
        objective=Objective(quantile=0.95, seconds=base_s + float(draw.uniform(0.04, 0.4))),
        curves={
            GpuType(shape.gpu): LatencyCurve(
                base_s=base_s / shape.speed**0.5,
                queue_s=0.3 * base_s / shape.speed**0.5,
                limit_rps=limit_rps * shape.speed * float(draw.uniform(0.85, 1.15)),
            )
            for shape in SHAPES
        },
        min_replicas=1,
        max_replicas=64 * load,
        users=REGIONS[0] if draw.random() < 0.7 else REGIONS[2],
        traffic_kb=float(draw.choice([0.0, 2.0, 18.0, 120.0])),
        image_gb=6.0,
        start_s=45.0,
        late_usd_per_hour=load * float(draw.choice([60.0, 200.0, 800.0])),
    )


def _job(draw: np.random.Generator, number: int, datasets: list[DatasetName]) -> TrainingJob:
    workers = int(draw.choice([1, 2, 4]))
    gpus = int(draw.choice([4, 8, 8]))
    return TrainingJob(
        name=WorkloadName(f"training-{number:03d}"),
        priority=_priority(draw),
        data_class=_data_class(draw, private=0.1),
        datasets=(datasets[int(draw.integers(len(datasets)))],) if draw.random() < 0.5 else (),
        per_pod=Resources(gpus=gpus, cpu=8.0 * gpus, memory_gib=40.0 * gpus),
        gpu_memory_gib=float(draw.choice([14.0, 36.0])),
        workers=workers,
        speed={GpuType(shape.gpu): shape.speed / 3.4 for shape in SHAPES},
        work_gpu_hours=float(draw.uniform(20.0, 400.0)),
        spread=Spread(draw.choice(["pool", "pool", "cluster"])),
        wait_usd_per_hour=workers * gpus * float(draw.choice([2.0, 6.0, 20.0])),
        spot=bool(draw.random() < 0.7),
    )


def _data_class(draw: np.random.Generator, private: float) -> DataClass:
    """A quarter public."""
    word = draw.choice(["public", "internal", "private"], p=[0.25, 0.75 - private, private])
    return DataClass(str(word))


def _priority(draw: np.random.Generator) -> Priority:
    return Priority(draw.choice(["critical", "high", "normal", "low"], p=[0.15, 0.3, 0.35, 0.2]))


def _load(draw: np.random.Generator, service: InferenceService, load: int) -> ServiceDemand:
    """Enough for a few replicas of the slowest type, and now and then for some dozens."""
    replicas = float(np.clip(draw.lognormal(1.1, 0.9), 0.3, 40.0))
    rps = load * replicas * 0.6 * service.curves[GpuType("T4")].limit_rps
    return ServiceDemand(
        rps=rps, now_rps=rps, freshness=Freshness.FRESH, hold=False, because="drawn at random"
    )


def _wanted(draw: np.random.Generator, job: TrainingJob) -> JobDemand:
    return JobDemand(
        wanted=True,
        must_run=bool(draw.random() < 0.1),
        left_gpu_hours=job.work_gpu_hours,
        because="drawn at random",
    )


def _snapshot(
    fleet: Fleet,
    nodes: dict[PoolName, int],
    held: dict[tuple[WorkloadName, PoolName], tuple[int, float]],
) -> Snapshot:
    sites = {}
    for cluster in fleet.clusters:
        own = {pool.name for pool in fleet.pools_of(cluster)}
        sites[cluster] = SiteReport(
            cluster=cluster,
            at=NOW,
            nodes=tuple(
                Node(name=NodeName(f"{pool}-{number}"), pool=pool, phase=NodePhase.READY, since=NOW)
                for pool in sorted(own)
                for number in range(nodes[pool])
            ),
            placements=tuple(
                Placement(workload=name, pool=pool, wanted=pods, ready=pods, share=share)
                for (name, pool), (pods, share) in held.items()
                if pool in own and pods > 0
            ),
        )
    return Snapshot(now=NOW, fleet=fleet, sites=sites)
