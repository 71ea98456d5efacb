"""Stability: nothing moves for pennies, and everything for dollars."""

from typing import Any

import pytest

from policies.cost import Cost
from policies.response_time import ResponseTime
from policies.stability import Stability
from tests.model.worlds import (
    NOT_WANTED,
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

SERVING: dict[str, Any] = {"nodes": {"dc-a": 1}, "pods": {("search", "dc-a"): 2}}
TRAINING: dict[str, Any] = {"nodes": {"dc-a": 1}, "pods": {("train", "dc-a"): 4}}


def serves_on(other_usd: float, *stability: Stability) -> set[str]:
    """Where two replicas go that run on a pool of one dollar."""
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc-b", usd_per_node_hour=other_usd), a_service())
    found = plan(fleet, {"search": 100.0}, Cost(), ResponseTime(), *stability, **SERVING)
    return {pool for _, pool in pods_of(found)}


def trains_on(other_usd: float, *stability: Stability) -> set[str]:
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc-b", usd_per_node_hour=other_usd), a_job())
    return {pool for _, pool in pods_of(plan(fleet, None, Cost(), *stability, **TRAINING))}


def test_nothing_moves_for_pennies() -> None:
    assert serves_on(0.95) == {"dc-b"}
    assert serves_on(0.95, Stability()) == {"dc-a"}
    assert trains_on(0.95) == {"dc-b"}
    assert trains_on(0.95, Stability()) == {"dc-a"}


def test_everything_moves_for_dollars() -> None:
    dear = a_pool("dc-a", usd_per_node_hour=20.0)
    fleet = a_fleet(dear, a_pool("dc-b", usd_per_node_hour=1.0), a_service())
    found = plan(fleet, {"search": 100.0}, Cost(), ResponseTime(), Stability(), **SERVING)
    assert {pool for _, pool in pods_of(found)} == {"dc-b"}
    fleet = a_fleet(
        a_pool("dc-a", usd_per_node_hour=40.0), a_pool("dc-b"), a_job(wait_usd_per_hour=50.0)
    )
    assert {pool for _, pool in pods_of(plan(fleet, None, Cost(), Stability(), **TRAINING))} == {
        "dc-b"
    }


def test_a_longer_stay_makes_a_smaller_saving_worth_it() -> None:
    assert serves_on(0.5, Stability(horizon_hours=0.5)) == {"dc-a"}
    assert serves_on(0.5, Stability(horizon_hours=24.0)) == {"dc-b"}


def test_the_price_of_moving_can_be_scaled() -> None:
    assert serves_on(0.5, Stability(move_price=10.0)) == {"dc-a"}
    assert serves_on(0.5, Stability(move_price=0.01)) == {"dc-b"}


def test_a_plan_that_changes_nothing_pays_nothing() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service())
    found = plan(fleet, {"search": 100.0}, Cost(), ResponseTime(), Stability(), **SERVING)
    assert bill_of(found)["stability"] == pytest.approx(0.0, abs=1e-9)


def test_a_start_costs_the_boot_of_its_node_and_its_own_time() -> None:
    """120 s of a node at 1 USD/h, 30 s of a quarter of one, and 0.25 USD for the pod."""
    fleet = a_fleet(a_pool("dc-a"), a_service(start_s=30.0))
    bill = bill_of(plan(fleet, {"search": 60.0}, Cost(), ResponseTime(), Stability()))
    assert bill["stability"] == pytest.approx(120 / 3600 + 30 / 3600 / 4 + 0.25)


def test_growth_beyond_what_runs_costs_as_much_as_a_first_start() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service(start_s=30.0))
    found = plan(fleet, {"search": 330.0}, Cost(), ResponseTime(), Stability(), **SERVING)
    assert pods_of(found) == {("search", "dc-a"): 5}
    each = 30 / 3600 / 4 + 0.25
    assert bill_of(found)["stability"] == pytest.approx(120 / 3600 + 3 * each)


def test_a_job_that_is_done_stops_at_no_price() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_job())
    found = plan(fleet, None, Cost(), Stability(), jobs={"train": NOT_WANTED}, **TRAINING)
    assert nodes_of(found) == {}
    assert bill_of(found)["stability"] == pytest.approx(0.0, abs=1e-9)


def test_stopping_a_wanted_job_loses_half_a_checkpoint_and_its_restart() -> None:
    job = a_job(wait_usd_per_hour=50.0, checkpoint_s=3600.0, restart_s=1800.0)
    fleet = a_fleet(a_pool("dc-a", usd_per_node_hour=200.0), job)
    found = plan(fleet, None, Cost(), Stability(usd_per_pod=0.0), **TRAINING)
    assert pods_of(found) == {}
    assert bill_of(found)["stability"] == pytest.approx(50.0)


def test_the_part_of_the_bill_that_prices_the_change_is_all_of_it() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service())
    problem, _ = ask(a_snapshot(fleet), a_demand(fleet, {"search": 60.0}), (Stability(),))
    (change,) = problem.changes
    assert change.horizon_hours == 1.0
    assert change.usd_per_hour.tolist() == problem.bills[Stability.name][0].tolist()
