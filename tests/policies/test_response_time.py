"""Response time: as many replicas as the objective needs, and no option that cannot reach it."""

import pytest

from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.domain.names import Region
from scheduler.domain.plan import Plan
from scheduler.domain.workloads import LatencyCurve, Objective
from tests.model.worlds import (
    A10G,
    CURVE,
    T4,
    a_fleet,
    a_link,
    a_pool,
    a_service,
    bill_of,
    load,
    missing_of,
    pods_of,
)
from tests.policies.asking import plan

FLEET = a_fleet(a_pool("dc-a"), a_service())


def replicas(rps: float, *, slower: float = 1.0, safety: float = 0.9, running: int = 0) -> int:
    need = load(rps, slowdown={A10G: slower} if slower > 1.0 else {})
    pods = {("search", "dc-a"): running}
    policies = (ResponseTime(safety=safety), Cost())
    found = plan(FLEET, {"search": need}, *policies, nodes={"dc-a": (running + 3) // 4}, pods=pods)
    return pods_of(found).get(("search", "dc-a"), 0)


def test_replicas_follow_the_load_up_and_down() -> None:
    assert [replicas(rps) for rps in (0, 60, 68, 135, 136, 1000)] == [0, 1, 2, 2, 3, 15]
    assert replicas(500.0, running=2) == 8
    assert replicas(60.0, running=8) == 1


def test_replicas_follow_a_slow_down_up_and_down() -> None:
    assert [replicas(200.0, slower=x) for x in (1.0, 1.2, 1.5)] == [3, 4, 7]
    assert replicas(200.0, slower=1.0, running=7) == 3


def test_a_slow_down_never_takes_the_last_replica() -> None:
    assert replicas(200.0, slower=4.0, running=3) == 12


def test_less_safety_needs_fewer_replicas() -> None:
    assert [replicas(675.0, safety=x) for x in (0.5, 0.75, 0.9, 1.0)] == [18, 12, 10, 9]


def test_the_plan_promises_a_latency_within_the_objective() -> None:
    line = plan(FLEET, {"search": 600.0}, ResponseTime(), Cost()).services[0]
    assert line.predicted_s is not None
    assert line.predicted_s <= line.objective_s


def test_without_the_policy_a_replica_only_has_to_be_stable() -> None:
    assert pods_of(plan(FLEET, {"search": 160.0}, Cost())) == {("search", "dc-a"): 2}


def two_types(objective_s: float) -> Plan:
    slow = LatencyCurve(base_s=0.040, queue_s=0.030, limit_rps=900.0)
    fleet = a_fleet(
        a_pool("dc-a"),
        a_pool("dc-b", gpu_type=T4, usd_per_node_hour=0.01),
        a_service(
            curves={A10G: CURVE, T4: slow}, objective=Objective(quantile=0.99, seconds=objective_s)
        ),
    )
    return plan(fleet, {"search": 100.0}, ResponseTime(), Cost())


def test_a_cheap_gpu_that_is_too_slow_for_the_objective_is_no_option() -> None:
    assert set(pods_of(two_types(0.065))) == {("search", "dc-a")}
    assert set(pods_of(two_types(0.100))) == {("search", "dc-b")}


def test_what_is_out_of_reach_is_named_with_the_best_latency() -> None:
    unreachable = Objective(quantile=0.99, seconds=0.025)
    far = a_link("users", "cloud", rtt_s=0.004)
    fleet = a_fleet(
        a_pool("cloud-a", "cloud"),
        a_service(objective=unreachable, users=Region("users")),
        far,
    )
    found = plan(fleet, {"search": 100.0}, ResponseTime(), Cost())
    assert missing_of(found) == {"search": 100.0}
    assert found.missing[0].because == (
        "best reachable p99 is 34 ms, 4 ms of it network, the objective 25 ms (response-time)"
    )


def test_a_far_cluster_needs_more_replicas_for_the_same_objective() -> None:
    far = a_link("users", "cloud", rtt_s=0.020)
    service = a_service(users=Region("users"))
    here = plan(a_fleet(a_pool("dc-a"), service, far), {"search": 300.0}, ResponseTime(), Cost())
    there = plan(
        a_fleet(a_pool("cloud-a", "cloud"), service, far), {"search": 300.0}, ResponseTime(), Cost()
    )
    assert pods_of(here) == {("search", "dc-a"): 5}
    assert pods_of(there) == {("search", "cloud-a"): 7}


def test_load_that_costs_more_than_being_late_is_late() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service(late_usd_per_hour=0.9))
    assert missing_of(plan(fleet, {"search": 100.0}, ResponseTime(), Cost())) == {"search": 100.0}
    dearer = plan(fleet, {"search": 100.0}, ResponseTime(late_price=2.0), Cost())
    assert missing_of(dearer) == {}


def test_the_price_of_lateness_is_split_between_the_board_and_the_policy() -> None:
    fleet = a_fleet(a_service(late_usd_per_hour=10.0))
    bill = bill_of(plan(fleet, {"search": 5.0}, ResponseTime(late_price=3.0)))
    assert bill == {"response-time": pytest.approx(20.0), "unmet": pytest.approx(10.0)}


def test_never_more_replicas_than_declared() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service(max_replicas=3))
    found = plan(fleet, {"search": 500.0}, ResponseTime(), Cost())
    assert pods_of(found) == {("search", "dc-a"): 3}
    assert missing_of(found)["search"] == pytest.approx(500.0 - 3 * 67.5)


def test_never_fewer_replicas_than_declared() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service(min_replicas=3))
    assert pods_of(plan(fleet, {"search": 1.0}, ResponseTime(), Cost())) == {("search", "dc-a"): 3}
