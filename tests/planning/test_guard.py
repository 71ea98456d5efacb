"""Guard: what may be done now, and the sentence for what may not."""

from datetime import UTC, datetime
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.actions import Action, Drain, Grow, Guarded, Place, Release, Shift, Suspend
from scheduler.domain.names import Instant
from scheduler.domain.settings import GuardSettings, QuietHours
from scheduler.domain.snapshot import Memory, NodePhase, SoldOut
from scheduler.planning.diff import diff
from scheduler.planning.guard import guard
from tests.planning.layouts import layouts, plan_for, rooms, world_of
from tests.planning.worlds import (
    NOW,
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

FLEET = a_fleet(
    a_pool("old"), a_pool("new", "cloud"), a_service("search"), a_service("ads"), a_job("train")
)
LONG_AGO = {"old": Instant(NOW - 3600), "new": Instant(NOW - 3600)}
LASTED = Memory(tick=9, surplus_since=LONG_AGO)
SETTLED = GuardSettings()
SHRINK = a_plan(FLEET, {"old": 1, "new": 0})


def tick(plan, snapshot, rules: GuardSettings = SETTLED) -> Guarded:
    return guard(diff(plan, snapshot), plan, snapshot, rules)


def allowed(guarded: Guarded) -> list[str]:
    return [str(action.key) for action in guarded.allowed]


def reasons(guarded: Guarded) -> list[str]:
    return [item.why for item in guarded.held]


def night(start: int, end: int, zone: str = "UTC") -> GuardSettings:
    window = QuietHours(start_minute=start, end_minute=end, time_zone=zone)
    return GuardSettings(quiet_hours=(window,))


ALWAYS = night(0, 0)


def test_a_quiet_fleet_is_let_do_all() -> None:
    world = a_snapshot(FLEET, nodes("old", 2), memory=LASTED)
    assert tick(SHRINK, world) == Guarded(allowed=diff(SHRINK, world), held=())


def test_the_pause_switch_holds_everything() -> None:
    plan = a_plan(FLEET, {"old": 1, "new": 2}, ("search", "new", 2), ("train", "old", 4))
    guarded = tick(plan, a_snapshot(FLEET), GuardSettings(paused=True))
    assert guarded.allowed == ()
    assert [item.action for item in guarded.held] == list(diff(plan, a_snapshot(FLEET)))
    assert set(reasons(guarded)) == {
        "Tidegate is paused: nothing is done until guard.paused is false."
    }


class TestCaps:
    RULES = GuardSettings(max_nodes_added_per_tick=5, max_nodes_released_per_tick=2)

    def test_growth_is_cut_to_what_the_cap_leaves(self) -> None:
        plan = a_plan(FLEET, {"old": 3, "new": 4})
        guarded = tick(plan, a_snapshot(FLEET), self.RULES)
        assert allowed(guarded) == ["grow/old/3", "grow/new/2"]
        assert reasons(guarded) == [
            "Only 2 of 4 nodes now: one tick may add 5 (maxNodesAddedPerTick)."
        ]

    def test_growth_beyond_a_used_up_cap_waits_whole(self) -> None:
        guarded = tick(a_plan(FLEET, {"old": 5, "new": 4}), a_snapshot(FLEET), self.RULES)
        assert allowed(guarded) == ["grow/old/5"]
        assert [item.action.key for item in guarded.held] == ["grow/new/4"]

    def test_pods_are_placed_though_their_nodes_must_wait(self) -> None:
        rules = GuardSettings(max_nodes_added_per_tick=0)
        guarded = tick(a_plan(FLEET, {"new": 1}, ("search", "new", 2)), a_snapshot(FLEET), rules)
        assert allowed(guarded) == ["place/search/new/2@1.000"]

    def test_drains_and_releases_are_cut(self) -> None:
        out = [a_node(f"out-{number}", "old", NodePhase.DRAINING) for number in range(3)]
        world = a_snapshot(FLEET, [*nodes("old", 4), *out], memory=LASTED)
        guarded = tick(SHRINK, world, self.RULES)
        assert allowed(guarded) == ["drain/old/old-0,old-1", "release/old/out-0,out-1"]
        assert [item.action.key for item in guarded.held] == [
            "drain/old/old-2",
            "release/old/out-2",
        ]
        assert reasons(guarded)[0] == (
            "Only 2 of 3 nodes now: one tick may take 2 away (maxNodesReleasedPerTick)."
        )


class TestSurplus:
    @pytest.mark.parametrize(("lasted_s", "goes"), [(299, False), (300, True)])
    def test_nodes_go_when_the_surplus_has_lasted(self, lasted_s: int, goes: bool) -> None:
        memory = Memory(surplus_since={"old": Instant(NOW - lasted_s)})
        guarded = tick(SHRINK, a_snapshot(FLEET, nodes("old", 2), memory=memory))
        assert bool(guarded.allowed) is goes

    def test_a_surplus_just_seen_waits(self) -> None:
        guarded = tick(SHRINK, a_snapshot(FLEET, nodes("old", 2)))
        assert reasons(guarded) == ["old has had a surplus for 0 s: nodes go after 300 s."]


class TestUnready:
    PLAN = a_plan(FLEET, {"old": 4, "new": 0}, ("search", "old", 1))

    def world(self, unready: int, ready: int):
        sick = [a_node(f"sick-{n}", "old", NodePhase.UNREADY) for n in range(unready)]
        out = a_node("out", "old", NodePhase.DRAINING)
        there = [pods("search", "old", 3, share=1.0), pods("train", "old", 4)]
        return a_snapshot(FLEET, [*sick, *nodes("old", ready), out, *there], memory=LASTED)

    def test_a_sick_cluster_loses_nothing(self) -> None:
        guarded = tick(self.PLAN, self.world(unready=5, ready=5))
        assert guarded.allowed == ()
        kinds = {type(item.action) for item in guarded.held}
        assert kinds == {Suspend, Place, Drain, Release}
        assert reasons(guarded)[0] == (
            "5 of 11 nodes in dc are unready: above 45% nothing is taken away there."
        )

    def test_a_mostly_well_one_does(self) -> None:
        assert tick(self.PLAN, self.world(unready=4, ready=6)).held == ()

    def test_two_nodes_say_nothing_about_a_cluster(self) -> None:
        there = [a_node(f"sick-{n}", "old", NodePhase.UNREADY) for n in range(2)]
        assert tick(SHRINK, a_snapshot(FLEET, there, memory=LASTED)).held == ()

    def test_a_sick_cluster_may_grow_and_its_traffic_may_leave(self) -> None:
        sick = [a_node(f"sick-{n}", "old", NodePhase.UNREADY, pods=1) for n in range(4)]
        there = [pods("search", "old", 4, share=0.5), pods("search", "new", 4, share=0.5)]
        plan = a_plan(FLEET, {"old": 5, "new": 1}, ("search", "new", 4))
        guarded = tick(plan, a_snapshot(FLEET, [*sick, *nodes("new", 1), *there]))
        assert allowed(guarded) == [
            "grow/old/5",
            "shift/search/new/1.000",
            "shift/search/old/0.000",
        ]
        assert [item.action.key for item in guarded.held] == ["place/search/old/0@0.000"]


class TestHeldServices:
    def test_a_held_service_loses_no_pods(self) -> None:
        world = a_snapshot(FLEET, [*nodes("old", 2), pods("search", "old", 4, share=1.0)])
        plan = a_plan(
            FLEET, {"old": 2}, ("search", "old", 2), held={"search": "its load is 9 min old"}
        )
        guarded = tick(plan, world)
        assert guarded.allowed == ()
        assert reasons(guarded) == ["search keeps its pods: its load is 9 min old."]

    def test_it_may_grow(self) -> None:
        plan = a_plan(FLEET, {"old": 1}, ("search", "old", 2), held={"search": "stale"})
        assert tick(plan, a_snapshot(FLEET, nodes("old", 1))).held == ()

    def test_nodes_wait_for_pods_that_are_held(self) -> None:
        there = [*nodes("old", 2), pods("search", "old", 8, share=1.0)]
        plan = a_plan(FLEET, {"old": 1}, ("search", "old", 2), held={"search": "stale"})
        guarded = tick(plan, a_snapshot(FLEET, there, memory=LASTED))
        assert [type(item.action) for item in guarded.held] == [Place, Drain]
        assert reasons(guarded)[1] == "What comes before it on old is held back."

    def test_pods_stay_while_the_new_ones_are_held(self) -> None:
        step = {"why": "w", "workload": "search", "share": 0.5}
        up = Place(key="up", cluster="cloud", pool="new", before=0, pods=2, **step)
        down = Place(key="down", cluster="dc", pool="old", before=4, pods=2, **step)
        world = a_snapshot(FLEET, [pods("search", "old", 4, share=0.5)], unseen={"cloud": "silent"})
        guarded = guard((up, down), SHRINK, world, SETTLED)
        assert guarded.allowed == ()
        assert reasons(guarded) == [
            "cloud is not seen: silent.",
            "Its new pods on new are held back.",
        ]


class TestSoldOut:
    @pytest.mark.parametrize(("until_s", "asked"), [(60, False), (0, True)])
    def test_a_sold_out_offer_is_not_asked_for_a_while(self, until_s: int, asked: bool) -> None:
        offer = SoldOut(until=Instant(NOW + until_s), strikes=1)
        plan = a_plan(FLEET, {"new": 1}, ("search", "new", 2))
        guarded = tick(plan, a_snapshot(FLEET, memory=Memory(sold_out={"new": offer})))
        assert ("grow/new/1" in allowed(guarded)) is asked
        assert "place/search/new/2@1.000" in allowed(guarded)
        if not asked:
            assert reasons(guarded) == ["new was sold out: it is asked again in 60 s."]


class TestUnseen:
    def test_orders_for_an_unseen_site_are_held(self) -> None:
        plan = a_plan(FLEET, {"new": 1})
        orders = diff(plan, a_snapshot(FLEET))
        world = a_snapshot(FLEET, unseen={"cloud": "no answer in 20 s"})
        assert reasons(guard(orders, plan, world, SETTLED)) == [
            "cloud is not seen: no answer in 20 s."
        ]

    def test_so_are_orders_for_one_that_never_reported(self) -> None:
        plan = a_plan(FLEET, {"new": 1})
        world = a_snapshot(a_fleet(a_pool("old")))
        held = reasons(guard(diff(plan, a_snapshot(FLEET)), plan, world, SETTLED))
        assert held == ["cloud is not seen: it has not reported yet."]


class TestQuietHours:
    def test_nothing_goes(self) -> None:
        guarded = tick(SHRINK, a_snapshot(FLEET, nodes("old", 2), memory=LASTED), ALWAYS)
        assert reasons(guarded) == ["Quiet hours 00:00-00:00 UTC: nothing moves or goes."]

    def test_growth_is_allowed(self) -> None:
        plan = a_plan(FLEET, {"new": 1}, ("search", "new", 2), ("train", "new", 4))
        assert tick(plan, a_snapshot(FLEET), ALWAYS).held == ()

    EVEN = (("search", "old", 2, 0.5), ("search", "new", 2, 0.5))
    TILTED = (pods("search", "old", 2, share=0.9), pods("search", "new", 2, share=0.1))
    PLAN = a_plan(FLEET, {"old": 1, "new": 1}, *EVEN)

    def test_traffic_that_is_well_where_it_is_stays(self) -> None:
        world = a_snapshot(FLEET, [*nodes("old", 1), *nodes("new", 1), *self.TILTED])
        guarded = tick(self.PLAN, world, ALWAYS)
        assert guarded.allowed == ()
        assert {type(item.action) for item in guarded.held} == {Shift}

    def test_traffic_follows_pods_that_have_just_come(self) -> None:
        memory = Memory(grown_at={"search": Instant(NOW - 300)})
        there = [*nodes("old", 1), *nodes("new", 1), *self.TILTED]
        assert tick(self.PLAN, a_snapshot(FLEET, there, memory=memory), ALWAYS).held == ()

    def test_traffic_leaves_pods_that_were_lost(self) -> None:
        lost = (pods("search", "old", 2, ready=0, share=0.5), pods("search", "new", 2, share=0.5))
        world = a_snapshot(FLEET, [*nodes("old", 1), *nodes("new", 1), *lost])
        guarded = tick(self.PLAN, world, ALWAYS)
        assert allowed(guarded) == ["shift/search/new/1.000", "shift/search/old/0.000"]

    def test_a_running_gang_is_not_moved_but_may_be_stopped(self) -> None:
        there = [*nodes("old", 1), *nodes("new", 1), pods("train", "old", 4)]
        elsewhere = a_plan(FLEET, {"old": 1, "new": 1}, ("train", "new", 4))
        nowhere = a_plan(FLEET, {"old": 1, "new": 1})
        assert tick(elsewhere, a_snapshot(FLEET, there), ALWAYS).allowed == ()
        assert allowed(tick(nowhere, a_snapshot(FLEET, there), ALWAYS)) == ["suspend/train/old"]

    @pytest.mark.parametrize(
        ("at", "start", "end", "zone", "quiet"),
        [
            ("2026-01-15T03:00", 60, 240, "UTC", True),
            ("2026-01-15T04:00", 60, 240, "UTC", False),
            ("2026-01-15T01:00", 60, 240, "UTC", True),
            ("2026-01-15T23:30", 1350, 360, "UTC", True),
            ("2026-01-15T05:59", 1350, 360, "UTC", True),
            ("2026-01-15T06:00", 1350, 360, "UTC", False),
            ("2026-01-15T14:30", 1350, 360, "Asia/Shanghai", True),
            ("2026-01-15T22:00", 1350, 360, "Asia/Shanghai", False),
            # 08:30 UTC is 09:30 in Berlin in winter and 10:30 in summer.
            ("2026-01-15T08:30", 600, 660, "Europe/Berlin", False),
            ("2026-07-15T08:30", 600, 660, "Europe/Berlin", True),
            # On the last Sunday of March the clock jumps from 02:00 to 03:00 at 01:00 UTC.
            ("2026-03-29T00:59", 60, 180, "Europe/Berlin", True),
            ("2026-03-29T01:00", 60, 180, "Europe/Berlin", False),
        ],
    )
    def test_the_window_is_on_the_clock_of_its_zone(self, at, start, end, zone, quiet) -> None:
        now = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
        memory = Memory(surplus_since={"old": Instant(now - 3600)})
        world = a_snapshot(FLEET, nodes("old", 2), now=now, memory=memory)
        assert bool(tick(SHRINK, world, night(start, end, zone)).held) is quiet


RULES = st.builds(
    GuardSettings,
    paused=st.sampled_from((False, False, False, True)),
    max_nodes_added_per_tick=st.integers(0, 3),
    max_nodes_released_per_tick=st.integers(0, 2),
    release_after_s=st.sampled_from((0.0, 300.0)),
    quiet_hours=st.sampled_from(((), ALWAYS.quiet_hours)),
)


@given(layouts(), rooms, layouts(), rooms, RULES)
@settings(max_examples=100, deadline=None)
def test_every_action_is_allowed_or_held_and_none_is_invented(old, empty, new, room, rules) -> None:
    plan, world = plan_for(new, room), world_of(old, empty).snapshot()
    actions = diff(plan, world)
    guarded = guard(actions, plan, world, rules)
    whole = {action.key: action for action in actions}
    held = {item.action.key for item in guarded.held}
    assert len({action.key for action in guarded.allowed}) == len(guarded.allowed)
    assert all(item.why for item in guarded.held)
    for action in actions:
        assert _accounted(action, guarded)
    for part in guarded.allowed:
        if isinstance(part, Grow) and part.key not in whole:
            assert f"grow/{part.pool}" in {key.rpartition("/")[0] for key in held}
    added = sum(a.nodes - a.before for a in guarded.allowed if isinstance(a, Grow))
    assert added <= rules.max_nodes_added_per_tick
    for kind in (Drain, Release):
        gone = [node for a in guarded.allowed if isinstance(a, kind) for node in a.nodes]
        assert len(gone) <= rules.max_nodes_released_per_tick


def _accounted(action: Action, guarded: Guarded) -> bool:
    held = [item.action for item in guarded.held]
    if isinstance(action, Drain | Release):
        parts = [
            part.nodes
            for part in (*guarded.allowed, *held)
            if type(part) is type(action) and part.pool == action.pool
        ]
        return sorted(chain(*parts)) == sorted(action.nodes)
    return (action in guarded.allowed) != (action in held)
