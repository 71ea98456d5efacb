"""Spot risk: not too much of a service can be taken away at once, and what is due is not risked."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cost import Cost
from policies.response_time import ResponseTime
from policies.spot_risk import Caps, SpotRisk
from scheduler.domain.names import Instant
from scheduler.domain.places import Contract, NodePool, Resources
from scheduler.domain.plan import Plan
from scheduler.domain.workloads import Priority, TrainingJob
from tests.model.worlds import (
    MUST_RUN,
    NOW,
    PER_REPLICA,
    a_fleet,
    a_job,
    a_pool,
    a_service,
    bill_of,
    missing_of,
    nodes_of,
    pods_of,
)
from tests.policies.asking import plan

ONE_GPU = Resources(gpus=1, cpu=16, memory_gib=64, pods=110)
EIGHT_REPLICAS = {"search": 8 * PER_REPLICA}
DUE = Instant(NOW + 3600.0)


def on_demand(usd: float = 1.0, most: int = 40) -> NodePool:
    """Nodes of one GPU: four times the price of spot."""
    return a_pool("on-demand", "cloud", per_node=ONE_GPU, usd_per_node_hour=usd, max_nodes=most)


def a_spot_pool(name: str = "spot-a", zone: str = "a", **changes: Any) -> NodePool:
    """Nodes of one GPU for 25 cents."""
    usual: dict[str, Any] = {"per_node": ONE_GPU, "usd_per_node_hour": 0.25, "max_nodes": 40}
    return a_pool(name, "cloud", zone=zone, contract=Contract.SPOT, **usual | changes)


TWO_ZONES = a_fleet(on_demand(), a_spot_pool(), a_spot_pool("spot-b", "b"), a_service())


def served(*risk: SpotRisk, pools: tuple[NodePool, ...] = (), **world: Any) -> Plan:
    """Where eight replicas go, on demand, on spot nodes of two zones or on the pools given."""
    fleet = a_fleet(*pools, a_service()) if pools else TWO_ZONES
    return plan(fleet, EIGHT_REPLICAS, Cost(), ResponseTime(safety=1.0), *risk, **world)


def on_spot(found: Plan) -> int:
    return sum(pods for (_, pool), pods in pods_of(found).items() if pool.startswith("spot"))


def test_without_the_policy_all_of_it_is_on_the_cheapest_spot_pool() -> None:
    assert on_spot(served()) == 8


@pytest.mark.parametrize(("share", "most"), [(1.0, 8), (0.5, 4), (0.25, 2), (0.0, 0)])
def test_at_most_the_share_of_a_service_is_on_spot(share: float, most: int) -> None:
    assert on_spot(served(SpotRisk(share=share))) == most


def test_a_share_that_costs_more_than_its_price_is_broken_and_charged() -> None:
    """Half of eight replicas on demand cost 3 USD/h more; beyond the half, four GPUs are fined."""
    found = served(SpotRisk(share=0.5, usd_per_gpu_hour=0.5))
    assert on_spot(found) == 8
    assert bill_of(found)["spot-risk"] == pytest.approx(4 * 0.5)


def test_a_hard_share_leaves_work_undone_rather_than_risk_it() -> None:
    pools = (on_demand(most=0), a_spot_pool())
    assert on_spot(served(SpotRisk(share=0.5), pools=pools)) == 8
    found = served(SpotRisk(share=0.5, caps=Caps.HARD), pools=pools)
    # Four on spot are half of what is needed; the other half has no place.
    assert on_spot(found) == 4
    assert missing_of(found) == {"search": pytest.approx(4 * PER_REPLICA)}


def test_a_share_to_be_mended_is_not_broken_from_a_fresh_start() -> None:
    pools = (on_demand(100.0), a_spot_pool())
    assert on_spot(served(SpotRisk(), pools=pools)) == 8
    assert on_spot(served(SpotRisk(caps=Caps.MEND), pools=pools)) == 4


def test_a_share_that_is_broken_today_gets_no_worse_and_is_mended_at_its_price() -> None:
    pools = (on_demand(10.0), a_spot_pool())
    world: dict[str, Any] = {
        "nodes": {"spot-a": 6, "on-demand": 2},
        "pods": {("search", "spot-a"): 6, ("search", "on-demand"): 2},
    }
    lazy = served(SpotRisk(caps=Caps.MEND, usd_per_gpu_hour=1.0), pools=pools, **world)
    keen = served(SpotRisk(caps=Caps.MEND, usd_per_gpu_hour=100.0), pools=pools, **world)
    assert (on_spot(lazy), on_spot(keen)) == (6, 4)
    assert bill_of(lazy)["spot-risk"] == pytest.approx(2.0)


def test_a_service_on_spot_at_a_site_that_is_not_seen_does_not_stop_a_hard_share() -> None:
    pools = (a_pool("dc-a", usd_per_node_hour=4.0), a_spot_pool())
    found = served(
        SpotRisk(share=0.25, caps=Caps.HARD),
        pools=pools,
        nodes={"spot-a": 8},
        pods={("search", "spot-a"): 8},
        unseen={"cloud": "timeout"},
    )
    assert nodes_of(found)["spot-a"] == 8


def test_at_most_a_share_is_on_the_spot_nodes_of_one_zone() -> None:
    found = pods_of(served(SpotRisk(share=1.0, share_per_zone=0.5)))
    assert found == {("search", "spot-a"): 4, ("search", "spot-b"): 4}


def test_two_spot_pools_of_one_zone_go_together() -> None:
    pools = (on_demand(), a_spot_pool(), a_spot_pool("spot-b", "a"))
    assert on_spot(served(SpotRisk(share=1.0, share_per_zone=0.5), pools=pools)) == 4


def test_a_share_of_a_zone_above_the_share_of_all_says_nothing_more() -> None:
    assert on_spot(served(SpotRisk(share=0.5, share_per_zone=0.75))) == 4


def test_the_load_survives_the_spot_nodes_of_one_zone_by_more_of_them_in_another() -> None:
    """Spot is a quarter of the price: twelve replicas there cost less than four on demand."""
    found = pods_of(served(SpotRisk(share=1.0, survive=0.75)))
    assert found == {("search", "spot-a"): 6, ("search", "spot-b"): 6}


def test_nodes_on_demand_in_the_same_zone_outlive_its_spot_nodes() -> None:
    pools = (on_demand(), a_spot_pool())
    found = served(SpotRisk(share=1.0, survive=0.5), pools=pools)
    assert pods_of(found) == {("search", "on-demand"): 4, ("search", "spot-a"): 4}


def test_what_would_not_survive_is_charged_by_the_gpu() -> None:
    pools = (on_demand(most=0), a_spot_pool())
    found = served(SpotRisk(share=1.0, survive=0.5, usd_per_gpu_hour=3.0), pools=pools)
    assert bill_of(found)["spot-risk"] == pytest.approx(4 * 3.0)


def test_the_rules_say_what_they_ask_for() -> None:
    words = {
        line.words
        for line in (
            *served(SpotRisk(usd_per_gpu_hour=1.0)).binding,
            *served(SpotRisk(share=1.0, share_per_zone=0.4)).binding,
            *served(SpotRisk(share=1.0, survive=0.9)).binding,
        )
    }
    assert "at most 50% of search is on spot" in words
    assert "at most 40% of search is on spot in zone a of cloud" in words
    assert "search keeps 90% without spot in zone b of cloud" in words


def test_services_that_may_not_run_on_spot_have_no_rows() -> None:
    fleet = a_fleet(on_demand(), a_spot_pool(), a_service(spot=False))
    found = plan(fleet, EIGHT_REPLICAS, Cost(), ResponseTime(), SpotRisk(survive=1.0))
    assert bill_of(found).get("spot-risk", 0.0) == 0.0


def trained(job: TrainingJob, *risk: SpotRisk, must_run: bool = True, **world: Any) -> set[str]:
    """Where a gang goes; its spot node is interrupted once in 20 hours."""
    fleet = a_fleet(
        a_pool("on-demand", "cloud", usd_per_node_hour=4.0),
        a_pool("spot-a", "cloud", contract=Contract.SPOT, interruptions_per_hour=0.05),
        job,
    )
    jobs = {"train": MUST_RUN} if must_run else None
    return {pool for _, pool in pods_of(plan(fleet, None, Cost(), *risk, jobs=jobs, **world))}


def test_a_gang_that_cannot_wait_stays_off_spot_for_the_price_of_its_deadline() -> None:
    """On demand costs 3 USD/h more; an interruption in 20 hours costs 1/20 of the deadline."""
    due = a_job(deadline=DUE)
    assert trained(due) == {"spot-a"}
    assert trained(due, SpotRisk(usd_per_missed_deadline=500.0)) == {"on-demand"}
    assert trained(due, SpotRisk(usd_per_missed_deadline=10.0)) == {"spot-a"}


def test_a_gang_that_can_wait_may_use_spot() -> None:
    assert trained(a_job(deadline=DUE), SpotRisk(caps=Caps.HARD), must_run=False) == {"spot-a"}


def test_a_gang_without_a_deadline_has_none_to_miss() -> None:
    critical = a_job(priority=Priority.CRITICAL)
    assert trained(critical, SpotRisk(caps=Caps.HARD), must_run=False) == {"spot-a"}


def test_hard_keeps_a_gang_that_cannot_wait_off_spot_at_any_price() -> None:
    free = SpotRisk(usd_per_missed_deadline=0.0)
    strict = SpotRisk(usd_per_missed_deadline=0.0, caps=Caps.HARD)
    assert trained(a_job(deadline=DUE), free) == {"spot-a"}
    assert trained(a_job(deadline=DUE), strict) == {"on-demand"}


def test_a_gang_to_be_mended_may_end_where_it_runs() -> None:
    running: dict[str, Any] = {"nodes": {"spot-a": 1}, "pods": {("train", "spot-a"): 4}}
    mend = SpotRisk(usd_per_missed_deadline=0.0, caps=Caps.MEND)
    assert trained(a_job(deadline=DUE), mend, **running) == {"spot-a"}
    assert trained(a_job(deadline=DUE), mend) == {"on-demand"}


@pytest.mark.parametrize("name", ["share", "share_per_zone", "survive"])
def test_a_share_above_the_whole_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        SpotRisk(**{name: 1.5})  # type: ignore[arg-type]


@settings(max_examples=50)
@given(
    survive=st.sampled_from([0.3, 0.6, 1.0]),
    share=st.sampled_from([0.0, 0.4, 1.0]),
    caps=st.sampled_from(list(Caps)),
    rps=st.floats(1.0, 2000.0),
    usd=st.lists(st.sampled_from([0.5, 1.0, 3.0, 40.0]), min_size=3, max_size=3),
    most=st.lists(st.integers(0, 20), min_size=3, max_size=3),
)
def test_every_world_has_a_plan_that_keeps_its_shares_or_is_charged_for_them(
    survive: float, share: float, caps: Caps, rps: float, usd: list[float], most: list[int]
) -> None:
    pools = (
        on_demand(usd[0], most[0]),
        a_spot_pool("spot-a", "a", usd_per_node_hour=usd[1], max_nodes=most[1]),
        a_spot_pool("spot-b", "b", usd_per_node_hour=usd[2], max_nodes=most[2]),
    )
    risk = SpotRisk(share=share, survive=survive, caps=caps)
    fleet = a_fleet(*pools, a_service())
    found = plan(fleet, {"search": rps}, Cost(), ResponseTime(), risk)
    pods = [pods_of(found).get(("search", pool.name), 0) for pool in pools]
    total, needed = sum(pods), rps / PER_REPLICA
    missing = missing_of(found).get("search", 0.0) / PER_REPLICA
    spot = [
        (count, pool) for count, pool in zip(pods[1:], pools[1:], strict=True) if pool.max_nodes
    ]
    beyond = max(0.0, sum(count for count, _ in spot) - share * (total + missing))
    lacking = sum(max(0.0, survive * needed - (total - count)) for count, _ in spot)
    if caps is not Caps.PRICED:
        assert beyond == pytest.approx(0.0, abs=1e-4)
    charged = bill_of(found).get("spot-risk", 0.0)
    assert charged == pytest.approx(10.0 * (beyond + lacking), abs=1e-3)
