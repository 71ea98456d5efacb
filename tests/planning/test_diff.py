"""Diff: the next safe steps from what is observed to what is planned."""

import pytest

from scheduler.domain.actions import Drain, Grow, Place, Release, Resume, Shift, Suspend
from scheduler.domain.snapshot import NodePhase
from scheduler.domain.workloads import Priority
from scheduler.planning.diff import diff
from tests.planning.worlds import (
    a_fleet,
    a_job,
    a_node,
    a_plan,
    a_pool,
    a_service,
    a_snapshot,
    nodes,
    pods,
)

OLD, NEW = a_pool("old"), a_pool("new", "cloud")
SEARCH = a_service("search")
FLEET = a_fleet(OLD, NEW, SEARCH, a_service("ads"), a_job("train"))


def keys(plan, snapshot) -> list[str]:
    return [str(action.key) for action in diff(plan, snapshot)]


def test_a_world_as_planned_needs_nothing() -> None:
    world = a_snapshot(FLEET, [*nodes("old", 1), pods("search", "old", 3, share=1.0)])
    assert diff(a_plan(FLEET, {"old": 1, "new": 0}, ("search", "old", 3)), world) == ()


def test_nodes_are_ordered_and_pods_wait_for_them_without_traffic() -> None:
    world = a_snapshot(FLEET, [*nodes("old", 1), pods("search", "old", 2, share=1.0)])
    plan = a_plan(FLEET, {"old": 1, "new": 1}, ("search", "old", 2, 0.5), ("search", "new", 2, 0.5))
    grow, place = diff(plan, world)
    assert isinstance(grow, Grow)
    assert (grow.key, grow.before, grow.nodes) == ("grow/new/1", 0, 1)
    assert isinstance(place, Place)
    assert (place.key, place.before, place.pods) == ("place/search/new/2@0.000", 0, 2)
    assert place.why == "search does well on new"


def test_with_nothing_ready_anywhere_the_planned_shares_are_set() -> None:
    plan = a_plan(
        FLEET, {"old": 1, "new": 1}, ("search", "old", 3, 0.75), ("search", "new", 1, 0.25)
    )
    placed = [action for action in diff(plan, a_snapshot(FLEET)) if isinstance(action, Place)]
    assert [order.share for order in placed] == [0.75, 0.25]


@pytest.mark.parametrize("phase", [NodePhase.BOOTING, NodePhase.UNREADY, NodePhase.READY])
def test_a_node_that_takes_work_or_will_is_not_ordered_twice(phase: NodePhase) -> None:
    world = a_snapshot(FLEET, [a_node("n", "old", phase)])
    assert diff(a_plan(FLEET, {"old": 1}), world) == ()


@pytest.mark.parametrize(
    "node", [a_node("n", "old", NodePhase.DRAINING, pods=1), a_node("n", "old", doomed=True)]
)
def test_a_node_that_leaves_is_replaced(node) -> None:
    assert keys(a_plan(FLEET, {"old": 1}), a_snapshot(FLEET, [node])) == ["grow/old/1"]


def test_old_pods_stay_until_all_new_ones_are_ready() -> None:
    plan = a_plan(FLEET, {"old": 1, "new": 1}, ("search", "new", 4))
    half = [pods("search", "old", 4, share=1.0), pods("search", "new", 4, ready=2)]
    world = a_snapshot(FLEET, [*nodes("old", 1), *nodes("new", 1), *half])
    rising, falling = diff(plan, world)
    assert isinstance(rising, Shift)
    assert isinstance(falling, Shift)
    assert (rising.pool, rising.share) == ("new", 0.5)
    assert (falling.pool, falling.share, falling.pods) == ("old", 0.5, 4)


def test_old_pods_go_with_their_traffic_once_the_new_ones_are_ready() -> None:
    plan = a_plan(FLEET, {"old": 0, "new": 1}, ("search", "new", 4))
    both = [pods("search", "old", 4, share=0.5), pods("search", "new", 4, share=0.5)]
    world = a_snapshot(FLEET, [*nodes("old", 1, pods=4), *nodes("new", 1, pods=4), *both])
    assert keys(plan, world) == ["shift/search/new/1.000", "place/search/old/0@0.000"]


def test_what_is_not_ready_is_carried_by_the_least_loaded_ready_pods() -> None:
    plan = a_plan(FLEET, {"old": 4, "new": 4}, ("search", "old", 2, 0.2), ("search", "new", 8, 0.8))
    there = [pods("search", "old", 6, share=1.0), pods("search", "new", 8, ready=2)]
    shares = {
        action.pool: action.share
        for action in diff(plan, a_snapshot(FLEET, [*nodes("old", 4), *nodes("new", 4), *there]))
        if isinstance(action, Shift)
    }
    assert shares == {"old": pytest.approx(0.75), "new": pytest.approx(0.25)}


def test_a_faster_gpu_carries_more_of_what_is_left() -> None:
    fast, slow, gone = a_pool("fast", gpu="H100"), a_pool("slow"), a_pool("gone")
    both = a_service("both", limits={"H100": 300.0, "A10G": 100.0})
    fleet = a_fleet(fast, slow, gone, both)
    plan = a_plan(fleet, {"fast": 1, "slow": 1, "gone": 1}, ("both", "gone", 2))
    there = [pods("both", "fast", 1, share=0.5), pods("both", "slow", 1, share=0.5)]
    world = a_snapshot(fleet, [*nodes("fast", 1), *nodes("slow", 1), *there])
    shares = {a.pool: a.share for a in diff(plan, world) if isinstance(a, Shift)}
    assert shares == {"fast": pytest.approx(0.75), "slow": pytest.approx(0.25)}


def test_a_move_of_half_a_percent_is_noise() -> None:
    there = [pods("search", "old", 2, share=0.504), pods("search", "new", 2, share=0.496)]
    world = a_snapshot(FLEET, [*nodes("old", 1), *nodes("new", 1), *there])
    lines = (("search", "old", 2, 0.5), ("search", "new", 2, 0.5))
    assert diff(a_plan(FLEET, {"old": 1, "new": 1}, *lines), world) == ()


def test_a_service_that_is_no_longer_declared_leaves() -> None:
    world = a_snapshot(FLEET, [*nodes("old", 1), pods("forgotten", "old", 2, share=1.0)])
    assert keys(a_plan(FLEET, {"old": 1}), world) == ["place/forgotten/old/0@0.000"]


def test_an_unseen_site_gets_no_order_and_keeps_its_share() -> None:
    there = [pods("search", "old", 2, share=0.5), pods("search", "new", 1, share=0.5)]
    world = a_snapshot(
        FLEET, [*nodes("old", 3), *nodes("new", 1), *there], unseen={"dc": "no answer in 20 s"}
    )
    assert diff(a_plan(FLEET, {"old": 1, "new": 1}, ("search", "new", 1)), world) == ()


def test_a_site_that_never_reported_gets_no_order() -> None:
    plan = a_plan(FLEET, {"new": 3}, ("search", "new", 1))
    world = a_snapshot(a_fleet(OLD, SEARCH))
    assert diff(plan, world) == ()


def test_a_pool_that_the_plan_does_not_name_is_left_alone() -> None:
    stray = [a_node("n", "stray"), pods("search", "stray", 2, share=1.0)]
    assert diff(a_plan(FLEET, {"old": 0}), a_snapshot(FLEET, stray)) == ()


class TestGangs:
    def test_a_gang_starts_at_once_while_its_nodes_boot(self) -> None:
        plan = a_plan(FLEET, {"old": 1}, ("train", "old", 4))
        assert keys(plan, a_snapshot(FLEET)) == ["grow/old/1", "resume/train/old/4"]

    def test_a_gang_that_moves_runs_on_until_the_new_nodes_are_ready(self) -> None:
        plan = a_plan(FLEET, {"old": 0, "new": 1}, ("train", "new", 4))
        there = [*nodes("old", 1, pods=4), pods("train", "old", 4)]
        booting = a_node("b", "new", NodePhase.BOOTING)
        assert diff(plan, a_snapshot(FLEET, [*there, booting])) == ()
        ready = a_snapshot(FLEET, [*there, *nodes("new", 1)])
        assert keys(plan, ready) == ["suspend/train/old"]

    @pytest.mark.parametrize("old", [pods("train", "old", 4), pods("train", "old", 0, ready=1)])
    def test_a_gang_never_starts_while_another_copy_is_wanted_or_runs(self, old) -> None:
        plan = a_plan(FLEET, {"old": 1, "new": 1}, ("train", "new", 4))
        world = a_snapshot(FLEET, [*nodes("old", 1), *nodes("new", 1), old])
        assert not [action for action in diff(plan, world) if isinstance(action, Resume)]

    def test_a_stopped_gang_starts_at_its_new_place(self) -> None:
        plan = a_plan(FLEET, {"old": 1, "new": 1}, ("train", "new", 4))
        world = a_snapshot(FLEET, [*nodes("old", 1), *nodes("new", 1), pods("train", "old", 0)])
        assert keys(plan, world) == ["resume/train/new/4"]

    def test_a_gang_that_waits_moves_without_waiting(self) -> None:
        plan = a_plan(FLEET, {"new": 1, "old": 0}, ("train", "new", 4))
        world = a_snapshot(FLEET, [pods("train", "old", 4, ready=0)])
        assert keys(plan, world) == ["grow/new/1", "suspend/train/old"]

    def test_a_gang_that_the_plan_leaves_out_stops(self) -> None:
        world = a_snapshot(FLEET, [*nodes("old", 1), pods("train", "old", 4)])
        assert keys(a_plan(FLEET, {"old": 1}), world) == ["suspend/train/old"]

    def test_a_suspended_job_says_so(self) -> None:
        fleet = a_fleet(OLD, a_job("train", suspended=True))
        world = a_snapshot(fleet, [*nodes("old", 1), pods("train", "old", 4)])
        (stop,) = diff(a_plan(fleet, {"old": 1}), world)
        assert isinstance(stop, Suspend)
        assert (stop.why, stop.pods) == ("the job is set to suspended", 4)

    def test_a_gang_spread_over_two_pools_is_completed(self) -> None:
        fleet = a_fleet(OLD, a_pool("more"), a_job("train", 8))
        plan = a_plan(fleet, {"old": 1, "more": 1}, ("train", "old", 4), ("train", "more", 4))
        half = [*nodes("old", 1), *nodes("more", 1), pods("train", "old", 4)]
        assert keys(plan, a_snapshot(fleet, half)) == ["resume/train/more/4"]

    def test_a_gang_that_is_split_anew_stops_everywhere_first(self) -> None:
        fleet = a_fleet(OLD, a_pool("more"), a_job("train", 8))
        plan = a_plan(fleet, {"old": 2, "more": 1}, ("train", "old", 6), ("train", "more", 2))
        there = [pods("train", "old", 4), pods("train", "more", 4)]
        world = a_snapshot(fleet, [*nodes("old", 2), *nodes("more", 1), *there])
        assert keys(plan, world) == ["suspend/train/old", "suspend/train/more"]

    def test_a_gang_partly_at_an_unseen_site_is_left_as_it_is(self) -> None:
        plan = a_plan(FLEET, {"old": 1, "new": 1}, ("train", "new", 4))
        there = [*nodes("old", 1), *nodes("new", 1), pods("train", "old", 4)]
        assert diff(plan, a_snapshot(FLEET, there, unseen={"dc": "silent"})) == ()


class TestSurplus:
    def test_the_booting_go_first_then_the_emptiest_then_the_youngest(self) -> None:
        there = [
            a_node("full", "old", pods=3),
            a_node("boots", "old", NodePhase.BOOTING),
            a_node("half", "old", pods=1),
            a_node("aged", "old", age_s=900),
            a_node("young", "old", age_s=60),
        ]
        order = []
        for after in (4, 3, 2, 1):
            (drain,) = diff(a_plan(FLEET, {"old": after}), a_snapshot(FLEET, there))
            assert isinstance(drain, Drain)
            order.append(drain.nodes[-1])
        assert order == ["boots", "young", "aged", "half"]

    def test_equal_nodes_go_in_the_order_of_their_names(self) -> None:
        world = a_snapshot(FLEET, nodes("old", 3))
        assert keys(a_plan(FLEET, {"old": 1}), world) == ["drain/old/old-0,old-1"]

    def test_the_declared_minimum_stays(self) -> None:
        fleet = a_fleet(a_pool("old", least=2))
        assert keys(a_plan(fleet, {"old": 0}), a_snapshot(fleet, nodes("old", 3))) == [
            "drain/old/old-0"
        ]

    def test_doomed_nodes_are_left_to_go_by_themselves(self) -> None:
        world = a_snapshot(FLEET, [a_node("n", "old", doomed=True)])
        assert diff(a_plan(FLEET, {"old": 0}), world) == ()

    def test_only_drained_and_empty_nodes_are_released(self) -> None:
        there = [
            a_node("empty", "old", NodePhase.DRAINING),
            a_node("busy", "old", NodePhase.DRAINING, pods=1),
            a_node("stays", "old"),
        ]
        (release,) = diff(a_plan(FLEET, {"old": 1}), a_snapshot(FLEET, there))
        assert isinstance(release, Release)
        assert release.nodes == ("empty",)

    def test_a_drained_node_is_not_released_while_the_pool_grows(self) -> None:
        world = a_snapshot(FLEET, [a_node("back", "old", NodePhase.DRAINING)])
        assert keys(a_plan(FLEET, {"old": 1}), world) == ["grow/old/1"]

    def test_nodes_stay_for_pods_that_wait_for_their_replacement(self) -> None:
        plan = a_plan(FLEET, {"old": 0, "new": 2}, ("search", "new", 5))
        there = [pods("search", "old", 5, share=1.0), pods("search", "new", 5, ready=0)]
        booting = [a_node(f"b{i}", "new", NodePhase.BOOTING) for i in range(2)]
        world = a_snapshot(FLEET, [*nodes("old", 3, pods=2), *booting, *there])
        assert keys(plan, world) == ["drain/old/old-0"]

    def test_where_pods_leave_now_only_empty_nodes_are_drained(self) -> None:
        plan = a_plan(FLEET, {"old": 1}, ("search", "old", 2))
        there = [a_node("a", "old", pods=2), a_node("b", "old"), a_node("c", "old", pods=4)]
        before = a_snapshot(FLEET, [*there, pods("search", "old", 6, share=1.0)])
        assert keys(plan, before) == ["place/search/old/2@1.000", "drain/old/b"]

    def test_a_working_node_stays_while_an_unready_one_can_go(self) -> None:
        unwell = a_node("unwell", "old", NodePhase.UNREADY, pods=3)
        world = a_snapshot(FLEET, [*nodes("old", 2, pods=1), unwell])
        assert keys(a_plan(FLEET, {"old": 2}), world) == ["drain/old/unwell"]


class TestKnots:
    """Two services that swap full pools would wait for each other for ever."""

    PLAN = a_plan(FLEET, {"old": 1, "new": 1}, ("search", "new", 4), ("ads", "old", 4))
    FULL = (*nodes("old", 1, pods=4), *nodes("new", 1, pods=4))
    WAITING = (pods("search", "new", 4, ready=0), pods("ads", "old", 4, ready=0))

    def test_one_pod_gives_way(self) -> None:
        there = [pods("search", "old", 4, share=1.0), pods("ads", "new", 4, share=1.0)]
        world = a_snapshot(FLEET, [*self.FULL, *self.WAITING, *there])
        assert keys(self.PLAN, world) == ["place/ads/new/3@1.000"]

    def test_the_least_important_gives_way(self) -> None:
        fleet = a_fleet(OLD, NEW, SEARCH, a_service("ads", priority=Priority.CRITICAL))
        there = [pods("search", "old", 4, share=1.0), pods("ads", "new", 4, share=1.0)]
        world = a_snapshot(fleet, [*self.FULL, *self.WAITING, *there])
        assert keys(self.PLAN, world) == ["place/search/old/3@1.000"]

    def test_nobody_else_gives_way_while_the_freed_room_is_being_taken(self) -> None:
        there = [pods("search", "old", 4, share=1.0), pods("ads", "new", 3, share=1.0)]
        world = a_snapshot(FLEET, [*self.FULL, *self.WAITING, *there])
        assert diff(self.PLAN, world) == ()

    def test_whoever_has_pods_to_spare_gives_them_first(self) -> None:
        there = [
            pods("search", "old", 4, share=1.0),
            pods("search", "new", 4, ready=1),
            pods("ads", "new", 3, share=1.0),
            pods("ads", "old", 4, ready=0),
        ]
        orders = keys(self.PLAN, a_snapshot(FLEET, [*self.FULL, *there]))
        assert [key for key in orders if key.startswith("place")] == ["place/search/old/3@0.750"]

    def test_whoever_waits_for_nodes_gives_nothing(self) -> None:
        plan = a_plan(FLEET, {"old": 1, "new": 2}, ("search", "new", 4), ("ads", "old", 4))
        there = [pods("search", "old", 4, share=1.0), pods("ads", "new", 4, share=1.0)]
        world = a_snapshot(FLEET, [*self.FULL, *self.WAITING, *there])
        assert keys(plan, world) == ["grow/new/2"]
