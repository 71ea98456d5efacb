"""Capacity: the most load per replica within an objective, and the latency at a load."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.model.capacity import SATURATION, capacity_rps, latency_s, stable_rps
from tests.model.profile import QUICK

spans = st.floats(0.0, 1.0)
limits = st.floats(0.1, 1e4)


def capacity(base: float, queue: float, limit: float, objective: float) -> float:
    numbers: Any = [np.array(x) for x in (base, queue, limit, objective)]
    return float(capacity_rps(*numbers))


def latency(base: float, queue: float, limit: float, rps: float) -> float:
    numbers: Any = [np.array(x) for x in (base, queue, limit, rps)]
    return float(latency_s(*numbers))


@pytest.mark.parametrize(("objective_s", "rps"), [(0.060, 75.0), (0.030, 0.0), (0.035, 100.0 / 3)])
def test_check_values_of_the_specification(objective_s: float, rps: float) -> None:
    assert capacity(0.020, 0.010, 100.0, objective_s) == pytest.approx(rps)


def test_an_objective_below_the_idle_latency_is_out_of_reach() -> None:
    assert capacity(0.020, 0.010, 100.0, 0.010) == 0.0
    assert capacity(0.020, 0.0, 100.0, 0.020) == 0.0
    assert capacity(0.0, 0.0, 1e-9, 0.0) == 0.0


def test_no_replica_is_trusted_up_to_its_limit() -> None:
    assert capacity(0.001, 0.0, 100.0, 10.0) == SATURATION * 100.0
    assert float(stable_rps(np.array(100.0))) == SATURATION * 100.0


@QUICK
@given(spans, spans, limits, spans)
def test_capacity_is_never_negative_and_never_near_the_limit(
    base: float, queue: float, limit: float, objective: float
) -> None:
    assert 0.0 <= capacity(base, queue, limit, objective) <= SATURATION * limit


@QUICK
@given(spans, spans, limits, spans, st.floats(0.0, 1.0))
def test_more_time_or_a_faster_server_never_carries_less(
    base: float, queue: float, limit: float, objective: float, more: float
) -> None:
    now = capacity(base, queue, limit, objective) * (1.0 - 1e-9)
    assert capacity(base, queue, limit, objective + more) >= now
    assert capacity(base, queue, limit * (1.0 + more), objective) >= now


@QUICK
@given(spans, spans, limits, spans, st.floats(0.0, 1.0))
def test_a_slower_base_or_queue_never_carries_more(
    base: float, queue: float, limit: float, objective: float, more: float
) -> None:
    now = capacity(base, queue, limit, objective) * (1.0 + 1e-9)
    assert capacity(base + more, queue, limit, objective) <= now
    assert capacity(base, queue + more, limit, objective) <= now


@QUICK
@given(spans, st.floats(1e-6, 1.0), limits, st.floats(1e-3, 4.0))
def test_at_its_capacity_a_replica_just_meets_the_objective(
    base: float, queue: float, limit: float, objective: float
) -> None:
    able = capacity(base, queue, limit, objective)
    if able > 0.0:
        assert latency(base, queue, limit, able) <= objective * (1.0 + 1e-6)


def test_latency_grows_without_bound_towards_the_limit() -> None:
    assert latency(0.020, 0.010, 100.0, 0.0) == pytest.approx(0.030)
    assert latency(0.020, 0.010, 100.0, 75.0) == pytest.approx(0.060)
    assert latency(0.020, 0.010, 100.0, 100.0) == np.inf
    assert latency(0.020, 0.010, 100.0, 200.0) == np.inf
