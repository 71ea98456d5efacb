"""What the simulated world does with requests, nodes and jobs over time."""

import numpy as np
import pytest

from adapters.base import NoCapacity
from scheduler.config.declared import SiteSettings, StaticSite
from scheduler.domain.names import Instant
from scheduler.domain.readings import Signal
from scheduler.simulation.day import run
from scheduler.simulation.world import World
from tests.simulation.worlds import (
    BEGIN,
    CLOUD,
    HOME,
    HOUR,
    OWNED,
    RANKING,
    RENTED,
    SPOT,
    TRAINING,
    a_day,
    a_fleet,
    a_job,
    a_load,
    a_price,
    a_world,
    go,
    place,
    scale,
    sites,
)


def busy_day(seed):
    world = a_world(a_fleet(), a_load((0.0, 100.0), (1.0, 400.0), (2.0, 100.0)), seed=seed)
    scale(world, SPOT, 2)
    place(world, RANKING, OWNED, 4, 0.5)
    place(world, RANKING, SPOT, 4, 0.5)
    go(world, 2.0)
    return world


def test_equal_seeds_give_equal_days():
    first, second = busy_day(3).history(), busy_day(3).history()
    for name in ("load_rps", "latency_s", "attained", "nodes", "usd_per_hour", "waiting"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_another_seed_gives_another_day():
    assert not np.array_equal(busy_day(3).history().load_rps, busy_day(4).history().load_rps)


def test_all_requests_are_in_time_when_idle_capacity_abounds():
    world = a_world(a_fleet(), a_load((0.0, 10.0)))
    place(world, RANKING, OWNED, 8, 1.0)
    go(world, 2.0)
    assert world.summary().attainment == pytest.approx(1.0, abs=1e-6)


def test_no_request_is_in_time_without_a_replica():
    world = a_world(a_fleet(), a_load((0.0, 10.0)))
    go(world, 1.0)
    assert world.summary().attainment == 0.0
    assert np.isinf(world.history().latency_s).all()


def test_a_load_beyond_the_limit_forms_a_line_that_outlives_it():
    world = a_world(
        a_fleet(), a_load((0.0, 50.0), (0.1, 50.0), (0.101, 250.0), (0.3, 250.0), (0.301, 50.0))
    )
    place(world, RANKING, OWNED, 2, 1.0)
    go(world, 0.5)
    history = world.history()
    calm, rush = history.times < BEGIN + 0.1 * HOUR, history.times > BEGIN + 0.12 * HOUR
    assert history.waiting[calm].max() == 0.0
    assert history.waiting[rush & (history.times < BEGIN + 0.3 * HOUR)].min() > 1000.0
    calm_again = (history.times > BEGIN + 0.3 * HOUR) & (history.load_rps[:, 0] < 100.0)
    assert history.attained[np.argmax(calm_again), 0] < 0.9
    assert history.waiting[-1, 0] == 0.0


def test_traffic_goes_where_replicas_are_ready_whatever_the_share_says():
    world = a_world(a_fleet(), a_load((0.0, 100.0)))
    place(world, RANKING, OWNED, 4, 0.25)
    place(world, RANKING, RENTED, 4, 0.75)
    go(world, 1.0)
    assert world.summary().attainment > 0.99


def test_ready_replicas_without_a_share_are_better_than_none():
    world = a_world(a_fleet(), a_load((0.0, 100.0)))
    place(world, RANKING, OWNED, 4, 0.0)
    go(world, 1.0)
    assert world.summary().attainment > 0.99


def test_the_round_trip_of_another_region_counts_against_the_objective():
    fleet = a_fleet()
    near, far = a_world(fleet, a_load((0.0, 50.0))), a_world(fleet, a_load((0.0, 50.0)))
    place(near, RANKING, OWNED, 4, 1.0)
    scale(far, RENTED, 1)
    place(far, RANKING, RENTED, 4, 1.0)
    go(near, 0.5)
    go(far, 0.5)
    more = far.history().latency_s - near.history().latency_s
    assert more == pytest.approx(np.full(more.shape, 0.02), abs=1e-3)


def test_a_new_node_serves_only_after_boot_and_start():
    world = a_world(a_fleet(), a_load((0.0, 50.0)))
    go(world, 0.0)
    scale(world, RENTED, 1)
    place(world, RANKING, RENTED, 4, 1.0)
    go(world, 0.5)
    history = world.history()
    first = history.times[np.argmax(history.attained[:, 0] > 0.9)] - BEGIN
    assert 300.0 + 30.0 <= first <= 300.0 + 30.0 + 2 * history.step_s


def test_a_job_is_done_when_its_work_is_done_and_the_deadline_is_judged():
    in_time = a_job(deadline=Instant(BEGIN + 1.5 * HOUR), not_before=BEGIN)
    late = a_job(deadline=Instant(BEGIN + 0.5 * HOUR))
    for job, met in ((in_time, 1), (late, 0)):
        world = a_world(a_fleet(jobs=(job,)))
        go(world, 0.0)
        place(world, TRAINING, OWNED, 1, 0.0)
        go(world, 2.0)
        result = world.summary().jobs[0]
        assert result.finished_at == pytest.approx(BEGIN + HOUR)
        assert world.summary().deadlines_met == met


def test_the_readings_tell_load_latency_queue_and_price_as_a_monitor_would():
    async def read(world):
        return {
            (s.signal, s.subject, s.pool): s for s in await world.readings.read(world.now(), 600)
        }

    import asyncio

    world = a_world(a_fleet(), a_load((0.0, 200.0)), a_price(SPOT, (0.0, 1.5)))
    place(world, RANKING, OWNED, 4, 1.0)
    go(world, 1.0)
    found = asyncio.run(read(world))
    assert set(found) == {
        (Signal.LOAD, RANKING, ""),
        (Signal.LATENCY, RANKING, ""),
        (Signal.LATENCY, RANKING, OWNED),
        (Signal.QUEUE, RANKING, ""),
        (Signal.PRICE, SPOT, ""),
    }
    load = found[Signal.LOAD, RANKING, ""]
    assert np.mean(load.values) == pytest.approx(200.0, rel=0.03)
    assert load.values[0] != load.values[1]
    assert np.diff(load.times) == pytest.approx(30.0)
    assert load.times[-1] == world.now()
    assert found[Signal.LATENCY, RANKING, OWNED].values[-1] == pytest.approx(0.02, rel=0.2)
    assert set(found[Signal.PRICE, SPOT, ""].values) == {1.5}


async def test_the_world_has_a_past_before_its_first_instant():
    world = a_world(a_fleet(), a_load((0.0, 70.0)))
    series = await world.readings.read(world.now(), 900.0)
    assert [item.signal for item in series] == [Signal.LOAD]
    assert series[0].times[-1] == world.now()


async def test_a_pool_without_requests_has_no_latency_rather_than_zero():
    world = a_world(a_fleet(), a_load((0.0, 70.0)))
    place(world, RANKING, OWNED, 2, 1.0)
    go(world, 0.5)
    series = await world.readings.read(world.now(), 300.0)
    assert RENTED not in {item.pool for item in series}


async def test_the_adapters_and_the_world_share_one_clock():
    world = a_world(a_fleet())
    go(world, 1.0)
    reports = [await adapter.observe() for adapter in world.adapters()]
    assert [report.at for report in reports] == [world.now()] * 2


def test_a_day_under_a_controller_ticks_at_its_pace_to_the_end():
    world = a_world(a_fleet(), hours=1.0)
    seen = []

    class Watcher:
        def tick(self, world):
            seen.append(world.now())

    run(world, Watcher(), 300.0)
    assert world.now() == world.day.end
    assert np.diff(seen) == pytest.approx(300.0)
    assert seen[0] == world.day.start


def test_time_never_runs_backwards():
    world = a_world(a_fleet())
    go(world, 1.0)
    go(world, 0.5)
    assert world.now() == BEGIN + HOUR


def test_steps_of_any_size_end_in_the_same_bill():
    whole, pieces = a_world(a_fleet()), a_world(a_fleet())
    scale(whole, RENTED, 2)
    scale(pieces, RENTED, 2)
    go(whole, 1.0)
    for part in range(1, 41):
        go(pieces, part / 40.0)
    assert pieces.summary().usd == pytest.approx(whole.summary().usd)


def test_a_sold_out_pool_refuses_and_the_world_goes_on():
    world = a_world(a_fleet())
    go(world, 0.5)
    with pytest.raises(NoCapacity):
        scale(world, RENTED, 7)
    go(world, 1.0)
    assert world.history().nodes[-1].tolist() == [2.0, 6.0, 0.0]


def test_a_cluster_that_is_not_simulated_is_refused_with_what_to_do():
    settings = sites() | {
        CLOUD: SiteSettings(cluster=CLOUD, access="static", options=StaticSite(nodes={}))
    }
    with pytest.raises(ValueError, match="access"):
        World(a_fleet(), settings, (), a_day())
    assert HOME in settings
