"""Nodes of a simulated site: they boot, sell out, are noticed, lost and released."""

import pytest
from adapter_worlds import (
    CALM,
    MIDNIGHT,
    a_pool,
    a_service,
    a_site,
    a_spot_pool,
    after,
    drain,
    nodes_of,
    place,
    ready,
    release,
    scale,
)

from adapters.base import NoCapacity
from adapters.simulated import EventWord, StockOut, Weather
from scheduler.domain.names import NodeName, PoolName
from scheduler.domain.snapshot import NodePhase


def test_every_pool_begins_with_its_minimum_of_ready_nodes() -> None:
    site = a_site(a_pool("one", nodes=1), a_pool("three", nodes=3))
    assert [node.pool for node in site.report().nodes] == ["one", "three", "three", "three"]
    assert {node.phase for node in site.report().nodes} == {NodePhase.READY}


def test_a_node_is_ready_after_its_boot_time_and_not_a_second_before() -> None:
    site = a_site(a_pool(nodes=0, boot_s=300.0))
    site.scale(scale(1))
    site.advance(after(4.99))
    assert [node.phase for node in nodes_of(site)] == [NodePhase.BOOTING]
    events = site.advance(after(5))
    assert [node.phase for node in nodes_of(site)] == [NodePhase.READY]
    assert [(event.word, event.at) for event in events] == [(EventWord.NODE_READY, after(5))]


def test_boot_times_vary_within_the_jitter() -> None:
    site = a_site(a_pool(nodes=0, limit=50, boot_s=100.0), weather=Weather(boot_jitter=0.2))
    site.scale(scale(50))
    boots = [
        event.at - MIDNIGHT
        for event in site.advance(after(10))
        if event.word is EventWord.NODE_READY
    ]
    assert len(boots) == 50
    assert 80.0 <= min(boots) < 90.0
    assert 110.0 < max(boots) <= 120.0


def test_a_stock_out_lets_nothing_in_and_says_until_when() -> None:
    window = StockOut(pool=PoolName("pool"), from_minute=10.0, to_minute=90.0)
    site = a_site(a_pool(), weather=Weather(stock_outs=(window,)))
    site.advance(after(10))
    with pytest.raises(NoCapacity, match="pool is sold out until 01:30 UTC: 0 of 2 nodes came"):
        site.scale(scale(4))
    assert len(nodes_of(site)) == 2
    site.advance(after(90))
    site.scale(scale(4))
    assert len(nodes_of(site)) == 4


def test_a_stock_out_may_go_over_midnight_and_comes_back_every_day() -> None:
    window = StockOut(pool=PoolName("pool"), from_minute=1380.0, to_minute=60.0)
    covered = [
        minute for minute in (0, 59, 60, 700, 1380, 1439, 2879) if window.covers(after(minute))
    ]
    assert covered == [0, 59, 1380, 1439, 2879]


def test_a_draining_node_is_taken_back_even_while_sold_out() -> None:
    window = StockOut(pool=PoolName("pool"), from_minute=0.0, to_minute=60.0)
    site = a_site(a_pool(), weather=Weather(stock_outs=(window,)))
    site.drain(drain("pool-0"))
    site.scale(scale(2))
    assert [node.phase for node in nodes_of(site)] == [NodePhase.READY] * 2


def test_growth_beyond_the_limit_brings_what_the_limit_allows_and_names_it() -> None:
    site = a_site(a_pool(nodes=2, limit=4))
    with pytest.raises(NoCapacity, match=r"limit of 4 nodes: 2 of 5 nodes came; raise nodes.max"):
        site.scale(scale(7))
    assert len(nodes_of(site)) == 4


def test_a_spot_notice_comes_two_minutes_before_the_end() -> None:
    site = a_site(a_spot_pool(nodes=1, interruptions_per_hour=1.0), weather=Weather())
    events = site.advance(after(24 * 60))
    notice, end = [e for e in events if e.word in (EventWord.SPOT_NOTICE, EventWord.NODE_LOST)]
    assert (notice.word, end.word) == (EventWord.SPOT_NOTICE, EventWord.NODE_LOST)
    assert end.at - notice.at == pytest.approx(120.0)

    again = a_site(a_spot_pool(nodes=1, interruptions_per_hour=1.0), weather=Weather())
    again.advance(notice.at)
    assert [node.doomed for node in nodes_of(again, "spot")] == [True]
    again.advance(end.at)
    assert nodes_of(again, "spot") == []


def test_nodes_are_interrupted_at_the_declared_rate() -> None:
    pool = a_spot_pool(nodes=400, limit=400, interruptions_per_hour=0.1)
    site = a_site(pool, weather=Weather())
    site.advance(after(10 * 60 + 2))
    left = len(nodes_of(site, "spot"))
    assert left == pytest.approx(400 * 0.368, abs=4 * 9.7)


def test_without_interruptions_in_the_weather_nothing_is_taken_back() -> None:
    site = a_site(a_spot_pool(nodes=20, limit=20, interruptions_per_hour=5.0), weather=CALM)
    site.advance(after(24 * 60))
    assert len(nodes_of(site, "spot")) == 20


def test_a_doomed_node_counts_neither_for_growth_nor_for_new_pods() -> None:
    service = a_service(gpus=8.0)
    pool = a_spot_pool(nodes=1, limit=2, interruptions_per_hour=1.0, boot_s=3600.0)
    site = a_site(pool, services=[service], weather=Weather())
    first = next(e for e in site.advance(after(1440)) if e.word is EventWord.SPOT_NOTICE)

    site = a_site(pool, services=[service], weather=Weather())
    site.advance(first.at)
    site.place(place("search", 1, pool="spot"))
    site.scale(scale(1, pool="spot"))
    report = nodes_of(site, "spot")
    assert [(node.doomed, node.pods) for node in report] == [(True, 0), (False, 0)]


def test_pods_of_a_lost_node_move_to_another_and_start_again() -> None:
    site = a_site(a_pool(nodes=2), services=[a_service(start_s=60.0)])
    site.place(place("search", 4))
    site.advance(after(1))
    assert ready(site, "search") == 4
    site.lose(NodeName("pool-0"))
    assert [(node.name, node.pods) for node in nodes_of(site)] == [("pool-1", 4)]
    assert ready(site, "search") == 0
    site.advance(after(2))
    assert ready(site, "search") == 4


def test_only_drained_and_empty_nodes_are_released() -> None:
    site = a_site(a_pool(nodes=3), services=[a_service()])
    site.place(place("search", 1))
    site.drain(drain("pool-2"))
    site.release(release("pool-0", "pool-1", "pool-2", "pool-2"))
    assert [node.name for node in nodes_of(site)] == ["pool-0", "pool-1"]


def test_a_name_is_never_given_to_a_second_node() -> None:
    site = a_site(a_pool(nodes=1))
    site.drain(drain("pool-0"))
    site.release(release("pool-0"))
    site.scale(scale(1))
    assert [node.name for node in nodes_of(site)] == ["pool-1"]


def test_time_that_is_past_changes_nothing() -> None:
    site = a_site(a_pool())
    site.advance(after(10))
    assert site.advance(after(5)) == ()
    assert site.report().at == after(10)
