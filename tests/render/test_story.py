"""The story tells each decision once, in one line, and keeps quiet where nothing changes."""

from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.actions import Guarded, Place
from scheduler.domain.names import ActionKey, Instant, PoolName, WorkloadName
from scheduler.domain.plan import Plan
from scheduler.render.paper import cells
from scheduler.render.story import Event, EventKind, Moment, tell, tell_event

from .samples import (
    AWS,
    a_night,
    an_evening,
    evening_actions,
    night_actions,
    receipts,
    room_making,
)

EVENING = Instant(18 * 3600.0 + 40 * 60.0)


def a_moment(plan: Plan, guarded: Guarded, **outcomes: str) -> Moment:
    return Moment(now=EVENING, plan=plan, guarded=guarded, receipts=receipts(guarded, **outcomes))


def a_resize(before: int, pods: int) -> Place:
    return Place(
        key=ActionKey("place"),
        cluster=AWS,
        pool=PoolName("aws-g5-spot"),
        why="load",
        workload=WorkloadName("search-ranking"),
        before=before,
        pods=pods,
        share=0.6,
    )


def test_the_evening_is_told_in_three_lines() -> None:
    moment = replace(a_moment(an_evening(), evening_actions()), previous=a_night())
    assert tell(moment) == (
        "18:40  + aws-g5-spot 2 -> 5 nodes    search-ranking 2,900 -> 8,100 req/s, dc-a100…"
        "    -> 41.40 USD/h",
        "       - ranker-nightly stops on dc-a100  gives way",
        "       ~ search-ranking aws-g5-spot 6 -> 18 pods  2,900 -> 8,100 req/s",
    )


def test_room_made_for_a_gang_is_told_with_its_why() -> None:
    (line,) = tell(a_moment(a_night(), Guarded(allowed=(room_making(),), held=())))
    assert line.startswith(
        "18:40  ~ dc-a100 makes room on 2 nodes for ranker-nightly  ranker-nightly needs 16"
    )


def test_nothing_done_is_nothing_told() -> None:
    assert tell(a_moment(an_evening(), Guarded(allowed=(), held=()))) == ()


def test_what_is_held_back_is_not_told_as_done() -> None:
    held = replace(evening_actions(), allowed=())
    assert tell(a_moment(an_evening(), held)) == ()


def test_an_order_sent_again_is_no_news() -> None:
    first = a_moment(an_evening(), evening_actions())
    assert tell(replace(first, receipts_before=first.receipts)) == ()


def test_an_offer_that_is_sold_out_is_told_and_not_as_grown() -> None:
    lines = tell(a_moment(an_evening(), evening_actions(), grow="no-capacity"))
    assert lines[-1].split() == ["!", "aws-g5-spot", "sold", "out"]
    assert not any("2 -> 5" in line for line in lines)


def test_a_resize_in_place_is_told_only_if_wanted() -> None:
    guarded = Guarded(allowed=(a_resize(6, 8),), held=())
    assert len(tell(a_moment(an_evening(), guarded))) == 1
    assert tell(a_moment(an_evening(), guarded), resizes=False) == ()


def test_arriving_in_a_cluster_is_told_anyway() -> None:
    guarded = Guarded(allowed=(a_resize(0, 8),), held=())
    evening = an_evening()
    coming = tuple(replace(line, before=0) for line in evening.placements)
    (line,) = tell(a_moment(replace(evening, placements=coming), guarded), resizes=False)
    assert "+ search-ranking aws-g5-spot 0 -> 8 pods" in line


def test_only_the_first_line_carries_time_and_bill() -> None:
    lines = tell(a_moment(a_night(), night_actions()))
    assert [line.startswith("18:40") for line in lines] == [True, False, False, False]
    assert [line.endswith("USD/h") for line in lines] == [True, False, False, False]


def test_the_time_is_that_of_the_zone() -> None:
    moment = a_moment(a_night(), night_actions())
    (line, *_) = tell(replace(moment, zone=timezone(timedelta(hours=8))))
    assert line.startswith("02:40")


def test_colour_is_a_choice() -> None:
    moment = a_moment(a_night(), night_actions())
    assert any("\x1b" in line for line in tell(moment, colour=True))
    assert not any("\x1b" in line for line in tell(moment))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (EventKind.INTERRUPTED, "spot notice for 2 nodes"),
        (EventKind.SOLD_OUT, "sold out"),
        (EventKind.LOST, "2 nodes lost"),
        (EventKind.UNSEEN, "not seen, frozen as it was"),
        (EventKind.BACK, "seen again"),
    ],
)
def test_events_are_told_in_words(kind: EventKind, words: str) -> None:
    event = Event(now=EVENING, kind=kind, subject="aws-g5-spot", nodes=2, detail="asked at 19:10")
    assert tell_event(event) == f"18:40  ! aws-g5-spot             {words}: asked at 19:10"


@settings(max_examples=60, deadline=None)
@given(
    pool=st.text(min_size=1, max_size=80),
    why=st.text(max_size=200),
    nodes=st.integers(0, 10**9),
    price=st.floats(0, 1e12),
)
def test_no_line_is_wider_than_100(pool: str, why: str, nodes: int, price: float) -> None:
    guarded = evening_actions()
    allowed = tuple(replace(action, pool=PoolName(pool), why=why) for action in guarded.allowed)
    grow = replace(allowed[0], nodes=nodes)
    evening = an_evening()
    pools = tuple(replace(line, usd_per_node_hour=price, after=nodes) for line in evening.pools)
    guarded = Guarded(allowed=(grow, *allowed[1:]), held=())
    event = Event(now=EVENING, kind=EventKind.LOST, subject=pool, nodes=nodes, detail=why)
    for line in (*tell(a_moment(replace(evening, pools=pools), guarded)), tell_event(event)):
        assert cells(line) <= 100
        assert line.isprintable()
