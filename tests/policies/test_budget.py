"""Budget: never more than the cap; over it already, never more, and mended first."""

from typing import Any

import pytest

from policies.budget import Budget
from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.domain.places import Contract
from scheduler.domain.plan import Plan
from scheduler.domain.workloads import Priority
from tests.model.worlds import a_fleet, a_pool, a_service, missing_of, nodes_of, pods_of
from tests.policies.asking import plan

SERVICE = a_service(late_usd_per_hour=1e6)
FLEET = a_fleet(a_pool("cloud-a", "cloud", usd_per_node_hour=2.0), SERVICE)
FOUR_NODES = {"search": 16 * 67.5}


def bought(cap: float, *, running: int = 0, usd: float = 2.0) -> Plan:
    """What is bought where four nodes are wanted."""
    world: dict[str, Any] = {
        "nodes": {"cloud-a": running},
        "pods": {("search", "cloud-a"): running * 4},
    }
    prices = {"cloud-a": usd}
    policies = (Cost(), ResponseTime(), Budget(usd_per_hour=cap))
    return plan(FLEET, FOUR_NODES, *policies, prices=prices, **world)


def test_a_cap_above_the_need_changes_nothing() -> None:
    assert nodes_of(bought(8.0)) == {"cloud-a": 4}


def test_nodes_are_bought_up_to_the_cap() -> None:
    found = bought(7.9)
    assert nodes_of(found) == {"cloud-a": 3}
    assert missing_of(found) == {"search": pytest.approx(4 * 67.5)}


def test_what_is_missing_names_the_cap() -> None:
    line = bought(7.9).missing[0]
    assert line.because == "the budget binds: rented nodes cost at most 7.9 USD/h"
    assert line.remedy == "raise usdPerHour of the budget"


def test_not_even_urgent_work_breaks_the_cap() -> None:
    fleet = a_fleet(
        a_pool("cloud-a", "cloud"), a_service(priority=Priority.CRITICAL, late_usd_per_hour=1e9)
    )
    found = plan(fleet, FOUR_NODES, Cost(), ResponseTime(), Budget(usd_per_hour=2.0))
    assert nodes_of(found) == {"cloud-a": 2}


def test_over_the_cap_already_the_plan_is_never_worse() -> None:
    """Late work is worth more than the fine: what runs stays, and no node is added."""
    assert nodes_of(bought(2.0, running=3)) == {"cloud-a": 3}


def test_over_the_cap_already_what_is_worth_less_than_the_fine_goes() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_service(late_usd_per_hour=100.0))
    world: dict[str, Any] = {"nodes": {"cloud-a": 4}, "pods": {("search", "cloud-a"): 16}}
    policies = (Cost(), ResponseTime(), Budget(usd_per_hour=2.0))
    assert nodes_of(plan(fleet, FOUR_NODES, *policies, **world)) == {"cloud-a": 2}


def test_a_price_that_rises_over_the_cap_does_not_stop_the_plan() -> None:
    assert nodes_of(bought(8.0, running=4, usd=3.0)) == {"cloud-a": 4}


def test_minima_that_cost_more_than_the_cap_are_kept_and_nothing_more() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud", min_nodes=3), SERVICE)
    found = plan(fleet, FOUR_NODES, Cost(), ResponseTime(), Budget(usd_per_hour=2.0))
    assert nodes_of(found) == {"cloud-a": 3}


def test_owned_nodes_count_only_if_asked_for() -> None:
    fleet = a_fleet(a_pool("dc-a", contract=Contract.OWNED), SERVICE)
    rented_only = plan(fleet, FOUR_NODES, Cost(), ResponseTime(), Budget(usd_per_hour=2.0))
    all_nodes = Budget(usd_per_hour=2.0, owned_too=True)
    assert nodes_of(rented_only) == {"dc-a": 4}
    assert nodes_of(plan(fleet, FOUR_NODES, Cost(), ResponseTime(), all_nodes)) == {"dc-a": 2}


def test_under_a_cap_the_cheaper_pool_carries_more() -> None:
    fleet = a_fleet(
        a_pool("cloud-a", "cloud", usd_per_node_hour=2.0),
        a_pool("cloud-b", "cloud", usd_per_node_hour=1.0, max_nodes=2),
        SERVICE,
    )
    found = plan(fleet, FOUR_NODES, Cost(), ResponseTime(), Budget(usd_per_hour=4.0))
    assert nodes_of(found) == {"cloud-a": 1, "cloud-b": 2}
    assert sum(pods_of(found).values()) == 12
