"""Worlds with copies: pools of one shape, services of one kind, jobs of one sort."""

from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from scheduler.domain.demand import Demand, JobDemand
from scheduler.domain.names import PoolName, Region, WorkloadName
from scheduler.domain.places import NodePool
from scheduler.domain.snapshot import Snapshot
from scheduler.domain.workloads import InferenceService, TrainingJob
from tests.model.random_worlds import World, jobs, needs, pools, services
from tests.model.worlds import (
    MUST_RUN,
    a_dataset,
    a_demand,
    a_fleet,
    a_job,
    a_link,
    a_pool,
    a_service,
    a_snapshot,
)

Item = TypeVar("Item", InferenceService, TrainingJob)


def equal_things(
    pools: int, services: int = 0, jobs: int = 0, *, rps: float = 100.0
) -> tuple[Snapshot, Demand]:
    """So many pools, services and jobs, all alike."""
    fleet = a_fleet(
        *(a_pool(f"p{i:04d}") for i in range(pools)),
        *(a_service(f"s{i:03d}") for i in range(services)),
        *(a_job(f"j{i:03d}") for i in range(jobs)),
    )
    return a_snapshot(fleet), a_demand(fleet, {str(name): rps for name in fleet.services})


@st.composite
def equal_worlds(draw: st.DrawFn) -> World:
    """One or two kinds of everything, with two or three copies of each; some of it running."""
    places = [
        replace(draw(pools(name)), name=PoolName(f"{name}-{i}"))
        for name in draw(st.sampled_from((("dc-a",), ("dc-a", "cloud-a"))))
        for i in range(draw(st.integers(2, 3)))
    ]
    chat, rank = draw(services("chat")), draw(jobs("rank"))
    chats = _copies(chat, draw(st.integers(2, 3)))
    ranks = _copies(rank, draw(st.integers(0, 3)))
    up = draw(st.integers(0, 1))
    fleet = a_fleet(
        *places,
        *chats,
        *ranks,
        a_dataset("clicks", 100.0, "dc"),
        a_link("dc", "cloud", (float("inf"), 0.02)),
        a_link(Region("users"), "cloud", (float("inf"), 0.05), rtt_s=0.004),
    )
    need = draw(needs())
    waits = JobDemand(wanted=True, must_run=False, left_gpu_hours=9.0, because="it is due")
    wanted = draw(st.sampled_from((MUST_RUN, waits)))
    return World(
        snapshot=a_snapshot(
            fleet, nodes={str(name): up for name in fleet.pools}, pods=_pods(places, chats)
        ),
        demand=a_demand(
            fleet,
            {str(name): need for name in fleet.services},
            jobs={str(name): wanted for name in fleet.jobs},
        ),
    )


def _copies(item: Item, count: int) -> list[Item]:
    return [replace(item, name=WorkloadName(f"{item.name}-{i}")) for i in range(count)]


def _pods(places: list[NodePool], chats: list[InferenceService]) -> dict[tuple[str, str], int]:
    """Every service with one replica on every pool, or none anywhere."""
    return {(chat.name, pool.name): 1 for chat in chats for pool in places if pool.min_nodes}
