"""Random layouts of a small fleet, with the plans and the worlds that belong to them."""

from math import ceil

from hypothesis import strategies as st

from scheduler.domain.names import NodeName, PoolName, WorkloadName
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import NodePhase
from tests.planning.fake import FakeWorld, Machine
from tests.planning.worlds import SLOTS, a_fleet, a_job, a_plan, a_pool, a_service

POOLS = ("pool-a", "pool-b", "pool-c")
SERVICES = ("ads", "chat", "search")
JOBS = ("rank", "train")
WORKERS = 3
FLEET = a_fleet(
    a_pool("pool-a", "dc"),
    a_pool("pool-b", "dc", least=1),
    a_pool("pool-c", "cloud", gpu="H100"),
    *(a_service(name, limits={"A10G": 100.0, "H100": 250.0}) for name in SERVICES),
    *(a_job(name, WORKERS) for name in JOBS),
)
SPEED = {"pool-a": 100.0, "pool-b": 100.0, "pool-c": 250.0}

Layout = dict[tuple[str, str], int]
"""Pods by workload and pool."""


def layouts() -> st.SearchStrategy[Layout]:
    """Services anywhere, gangs whole on one pool or nowhere."""
    services = st.fixed_dictionaries(
        {(name, pool): st.integers(0, 4) for name in SERVICES for pool in POOLS}
    )
    jobs = st.fixed_dictionaries({name: st.sampled_from((None, *POOLS)) for name in JOBS})
    return st.builds(
        lambda some, where: (
            {at: count for at, count in some.items() if count}
            | {(job, pool): WORKERS for job, pool in where.items() if pool}
        ),
        services,
        jobs,
    )


def slots(layout: Layout, pool: str) -> int:
    return sum(count for at, count in layout.items() if at[1] == pool)


def split(layout: Layout, name: str) -> dict[str, float]:
    total = sum(count for at, count in layout.items() if at[0] == name)
    return {at[1]: count / total for at, count in layout.items() if at[0] == name}


def plan_for(layout: Layout, room: dict[str, int]) -> Plan:
    """A plan in which the pods fit the nodes, with `room` nodes to spare."""
    sizes = {pool: ceil(slots(layout, pool) / SLOTS) + room[pool] for pool in POOLS}
    lines = [
        (name, pool, count, 0.0 if name in JOBS else split(layout, name)[pool])
        for (name, pool), count in layout.items()
    ]
    return a_plan(FLEET, sizes, *lines)


def world_of(layout: Layout, room: dict[str, int]) -> FakeWorld:
    """A world in which those pods run, on nodes of which `room` are empty."""
    world = FakeWorld(FLEET)
    for pool in POOLS:
        queue = [name for (name, at), count in layout.items() if at == pool for _ in range(count)]
        for number in range(ceil(len(queue) / SLOTS) + room[pool]):
            mine = queue[number * SLOTS : (number + 1) * SLOTS]
            world.machines[NodeName(f"{pool}-{number}")] = Machine(
                pool=PoolName(pool),
                phase=NodePhase.READY,
                since=world.now - number,
                pods=[WorkloadName(name) for name in mine],
            )
    for (name, pool), count in layout.items():
        at = (WorkloadName(name), PoolName(pool))
        world.wanted[at] = count
        world.share[at] = 0.0 if name in JOBS else split(layout, name)[pool]
    return world


rooms = st.fixed_dictionaries({pool: st.integers(0, 2) for pool in POOLS})
