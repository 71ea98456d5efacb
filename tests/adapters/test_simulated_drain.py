"""Drains on a simulated site: replicas leave within the budget of their service, gangs at once."""

from collections.abc import Iterator

import pytest
from adapter_worlds import (
    a_job,
    a_pool,
    a_service,
    a_site,
    a_spot_pool,
    after,
    drain,
    nodes_of,
    place,
    placed,
    progress,
    ready,
    release,
    scale,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.simulated import EventWord, SimulatedSite, Weather
from scheduler.domain.names import Instant, NodeName
from scheduler.domain.snapshot import NodePhase

START_S = 45.0


def pods(site: SimulatedSite) -> list[int]:
    return [node.pods for node in nodes_of(site)]


def instants(begin: Instant, minutes: float, every_s: float = 5.0) -> Iterator[Instant]:
    return (Instant(begin + every_s * step) for step in range(int(minutes * 60.0 / every_s) + 1))


def full(nodes: int, wanted: int, **services: int) -> SimulatedSite:
    """A pool of nodes with 8 GPUs, and replicas with one GPU each that all serve."""
    wishes = {"search": wanted, **services}
    site = a_site(
        a_pool(nodes=nodes, limit=nodes + 2),
        services=[a_service(name, start_s=START_S) for name in wishes],
    )
    for name, count in wishes.items():
        site.place(place(name, count))
    site.advance(after(5))
    assert all(ready(site, name) == count for name, count in wishes.items())
    return site


class TestBudget:
    @pytest.mark.parametrize(
        ("wanted", "down"), [(1, 1), (2, 1), (4, 1), (7, 1), (8, 2), (11, 2), (16, 4)]
    )
    def test_a_quarter_of_the_pods_may_be_down_and_always_one(self, wanted: int, down: int) -> None:
        site = full(4, wanted)
        site.drain(drain("pool-0", "pool-1"))
        assert ready(site, "search") == wanted - down

    @settings(max_examples=40, deadline=None)
    @given(search=st.integers(1, 14), ads=st.integers(1, 10), reverse=st.booleans())
    def test_it_is_held_at_every_instant_while_two_nodes_are_drained(
        self, search: int, ads: int, reverse: bool
    ) -> None:
        site = full(5, search, ads=ads)
        first, second = ("pool-1", "pool-0") if reverse else ("pool-0", "pool-1")
        site.drain(drain(first))
        floors = {"search": search - max(1, search // 4), "ads": ads - max(1, ads // 4)}
        for now in instants(after(5), 15):
            site.advance(now)
            if now == after(5.5):
                site.drain(drain(second))
            assert all(ready(site, name) >= floor for name, floor in floors.items())
        assert pods(site)[:2] == [0, 0]
        assert all(
            ready(site, name) == wanted for name, wanted in (("search", search), ("ads", ads))
        )

    def test_every_replacement_that_serves_lets_the_next_pods_go(self) -> None:
        site = full(2, 8)
        site.drain(drain("pool-0"))
        left = []
        for now in instants(after(5), 4, START_S):
            site.advance(now)
            left.append(pods(site)[0])
        assert left == [6, 4, 2, 0, 0, 0]

    def test_pods_that_are_down_for_another_reason_count(self) -> None:
        site = full(3, 16)
        site.place(place("search", 20))
        assert ready(site, "search") == 16
        site.drain(drain("pool-0"))
        assert pods(site)[0] == 7
        site.advance(after(5.5))
        assert pods(site)[0] == 7

    def test_it_is_one_for_all_pools_of_the_site(self) -> None:
        site = a_site(
            a_pool("one", nodes=2), a_pool("two", nodes=2), services=[a_service(start_s=START_S)]
        )
        for pool in ("one", "two"):
            site.place(place("search", 4, pool=pool))
        site.advance(after(5))
        for pool in ("one", "two"):
            site.drain(drain(f"{pool}-0", pool=pool))
        assert [ready(site, "search", pool) for pool in ("one", "two")] == [2, 4]

    def test_pods_that_do_not_serve_yet_go_first(self) -> None:
        site = full(3, 11)
        site.place(place("search", 12))
        assert pods(site) == [8, 4, 0]
        site.drain(drain("pool-1"))
        assert (pods(site)[1], ready(site, "search")) == (1, 9)

    def test_fewer_wanted_pods_leave_the_draining_node_first(self) -> None:
        site = full(2, 8)
        site.drain(drain("pool-0"))
        site.place(place("search", 2))
        assert pods(site) == [0, 2]


class TestEnd:
    def test_a_drain_ends_when_there_is_room_elsewhere(self) -> None:
        site = full(4, 16)
        site.drain(drain("pool-0", "pool-1"))
        site.advance(after(10))
        assert pods(site) == [0, 0, 8, 8]
        assert ready(site, "search") == 16
        site.release(release("pool-0", "pool-1"))
        assert [node.name for node in nodes_of(site)] == ["pool-2", "pool-3"]

    def test_without_room_elsewhere_the_rest_goes_on_serving(self) -> None:
        site = full(1, 8)
        site.drain(drain("pool-0"))
        site.advance(after(600))
        found = placed(site, "search")
        assert found is not None
        assert (found.wanted, found.ready, found.pending) == (8, 6, 2)
        (node,) = nodes_of(site)
        assert (node.phase, node.pods, node.gpus_used) == (NodePhase.DRAINING, 6, 6.0)

    def test_a_node_with_pods_is_not_released(self) -> None:
        site = full(1, 8)
        site.drain(drain("pool-0"))
        site.release(release("pool-0"))
        assert pods(site) == [6]
        assert EventWord.NODE_RELEASED not in {event.word for event in site.advance(after(60))}

    def test_room_that_comes_later_lets_it_go_on(self) -> None:
        site = full(2, 8, ads=8)
        site.drain(drain("pool-0"))
        before = pods(site)[0]
        site.advance(after(60))
        assert pods(site)[0] == before == 6
        site.place(place("ads", 0))
        site.advance(after(70))
        assert (pods(site), ready(site, "search")) == ([0, 8], 8)

    def test_a_node_that_is_taken_back_keeps_what_it_has(self) -> None:
        site = full(2, 8)
        site.drain(drain("pool-0"))
        site.scale(scale(2))
        site.advance(after(30))
        assert pods(site) == [6, 2]


class TestWithoutBudget:
    def test_a_gang_on_a_drained_node_saves_and_stops_at_once(self) -> None:
        site = a_site(
            a_pool(nodes=2),
            services=[a_service()],
            jobs=[a_job(workers=1, gpus=4.0, restart_s=0.0)],
        )
        site.place(place("ranker", 1, gang=True))
        site.place(place("search", 4))
        site.advance(after(60))
        site.drain(drain("pool-0", "pool-1"))
        assert [(node.workers, node.pods) for node in nodes_of(site)] == [(0, 3), (0, 0)]
        found = progress(site, "ranker")
        assert found is not None
        assert found.saved_gpu_hours == pytest.approx(4.0)

    def test_a_lost_node_takes_all_of_its_pods_along(self) -> None:
        site = full(2, 8)
        site.drain(drain("pool-0"))
        site.lose(NodeName("pool-0"))
        assert ready(site, "search") == 0
        site.advance(after(10))
        assert ready(site, "search") == 8

    def test_a_doomed_node_is_emptied_at_once(self) -> None:
        pool = a_spot_pool("pool", nodes=2, interruptions_per_hour=1.0)
        site = a_site(pool, services=[a_service(gpus=4.0)], weather=Weather())
        notice = next(
            event
            for event in a_site(pool, weather=Weather()).advance(after(1440))
            if event.word is EventWord.SPOT_NOTICE
        )
        site.place(place("search", 4))
        site.advance(notice.at)
        site.drain(drain(notice.subject))
        assert {node.doomed: node.pods for node in nodes_of(site)} == {True: 0, False: 2}


def test_a_drain_looks_the_same_in_small_steps_and_in_one() -> None:
    coarse, fine = full(4, 13, ads=9), full(4, 13, ads=9)
    for site in (coarse, fine):
        site.drain(drain("pool-0", "pool-2"))
    events = [event for now in instants(after(5), 10, 7.0) for event in fine.advance(now)]
    end = fine.report().at
    assert list(coarse.advance(end)) == events
    assert coarse.report() == fine.report()
