"""Vacate: room in one place for a gang, made of scattered free GPUs, and only where it helps."""

import pytest

from scheduler.domain.actions import Grow, Vacate
from scheduler.domain.names import Instant
from scheduler.domain.snapshot import Memory, Node, NodePhase, Snapshot
from scheduler.domain.workloads import Priority
from scheduler.model.board import EMPTYING_S
from scheduler.planning.diff import diff
from tests.planning.worlds import (
    NOW,
    a_fleet,
    a_job,
    a_node,
    a_plan,
    a_pool,
    a_service,
    a_snapshot,
    pods,
)

POOL, ELSEWHERE = a_pool("home"), a_pool("away", "cloud")
FLEET = a_fleet(POOL, ELSEWHERE, a_service("ads"), a_job("train", 2, gpus=4.0))
PLAN = a_plan(FLEET, {"home": 4}, ("ads", "home", 6), ("train", "home", 2))
WAITS = pods("train", "home", 2, ready=0, pending=2)
ADS = pods("ads", "home", 6, share=1.0)


def scattered(*used: int) -> list[Node]:
    """Ready nodes of four GPUs, with so many one-GPU pods each."""
    return [a_node(f"n{number}", "home", pods=busy) for number, busy in enumerate(used)]


def world(*used: int, wait=WAITS, ads=ADS) -> Snapshot:
    return a_snapshot(FLEET, [*scattered(*used), ads, wait])


def vacated(snapshot: Snapshot, plan=PLAN) -> list[Vacate]:
    return [action for action in diff(plan, snapshot) if isinstance(action, Vacate)]


def test_the_emptiest_nodes_are_emptied_for_a_gang_that_finds_only_fragments() -> None:
    (order,) = diff(PLAN, world(2, 1, 2, 1))
    assert isinstance(order, Vacate)
    assert order.nodes == ("n1", "n3")
    assert (order.pool, order.cluster, order.workload) == ("home", "dc", "train")
    assert order.key == "vacate/home/train/n1,n3"
    assert order.why == "train needs 8 GPUs in one place: its free GPUs are scattered"


def test_an_empty_node_is_kept_empty_and_only_one_more_is_vacated() -> None:
    (order,) = vacated(world(2, 0, 3, 1))
    assert order.nodes == ("n1", "n3")


def test_a_gang_that_has_its_seats_or_waits_for_booting_nodes_needs_none() -> None:
    assert diff(PLAN, world(2, 1, 2, 1, wait=pods("train", "home", 2, ready=0))) == ()


def test_free_seats_on_nodes_that_keep_their_pods_count_less_what_moves_there() -> None:
    fleet = a_fleet(POOL, a_service("ads"), a_job("train", 4, gpus=2.0))
    plan = a_plan(fleet, {"home": 4}, ("ads", "home", 7), ("train", "home", 4))
    there = [
        *scattered(3, 0, 3, 1),
        pods("ads", "home", 7, share=1.0),
        pods("train", "home", 4, ready=0, pending=4),
    ]
    # Alone, n1 has two seats and n3 one more: not enough. With n3 empty too there are four.
    (order,) = vacated(a_snapshot(fleet, there), plan)
    assert order.nodes == ("n1", "n3")


def test_nodes_where_gangs_work_keep_them() -> None:
    busy = a_node("busy", "home", pods=1, gpus=1.0, workers=1)
    there = [busy, *scattered(1, 2, 2), ADS, WAITS]
    (order,) = vacated(a_snapshot(FLEET, there))
    assert order.nodes == ("n0", "n1")


class TestNothingIsAsked:
    """Where the room cannot be made, or something else is under way."""

    def test_where_the_pods_would_not_fit_on_the_others(self) -> None:
        ads = pods("ads", "home", 10, share=1.0)
        plan = a_plan(FLEET, {"home": 4}, ("ads", "home", 10), ("train", "home", 2))
        assert diff(plan, world(3, 2, 3, 2, ads=ads)) == ()

    def test_where_replicas_that_are_still_to_come_would_not_fit(self) -> None:
        late = pods("ads", "home", 12, ready=6, share=1.0, pending=6)
        plan = a_plan(FLEET, {"home": 4}, ("ads", "home", 12), ("train", "home", 2))
        assert vacated(world(2, 1, 2, 1, ads=late), plan) == []

    def test_where_large_replicas_find_only_small_holes(self) -> None:
        fleet = a_fleet(POOL, a_service("ads", gpus=2.0), a_job("train", 2, gpus=4.0))
        plan = a_plan(fleet, {"home": 4}, ("ads", "home", 2), ("train", "home", 2))
        holes = [a_node(f"n{n}", "home", pods=1, gpus=used) for n, used in enumerate((3, 2, 3, 2))]
        there = [*holes, pods("ads", "home", 2, share=1.0), WAITS]
        assert vacated(a_snapshot(fleet, there), plan) == []

    def test_where_a_service_is_not_declared(self) -> None:
        there = [*scattered(2, 1, 2, 1), ADS, WAITS, pods("forgotten", "home", 1)]
        assert vacated(a_snapshot(FLEET, there)) == []

    def test_for_workers_without_gpus(self) -> None:
        fleet = a_fleet(POOL, a_service("ads"), a_job("train", 2, gpus=0.0))
        assert vacated(a_snapshot(fleet, [*scattered(2, 1, 2, 1), ADS, WAITS])) == []

    @pytest.mark.parametrize(
        "other",
        [
            a_node("n9", "home", NodePhase.BOOTING),
            a_node("n9", "home", NodePhase.UNREADY, pods=1),
            a_node("n9", "home", NodePhase.DRAINING, pods=1),
            a_node("n9", "home", pods=1, doomed=True),
        ],
    )
    def test_while_a_node_of_the_pool_comes_or_goes(self, other: Node) -> None:
        plan = a_plan(FLEET, {"home": 5}, ("ads", "home", 6), ("train", "home", 2))
        there = a_snapshot(FLEET, [*scattered(2, 1, 2, 1), other, ADS, WAITS])
        assert vacated(there, PLAN) == vacated(there, plan) == []

    def test_while_nodes_of_the_pool_are_still_to_come(self) -> None:
        plan = a_plan(FLEET, {"home": 5}, ("ads", "home", 6), ("train", "home", 2))
        assert vacated(world(2, 1, 2, 1), plan) == []

    def test_while_nodes_of_the_pool_are_to_be_released(self) -> None:
        plan = a_plan(FLEET, {"home": 3}, ("ads", "home", 6), ("train", "home", 1))
        assert vacated(world(2, 1, 2, 1, wait=pods("train", "home", 1, 0, pending=1)), plan) == []

    def test_for_a_gang_that_moves_away_or_stops(self) -> None:
        there = world(2, 1, 2, 1)
        away = a_plan(FLEET, {"home": 4, "away": 2}, ("ads", "home", 6), ("train", "away", 2))
        nowhere = a_plan(FLEET, {"home": 4}, ("ads", "home", 6))
        assert vacated(there, away) == vacated(there, nowhere) == []

    def test_in_a_tick_in_which_another_gang_comes(self) -> None:
        fleet = a_fleet(POOL, a_service("ads"), a_job("train", 2, gpus=4.0), a_job("small", 1))
        plan = a_plan(
            fleet, {"home": 4}, ("ads", "home", 6), ("train", "home", 2), ("small", "home", 1)
        )
        orders = diff(plan, a_snapshot(fleet, [*scattered(2, 1, 2, 1), ADS, WAITS]))
        assert [order.key for order in orders] == ["resume/small/home/1"]

    def test_at_a_site_that_is_not_seen(self) -> None:
        there = [*scattered(2, 1, 2, 1), ADS, WAITS]
        assert diff(PLAN, a_snapshot(FLEET, there, unseen={"dc": "silent"})) == ()


class TestSeveralGangs:
    FLEET = a_fleet(
        POOL,
        a_pool("more"),
        a_service("ads"),
        a_job("early", 1, gpus=4.0, deadline=NOW + 3600),
        a_job("late", 1, gpus=4.0, deadline=NOW + 7200),
        a_job("vital", 1, gpus=4.0, priority=Priority.HIGH),
        a_job("wide", 2, gpus=4.0),
    )

    def first(self, *names: str) -> list[str]:
        lines = [(name, "home", 1) for name in names]
        plan = a_plan(self.FLEET, {"home": 4}, ("ads", "home", 6), *lines)
        waiting = [pods(name, "home", 1, ready=0, pending=1) for name in names]
        there = a_snapshot(self.FLEET, [*scattered(2, 1, 2, 1), ADS, *waiting])
        return [order.workload for order in vacated(there, plan)]

    def test_one_a_pool_the_most_important_first_then_the_earliest_deadline(self) -> None:
        assert self.first("late", "early", "vital") == ["vital"]
        assert self.first("late", "early") == ["early"]

    def test_a_gang_on_two_pools_gets_room_on_both_or_on_none(self) -> None:
        sizes = {"home": 2, "more": 2}
        wide = [pods("wide", pool, 1, ready=0, pending=1) for pool in sizes]
        lines = [("wide", pool, 1) for pool in sizes]

        def keys(*used: int) -> list[str]:
            plan = a_plan(self.FLEET, sizes, ("ads", "home", 3), ("ads", "more", sum(used)), *lines)
            there = [
                a_node("h0", "home", pods=2),
                a_node("h1", "home", pods=1),
                *(a_node(f"m{n}", "more", pods=busy) for n, busy in enumerate(used)),
                pods("ads", "home", 3, share=0.5),
                pods("ads", "more", sum(used), share=0.5),
            ]
            return [order.key for order in vacated(a_snapshot(self.FLEET, [*there, *wide]), plan)]

        assert keys(1, 3) == ["vacate/home/wide/h1", "vacate/more/wide/m0"]
        assert keys(2, 3) == []


class TestComingBack:
    """The pool still wants its nodes: a growth takes them back, but not before they are empty."""

    def tick(self, *, left: int, vacated_s: float | None = 120.0, wait=WAITS, plan=PLAN):
        out = [a_node(f"n{n}", "home", NodePhase.DRAINING, pods=left) for n in (1, 3)]
        stay = [a_node(f"n{n}", "home", pods=3) for n in (0, 2)]
        at = {} if vacated_s is None else {"home": Instant(NOW - vacated_s)}
        memory = Memory(vacated_at=at)
        return diff(plan, a_snapshot(FLEET, [*out, *stay, ADS, wait], memory=memory))

    def test_empty_nodes_are_taken_back_and_not_released(self) -> None:
        (order,) = self.tick(left=0)
        assert isinstance(order, Grow)
        assert (order.before, order.nodes) == (2, 4)
        assert order.why == "nodes that were emptied come back for train"

    def test_nodes_that_still_lose_pods_are_waited_for(self) -> None:
        assert self.tick(left=1) == ()

    def test_but_not_for_ever(self) -> None:
        (order,) = self.tick(left=1, vacated_s=EMPTYING_S)
        assert isinstance(order, Grow)

    @pytest.mark.parametrize("changes", [{"vacated_s": None}, {"wait": pods("train", "home", 2)}])
    def test_nor_where_they_drain_for_another_reason(self, changes) -> None:
        (order,) = self.tick(left=1, **changes)
        assert isinstance(order, Grow)

    def test_nor_where_the_pool_needs_a_new_node_as_well(self) -> None:
        plan = a_plan(FLEET, {"home": 5}, ("ads", "home", 6), ("train", "home", 2))
        (order,) = self.tick(left=1, plan=plan)
        assert (order.nodes, order.why) == (5, "home is cheap")
