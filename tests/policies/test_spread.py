"""Spread: what is left after a cluster, a zone or a pool is lost carries its share of the load."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cost import Cost
from policies.response_time import ResponseTime
from policies.spread import Spread
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import DataClass
from scheduler.domain.plan import Plan
from scheduler.domain.workloads import Priority
from tests.model.worlds import (
    PER_REPLICA,
    a_fleet,
    a_pool,
    a_service,
    bill_of,
    missing_of,
    nodes_of,
    pods_of,
)
from tests.policies.asking import plan

CRITICAL = a_service(priority=Priority.CRITICAL)
DEAR = 1e3
"""USD per GPU-hour at which any spare room is rented."""


def asked(fleet: Fleet, *policies: Spread, rps: float = 10 * PER_REPLICA, **world: Any) -> Plan:
    return plan(fleet, {"search": rps}, Cost(), ResponseTime(), *policies, **world)


def left(found: Plan, lost: str) -> float:
    """Requests/s that the replicas outside one pool carry, by check value L1."""
    return PER_REPLICA * sum(pods for (_, pool), pods in pods_of(found).items() if pool != lost)


def two_clusters() -> Fleet:
    """At home a GPU costs 25 cents, in the cloud more."""
    return a_fleet(a_pool("dc-a"), a_pool("cloud-a", "cloud", usd_per_node_hour=5.0), CRITICAL)


def test_without_the_policy_everything_is_where_it_is_cheapest() -> None:
    assert {pool for _, pool in pods_of(asked(two_clusters()))} == {"dc-a"}


@pytest.mark.parametrize(("share", "least"), [(0.3, 3), (0.5, 5)])
def test_the_loss_of_a_cluster_leaves_the_share_that_is_asked_for(share: float, least: int) -> None:
    found = asked(two_clusters(), Spread(without_cluster=share, usd_per_gpu_hour=DEAR))
    pods = pods_of(found)
    assert min(pods["search", "dc-a"], pods["search", "cloud-a"]) >= least
    assert bill_of(found).get("spread", 0.0) == pytest.approx(0.0, abs=1e-6)


def test_the_loss_of_a_zone_is_outlived_in_another_zone_of_the_same_cluster() -> None:
    fleet = a_fleet(
        a_pool("dc-a"), a_pool("dc-b", zone="b", usd_per_node_hour=2.0), a_pool("dc-c"), CRITICAL
    )
    found = asked(fleet, Spread(without_cluster=0.0, without_zone=0.4, usd_per_gpu_hour=DEAR))
    assert pods_of(found)["search", "dc-b"] >= 4


def test_the_loss_of_a_pool_is_outlived_in_another_pool_of_the_same_zone() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc-b", usd_per_node_hour=2.0), CRITICAL)
    found = asked(fleet, Spread(without_cluster=0.0, without_pool=0.4, usd_per_gpu_hour=DEAR))
    assert pods_of(found)["search", "dc-b"] >= 4


def test_zones_of_the_same_name_in_two_clusters_are_two_zones() -> None:
    found = asked(
        two_clusters(), Spread(without_cluster=0.0, without_zone=0.3, usd_per_gpu_hour=DEAR)
    )
    assert pods_of(found)["search", "cloud-a"] >= 3


def test_what_would_lack_is_on_the_bill_by_the_gpu() -> None:
    """Three GPUs would lack in the cloud; a node there costs 50 USD, so that paying is cheaper."""
    fleet = a_fleet(a_pool("dc-a"), a_pool("cloud-a", "cloud", usd_per_node_hour=50.0), CRITICAL)
    found = asked(fleet, Spread(usd_per_gpu_hour=10.0))
    assert {pool for _, pool in pods_of(found)} == {"dc-a"}
    assert bill_of(found)["spread"] == pytest.approx(30.0)


def test_a_place_with_one_name_is_not_charged_twice() -> None:
    """Each cluster is one zone and one pool: the largest share is what lacks."""
    fleet = a_fleet(a_pool("dc-a"), CRITICAL)
    all_kinds = Spread(
        without_cluster=0.3, without_zone=0.4, without_pool=0.5, usd_per_gpu_hour=10.0
    )
    assert bill_of(asked(fleet, all_kinds))["spread"] == pytest.approx(50.0)


def test_a_service_that_cannot_leave_is_served_and_its_risk_charged() -> None:
    secret = a_service(
        priority=Priority.CRITICAL, data_class=DataClass("private"), clusters=("dc",)
    )
    fleet = a_fleet(a_pool("dc-a"), a_pool("cloud-a", "cloud"), secret)
    found = asked(fleet, Spread(usd_per_gpu_hour=10.0))
    assert missing_of(found) == {}
    assert bill_of(found)["spread"] == pytest.approx(30.0)


def test_the_binding_rule_names_service_share_and_place() -> None:
    words = [line.words for line in asked(two_clusters(), Spread(usd_per_gpu_hour=DEAR)).binding]
    assert "search keeps 30% without dc" in words


def test_work_of_lesser_priority_stays_together() -> None:
    fleet = a_fleet(
        a_pool("dc-a"),
        a_pool("cloud-a", "cloud", usd_per_node_hour=5.0),
        a_service(priority=Priority.HIGH),
    )
    assert set(nodes_of(asked(fleet, Spread(usd_per_gpu_hour=DEAR)))) == {"dc-a"}
    for_all = Spread(from_priority=Priority.HIGH, usd_per_gpu_hour=DEAR)
    assert set(nodes_of(asked(fleet, for_all))) == {"dc-a", "cloud-a"}


def test_a_service_without_load_is_asked_for_nothing() -> None:
    assert nodes_of(asked(two_clusters(), Spread(usd_per_gpu_hour=DEAR), rps=0.0)) == {}


def test_a_site_that_is_not_seen_counts_with_what_it_holds() -> None:
    found = asked(
        two_clusters(),
        Spread(usd_per_gpu_hour=DEAR),
        nodes={"cloud-a": 1},
        pods={("search", "cloud-a"): 4},
        unseen={"cloud": "timeout"},
    )
    assert nodes_of(found)["cloud-a"] == 1
    assert bill_of(found).get("spread", 0.0) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", ["without_cluster", "without_zone", "without_pool"])
def test_a_share_above_the_whole_load_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Spread(**{name: 1.1})  # type: ignore[arg-type]


@settings(max_examples=50)
@given(
    share=st.sampled_from([0.2, 0.5, 0.8, 1.0]),
    rps=st.floats(1.0, 2000.0),
    prices=st.lists(st.sampled_from([0.5, 1.0, 3.0, 40.0]), min_size=4, max_size=4),
    most=st.lists(st.integers(0, 4), min_size=4, max_size=4),
)
def test_without_any_one_zone_the_share_is_carried_or_charged(
    share: float, rps: float, prices: list[float], most: list[int]
) -> None:
    places = [("dc", "a"), ("dc", "b"), ("cloud", "a"), ("cloud", "b")]
    fleet = a_fleet(
        CRITICAL,
        *(
            a_pool(f"{at}-{zone}", at, zone=zone, usd_per_node_hour=usd, max_nodes=nodes)
            for (at, zone), usd, nodes in zip(places, prices, most, strict=True)
        ),
    )
    found = asked(
        fleet, Spread(without_cluster=0.0, without_zone=share, usd_per_gpu_hour=10.0), rps=rps
    )
    lacking = sum(
        max(0.0, share * rps - left(found, f"{at}-{zone}"))
        for (at, zone), nodes in zip(places, most, strict=True)
        if nodes
    )
    assert bill_of(found).get("spread", 0.0) == pytest.approx(
        10.0 * lacking / PER_REPLICA, abs=1e-4
    )
