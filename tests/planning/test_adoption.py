"""Adoption: the running placement stays unless another saves more than the change costs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cost import Cost
from policies.residency import Residency
from policies.response_time import ResponseTime
from policies.stability import Stability
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import DataClass
from scheduler.domain.places import Contract
from scheduler.domain.plan import Adoption, Plan, Ruling
from scheduler.domain.workloads import Priority
from scheduler.model.policy import Policy
from scheduler.planning.decide import decide
from tests.model.worlds import (
    EXACT,
    HABIT,
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

ALL: tuple[Policy, ...] = (Cost(), ResponseTime(), Residency(), Stability())
ON_A: dict[str, Any] = {"nodes": {"dc-a": 1}, "pods": {("search", "dc-a"): 2}}
MOVE_USD = 120 / 3600 + 2 * (30 / 3600 / 4 + 0.25 + 0.25)
"""A node of one dollar boots; two pods start on a quarter of it each, and two stop."""


def two_pools(dear: float, **changes: Any) -> Fleet:
    service = a_service(start_s=30.0, **changes)
    return a_fleet(a_pool("dc-a", usd_per_node_hour=dear), a_pool("dc-b"), service)


def decided(dear: float, *policies: Policy, **world: Any) -> tuple[Plan, Adoption]:
    found = plan(two_pools(dear), {"search": 100.0}, *(policies or ALL), **(world or ON_A))
    assert found.adoption is not None
    assert found.proof.kept == (found.adoption.ruling is Ruling.KEPT)
    return found, found.adoption


def test_a_change_is_adopted_for_more_than_its_price_and_says_what_it_saves() -> None:
    found, adoption = decided(2.2)
    assert nodes_of(found) == {"dc-b": 1}
    assert adoption.ruling is Ruling.ADOPTED
    assert adoption.saves_usd_per_hour == pytest.approx(1.2)
    assert adoption.price_usd == pytest.approx(MOVE_USD, abs=1e-6)
    assert adoption.horizon_hours == 1.0
    assert adoption.pays_back_minutes == pytest.approx(60.0 * MOVE_USD / 1.2, abs=1e-3)


def test_for_less_than_its_price_doing_nothing_is_proven() -> None:
    found, adoption = decided(2.0)
    assert nodes_of(found) == {"dc-a": 1}
    assert adoption == Adoption(
        ruling=Ruling.KEPT, horizon_hours=1.0, at_most_usd_per_hour=pytest.approx(0.0, abs=1e-6)
    )


def test_over_a_longer_horizon_the_same_price_is_paid_back_by_a_smaller_saving() -> None:
    found, adoption = decided(2.0, Cost(), ResponseTime(), Stability(horizon_hours=4.0))
    assert nodes_of(found) == {"dc-b": 1}
    assert adoption.price_usd == pytest.approx(MOVE_USD, abs=1e-6)
    assert adoption.horizon_hours == 4.0


def test_what_is_kept_says_how_much_the_bound_leaves_open() -> None:
    world: dict[str, Any] = {"settings": HABIT, **ON_A}
    found, adoption = decided(1.001, Cost(), ResponseTime(), **world)
    assert adoption.ruling is Ruling.KEPT
    assert adoption.at_most_usd_per_hour == pytest.approx(
        found.proof.objective - found.proof.bound, abs=1e-6
    )
    assert 0.0 < (adoption.at_most_usd_per_hour or 0.0) <= 0.01 * found.proof.objective


def test_the_first_plan_has_nothing_to_compare_with() -> None:
    _, adoption = decided(1.0, nodes={})
    assert (adoption.ruling, adoption.saves_usd_per_hour) == (Ruling.FIRST, None)
    assert adoption.price_usd == pytest.approx(120 / 3600 + 2 * (30 / 3600 / 4 + 0.25), abs=1e-6)


def test_where_no_policy_prices_changes_there_is_no_horizon() -> None:
    _, adoption = decided(2.0, Cost(), ResponseTime())
    assert (adoption.ruling, adoption.horizon_hours, adoption.price_usd) == (
        Ruling.ADOPTED,
        0.0,
        0.0,
    )
    assert adoption.saves_usd_per_hour == pytest.approx(1.0)


class TestForced:
    """The running placement may not stay: which rule it breaks, in words."""

    @staticmethod
    def because(fleet: Fleet, **world: Any) -> str:
        rps = {name: 100.0 for name in map(str, fleet.services)}
        adoption = plan(fleet, rps, *ALL, **world).adoption
        assert adoption is not None
        assert adoption.ruling is Ruling.FORCED
        return adoption.because

    def test_more_nodes_than_declared(self) -> None:
        fleet = a_fleet(a_pool("dc-a", max_nodes=1), a_service())
        words = self.because(fleet, nodes={"dc-a": 3})
        assert words == "dc-a has more nodes (3) than it may (1)"

    def test_fewer_nodes_than_declared(self) -> None:
        fleet = a_fleet(a_pool("dc-a", min_nodes=2, contract=Contract.OWNED), a_service())
        words = self.because(fleet, **ON_A)
        assert words == "dc-a has fewer nodes (1) than it must (2)"

    def test_more_replicas_than_declared(self) -> None:
        fleet = a_fleet(a_pool("dc-a"), a_service(max_replicas=2))
        pods = {("search", "dc-a"): 3}
        words = self.because(fleet, nodes={"dc-a": 1}, pods=pods)
        assert words == "search@dc-a has more units (3) than are of use (2)"

    def test_a_gang_in_parts(self) -> None:
        fleet = a_fleet(a_pool("dc-a"), a_job())
        words = self.because(fleet, nodes={"dc-a": 1}, pods={("train", "dc-a"): 3})
        assert words == "train@dc-a runs with a part of its gang"

    def test_pods_without_nodes(self) -> None:
        fleet = a_fleet(a_pool("dc-a"), a_service())
        words = self.because(fleet, pods={("search", "dc-a"): 2})
        assert words == 'against the rule "pool dc-a holds no more than fits its nodes"'

    def test_urgent_load_that_could_be_carried(self) -> None:
        fleet = a_fleet(a_pool("dc-a"), a_service(priority=Priority.CRITICAL))
        words = self.because(fleet, nodes={"dc-a": 1}, pods={("search", "dc-a"): 1})
        assert words == "urgent work waits that could run"

    def test_data_where_it_may_not_be(self) -> None:
        fleet = a_fleet(a_pool("c", "cloud"), a_pool("dc-a"), a_service(data_class=PRIVATE))
        words = self.because(fleet, nodes={"c": 1}, pods={("search", "c"): 2})
        assert words.startswith("search may not be on c: private")

    def test_work_that_is_no_longer_declared(self) -> None:
        fleet = a_fleet(a_pool("dc-a"))
        words = self.because(fleet, nodes={"dc-a": 1}, pods={("old", "dc-a"): 1})
        assert words == "old is no longer declared"


PRIVATE = DataClass("private")


@given(dear=st.sampled_from((0.9, 1.3, 1.9, 2.04, 2.1, 3.0, 9.0)), hours=st.sampled_from((0.5, 2)))
def test_what_is_adopted_saves_more_than_the_change_costs_within_the_horizon(
    dear: float, hours: float
) -> None:
    found, adoption = decided(dear, Cost(), ResponseTime(), Stability(horizon_hours=hours))
    worth = (dear - 1.0) - MOVE_USD / hours
    assert (adoption.ruling is Ruling.ADOPTED) == (worth > 0.0)
    if adoption.ruling is Ruling.ADOPTED:
        assert adoption.pays_back_minutes is not None
        assert adoption.pays_back_minutes < 60.0 * hours
        assert bill_of(found)["stability"] * hours == pytest.approx(adoption.price_usd, abs=1e-5)
    else:
        assert pods_of(found) == ON_A["pods"]


def test_the_price_of_the_change_is_a_part_of_the_bill_that_every_row_of_x_adds_to() -> None:
    fleet = two_pools(2.0)
    problem, _ = ask(a_snapshot(fleet, **ON_A), a_demand(fleet, {"search": 100.0}), ALL)
    assert [part.horizon_hours for part in problem.changes] == [1.0]
    assert (problem.changes[0].usd_per_hour <= problem.cost + 1e-12).all()


def test_where_nothing_is_left_to_decide_what_runs_is_kept_and_breaks_no_rule() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_job("rank"))
    demand = a_demand(fleet, {}, jobs={"rank": NOT_WANTED})
    found = decide(a_snapshot(fleet), demand, (Cost(),), EXACT)
    assert found.adoption is not None
    assert (found.adoption.ruling, found.adoption.because) == (Ruling.KEPT, "")
