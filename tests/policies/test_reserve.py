"""Reserve: what matters survives the loss of a node, at a stated price."""

import pytest

from policies.cost import Cost
from policies.reserve import Reserve
from policies.response_time import ResponseTime
from scheduler.domain.places import Resources
from scheduler.domain.plan import Plan
from scheduler.domain.workloads import Priority
from tests.model.worlds import a_fleet, a_job, a_pool, a_service, bill_of, nodes_of, pods_of
from tests.policies.asking import plan

CRITICAL = a_service(priority=Priority.CRITICAL)
ONE_NODE = {"search": 4 * 67.5}


def free_gpus(found: Plan, cluster: str = "dc") -> float:
    lines = [line for line in found.pools if line.cluster == cluster]
    return sum(line.after * line.gpus_per_node - line.gpus_used for line in lines)


def test_a_node_more_than_needed_stands_by_for_critical_work() -> None:
    fleet = a_fleet(a_pool("dc-a"), CRITICAL)
    assert nodes_of(plan(fleet, ONE_NODE, Cost(), ResponseTime())) == {"dc-a": 1}
    found = plan(fleet, ONE_NODE, Cost(), ResponseTime(), Reserve())
    assert nodes_of(found) == {"dc-a": 2}
    assert free_gpus(found) >= 4.0


def test_the_spare_room_holds_the_largest_node_in_use() -> None:
    large = Resources(gpus=8, cpu=99, memory_gib=99, pods=99)
    fleet = a_fleet(
        a_pool("dc-a"),
        a_pool("dc-b", per_node=large, min_nodes=1, usd_per_node_hour=0.1, max_nodes=1),
        CRITICAL,
    )
    assert free_gpus(plan(fleet, ONE_NODE, Cost(), ResponseTime(), Reserve())) >= 8.0


def test_work_of_lesser_priority_needs_no_reserve() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service(priority=Priority.HIGH))
    assert nodes_of(plan(fleet, ONE_NODE, Cost(), ResponseTime(), Reserve())) == {"dc-a": 1}
    for_all = Reserve(from_priority=Priority.LOW)
    assert nodes_of(plan(fleet, ONE_NODE, Cost(), ResponseTime(), for_all)) == {"dc-a": 2}


def test_a_cluster_without_such_work_needs_no_reserve() -> None:
    fleet = a_fleet(
        a_pool("dc-a", gpu_type="H100"),
        a_pool("cloud-a", "cloud"),
        CRITICAL,
        a_job(speed={"H100": 1.0}),
    )
    found = plan(fleet, ONE_NODE, Cost(), ResponseTime(), Reserve())
    assert nodes_of(found) == {"dc-a": 1, "cloud-a": 2}


def test_a_reserve_that_cannot_be_had_costs_but_stops_nothing() -> None:
    fleet = a_fleet(a_pool("dc-a", max_nodes=1), CRITICAL)
    found = plan(fleet, ONE_NODE, Cost(), ResponseTime(), Reserve(usd_per_gpu_hour=3.0))
    assert pods_of(found) == {("search", "dc-a"): 4}
    assert bill_of(found)["reserve"] == pytest.approx(12.0)


def test_spare_room_dearer_than_its_worth_is_not_bought() -> None:
    fleet = a_fleet(a_pool("dc-a", usd_per_node_hour=50.0), CRITICAL)
    found = plan(fleet, ONE_NODE, Cost(), ResponseTime(), Reserve(usd_per_gpu_hour=10.0))
    assert nodes_of(found) == {"dc-a": 1}


def test_pools_that_shrank_in_the_documents_while_unseen_do_not_stop_the_plan() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("cloud-a", "cloud", max_nodes=1), CRITICAL)
    found = plan(
        fleet, ONE_NODE, Cost(), ResponseTime(), Reserve(),
        nodes={"cloud-a": 3}, unseen={"cloud": "timeout"},
    )  # fmt: skip
    assert nodes_of(found)["cloud-a"] == 3
    assert found.missing == ()
