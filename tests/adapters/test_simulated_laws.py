"""Laws of a simulated site under any orders: room, limits, gangs, determinism, speed."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from time import process_time

import pytest
from adapter_worlds import (
    MIDNIGHT,
    a_job,
    a_pool,
    a_service,
    a_site,
    a_spot_pool,
    after,
    drain,
    place,
    release,
    scale,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import AdapterError, DrainOrder, PlaceOrder, ReleaseOrder, Scale
from adapters.packing import amounts
from adapters.simulated import EventWord, SimulatedSite, SiteEvent, StockOut, Weather
from scheduler.domain.names import Instant, PoolName
from scheduler.domain.snapshot import SiteReport
from scheduler.domain.workloads import Spread

POOLS = (a_pool("dc", 2, 3), a_spot_pool("spot", nodes=1, limit=4, interruptions_per_hour=2.0))
SERVICES = (a_service("big", gpus=3.0), a_service("small", gpus=0.5))
JOBS = (
    a_job("whole", workers=2, gpus=4.0, work_gpu_hours=9.0),
    a_job("spread", workers=3, gpus=4.0, spread=Spread.CLUSTER),
)
WEATHER = Weather(
    boot_jitter=0.3,
    stock_outs=(StockOut(pool=PoolName("spot"), from_minute=60.0, to_minute=120.0),),
)
SIZES = {each.name: each.per_pod for each in (*SERVICES, *JOBS)}
WORKERS = {job.name: job.workers for job in JOBS}
LIMITS = {pool.name: pool.max_nodes for pool in POOLS}

Step = float | Scale | PlaceOrder | DrainOrder | ReleaseOrder
pool_names = st.sampled_from(["dc", "spot"])
node_names = st.lists(st.integers(0, 6), max_size=3)
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        st.floats(0.1, 90.0),
        st.builds(scale, st.integers(0, 6), pool_names),
        st.builds(place, st.sampled_from(["big", "small"]), st.integers(0, 20), pool_names),
        st.builds(
            lambda name, on, pool: place(name, WORKERS[name] if on else 0, pool, gang=True),
            st.sampled_from(list(WORKERS)),
            st.booleans(),
            pool_names,
        ),
        st.builds(
            lambda pods, pool: place("spread", pods, pool, gang=True), st.integers(0, 3), pool_names
        ),
        st.builds(
            lambda pool, ids: drain(*(f"{pool}-{i}" for i in ids), pool=pool),
            pool_names,
            node_names,
        ),
        st.builds(
            lambda pool, ids: release(*(f"{pool}-{i}" for i in ids), pool=pool),
            pool_names,
            node_names,
        ),
    ),
    min_size=3,
    max_size=25,
)


def a_busy_site(seed: int = 3) -> SimulatedSite:
    return a_site(*POOLS, services=SERVICES, jobs=JOBS, weather=WEATHER, seed=seed)


def send(site: SimulatedSite, order: Step) -> None:
    """Sites fail in the ways of the protocol only; anything else ends the test."""
    try:
        match order:
            case Scale():
                site.scale(order)
            case PlaceOrder():
                site.place(order)
            case DrainOrder():
                site.drain(order)
            case ReleaseOrder():
                site.release(order)
    except AdapterError:
        pass


def assert_lawful(site: SimulatedSite) -> None:
    report = site.report()
    floor = site._floor
    for name, nodes in floor.nodes.items():
        assert len(nodes) <= LIMITS[name]
        for node in nodes:
            used = [amounts(SIZES[pod.workload]) for pod in node.pods.values()]
            for amount, free, column in zip(
                amounts(nodes.pool.per_node), node.room, zip(*used, strict=True), strict=False
            ):
                assert free >= -1e-6
                assert sum(column) + free == pytest.approx(amount)
            assert node.booted or not node.pods
    assert_gangs_whole(report)
    assert_nothing_stays_that_may_be_evicted(site)
    held = sum(node.pods for node in report.nodes)
    assert sum(each.ready for each in report.placements) <= held
    assert all(0 <= each.ready <= each.wanted for each in report.placements)
    assert all(each.saved_gpu_hours <= each.done_gpu_hours for each in report.progress)


def assert_nothing_stays_that_may_be_evicted(site: SimulatedSite) -> None:
    """What sits on a draining node is a replica, and its service has no pod to spare."""
    wanted, serving = Counter[str](), Counter[str]()
    for each in site.report().placements:
        wanted[each.workload] += each.wanted
        serving[each.workload] += each.ready
    for node in (node for nodes in site._floor.nodes.values() for node in nodes if node.draining):
        for pod in node.pods.values():
            name = pod.workload
            assert not pod.worker
            assert serving[name] <= wanted[name] - max(1, wanted[name] // 4)


def assert_gangs_whole(report: SiteReport) -> None:
    training: Counter[str] = Counter()
    for each in report.placements:
        training[each.workload] += each.ready
    for job, workers in WORKERS.items():
        assert training[job] in (0, workers)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_no_orders_break_room_limits_or_gangs_and_every_node_is_accounted_for(
    orders: list[Step],
) -> None:
    site, now, events = a_busy_site(), MIDNIGHT, list[SiteEvent]()
    for order in orders:
        if isinstance(order, float):
            now = Instant(now + order * 60.0)
            events += site.advance(now)
        else:
            send(site, order)
        assert_lawful(site)
    words = Counter(event.word for event in (*events, *site.advance(now)))
    gone = words[EventWord.NODE_LOST] + words[EventWord.NODE_RELEASED]
    assert len(site.report().nodes) == words[EventWord.NODE_ORDERED] - gone


@settings(max_examples=150, deadline=None)
@given(steps, st.integers(2, 7))
def test_time_in_small_steps_or_in_one_leads_to_the_same_state(
    orders: list[Step], parts: int
) -> None:
    coarse, fine, now = a_busy_site(), a_busy_site(), MIDNIGHT
    for order in orders:
        if isinstance(order, float):
            for part in range(1, parts):
                fine.catch_up(Instant(now + order * 60.0 * part / parts))
            now = Instant(now + order * 60.0)
            assert coarse.advance(now) == fine.advance(now)
        else:
            send(coarse, order)
            send(fine, order)
        assert coarse.report() == fine.report()


@settings(max_examples=100, deadline=None)
@given(steps)
def test_an_order_sent_again_at_once_changes_nothing(orders: list[Step]) -> None:
    site, now = a_busy_site(), MIDNIGHT
    for order in orders:
        if isinstance(order, float):
            now = Instant(now + order * 60.0)
            site.advance(now)
        else:
            send(site, order)
            once = site.report()
            send(site, order)
            assert site.report() == once


def test_another_seed_is_another_fate() -> None:
    fates = {
        tuple((e.at, e.subject) for e in a_busy_site(seed).advance(after(300)))
        for seed in (1, 1, 2, 3)
    }
    assert len(fates) == 3


def a_large_site() -> SimulatedSite:
    pools = [
        a_spot_pool(f"pool-{index:02d}", nodes=10, limit=20, interruptions_per_hour=0.05)
        for index in range(50)
    ]
    services = [a_service(f"service-{index:02d}", gpus=2.0) for index in range(40)]
    jobs = [a_job(f"job-{index:02d}", workers=2, gpus=2.0) for index in range(40)]
    site = a_site(*pools, services=services, jobs=jobs, weather=Weather(boot_jitter=0.2))
    for index, pool in enumerate(pools):
        for offset in range(5):
            site.place(place(f"service-{(index + offset) % 40:02d}", 6, pool=pool.name))
        site.place(place(f"job-{index % 40:02d}", 2, pool=pool.name, gang=True))
    return site


def test_fifty_pools_and_five_hundred_nodes_are_told_and_moved_in_milliseconds() -> None:
    """Targets: a report in 3 ms, a minute in 5 ms; tested at three times that on a busy machine."""
    site = a_large_site()
    site.advance(after(10))
    assert len(site.report().nodes) >= 490
    reports = [took(site.report) for _ in range(20)]
    minutes = [took(partial(site.advance, after(11 + index))) for index in range(120)]
    assert min(reports) < 0.009
    assert sorted(minutes)[60] < 0.015


def took(call: Callable[[], object]) -> float:
    begin = process_time()
    call()
    return process_time() - begin
