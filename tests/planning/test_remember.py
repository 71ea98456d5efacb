"""Remember: what one tick leaves for the next."""

import pytest

from scheduler.domain.actions import Action, Guarded, Place, Receipt, Vacate
from scheduler.domain.names import Instant
from scheduler.domain.snapshot import Memory, NodePhase, SoldOut
from scheduler.planning.diff import diff
from scheduler.planning.remember import remember
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

FLEET = a_fleet(a_pool("old"), a_pool("new", "cloud"), a_service("search"), a_job("train"))
GROWING = a_plan(FLEET, {"old": 0, "new": 2}, ("search", "new", 2), ("train", "new", 4))


def after(plan=GROWING, *there, memory: Memory | None = None, outcome: str = "accepted", **world):
    """The memory after a tick in which every order met with `outcome`."""
    snapshot = a_snapshot(FLEET, there, memory=memory or Memory(), **world)
    actions = diff(plan, snapshot)
    return remember(snapshot, plan, done(actions), [said(action, outcome) for action in actions])


def done(actions: tuple[Action, ...]) -> Guarded:
    return Guarded(allowed=actions, held=())


def said(action: Action, outcome: str) -> Receipt:
    return Receipt(action=action, outcome=outcome)


def test_the_first_tick_says_when_the_daemon_started() -> None:
    first = after()
    assert (first.tick, first.started_at) == (1, NOW)
    second = after(memory=first, now=NOW + 60)
    assert (second.tick, second.started_at) == (2, NOW)


class TestSoldOut:
    def test_a_refusal_waits_past_the_next_tick_and_each_further_one_twice_as_long(self) -> None:
        waits, memory, now = [], Memory(), NOW
        for _ in range(7):
            memory = after(memory=memory, outcome="no-capacity", now=now)
            offer = memory.sold_out["new"]
            waits.append((offer.until - now) / 60)
            now = offer.until
        assert waits == [3, 6, 12, 24, 30, 30, 30]
        assert memory.sold_out["new"].strikes == 7

    def test_a_thousand_strikes_wait_no_longer(self) -> None:
        many = Memory(sold_out={"new": SoldOut(until=NOW, strikes=5000)})
        assert after(memory=many, outcome="no-capacity").sold_out["new"].until == NOW + 1800

    def test_an_accepted_order_clears_it(self) -> None:
        before = Memory(sold_out={"new": SoldOut(until=NOW, strikes=4)})
        assert after(memory=before).sold_out == {}

    @pytest.mark.parametrize("outcome", ["unreachable", "refused", "throttled", "skipped"])
    def test_other_outcomes_say_nothing_about_the_offer(self, outcome: str) -> None:
        before = {"new": SoldOut(until=NOW, strikes=4)}
        assert after(memory=Memory(sold_out=before), outcome=outcome).sold_out == before

    def test_a_gang_that_found_no_room_does_not_make_the_pool_sold_out(self) -> None:
        plan = a_plan(FLEET, {"new": 2}, ("train", "new", 4))
        assert after(plan, *nodes("new", 2), outcome="no-capacity").sold_out == {}

    @pytest.mark.parametrize(("hours", "kept"), [(2.9, True), (3.1, False)])
    def test_strikes_are_forgotten_after_three_quiet_hours(self, hours: float, kept: bool) -> None:
        old = {"new": SoldOut(until=Instant(NOW - hours * 3600), strikes=4)}
        memory = after(a_plan(FLEET, {"new": 0}), memory=Memory(sold_out=old))
        assert ("new" in memory.sold_out) is kept


class TestGrown:
    def test_a_service_that_got_pods_has_grown(self) -> None:
        assert after().grown_at == {"search": NOW}

    def test_one_that_lost_pods_has_not(self) -> None:
        there = [*nodes("new", 2), pods("search", "new", 5, share=1.0)]
        before = Memory(grown_at={"search": Instant(NOW - 900)})
        assert after(GROWING, *there, memory=before).grown_at == before.grown_at

    def test_an_order_that_failed_grew_nothing(self) -> None:
        assert after(outcome="throttled").grown_at == {}

    def test_an_order_without_an_answer_may_have_arrived(self) -> None:
        snapshot = a_snapshot(FLEET)
        memory = remember(snapshot, GROWING, done(diff(GROWING, snapshot)), ())
        assert memory.grown_at == {"search": NOW}

    def test_an_order_that_was_held_grew_nothing(self) -> None:
        snapshot = a_snapshot(FLEET)
        rest = tuple(a for a in diff(GROWING, snapshot) if not isinstance(a, Place))
        assert remember(snapshot, GROWING, done(rest), ()).grown_at == {}

    def test_a_service_that_is_gone_is_forgotten(self) -> None:
        before = Memory(grown_at={"forgotten": NOW})
        assert after(a_plan(FLEET, {}), memory=before).grown_at == {}


class TestSurplus:
    PLAN = a_plan(FLEET, {"old": 1, "new": 0})

    def test_a_surplus_is_counted_from_when_it_was_first_seen(self) -> None:
        first = after(self.PLAN, *nodes("old", 2))
        assert first.surplus_since == {"old": NOW}
        later = after(self.PLAN, *nodes("old", 2), memory=first, now=NOW + 60)
        assert later.surplus_since == {"old": NOW}

    def test_it_is_over_when_the_nodes_are_needed_again(self) -> None:
        before = Memory(surplus_since={"old": Instant(NOW - 60)})
        assert after(self.PLAN, *nodes("old", 1), memory=before).surplus_since == {}

    def test_nodes_on_their_way_out_are_a_surplus_until_they_are_gone(self) -> None:
        out = a_node("out", "old", NodePhase.DRAINING)
        assert after(self.PLAN, *nodes("old", 1), out).surplus_since == {"old": NOW}

    def test_the_declared_minimum_and_doomed_nodes_are_no_surplus(self) -> None:
        fleet = a_fleet(a_pool("old", least=2))
        plan = a_plan(fleet, {"old": 0})
        there = [*nodes("old", 2), a_node("doomed", "old", doomed=True)]
        snapshot = a_snapshot(fleet, there)
        assert remember(snapshot, plan, done(()), ()).surplus_since == {}

    def test_what_is_not_seen_is_remembered_as_it_was(self) -> None:
        before = Memory(surplus_since={"old": Instant(NOW - 60)})
        memory = after(self.PLAN, memory=before, unseen={"dc": "silent"})
        assert memory.surplus_since == before.surplus_since

    def test_a_pool_that_is_gone_is_forgotten(self) -> None:
        before = Memory(surplus_since={"gone": NOW})
        assert after(self.PLAN, memory=before).surplus_since == {}


class TestVacated:
    ROOM = Vacate(
        key="vacate/old/train/old-0",
        cluster="dc",
        pool="old",
        why="w",
        nodes=("old-0",),
        workload="train",
    )

    def vacated(self, *receipts: Receipt, memory: Memory | None = None, allowed=(ROOM,)):
        snapshot = a_snapshot(FLEET, nodes("old", 2), memory=memory or Memory())
        return remember(snapshot, GROWING, done(allowed), receipts).vacated_at

    @pytest.mark.parametrize("outcome", ["unreachable", "refused", "throttled", "skipped"])
    def test_nodes_that_were_emptied_are_remembered_and_a_failure_is_not(self, outcome) -> None:
        assert self.vacated(said(self.ROOM, "accepted")) == {"old": NOW}
        assert self.vacated(said(self.ROOM, outcome)) == {}

    def test_an_order_without_an_answer_may_have_arrived(self) -> None:
        assert self.vacated() == {"old": NOW}

    def test_it_stays_until_the_pool_leaves_the_documents(self) -> None:
        before = Memory(vacated_at={"old": Instant(NOW - 600), "gone": NOW})
        assert self.vacated(memory=before, allowed=()) == {"old": NOW - 600}
