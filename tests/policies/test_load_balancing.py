"""Load balancing: work goes where there is room, at a convex price of crowding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cost import Cost
from policies.load_balancing import LoadBalancing
from policies.response_time import ResponseTime
from scheduler.domain.places import Resources
from scheduler.solve.highs import complete
from tests.model.profile import SLOW
from tests.model.worlds import (
    a_demand,
    a_fleet,
    a_job,
    a_pool,
    a_service,
    a_snapshot,
    bill_of,
    nodes_of,
    pods_of,
)
from tests.policies.asking import plan
from tests.solve.questions import ask

TWO_TASKS = a_fleet(
    a_pool(
        "private",
        "dc",
        per_node=Resources(gpus=8, cpu=96, memory_gib=384, pods=110),
        min_nodes=2,
        max_nodes=2,
        usd_per_node_hour=2.60,
    ),
    a_pool(
        "public",
        "cloud",
        per_node=Resources(gpus=4, cpu=48, memory_gib=192, pods=110),
        max_nodes=4,
        usd_per_node_hour=3.912,
    ),
    a_job("a", workers=5, per_pod=Resources(gpus=2, cpu=16, memory_gib=64), work_gpu_hours=60.0),
    a_job("b", workers=1, per_pod=Resources(gpus=2, cpu=16, memory_gib=64), work_gpu_hours=12.0),
)
"""The article's case: a heavy and a light task, two private instances, four public ones."""


def test_with_load_balancing_the_heavy_task_stays_private_and_the_light_one_goes_public() -> None:
    found = plan(TWO_TASKS, None, Cost(), LoadBalancing(usd_per_gpu_hour=1.0))
    assert pods_of(found) == {("a", "private"): 5, ("b", "public"): 1}


def test_for_cost_alone_both_tasks_stay_private() -> None:
    assert pods_of(plan(TWO_TASKS, None, Cost())) == {("a", "private"): 5, ("b", "private"): 1}


SAME = a_fleet(
    a_pool("dc-a", min_nodes=1, max_nodes=1),
    a_pool("dc-b", min_nodes=1, max_nodes=1),
    *(a_job(name, workers=1) for name in ("a", "b", "c", "d")),
)


def spread(*policies: LoadBalancing) -> list[int]:
    pods = pods_of(plan(SAME, None, Cost(), *policies))
    return sorted(sum(n for (_, at), n in pods.items() if at == pool) for pool in ("dc-a", "dc-b"))


def test_equal_pools_share_the_work() -> None:
    assert spread(LoadBalancing()) == [2, 2]


def test_new_work_goes_to_the_less_loaded_pool() -> None:
    found = plan(
        a_fleet(*SAME.pools.values(), a_service("old"), a_job("new", workers=1)),
        {"old": 200.0},
        Cost(), ResponseTime(), LoadBalancing(),
        nodes={"dc-a": 1, "dc-b": 1},
        pods={("old", "dc-a"): 3},
    )  # fmt: skip
    pods = pods_of(found)
    at = next(pool for (name, pool) in pods if name == "new")
    beside = sum(n for (name, pool), n in pods.items() if name == "old" and pool == at)
    assert beside <= 1


def test_new_work_goes_to_the_less_loaded_cluster() -> None:
    fleet = a_fleet(
        a_pool("dc-a", min_nodes=2, max_nodes=2),
        a_pool("cloud-a", "cloud", min_nodes=2, max_nodes=2),
        a_job("old", workers=6, pools=("dc-a",)),
        a_job("new", workers=2),
    )
    found = plan(fleet, None, Cost(), LoadBalancing())
    assert ("new", "cloud-a") in pods_of(found)


def test_below_the_comfortable_load_nobody_pays() -> None:
    fleet = a_fleet(a_pool("dc-a", min_nodes=1, max_nodes=1), a_job(workers=2))
    assert bill_of(plan(fleet, None, Cost(), LoadBalancing()))["load-balancing"] == 0.0


@pytest.mark.parametrize(("workers", "comfortable"), [(3, 0.4), (4, 0.6), (5, 0.0)])
def test_crowding_is_charged_as_the_square_of_the_load_beyond_comfort(
    workers: int, comfortable: float
) -> None:
    """Loads of 0.6, 0.8 and 1 are exact: the tangents touch there. Pool and cluster both count."""
    five = Resources(gpus=5, cpu=9, memory_gib=9, pods=9)
    fleet = a_fleet(a_pool("dc-a", min_nodes=1, max_nodes=1, per_node=five), a_job(workers=workers))
    policy = LoadBalancing(usd_per_gpu_hour=1.0, comfortable=comfortable)
    crowded = (workers / 5 - comfortable) / (1 - comfortable)
    found = bill_of(plan(fleet, None, Cost(), policy))["load-balancing"]
    assert found == pytest.approx(2 * 5 * crowded**2)


@SLOW
@given(st.integers(0, 20), st.integers(0, 20))
def test_crowding_is_convex_and_never_dearer_than_the_square_says(few: int, more: int) -> None:
    halfway = (crowding(few) + crowding(more)) / 2.0
    assert crowding((few + more) / 2.0) <= halfway + 1e-9
    assert crowding(few) <= 20.0 * max(0.0, (few / 20.0 - 0.5) / 0.5) ** 2 + 1e-9
    assert crowding(min(few, more)) <= crowding(max(few, more)) + 1e-9


def crowding(gpus: float) -> float:
    """USD per hour of one pool of 20 GPUs with so many in use."""
    whole = Resources(gpus=20, cpu=99, memory_gib=99, pods=99)
    fleet = a_fleet(
        a_pool("dc-a", min_nodes=1, max_nodes=1, per_node=whole),
        a_job(workers=1, per_pod=Resources(gpus=gpus)),
    )
    policy = LoadBalancing(usd_per_gpu_hour=1.0, cluster_weight=0.0)
    return bill_of(plan(fleet, None, policy))["load-balancing"]


def test_it_is_worth_a_node_only_where_the_node_is_cheaper_than_the_crowding() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service())
    rps = {"search": 4 * 67.5}
    tight = plan(fleet, rps, Cost(), ResponseTime(), LoadBalancing(usd_per_gpu_hour=0.05))
    loose = plan(fleet, rps, Cost(), ResponseTime(), LoadBalancing(usd_per_gpu_hour=0.5))
    assert (nodes_of(tight), nodes_of(loose)) == ({"dc-a": 1}, {"dc-a": 2})


def test_what_is_charged_is_the_least_that_the_rows_allow() -> None:
    fleet = a_fleet(a_pool("dc-a", min_nodes=1, max_nodes=1), a_job(workers=4))
    problem, _ = ask(a_snapshot(fleet), a_demand(fleet), (Cost(), LoadBalancing()))
    full = problem.lower.copy()
    full[problem.span("units")] = 1.0
    x = complete(problem, full, 20.0)
    assert x is not None
    assert x[problem.span("crowding of pool")] == pytest.approx([4.0])
