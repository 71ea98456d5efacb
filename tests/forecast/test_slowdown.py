"""Drift: a server slower than its curve is noticed, a busy or unread one is not accused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.demand import ServiceDemand
from scheduler.domain.names import GpuType, Instant
from scheduler.domain.readings import Series, Signal
from scheduler.domain.settings import ForecastSettings
from scheduler.domain.snapshot import Memory, Placement
from scheduler.domain.workloads import LatencyCurve
from scheduler.forecast import expect

from .worlds import (
    CURVE,
    GPU,
    LONG_AGO,
    NAME,
    NOW,
    POOL,
    a_fleet,
    a_pool,
    a_service,
    a_site,
    a_world,
    readings,
    running,
)

LOAD = readings(Signal.LOAD, [100.0] * 15)
AT_25 = 0.020 + 0.010 / (1.0 - 0.25)
"""What the curve predicts for four replicas under 100 requests per second."""


def demanded(
    *series: Series,
    placements: tuple[Placement, ...] = (running(4),),
    memory: Memory | None = None,
    limit: float = 4.0,
) -> ServiceDemand:
    fast = GpuType("H100")
    service = a_service(curves={GPU: CURVE, fast: CURVE})
    fleet = a_fleet(service, a_pool(), a_pool("second"), a_pool("fast", gpu_type=fast))
    world = a_world(fleet, *series, memory=memory, sites=a_site(*placements))
    return expect(world, ForecastSettings(slowdown_limit=limit)).services[NAME]


def latency(values: list[float], pool: str = POOL, age_s: float = 0.0) -> Series:
    return readings(Signal.LATENCY, values, pool=pool, age_s=age_s)


def test_a_server_as_fast_as_its_curve_is_not_slowed_down() -> None:
    assert demanded(LOAD, latency([AT_25] * 5)).slowdown == {}


def test_up_to_a_quarter_slower_the_curve_is_believed() -> None:
    assert demanded(LOAD, latency([1.24 * AT_25] * 5)).slowdown == {}


def test_twice_as_slow_doubles_the_curve_of_that_gpu_type_only() -> None:
    demand = demanded(LOAD, latency([2.0 * AT_25] * 5))
    assert demand.slowdown == {GPU: pytest.approx(2.0)}
    assert "A10G is 2.00 times slower" in demand.because


def test_a_slowdown_is_seen_with_the_third_slow_reading() -> None:
    slow, fast = 2.0 * AT_25, AT_25
    assert demanded(LOAD, latency([fast, fast, fast, slow, slow])).slowdown == {}
    assert GPU in demanded(LOAD, latency([fast, fast, slow, slow, slow])).slowdown


def test_no_reading_blames_more_than_the_limit() -> None:
    assert demanded(LOAD, latency([90.0] * 5), limit=3.0).slowdown == {GPU: 3.0}


def test_what_was_not_read_is_not_blamed() -> None:
    assert demanded(LOAD).slowdown == {}
    assert demanded(LOAD, latency([1.0] * 2)).slowdown == {}
    assert demanded(LOAD, latency([1.0] * 5, age_s=301.0)).slowdown == {}


def test_without_a_known_load_nothing_is_blamed() -> None:
    assert demanded(latency([1.0] * 5)).slowdown == {}


def test_a_saturated_replica_is_slow_because_it_is_full() -> None:
    crowded = (running(1),)
    assert demanded(LOAD, latency([9.0] * 5), placements=crowded).slowdown == {}


def test_replicas_that_are_not_ready_are_not_judged() -> None:
    assert demanded(LOAD, latency([9.0] * 5), placements=(running(0, wanted=4),)).slowdown == {}


def test_readings_from_before_the_last_growth_belong_to_a_busier_size() -> None:
    grown = Memory(started_at=LONG_AGO, moved_at={NAME: Instant(NOW - 120.0)})
    assert demanded(LOAD, latency([2.0 * AT_25] * 5), memory=grown).slowdown == {}


def test_pools_of_one_gpu_type_are_averaged_by_replicas() -> None:
    both = (running(3, share=0.75), running(1, pool="second", share=0.25))
    demand = demanded(
        LOAD, latency([AT_25] * 5), latency([3.0 * AT_25] * 5, pool="second"), placements=both
    )
    assert demand.slowdown == {GPU: pytest.approx(1.5)}


def test_gpu_types_are_judged_apart() -> None:
    both = (running(2, share=0.5), running(2, pool="fast", share=0.5))
    slow = latency([2.0 * AT_25] * 5, pool="fast")
    demand = demanded(LOAD, latency([AT_25] * 5), slow, placements=both)
    assert demand.slowdown == {GpuType("H100"): pytest.approx(2.0)}


def test_where_no_share_was_sent_the_replicas_share_alike() -> None:
    both = (running(2, share=0.0), running(2, pool="second", share=0.0))
    demand = demanded(LOAD, latency([2.0 * AT_25] * 5), placements=both)
    assert demand.slowdown == {GPU: pytest.approx(2.0)}


def test_a_curve_without_any_latency_divides_by_nothing() -> None:
    service = a_service(curves={GPU: LatencyCurve(base_s=0.0, queue_s=0.0, limit_rps=100.0)})
    fleet = a_fleet(service, a_pool())
    world = a_world(fleet, LOAD, latency([0.1] * 5), sites=a_site(running(4)))
    assert expect(world, ForecastSettings()).services[NAME].slowdown == {GPU: 4.0}


@given(
    values=st.lists(st.floats(0.0, 100.0) | st.just(math.nan), max_size=8),
    ready=st.integers(0, 20),
)
def test_a_factor_is_always_above_the_drift_and_within_the_limit(
    values: list[float], ready: int
) -> None:
    demand = demanded(LOAD, latency(values), placements=(running(ready),))
    assert all(1.25 < factor <= 4.0 for factor in demand.slowdown.values())
