"""Decide: one plan for everything known, with its reasons, in worlds as small as the sentence."""

from typing import Any

import pytest

from policies.budget import Budget
from policies.cost import Cost
from policies.data_gravity import DataGravity
from policies.residency import Residency
from policies.response_time import ResponseTime
from policies.stability import Stability
from scheduler.domain.names import DataClass, Instant, PoolName, Region
from scheduler.domain.places import Contract, Resources
from scheduler.domain.plan import Plan
from scheduler.domain.readings import Freshness
from scheduler.domain.snapshot import Memory, NodePhase, SoldOut
from scheduler.domain.workloads import Priority, Spread
from scheduler.planning.diff import diff
from tests.model.worlds import (
    A10G,
    HABIT,
    NOT_WANTED,
    NOW,
    a_fleet,
    a_job,
    a_link,
    a_node,
    a_pool,
    a_service,
    a_snapshot,
    load,
    missing_of,
    nodes_of,
    pods_of,
)
from tests.policies.asking import plan

TRIO = (Residency(), Cost(), ResponseTime())
SOLD_OUT = Memory(sold_out={PoolName("cloud-a"): SoldOut(until=Instant(NOW + 60.0), strikes=1)})


def shares_of(found: Plan) -> dict[str, float]:
    return {line.pool: line.share_after for line in found.placements if line.after}


# -- whole pods, gangs


@pytest.mark.parametrize("cap", [None, 2.5])
def test_pods_that_fit_in_sum_but_not_on_whole_nodes_get_a_node_more_or_wait(
    cap: float | None,
) -> None:
    """Halves, thirds, quarters and fifths: 1.98 nodes in sum, three to be packed on."""
    sixty = Resources(gpus=60, cpu=999, memory_gib=999, pods=99)
    sizes = (("a", 30, 1), ("b", 20, 1), ("c", 15, 3), ("d", 12, 2))
    fleet = a_fleet(
        a_pool("dc-a", per_node=sixty),
        *(a_job(name, per_pod=Resources(gpus=gpus), workers=n) for name, gpus, n in sizes),
    )
    found = plan(fleet, None, *TRIO, *([Budget(usd_per_hour=cap)] if cap else []))
    assert nodes_of(found) == {"dc-a": 3 if cap is None else 2}
    assert len(found.missing) == (0 if cap is None else 1)
    assert found.proof.bound <= found.proof.objective


def test_a_pod_that_takes_more_than_half_a_node_takes_a_node() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service(per_pod=Resources(gpus=3)))
    assert nodes_of(plan(fleet, {"search": 200.0}, *TRIO)) == {"dc-a": 3}


def test_the_scarcest_resource_decides_how_many_nodes() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service(per_pod=Resources(gpus=1, memory_gib=100)))
    assert nodes_of(plan(fleet, {"search": 4 * 67.5}, *TRIO)) == {"dc-a": 2}


def test_a_gang_that_may_spread_uses_several_pools_of_one_cluster() -> None:
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1),
        a_pool("dc-b", max_nodes=1),
        a_pool("cloud-a", "cloud", max_nodes=1),
        a_job("wide", workers=8, spread=Spread.CLUSTER),
    )
    assert pods_of(plan(fleet, None, *TRIO)) == {("wide", "dc-a"): 4, ("wide", "dc-b"): 4}


def test_a_gang_that_may_not_spread_waits() -> None:
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1), a_pool("dc-b", max_nodes=1), a_job("wide", workers=8)
    )
    found = plan(fleet, None, *TRIO)
    assert pods_of(found) == {}
    assert found.missing[0].because == "the gang needs more nodes than the pool may have"


# -- sites that are not seen


@pytest.mark.parametrize("spread", Spread)
@pytest.mark.parametrize(
    ("ordered", "wanted"),
    [
        pytest.param(4, None, id="it runs"),
        pytest.param(2, None, id="the gang grew in the documents meanwhile"),
        pytest.param(4, NOT_WANTED, id="it was suspended meanwhile"),
    ],
)
def test_a_gang_at_a_site_that_is_not_seen_goes_on_there_whatever_is_declared(
    spread: Spread, ordered: int, wanted: Any
) -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_pool("dc-a"), a_job(spread=spread))
    found = plan(
        fleet, None, *TRIO,
        jobs={"train": wanted} if wanted else None,
        nodes={"cloud-a": 1},
        pods={("train", "cloud-a"): ordered},
        unseen={"cloud": "timeout"},
    )  # fmt: skip
    assert pods_of(found) == {("train", "cloud-a"): ordered}
    assert missing_of(found) == {}


def test_a_gang_seen_twice_goes_on_where_it_cannot_be_stopped() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_pool("dc-a"), a_job())
    pods = {("train", "cloud-a"): 4, ("train", "dc-a"): 4}
    nodes = {"cloud-a": 1, "dc-a": 1}
    found = plan(fleet, None, *TRIO, nodes=nodes, pods=pods, unseen={"cloud": "timeout"})
    assert pods_of(found) == {("train", "cloud-a"): 4}


def test_what_an_unseen_site_serves_is_not_served_twice() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_pool("dc-a"), a_service())
    world: dict[str, Any] = {"nodes": {"cloud-a": 1}, "pods": {("search", "cloud-a"): 2}}
    found = plan(fleet, {"search": 200.0}, *TRIO, **world, unseen={"cloud": "timeout"})
    assert pods_of(found) == {("search", "cloud-a"): 2, ("search", "dc-a"): 1}
    assert sum(shares_of(found).values()) == pytest.approx(1.0, abs=1e-5)


# -- signals that cannot be trusted


def test_a_stale_service_keeps_its_pods_where_they_are() -> None:
    fleet = a_fleet(a_pool("dc-a", usd_per_node_hour=9.0), a_pool("dc-b"), a_service())
    stale = {"search": load(1.0, freshness=Freshness.STALE)}
    found = plan(fleet, stale, *TRIO, nodes={"dc-a": 2}, pods={("search", "dc-a"): 7})
    assert pods_of(found) == {("search", "dc-a"): 7}
    assert found.services[0].held
    assert "held where they are: search" in found.notes


def test_a_held_service_may_still_grow() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service())
    held = {"search": load(600.0, hold=True)}
    found = plan(fleet, held, *TRIO, nodes={"dc-a": 1}, pods={("search", "dc-a"): 2})
    assert pods_of(found) == {("search", "dc-a"): 9}


def test_a_slow_service_gets_help_and_is_never_switched_off() -> None:
    """Slower than any objective: all its replicas are late, and that is no reason to take them."""
    fleet = a_fleet(a_pool("dc-a"), a_service())
    slow = {"search": load(200.0, slowdown={A10G: 4.0})}
    found = plan(fleet, slow, *TRIO, nodes={"dc-a": 1}, pods={("search", "dc-a"): 3})
    assert pods_of(found)["search", "dc-a"] > 3


# -- nodes


def test_a_doomed_node_is_replaced_before_it_is_gone() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service())
    nodes = [a_node("a", "dc-a", doomed=True), a_node("b", "dc-a", NodePhase.DRAINING)]
    found = plan(fleet, {"search": 100.0}, *TRIO, nodes=nodes, pods={("search", "dc-a"): 2})
    line = found.pools[0]
    assert (line.before, line.after) == (0, 1)


def test_a_sold_out_pool_is_planned_without() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud", usd_per_node_hour=0.5), a_pool("dc-a"), a_service())
    found = plan(fleet, {"search": 100.0}, *TRIO, memory=SOLD_OUT)
    assert nodes_of(found) == {"dc-a": 1}
    assert "sold out and planned without: cloud-a" in found.notes


def test_a_pool_without_use_keeps_its_minimum() -> None:
    found = plan(a_fleet(a_pool("dc-a", min_nodes=2)), None, *TRIO)
    assert nodes_of(found) == {"dc-a": 2}
    assert found.usd_per_hour_after == pytest.approx(2.0)


# -- what is missing, and what went to a public cloud


def test_what_waits_for_money_says_how_much() -> None:
    fleet = a_fleet(a_pool("dc-a", usd_per_node_hour=9.0), a_job(wait_usd_per_hour=5.0))
    line = plan(fleet, None, *TRIO).missing[0]
    assert (line.amount, line.wanted, line.is_job) == (1.0, 1.0, True)
    assert line.because.startswith("waiting costs 5.00 USD/h, less than running: dc-a costs 9.00")
    assert line.remedy == "dc-a would have to cost less, or waiting more (waitCost of train)"


def test_what_waits_for_room_says_where() -> None:
    fleet = a_fleet(a_pool("dc-a", max_nodes=1), a_job("a"), a_job("b"))
    line = plan(fleet, None, *TRIO).missing[0]
    assert line.because == "dc-a is full at its 1 node"
    assert line.remedy == "raise nodes.max of dc-a"


def test_what_waits_for_an_offer_says_that_it_is_sold_out() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_job())
    line = plan(fleet, None, *TRIO, memory=SOLD_OUT).missing[0]
    assert line.because == "cloud-a is sold out"


def test_what_waits_for_a_site_says_that_it_is_not_seen() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_job())
    line = plan(fleet, None, *TRIO, unseen={"cloud": "timeout"}).missing[0]
    assert line.because == "cloud-a's site is not seen"


def test_without_any_pool_the_remedy_is_to_declare_one() -> None:
    line = plan(a_fleet(a_job()), None, *TRIO).missing[0]
    assert (line.because, line.remedy) == ("no pool is declared", "declare a NodePool")


def test_what_went_outside_says_why_not_inside() -> None:
    dearer = a_pool("cloud-a", "cloud", usd_per_node_hour=1.2)
    fleet = a_fleet(a_pool("dc-a", max_nodes=1), dearer, a_service())
    found = plan(fleet, {"search": 8 * 67.5}, *TRIO)
    assert len(found.bursts) == 1
    assert found.bursts[0].pool == "cloud-a"
    assert found.bursts[0].because == "dc-a is full at its 1 node"
    assert found.bursts[0].remedy == "raise nodes.max of dc-a"


def test_what_stays_inside_needs_no_excuse() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("cloud-a", "cloud", usd_per_node_hour=2.0), a_service())
    assert plan(fleet, {"search": 100.0}, *TRIO).bursts == ()


def test_a_full_pool_says_what_one_more_node_would_save() -> None:
    """A node more carries 270 requests/s that are late otherwise, at 1,000 USD for 540."""
    fleet = a_fleet(a_pool("dc-a", max_nodes=1), a_service(late_usd_per_hour=1000.0))
    line = plan(fleet, {"search": 8 * 67.5}, *TRIO).binding[0]
    assert line.words == "dc-a has all of its 1 node"
    assert line.usd_per_hour == pytest.approx(500.0 - 1.0)


# -- traffic


def test_equal_places_share_the_traffic_by_what_they_carry() -> None:
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1), a_pool("dc-b", max_nodes=1, usd_per_node_hour=1.1), a_service()
    )
    found = plan(fleet, {"search": 7 * 67.5}, *TRIO)
    pods = {pool: count for (_, pool), count in pods_of(found).items()}
    even = {pool: count / sum(pods.values()) for pool, count in pods.items()}
    assert shares_of(found) == pytest.approx(even, abs=1e-5)


def test_dear_bytes_are_served_last() -> None:
    """Four replicas at home are filled to what they carry, the rest goes out."""
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1),
        a_pool("cloud-a", "cloud"),
        a_service(users=Region("dc-region"), traffic_kb=10.0),
        a_link("cloud", "dc-region", (float("inf"), 0.05)),
    )
    found = plan(fleet, {"search": 5 * 67.5}, *TRIO, DataGravity())
    assert shares_of(found) == pytest.approx({"dc-a": 0.8, "cloud-a": 0.2}, abs=1e-3)


def test_a_service_without_load_and_minimum_has_no_pods() -> None:
    found = plan(a_fleet(a_pool("dc-a"), a_service()), {"search": 0.0}, *TRIO)
    assert pods_of(found) == {}
    assert found.services[0].predicted_s is None
    assert found.missing == ()


# -- what is no longer declared


def test_pods_of_a_workload_that_is_no_longer_declared_go() -> None:
    fleet = a_fleet(a_pool("dc-a"))
    found = plan(fleet, None, *TRIO, nodes={"dc-a": 1}, pods={("old", "dc-a"): 2})
    line = found.placements[0]
    assert (line.workload, line.before, line.after) == ("old", 2, 0)
    assert line.because == "no longer declared"
    assert nodes_of(found) == {}


# -- steadiness


def test_the_running_plan_stays_for_a_saving_within_a_hair_and_says_so() -> None:
    fleet = a_fleet(a_pool("dc-a", usd_per_node_hour=1.001), a_pool("dc-b"), a_service())
    world: dict[str, Any] = {"nodes": {"dc-a": 1}, "pods": {("search", "dc-a"): 2}}
    found = plan(fleet, {"search": 100.0}, *TRIO, settings=HABIT, **world)
    assert found.proof.kept
    assert diff(found, a_snapshot(fleet, **world)) == ()


def test_a_jittering_load_moves_nothing() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc-b", usd_per_node_hour=0.98), a_service())
    world: dict[str, Any] = {"nodes": {"dc-a": 1}, "pods": {("search", "dc-a"): 4}}
    for rps in (230.0, 250.0, 240.0, 265.0, 205.0):
        found = plan(fleet, {"search": rps}, *TRIO, Stability(), settings=HABIT, **world)
        assert pods_of(found) == {("search", "dc-a"): 4}


# -- training and inference in one model


def test_a_peak_of_inference_takes_the_nodes_of_a_cheap_training() -> None:
    fleet = a_fleet(
        a_pool("dc-a", contract=Contract.OWNED, min_nodes=2, max_nodes=2),
        a_service(priority=Priority.HIGH),
        a_job(wait_usd_per_hour=5.0),
    )
    night = plan(fleet, {"search": 200.0}, *TRIO)
    assert pods_of(night) == {("search", "dc-a"): 3, ("train", "dc-a"): 4}
    peak = plan(fleet, {"search": 500.0}, *TRIO, nodes={"dc-a": 2}, pods=pods_of(night))
    assert pods_of(peak) == {("search", "dc-a"): 8}
    assert missing_of(peak) == {"train": 1.0}


def test_the_training_that_may_leave_makes_room_for_the_one_that_may_not() -> None:
    secret = a_job("secret", data_class=DataClass("private"), wait_usd_per_hour=20.0)
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1), a_pool("cloud-a", "cloud", usd_per_node_hour=3.0),
        secret, a_job("open", wait_usd_per_hour=500.0),
    )  # fmt: skip
    assert pods_of(plan(fleet, None, *TRIO)) == {("open", "cloud-a"): 4, ("secret", "dc-a"): 4}


def test_the_bill_is_in_the_order_of_names_and_names_every_policy() -> None:
    found = plan(a_fleet(a_pool("dc-a"), a_service()), {"search": 100.0}, *TRIO)
    assert [line.policy for line in found.bill] == ["cost", "residency", "response-time", "unmet"]
    assert found.proof.solver == "highs"


def test_an_empty_fleet_has_an_empty_plan() -> None:
    found = plan(a_fleet(), None, *TRIO)
    assert (found.pools, found.placements, found.missing) == ((), (), ())
    assert found.proof.objective == 0.0
