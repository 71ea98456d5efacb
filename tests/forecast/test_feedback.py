"""Feedback: users who wait raise the expectation, whatever the curves say."""

from dataclasses import replace

import pytest

from scheduler.domain.demand import ServiceDemand
from scheduler.domain.names import Region
from scheduler.domain.places import Link
from scheduler.domain.readings import Freshness, Series, Signal
from scheduler.domain.settings import ForecastSettings
from scheduler.domain.snapshot import Placement
from scheduler.forecast import expect

from .worlds import (
    CLUSTER,
    CURVE,
    GPU,
    NAME,
    a_fleet,
    a_pool,
    a_service,
    a_site,
    a_world,
    readings,
    running,
)

LOAD = readings(Signal.LOAD, [100.0] * 15)
PLAIN = 110.0
OBJECTIVE_S = 0.060


def demanded(*series: Series, placed: Placement | None = None) -> ServiceDemand:
    world = a_world(a_fleet(a_service()), *series, sites=a_site(placed or running(4)))
    return expect(world, ForecastSettings()).services[NAME]


def latency(values: list[float], age_s: float = 0.0) -> Series:
    return readings(Signal.LATENCY, values, age_s=age_s)


def queue(values: list[float], pool: str = "", age_s: float = 0.0) -> Series:
    return readings(Signal.QUEUE, values, pool=pool, age_s=age_s)


def test_an_objective_that_is_met_changes_nothing() -> None:
    assert demanded(LOAD, latency([OBJECTIVE_S] * 3)).rps == pytest.approx(PLAIN)


def test_a_broken_objective_raises_the_expectation_in_proportion_and_says_so() -> None:
    demand = demanded(LOAD, latency([1.2 * OBJECTIVE_S] * 3))
    assert demand.rps == pytest.approx(1.2 * PLAIN)
    assert "p95 of 72 ms breaks 60 ms although the load says enough: raised 1.20 times" in (
        demand.because
    )


def test_however_long_users_wait_the_raise_is_limited() -> None:
    assert demanded(LOAD, latency([9.0] * 3)).rps == pytest.approx(1.5 * PLAIN)


def test_one_slow_reading_or_two_old_ones_raise_nothing() -> None:
    assert demanded(LOAD, latency([0.05, 0.05, 0.9])).rps == pytest.approx(PLAIN)
    assert demanded(LOAD, latency([0.9, 0.9])).rps == pytest.approx(PLAIN)
    assert demanded(LOAD, latency([0.9] * 3, age_s=400.0)).rps == pytest.approx(PLAIN)


def test_where_the_plan_must_grow_anyway_response_times_add_nothing() -> None:
    slow = latency([9.0] * 3)
    assert demanded(LOAD, slow, placed=running(1)).rps == pytest.approx(PLAIN)
    assert demanded(LOAD, slow, placed=running(0, wanted=4)).rps == pytest.approx(PLAIN)


def test_the_way_to_the_users_counts_when_the_curve_is_asked() -> None:
    users = Region("eu-west-1")
    service = a_service(users=users, curves={GPU: replace(CURVE, queue_s=0.005)})
    far = Link(source=users, target=CLUSTER, tiers=(), gbit_per_s=1.0, rtt_s=0.034)
    for link, raised in ((far, False), (replace(far, rtt_s=0.010), True)):
        fleet = replace(a_fleet(service, a_pool()), links=(link,))
        world = a_world(fleet, LOAD, latency([0.09] * 3), sites=a_site(running(4)))
        rps = expect(world, ForecastSettings()).services[NAME].rps
        assert rps == pytest.approx(1.5 * PLAIN if raised else PLAIN)


def test_a_rising_queue_is_to_be_worked_off_within_a_minute() -> None:
    demand = demanded(LOAD, queue([0.0, 60.0, 120.0]))
    assert demand.rps == pytest.approx(PLAIN + 2.0)
    assert "a rising queue of 120" in demand.because


@pytest.mark.parametrize("values", [[120.0] * 3, [180.0, 150.0, 120.0], [0.0] * 3, [60.0, 120.0]])
def test_a_queue_that_does_not_rise_over_three_readings_adds_nothing(values: list[float]) -> None:
    assert demanded(LOAD, queue(values)).rps == pytest.approx(PLAIN)


def test_queues_of_pools_add_up_unless_there_is_one_for_all() -> None:
    here, there = queue([1.0, 30.0, 60.0], pool="cloud-a10g"), queue([1.0, 2.0, 60.0], pool="b")
    assert demanded(LOAD, here, there).rps == pytest.approx(PLAIN + 2.0)
    whole = queue([0.0, 30.0, 60.0])
    assert demanded(LOAD, here, there, whole).rps == pytest.approx(PLAIN + 1.0)


def test_an_old_queue_is_no_queue() -> None:
    assert demanded(LOAD, queue([0.0, 60.0, 120.0], age_s=400.0)).rps == pytest.approx(PLAIN)


def test_a_rising_queue_is_heard_even_when_the_load_is_stale() -> None:
    demand = demanded(readings(Signal.LOAD, [100.0] * 5, age_s=900.0), queue([0.0, 60.0, 120.0]))
    assert demand.freshness is Freshness.STALE
    assert demand.hold
    assert demand.rps == pytest.approx(102.0)
