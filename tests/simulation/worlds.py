"""Small simulated worlds for the tests of the simulation."""

from dataclasses import replace

from adapters.base import PlaceOrder, Scale
from scheduler.config.declared import SimulatedSite, SiteSettings
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import (
    ActionKey,
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
    Contract,
    Dataset,
    Exposure,
    Link,
    NodePool,
    PriceTier,
    Resources,
)
from scheduler.domain.readings import Series, Signal
from scheduler.domain.workloads import (
    InferenceService,
    LatencyCurve,
    Objective,
    Priority,
    TrainingJob,
)
from scheduler.simulation.world import Day, World

BEGIN = Instant(1_794_355_200.0)
HOUR = 3600.0
HOME, CLOUD = ClusterName("home"), ClusterName("cloud")
OWNED, RENTED, SPOT = PoolName("owned"), PoolName("rented"), PoolName("spot")
RANKING, TRAINING = WorkloadName("ranking"), WorkloadName("training")
T4 = GpuType("T4")
KEY = ActionKey("test")


def a_cluster(name: ClusterName, exposure: Exposure) -> Cluster:
    private = {DataClass("private")} if exposure is Exposure.PRIVATE else set()
    return Cluster(
        name=name,
        exposure=exposure,
        provider="",
        region=Region(name),
        holds=frozenset({DataClass("internal")} | private),
    )


def a_pool(
    name: PoolName, cluster: ClusterName, contract: Contract, low: int, high: int, usd: float
) -> NodePool:
    return NodePool(
        name=name,
        cluster=cluster,
        zone="",
        instance_type="",
        gpu_type=T4,
        gpu_memory_gib=16.0,
        per_node=Resources(gpus=4.0, cpu=64.0, memory_gib=256.0, pods=110.0),
        contract=contract,
        min_nodes=low,
        max_nodes=high,
        usd_per_node_hour=usd,
        interruptions_per_hour=0.0,
        boot_s=300.0,
    )


def a_service(*, low: int = 1, data_class: str = "internal") -> InferenceService:
    """One replica carries 100 requests per second at most; the objective is 100 ms."""
    return InferenceService(
        name=RANKING,
        priority=Priority.HIGH,
        data_class=DataClass(data_class),
        per_pod=Resources(gpus=1.0, cpu=8.0, memory_gib=16.0),
        objective=Objective(quantile=0.95, seconds=0.1),
        curves={T4: LatencyCurve(base_s=0.01, queue_s=0.005, limit_rps=100.0)},
        min_replicas=low,
        max_replicas=40,
        users=Region("home"),
        traffic_kb=1000.0,
        start_s=30.0,
        late_usd_per_hour=100.0,
    )


def a_job(**changes: object) -> TrainingJob:
    """Four GPU-hours on one node of four: one hour."""
    job = TrainingJob(
        name=TRAINING,
        priority=Priority.NORMAL,
        data_class=DataClass("internal"),
        datasets=(DatasetName("clicks"),),
        per_pod=Resources(gpus=4.0, cpu=8.0, memory_gib=16.0),
        workers=1,
        speed={T4: 1.0},
        work_gpu_hours=4.0,
        restart_s=0.0,
        wait_usd_per_hour=10.0,
    )
    return replace(job, **changes)  # type: ignore[arg-type]


def a_fleet(
    *, jobs: tuple[TrainingJob, ...] = (), service: InferenceService | None = None
) -> Fleet:
    serving = service or a_service()
    clusters = (a_cluster(HOME, Exposure.PRIVATE), a_cluster(CLOUD, Exposure.PUBLIC))
    pools = (
        a_pool(OWNED, HOME, Contract.OWNED, 2, 2, 1.0),
        a_pool(RENTED, CLOUD, Contract.ON_DEMAND, 0, 6, 4.0),
        a_pool(SPOT, CLOUD, Contract.SPOT, 0, 6, 2.0),
    )
    tiers = (PriceTier(up_to_gb=100.0, usd_per_gb=0.1), PriceTier(up_to_gb=1e12, usd_per_gb=0.05))
    there = Link(source="cloud", target="home", tiers=tiers, gbit_per_s=5.0, rtt_s=0.02)
    back = Link(source="home", target="cloud", tiers=tiers[1:], gbit_per_s=5.0, rtt_s=0.02)
    clicks = Dataset(
        name=DatasetName("clicks"), size_gb=200.0, data_class=DataClass("internal"), homes=(HOME,)
    )
    return Fleet(
        clusters={cluster.name: cluster for cluster in clusters},
        pools={pool.name: pool for pool in pools},
        services={serving.name: serving},
        jobs={job.name: job for job in jobs},
        datasets={clicks.name: clicks},
        links=(there, back),
    )


def a_load(*points: tuple[float, float]) -> Series:
    """Requests per second at hours of the day."""
    return Series(
        signal=Signal.LOAD,
        subject=RANKING,
        times=tuple(Instant(BEGIN + hour * HOUR) for hour, _ in points),
        values=tuple(value for _, value in points),
    )


def a_price(pool: PoolName, *points: tuple[float, float]) -> Series:
    return Series(
        signal=Signal.PRICE,
        subject=pool,
        times=tuple(Instant(BEGIN + hour * HOUR) for hour, _ in points),
        values=tuple(value for _, value in points),
    )


def sites() -> dict[ClusterName, SiteSettings]:
    return {
        name: SiteSettings(
            cluster=name,
            access="simulated",
            options=SimulatedSite(seed=number, boot_jitter=0.0),
        )
        for number, name in enumerate((HOME, CLOUD))
    }


def a_day(hours: float = 2.0, seed: int = 0) -> Day:
    return Day(begin=BEGIN, length_s=hours * HOUR, seed=seed)


def a_world(fleet: Fleet, *signals: Series, hours: float = 2.0, seed: int = 0) -> World:
    return World(fleet, sites(), signals, a_day(hours, seed))


def scale(world: World, pool: PoolName, nodes: int) -> None:
    world.site_of(pool).scale(Scale(key=KEY, pool=pool, nodes=nodes))


def place(world: World, workload: WorkloadName, pool: PoolName, pods: int, share: float) -> None:
    gang = workload in world.fleet.jobs
    order = PlaceOrder(
        key=KEY, workload=workload, pool=pool, pods=pods, share=0.0 if gang else share, gang=gang
    )
    world.site_of(pool).place(order)


def go(world: World, hours: float) -> None:
    """On to that hour of the day."""
    world.advance_to(Instant(BEGIN + hours * HOUR))
