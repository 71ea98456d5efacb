"""Work on a simulated site: replicas are packed and start, gangs train, save and move."""

import pytest
from adapter_worlds import (
    A100,
    T4,
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
    scale,
)

from adapters.base import PlaceOrder, Refused
from adapters.simulated import EventWord, JobLedger, Weather
from scheduler.domain.names import ClusterName, NodeName
from scheduler.domain.places import Resources
from scheduler.domain.workloads import Spread


def test_a_replica_serves_after_its_start_time() -> None:
    site = a_site(a_pool(), services=[a_service(start_s=45.0)])
    site.place(place("search", 2))
    site.advance(after(0.74))
    assert ready(site, "search") == 0
    events = site.advance(after(0.75))
    assert ready(site, "search") == 2
    assert [event.word for event in events] == [EventWord.REPLICA_READY] * 2


def test_pods_wait_for_a_node_that_boots() -> None:
    site = a_site(a_pool(nodes=0, boot_s=300.0), services=[a_service(start_s=60.0)])
    site.place(place("search", 8))
    site.scale(scale(1))
    site.advance(after(5.9))
    assert ready(site, "search") == 0
    site.advance(after(6))
    assert ready(site, "search") == 8


def test_the_largest_pods_are_packed_first() -> None:
    """Two of 3 GPUs and one of 2 fill a node of 8; in the order of names they would not all fit."""
    big, small = a_service("b-big", gpus=3.0), a_service("a-small", gpus=2.0)
    site = a_site(a_pool(nodes=0, boot_s=60.0), services=[big, small])
    site.place(place("a-small", 4))
    site.place(place("b-big", 2))
    site.scale(scale(1))
    site.advance(after(3))
    assert (ready(site, "b-big"), ready(site, "a-small")) == (2, 1)


@pytest.mark.parametrize(
    "per_pod",
    [
        Resources(gpus=1.0, cpu=60.0, memory_gib=1.0),
        Resources(gpus=1.0, cpu=1.0, memory_gib=500.0),
        Resources(gpus=4.0, cpu=1.0, memory_gib=1.0),
        Resources(gpus=0.0, cpu=0.0, memory_gib=0.0, pods=50.0),
    ],
)
def test_each_resource_of_a_node_limits_its_pods(per_pod: Resources) -> None:
    site = a_site(a_pool(nodes=1), services=[a_service(per_pod=per_pod)])
    site.place(place("search", 5))
    site.advance(after(5))
    assert ready(site, "search") == 2


def test_fractions_of_a_gpu_add_up_to_whole_ones() -> None:
    site = a_site(a_pool(nodes=1), services=[a_service(gpus=0.1, per_pod=Resources(gpus=0.1))])
    for pods in (80, 3, 100):
        site.place(place("search", pods))
    site.advance(after(5))
    assert nodes_of(site)[0].pods == 80


def test_what_is_too_large_or_unknown_to_a_gpu_is_refused_with_the_reason() -> None:
    services = [
        a_service("huge", gpus=16.0),
        a_service("hungry", gpu_memory_gib=80.0),
        a_service("foreign", curves={T4: a_service().curves[A100]}),
    ]
    site = a_site(a_pool(), services=services, jobs=[a_job()])
    for name, reason in (
        ("huge", "a pod of huge is larger than a node of pool"),
        ("hungry", "hungry needs 80 GiB of GPU memory, A100-40GB has 40"),
        ("foreign", "foreign declares no speed on A100-40GB"),
    ):
        with pytest.raises(Refused, match=reason):
            site.place(place(name, 1))
    with pytest.raises(
        Refused, match="ranker runs with 2 workers on one pool or not at all; got 1"
    ):
        site.place(place("ranker", 1, gang=True))


def test_a_gang_trains_at_the_speed_of_its_gpus_after_its_restart() -> None:
    job = a_job(workers=2, gpus=8.0, restart_s=300.0, speed={A100: 0.5})
    site = a_site(a_pool(nodes=2), jobs=[job])
    site.place(place("ranker", 2, gang=True))
    site.advance(after(4.9))
    assert ready(site, "ranker") == 0
    site.advance(after(65))
    assert ready(site, "ranker") == 2
    done = progress(site, "ranker")
    assert done is not None
    assert done.done_gpu_hours == pytest.approx(2 * 8 * 0.5)
    assert done.saved_gpu_hours == pytest.approx(2 * 8 * 0.5)


def test_a_gang_finishes_on_time_and_frees_its_nodes() -> None:
    job = a_job(work_gpu_hours=16.0, restart_s=300.0)
    site = a_site(a_pool(nodes=2), jobs=[job])
    site.place(place("ranker", 2, gang=True))
    events = site.advance(after(90))
    finish = next(event for event in events if event.word is EventWord.JOB_FINISHED)
    assert finish.at == pytest.approx(after(65))
    done = progress(site, "ranker")
    assert done is not None
    assert (done.finished, done.done_gpu_hours) == (True, 16.0)
    assert placed(site, "ranker") is None
    assert all(node.pods == 0 for node in nodes_of(site))
    site.place(place("ranker", 2, gang=True))
    site.advance(after(99))
    assert placed(site, "ranker") is None


def test_a_lost_node_throws_the_gang_back_to_its_checkpoint() -> None:
    site = a_site(a_pool(nodes=2), jobs=[a_job(checkpoint_s=1800.0, restart_s=0.0)])
    site.place(place("ranker", 2, gang=True))
    site.advance(after(50))
    site.lose(NodeName("pool-1"))
    done = progress(site, "ranker")
    assert done is not None
    assert done.done_gpu_hours == done.saved_gpu_hours == pytest.approx(8.0)
    found = placed(site, "ranker")
    assert found is not None
    assert (found.wanted, found.ready) == (2, 0)
    assert nodes_of(site)[0].pods == 0


@pytest.mark.parametrize("how", ["suspend", "drain"])
def test_a_gang_that_is_told_to_stop_saves_first(how: str) -> None:
    site = a_site(a_pool(nodes=2), jobs=[a_job(checkpoint_s=1800.0, restart_s=0.0)])
    site.place(place("ranker", 2, gang=True))
    site.advance(after(50))
    if how == "suspend":
        site.place(place("ranker", 0, gang=True))
    else:
        site.drain(drain("pool-0"))
    done = progress(site, "ranker")
    assert done is not None
    assert done.done_gpu_hours == done.saved_gpu_hours == pytest.approx(16 * 50 / 60)


def test_progress_moves_with_a_job_to_another_site() -> None:
    ledger, job = JobLedger(), a_job(work_gpu_hours=32.0, restart_s=0.0)
    here = a_site(a_pool(), jobs=[job], ledger=ledger)
    there = a_site(a_pool(), jobs=[job], ledger=ledger, cluster=ClusterName("cloud"))
    here.place(place("ranker", 2, gang=True))
    here.advance(after(60))
    there.advance(after(60))
    there.place(place("ranker", 2, gang=True))
    there.advance(after(61))
    assert ready(there, "ranker") == 0, "it cannot train in two places"
    here.place(place("ranker", 0, gang=True))
    there.advance(after(62))
    there.advance(after(92))
    assert progress(here, "ranker") is None, "the site where it ran last tells of it"
    moved = progress(there, "ranker")
    assert moved is not None
    assert moved.done_gpu_hours == pytest.approx(16.0 + 8.0)
    there.advance(after(123))
    assert ledger.progress(job.name).finished


def test_a_gang_may_spread_over_pools_if_the_job_allows() -> None:
    job = a_job(spread=Spread.CLUSTER, workers=3, speed={A100: 1.0, T4: 0.25}, restart_s=0.0)
    site = a_site(a_pool("fast", nodes=2), a_pool("slow", nodes=1, gpu_type=T4), jobs=[job])
    site.place(place("ranker", 2, pool="fast", gang=True))
    site.advance(after(1))
    assert ready(site, "ranker", "fast") == 0
    site.place(place("ranker", 1, pool="slow", gang=True))
    site.advance(after(61))
    assert (ready(site, "ranker", "fast"), ready(site, "ranker", "slow")) == (2, 1)
    done = progress(site, "ranker")
    assert done is not None
    assert done.done_gpu_hours == pytest.approx(3 * 8 * 0.25), "the slowest worker sets the pace"


def test_a_gang_moves_between_pools_in_either_order_of_the_orders() -> None:
    job = a_job(restart_s=0.0)
    for old_first in (True, False):
        site = a_site(a_pool("old"), a_pool("new"), jobs=[job])
        site.place(place("ranker", 2, pool="old", gang=True))
        site.advance(after(30))
        orders: list[PlaceOrder] = [
            place("ranker", 0, pool="old", gang=True),
            place("ranker", 2, pool="new", gang=True),
        ]
        for order in orders if old_first else reversed(orders):
            site.place(order)
        site.advance(after(60))
        assert (ready(site, "ranker", "old"), ready(site, "ranker", "new")) == (0, 2)
        done = progress(site, "ranker")
        assert done is not None
        assert done.done_gpu_hours == pytest.approx(16.0)


def test_a_gang_starts_when_the_service_in_its_way_leaves() -> None:
    site = a_site(a_pool(nodes=2), services=[a_service()], jobs=[a_job()])
    site.place(place("search", 1))
    site.place(place("ranker", 2, gang=True))
    site.advance(after(60))
    assert ready(site, "ranker") == 0
    site.place(place("search", 0))
    site.advance(after(70))
    assert ready(site, "ranker") == 2


def test_pods_are_stopped_where_the_node_leaves_or_is_emptiest() -> None:
    site = a_site(a_pool(nodes=2), services=[a_service()])
    site.place(place("search", 10))
    site.advance(after(5))
    assert [node.pods for node in nodes_of(site)] == [8, 2]
    site.place(place("search", 8))
    assert [node.pods for node in nodes_of(site)] == [8, 0]
    assert ready(site, "search") == 8


def test_a_service_gets_the_room_of_a_suspended_gang() -> None:
    site = a_site(a_pool(nodes=2), services=[a_service()], jobs=[a_job()])
    site.place(place("ranker", 2, gang=True))
    site.place(place("search", 3))
    site.advance(after(5))
    assert ready(site, "search") == 0
    site.place(place("ranker", 0, gang=True))
    site.advance(after(6))
    assert ready(site, "search") == 3


def test_a_pod_that_left_before_it_started_is_not_told_as_ready() -> None:
    site = a_site(a_pool(), services=[a_service(start_s=45.0)])
    site.place(place("search", 1))
    site.place(place("search", 0))
    assert [event.word for event in site.advance(after(5))] == [EventWord.NODE_ORDERED] * 2


def test_pods_on_a_doomed_node_are_the_first_to_stop() -> None:
    pool = a_spot_pool("pool", nodes=2, interruptions_per_hour=1.0)
    service = a_service(gpus=4.0, start_s=0.0)
    notice = next(
        event
        for event in a_site(pool, weather=Weather()).advance(after(1440))
        if event.word is EventWord.SPOT_NOTICE
    )
    site = a_site(pool, services=[service], weather=Weather())
    site.place(place("search", 4))
    site.advance(notice.at)
    site.place(place("search", 2))
    assert {node.doomed: node.pods for node in nodes_of(site)} == {True: 0, False: 2}
