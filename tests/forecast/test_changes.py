"""The range of a load: by how much it has changed, of late, while new capacity would have come."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.demand import ServiceDemand
from scheduler.domain.readings import Signal
from scheduler.domain.settings import ForecastSettings
from scheduler.forecast import expect

from .worlds import NAME, a_fleet, a_pool, a_service, a_world, readings

LOADS = st.lists(st.floats(0.0, 1e5), min_size=1, max_size=20)
SURGE = [100.0] * 9 + [160.0] * 7


def expected(values: list[float], *, age_s: float = 0.0, **changes: float) -> ServiceDemand:
    """Of readings a minute apart, with five and a half minutes to look ahead."""
    world = a_world(a_fleet(a_service(), a_pool()), readings(Signal.LOAD, values, age_s=age_s))
    return expect(world, replace(ForecastSettings(), **changes)).services[NAME]


def test_a_steady_load_has_no_range_and_is_planned_with_the_margin() -> None:
    demand = expected([100.0] * 16)
    assert (demand.low_rps, demand.high_rps) == (100.0, 100.0)
    assert demand.rps == pytest.approx(110.0)
    assert "likely" not in demand.because


def test_a_load_that_surged_is_planned_to_surge_once_more() -> None:
    demand = expected(SURGE)
    assert demand.low_rps == 160.0
    assert demand.high_rps == pytest.approx(220.0)
    assert demand.rps == pytest.approx(220.0)
    assert demand.because.startswith("wants 220/s within 6 min (160 to 220 likely): 160 lately")
    assert "more as it rose of late" in demand.because


def test_what_trend_and_margin_cover_is_not_added_again() -> None:
    demand = expected(SURGE, margin=0.5)
    assert demand.rps > 1.5 * 160.0
    assert "as it rose" not in demand.because


def test_a_surge_is_forgotten_with_the_window() -> None:
    assert expected([100.0] + [160.0] * 15).rps == pytest.approx(176.0)


def test_a_lower_quantile_leaves_rare_rises_out() -> None:
    """Over two of ten horizons the load rose by 60, over the others not."""
    bump = [100.0] * 14 + [160.0] * 2
    assert expected(bump, quantile=0.5).high_rps == pytest.approx(160.0)
    assert expected(bump, quantile=0.9).high_rps == pytest.approx(220.0)


def test_a_load_that_fell_may_fall_again_but_is_not_planned_lower() -> None:
    demand = expected([160.0] * 8 + [100.0] * 8)
    assert demand.low_rps == pytest.approx(40.0)
    assert demand.high_rps == 100.0
    assert demand.rps == pytest.approx(176.0), "the highest of the look-back"


def test_jitter_is_within_the_range() -> None:
    demand = expected([100.0, 104.0, 97.0, 102.0, 95.0, 101.0, 103.0, 98.0] * 2)
    assert demand.low_rps is not None
    assert demand.high_rps is not None
    assert demand.low_rps < 98.0
    assert demand.high_rps > 102.0


@pytest.mark.parametrize("values", [[], [100.0], [100.0] * 9])
def test_a_history_hardly_longer_than_the_horizon_says_no_range(values: list[float]) -> None:
    demand = expected(values)
    assert (demand.low_rps, demand.high_rps) == (None, None)


def test_a_load_that_is_not_fresh_has_no_range() -> None:
    demand = expected([100.0] * 16, age_s=400.0)
    assert (demand.low_rps, demand.high_rps) == (None, None)


@settings(max_examples=100)
@given(values=LOADS)
def test_the_plan_carries_the_whole_range(values: list[float]) -> None:
    demand = expected(values)
    if demand.low_rps is not None and demand.high_rps is not None:
        assert 0.0 <= demand.low_rps <= demand.high_rps
        assert demand.rps >= demand.high_rps * (1.0 - 1e-9)


@settings(max_examples=100)
@given(values=LOADS, one=st.floats(0.5, 0.98), other=st.floats(0.5, 0.98))
def test_a_higher_quantile_never_plans_for_less(
    values: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    planned = expected(values, quantile=high).rps
    assert planned >= expected(values, quantile=low).rps * (1.0 - 1e-9)
