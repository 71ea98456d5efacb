"""Cost: the cheapest nodes are taken, and a spot node counts with what it loses."""

import pytest

from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.domain.places import Contract
from scheduler.domain.workloads import Spread
from tests.model.worlds import a_fleet, a_job, a_pool, a_service, bill_of, nodes_of, pods_of
from tests.policies.asking import plan


def test_without_a_price_there_is_no_reason_to_choose() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc-b", usd_per_node_hour=0.1), a_service())
    assert bill_of(plan(fleet, {"search": 100.0}, ResponseTime())).get("cost") is None


def test_the_cheapest_pool_is_taken() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc-b", usd_per_node_hour=0.9), a_service())
    found = plan(fleet, {"search": 100.0}, ResponseTime(), Cost())
    assert nodes_of(found) == {"dc-b": 1}
    assert bill_of(found)["cost"] == pytest.approx(0.9)


def test_a_price_that_was_read_changes_the_choice() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc-b", usd_per_node_hour=0.9), a_service())
    dearer = plan(fleet, {"search": 100.0}, ResponseTime(), Cost(), prices={"dc-b": 1.1})
    assert nodes_of(dearer) == {"dc-a": 1}


def test_nodes_that_nobody_needs_are_given_back() -> None:
    fleet = a_fleet(a_pool("dc-a", min_nodes=1), a_service())
    found = plan(fleet, {"search": 0.0}, ResponseTime(), Cost(), nodes={"dc-a": 5})
    assert nodes_of(found) == {"dc-a": 1}


def spot_or_not(spot_risk: float, *, spot_usd: float = 0.9) -> set[str]:
    """A gang on spot is interrupted once in two hours: it loses 0.5 x (0.5 + 0.1) h x 10 USD."""
    fleet = a_fleet(
        a_pool("cloud-a", "cloud", usd_per_node_hour=4.0),
        a_pool(
            "cloud-b",
            "cloud",
            contract=Contract.SPOT,
            usd_per_node_hour=spot_usd,
            interruptions_per_hour=0.5,
        ),
        a_job(wait_usd_per_hour=10.0, checkpoint_s=3600.0, restart_s=360.0),
    )
    return set(nodes_of(plan(fleet, None, Cost(spot_risk=spot_risk))))


def test_spot_is_taken_where_it_is_cheaper_with_its_risk() -> None:
    assert spot_or_not(1.0) == {"cloud-b"}
    assert spot_or_not(1.0, spot_usd=1.1) == {"cloud-a"}


def test_the_risk_can_be_priced_higher_or_left_out() -> None:
    assert spot_or_not(1.1) == {"cloud-a"}
    assert spot_or_not(0.0, spot_usd=3.9) == {"cloud-b"}


def test_the_risk_is_on_the_bill() -> None:
    pool = a_pool("cloud-b", "cloud", contract=Contract.SPOT, interruptions_per_hour=0.5)
    fleet = a_fleet(pool, a_job(wait_usd_per_hour=10.0, checkpoint_s=3600.0, restart_s=360.0))
    assert bill_of(plan(fleet, None, Cost()))["cost"] == pytest.approx(1.0 + 3.0)


def test_a_gang_over_two_spot_nodes_is_interrupted_twice_as_often() -> None:
    pool = a_pool("cloud-b", "cloud", contract=Contract.SPOT, interruptions_per_hour=0.5)
    job = a_job(workers=8, wait_usd_per_hour=10.0, checkpoint_s=3600.0, restart_s=360.0)
    assert bill_of(plan(a_fleet(pool, job), None, Cost()))["cost"] == pytest.approx(2.0 + 6.0)


def test_a_gang_over_a_cluster_is_interrupted_as_often_as_its_nodes() -> None:
    """Eight workers on two nodes of four stop as often as a gang in one pool does."""
    pool = a_pool("cloud-b", "cloud", contract=Contract.SPOT, interruptions_per_hour=0.5)
    job = a_job(
        workers=8,
        spread=Spread.CLUSTER,
        wait_usd_per_hour=10.0,
        checkpoint_s=3600.0,
        restart_s=360.0,
    )
    assert bill_of(plan(a_fleet(pool, job), None, Cost()))["cost"] == pytest.approx(2.0 + 6.0)


def test_a_replica_on_spot_risks_its_part_of_the_load_until_another_one_serves() -> None:
    """Four replicas, each a quarter of the load at 400 USD/h, for six minutes every two hours."""
    pool = a_pool("cloud-b", "cloud", contract=Contract.SPOT, interruptions_per_hour=0.5)
    service = a_service(late_usd_per_hour=400.0, start_s=360.0)
    found = plan(a_fleet(pool, service), {"search": 4 * 75.0}, Cost(), ResponseTime(safety=1.0))
    assert bill_of(found)["cost"] == pytest.approx(1.0 + 4 * 0.5 * 100.0 * 0.1)


def test_a_replica_that_nobody_needs_risks_nothing() -> None:
    pool = a_pool("cloud-b", "cloud", contract=Contract.SPOT, interruptions_per_hour=0.5)
    fleet = a_fleet(pool, a_service(min_replicas=1))
    assert bill_of(plan(fleet, {"search": 0.0}, Cost()))["cost"] == pytest.approx(1.0)


def test_work_is_packed_on_as_few_nodes_as_hold_it() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service("a"), a_service("b"))
    found = plan(fleet, {"a": 100.0, "b": 100.0}, ResponseTime(), Cost())
    assert nodes_of(found) == {"dc-a": 1}
    assert pods_of(found) == {("a", "dc-a"): 2, ("b", "dc-a"): 2}


def test_a_job_that_costs_more_than_waiting_waits() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_job(wait_usd_per_hour=0.9))
    found = plan(fleet, None, Cost())
    assert nodes_of(found) == {}
    assert found.missing[0].because.startswith("waiting costs 0.90 USD/h, less than running")
