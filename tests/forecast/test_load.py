"""The load to expect: a robust level, a damped trend, and what is not known."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.demand import ServiceDemand
from scheduler.domain.names import Instant
from scheduler.domain.readings import Freshness, Series, Signal
from scheduler.domain.settings import ForecastSettings
from scheduler.domain.snapshot import Memory
from scheduler.forecast import expect

from .worlds import NAME, NOW, a_fleet, a_pool, a_service, a_world, readings

SETTINGS = ForecastSettings()


def expected(*series: Series, memory: Memory | None = None, boot_s: float = 240.0) -> ServiceDemand:
    fleet = a_fleet(a_service(), a_pool(boot_s=boot_s))
    return expect(a_world(fleet, *series, memory=memory), SETTINGS).services[NAME]


def load(values: list[float], **how: float) -> Series:
    return readings(Signal.LOAD, values, **how)  # type: ignore[arg-type]


def test_steady_load_is_expected_with_the_margin_and_nothing_else() -> None:
    demand = expected(load([100.0] * 15))
    assert demand.rps == pytest.approx(110.0)
    assert demand.now_rps == 100.0
    assert demand.freshness is Freshness.FRESH
    assert not demand.hold
    assert demand.because.startswith("wants 110/s within 6 min: 100 lately")


def test_a_ramp_is_followed_ahead_of_time() -> None:
    ramp = [100.0 + 4.0 * minute for minute in range(15)]
    at_boot = ramp[-1] + 4.0 * 5.5  # 4 min boot, half a minute start, one round
    demand = expected(load(ramp))
    assert demand.rps > at_boot
    assert demand.rps < 1.25 * at_boot


def test_a_pool_that_boots_slowly_makes_it_look_further_ahead() -> None:
    ramp = load([100.0 + 4.0 * minute for minute in range(15)])
    assert expected(ramp, boot_s=900.0).rps > expected(ramp, boot_s=60.0).rps
    assert expected(ramp, boot_s=9000.0).rps == expected(ramp, boot_s=1800.0).rps


def test_a_pool_that_cannot_grow_does_not_lengthen_the_look_ahead() -> None:
    fixed = a_pool("dc", boot_s=1200.0, min_nodes=4, max_nodes=4)
    fleet = a_fleet(a_service(), a_pool(boot_s=240.0), fixed)
    demand = expect(a_world(fleet, load([10.0] * 15)), SETTINGS).services[NAME]
    assert "within 6 min" in demand.because


def test_falling_load_is_not_believed_before_the_look_back_is_over() -> None:
    assert expected(load([100.0] * 12 + [20.0] * 3)).rps >= 100.0
    assert expected(load([100.0] * 3 + [20.0] * 12)).rps < 40.0


def test_a_step_is_taken_up_with_its_second_reading() -> None:
    once, twice = load([100.0] * 14 + [180.0]), load([100.0] * 13 + [180.0] * 2)
    assert expected(once).rps == pytest.approx(110.0)
    assert expected(twice).rps >= 180.0


def test_one_of_two_readings_may_be_the_outlier_so_the_higher_counts() -> None:
    assert expected(load([50.0, 90.0])).rps == pytest.approx(99.0)
    assert expected(load([90.0, 50.0])).rps == pytest.approx(99.0)


def test_unknown_load_holds_and_is_told_from_a_load_of_zero() -> None:
    unknown, idle = expected(), expected(load([0.0] * 15))
    assert (unknown.rps, unknown.hold, unknown.freshness) == (0.0, True, Freshness.UNKNOWN)
    assert (idle.rps, idle.hold, idle.freshness) == (0.0, False, Freshness.FRESH)
    assert "not zero" in unknown.because


def test_stale_load_holds_the_last_known_value() -> None:
    demand = expected(load([80.0] * 15, age_s=301.0))
    assert (demand.rps, demand.hold, demand.freshness) == (80.0, True, Freshness.STALE)
    assert expected(load([80.0] * 15, age_s=299.0)).freshness is Freshness.FRESH


def test_a_stale_reading_from_before_the_window_is_still_the_last_known() -> None:
    demand = expected(load([80.0] * 3, age_s=7200.0))
    assert (demand.rps, demand.freshness) == (80.0, Freshness.STALE)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf, -1.0])
def test_a_value_that_is_no_load_is_as_if_it_had_not_been_read(broken: float) -> None:
    assert expected(load([100.0] * 14 + [broken])).rps == pytest.approx(110.0)
    assert expected(load([broken] * 5)).freshness is Freshness.UNKNOWN


def test_a_reading_from_the_far_future_is_a_wrong_clock_and_not_a_reading() -> None:
    assert expected(load([100.0] * 15, age_s=-36_000.0)).freshness is Freshness.UNKNOWN


def test_after_a_restart_nothing_is_taken_until_a_window_was_seen() -> None:
    steady = load([100.0] * 15)
    young = expected(steady, memory=Memory(started_at=Instant(NOW - 899.0)))
    grown_up = expected(steady, memory=Memory(started_at=Instant(NOW - 900.0)))
    first = expected(steady, memory=Memory())
    assert young.hold
    assert "started 15.0 min ago" in young.because
    assert not grown_up.hold
    assert first.hold
    assert "first look" in first.because


def test_the_highest_load_of_the_cool_down_is_planned_for() -> None:
    def after(readings: int) -> float:
        """Expectation when the load fell from 200 to 100 that many minutes ago."""
        return expected(load([200.0] * (16 - readings) + [100.0] * readings)).rps

    assert after(8) > 200.0
    assert after(12) < 180.0


def test_a_fleet_without_services_has_no_demand() -> None:
    assert expect(a_world(a_fleet(a_pool())), SETTINGS).services == {}


LOADS = st.lists(st.floats(0.0, 1e5), min_size=1, max_size=20)


@given(values=LOADS, times=st.floats(1.0, 10.0))
def test_more_load_in_proportion_is_never_answered_with_less(
    values: list[float], times: float
) -> None:
    less, more = expected(load(values)), expected(load([times * v for v in values]))
    assert more.rps >= less.rps * (1.0 - 1e-9)


@given(values=LOADS, extra=st.floats(0.0, 1e5))
def test_more_load_at_all_times_is_never_answered_with_less(
    values: list[float], extra: float
) -> None:
    less, more = expected(load(values)), expected(load([v + extra for v in values]))
    assert more.rps >= less.rps - 1e-6 * (1.0 + less.rps + extra)


@given(values=LOADS)
def test_the_same_snapshot_gives_the_same_demand(values: list[float]) -> None:
    fleet = a_fleet(a_service(), a_pool())
    world = a_world(fleet, load(values))
    assert expect(world, SETTINGS) == expect(world, SETTINGS)


@given(values=LOADS)
def test_the_expectation_is_finite_and_within_the_limits_of_trend_and_jitter(
    values: list[float],
) -> None:
    rps = expected(load(values)).rps
    assert 0.0 <= rps <= 1.1 * 2.5 * max(values) * 1.000001


@settings(max_examples=200)
@given(
    jitter=st.lists(st.floats(-0.05, 0.05), min_size=15, max_size=15),
    place=st.integers(0, 14),
    outlier=st.floats(0.0, 100.0),
)
def test_one_wild_reading_moves_the_expectation_by_less_than_a_quarter(
    jitter: list[float], place: int, outlier: float
) -> None:
    steady = [100.0 * (1.0 + x) for x in jitter]
    wild = [*steady[:place], 100.0 * outlier, *steady[place + 1 :]]
    assert expected(load(wild)).rps == pytest.approx(expected(load(steady)).rps, rel=0.25)


@given(jitter=st.lists(st.floats(-0.1, 0.1), min_size=15, max_size=15))
def test_jitter_of_ten_percent_never_asks_for_more_than_half_again(jitter: list[float]) -> None:
    rps = expected(load([100.0 * (1.0 + x) for x in jitter])).rps
    assert 90.0 <= rps <= 165.0
