"""Random small worlds: two clusters, a few pools, services and gangs, something running already."""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from policies.budget import Budget
from policies.cost import Cost
from policies.data_gravity import DataGravity
from policies.load_balancing import LoadBalancing
from policies.reserve import Reserve
from policies.residency import Residency
from policies.response_time import ResponseTime
from policies.stability import Stability
from scheduler.domain.demand import Demand, JobDemand, ServiceDemand
from scheduler.domain.names import DataClass, DatasetName, PoolName, Region
from scheduler.domain.places import Contract, NodePool, Resources
from scheduler.domain.readings import Freshness
from scheduler.domain.snapshot import Snapshot
from scheduler.domain.workloads import InferenceService, LatencyCurve, Priority, Spread, TrainingJob
from scheduler.model.policy import Policy
from tests.model.worlds import (
    A10G,
    CURVE,
    MUST_RUN,
    NOT_WANTED,
    T4,
    a_dataset,
    a_demand,
    a_fleet,
    a_job,
    a_link,
    a_pool,
    a_service,
    a_snapshot,
    load,
)

CURVES = {A10G: CURVE, T4: LatencyCurve(base_s=0.025, queue_s=0.015, limit_rps=50.0)}
ALL: tuple[Policy, ...] = (
    Residency(),
    ResponseTime(),
    LoadBalancing(),
    Cost(),
    DataGravity(),
    Stability(),
    Reserve(),
    Budget(usd_per_hour=9.0),
)
CLUSTER_OF = {"cloud-a": "cloud", "cloud-b": "cloud", "dc-a": "dc"}

prices = st.sampled_from((0.5, 0.9, 1.0, 1.3, 2.0, 3.1))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A question to the planner."""

    snapshot: Snapshot
    demand: Demand

    def with_pool(self, name: str, **changes: object) -> "World":
        """The same, with one pool declared otherwise."""
        fleet = self.snapshot.fleet
        pool = replace(fleet.pools[PoolName(name)], **changes)  # type: ignore[arg-type]
        changed = replace(fleet, pools={**fleet.pools, pool.name: pool})
        return replace(self, snapshot=replace(self.snapshot, fleet=changed))


@st.composite
def pools(draw: st.DrawFn, name: str) -> NodePool:
    least = draw(st.integers(0, 1))
    spot = name == "cloud-b"
    gpus = draw(st.sampled_from((4, 8)))
    return a_pool(
        name,
        CLUSTER_OF[name],
        gpu_type=draw(st.sampled_from((A10G, T4))),
        per_node=Resources(gpus=gpus, cpu=12 * gpus, memory_gib=64 * gpus, pods=20),
        min_nodes=least,
        max_nodes=least + draw(st.integers(0, 3)),
        usd_per_node_hour=draw(prices) * gpus / 4,
        contract=Contract.SPOT if spot else Contract.ON_DEMAND,
        interruptions_per_hour=0.05 if spot else 0.0,
    )


@st.composite
def services(draw: st.DrawFn, name: str) -> InferenceService:
    least = draw(st.integers(0, 2))
    return a_service(
        name,
        priority=draw(st.sampled_from(Priority)),
        data_class=DataClass(draw(st.sampled_from(("public", "internal", "private")))),
        per_pod=Resources(gpus=draw(st.integers(1, 3)), cpu=draw(st.integers(1, 20)), memory_gib=9),
        curves=CURVES,
        min_replicas=least,
        max_replicas=least + draw(st.integers(1, 9)),
        late_usd_per_hour=draw(st.sampled_from((5.0, 50.0, 500.0))),
        users=Region("users"),
        traffic_kb=draw(st.sampled_from((0.0, 20.0))),
        spot=draw(st.booleans()),
        image_gb=3.0,
    )


@st.composite
def jobs(draw: st.DrawFn, name: str) -> TrainingJob:
    return a_job(
        name,
        priority=draw(st.sampled_from(Priority)),
        data_class=DataClass(draw(st.sampled_from(("internal", "private")))),
        datasets=(DatasetName("clicks"),),
        per_pod=Resources(gpus=draw(st.sampled_from((1, 2, 4))), cpu=4, memory_gib=8),
        workers=draw(st.integers(1, 4)),
        spread=draw(st.sampled_from(Spread)),
        speed={A10G: 1.0, T4: 0.5},
        wait_usd_per_hour=draw(st.sampled_from((0.5, 5.0, 50.0))),
    )


def workloads(name: str) -> st.SearchStrategy[InferenceService | TrainingJob]:
    """`rank` is a job, all others are services."""
    return jobs(name) if name == "rank" else services(name)


@st.composite
def needs(draw: st.DrawFn) -> ServiceDemand:
    stale = draw(st.integers(0, 5)) == 0
    return load(
        draw(st.sampled_from((0.0, 40.0, 150.0, 333.0, 900.0))),
        freshness=Freshness.STALE if stale else Freshness.FRESH,
        hold=stale,
        slowdown=draw(st.sampled_from(({}, {}, {A10G: 1.5}, {T4: 3.0}))),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Everything at once: routed traffic, spot, gangs, classes, stale signals, an unseen site."""
    names = draw(st.sampled_from((("dc-a",), ("dc-a", "cloud-a"), ("dc-a", "cloud-a", "cloud-b"))))
    work = draw(st.sampled_from((("chat",), ("chat", "rank"), ("chat", "news", "rank"))))
    items = [draw(workloads(name)) for name in work]
    fleet = a_fleet(
        *(draw(pools(name)) for name in names),
        *items,
        a_dataset("clicks", 100.0, "dc"),
        a_link("dc", "cloud", (float("inf"), 0.02)),
        a_link("users", "cloud", (float("inf"), 0.05), rtt_s=0.004),
    )
    snapshot = a_snapshot(
        fleet,
        nodes={name: draw(st.integers(0, 3)) for name in names},
        pods=draw(running(items, names)),
        unseen=draw(st.sampled_from(({}, {}, {}, {"cloud": "timeout"}))),
    )
    wanted: dict[str, JobDemand] = {
        item.name: draw(st.sampled_from((MUST_RUN, NOT_WANTED, *_WAITS)))
        for item in items
        if isinstance(item, TrainingJob)
    }
    rps: dict[str, ServiceDemand] = {
        item.name: draw(needs()) for item in items if isinstance(item, InferenceService)
    }
    return World(snapshot=snapshot, demand=a_demand(fleet, rps, jobs=wanted))


_WAITS = (
    JobDemand(wanted=True, must_run=False, left_gpu_hours=4.0, because="it is due"),
    JobDemand(wanted=True, must_run=False, left_gpu_hours=40.0, because="it is due"),
)


@st.composite
def running(
    draw: st.DrawFn, items: list[InferenceService | TrainingJob], names: tuple[str, ...]
) -> dict[tuple[str, str], int]:
    """Replicas anywhere, gangs whole on one pool or nowhere."""
    pods: dict[tuple[str, str], int] = {}
    for item in items:
        if isinstance(item, TrainingJob):
            where = draw(st.sampled_from((None, *names)))
            if where:
                pods[item.name, where] = item.workers
        else:
            pods |= {(item.name, name): draw(st.integers(0, 2)) for name in names}
    return pods
