"""Serving: latency answers to load, lines form and go, attainment is what the curve's tail says."""

import math
from time import process_time

import numpy as np
import pytest
from adapter_worlds import A100, a_service
from hypothesis import assume, given
from hypothesis import strategies as st

from adapters.simulated.queueing import PATIENCE_S, Lanes, answer
from adapters.simulated.serving import Asked, Backlog, Front, Served, serve, serve_all
from scheduler.domain.names import PoolName
from scheduler.domain.workloads import LatencyCurve, Objective

SERVICE = a_service()
"""8 ms + 6 ms / (1 - r / 900), p95 within 60 ms."""


def a_front(name: str = "pool", ready: int = 1, share: float = 1.0, rtt_s: float = 0.0) -> Front:
    return Front(pool=PoolName(name), gpu_type=A100, ready=ready, share=share, rtt_s=rtt_s)


def one_minute(rps: float, *fronts: Front, backlog: Backlog | None = None) -> Served:
    return serve(SERVICE, fronts or [a_front()], rps=rps, step_s=60.0, backlog=backlog)


def test_below_the_limit_latency_is_the_curve_plus_the_round_trip() -> None:
    served = one_minute(900.0, a_front(ready=2, rtt_s=0.010))
    assert served.latency_s == pytest.approx(0.010 + 0.008 + 0.006 / 0.5)
    assert served.pools[0].load_rps == pytest.approx(450.0)
    assert served.backlog.waiting == (("pool", 0.0),)


def test_at_the_capacity_exactly_the_quantile_is_attained() -> None:
    """T(r) = 60 ms at r = 900 (1 - 6 / 52)."""
    served = one_minute(900.0 * (1.0 - 6.0 / 52.0))
    assert served.latency_s == pytest.approx(0.060)
    assert served.attained == pytest.approx(0.95)


def test_attainment_is_the_tail_that_the_docstring_states() -> None:
    load = 600.0
    tail = 0.006 / (1.0 - load / 900.0)
    expected = 1.0 - (1.0 - 0.95) ** ((0.060 - 0.008) / tail)
    assert one_minute(load).attained == pytest.approx(expected)


def test_an_objective_below_the_base_is_never_attained() -> None:
    slow = a_service(objective=Objective(quantile=0.95, seconds=0.008))
    assert serve(slow, [a_front()], rps=1.0, step_s=60.0).attained == 0.0


def test_minutes_of_overload_show_as_seconds_and_go_away_again() -> None:
    served, seen = one_minute(500.0), list[Served]()
    for rps in (1000.0, 1000.0, 1000.0, 500.0, 500.0):
        served = one_minute(rps, backlog=served.backlog)
        seen.append(served)
    assert [step.backlog.waiting[0][1] for step in seen] == pytest.approx(
        [6000, 12000, 18000, 0, 0]
    )
    assert seen[0].latency_s < seen[1].latency_s < seen[2].latency_s
    assert 15.0 < seen[2].latency_s < 25.0
    assert seen[1].attained == 0.0
    assert seen[3].attained == pytest.approx(0.25, abs=0.01), "the line is gone after 45 s of 60"
    assert seen[4].latency_s == pytest.approx(one_minute(500.0).latency_s)


def test_nobody_waits_longer_than_the_patience() -> None:
    served = one_minute(5000.0)
    served = one_minute(5000.0, backlog=served.backlog)
    assert served.backlog.waiting[0][1] == pytest.approx(900.0 * PATIENCE_S)
    assert served.lost_rps == pytest.approx(5000.0 - 900.0)
    assert served.latency_s < PATIENCE_S + 1.0


def test_without_a_ready_replica_nothing_is_in_time() -> None:
    served = one_minute(100.0, a_front(ready=0))
    assert (served.attained, served.lost_rps, served.latency_s) == (0.0, 100.0, math.inf)


def test_a_line_is_lost_with_the_replicas_that_held_it() -> None:
    held = Backlog(waiting=((PoolName("pool"), 600.0), (PoolName("gone"), 60.0)))
    served = one_minute(0.0, a_front(ready=0), backlog=held)
    assert served.lost_rps == pytest.approx(11.0)
    assert served.backlog.waiting == (("pool", 0.0),)


def test_no_requests_are_all_in_time() -> None:
    served = one_minute(0.0, a_front(ready=0))
    assert (served.attained, served.latency_s, served.lost_rps) == (1.0, 0.0, 0.0)


def test_what_no_share_covers_is_lost() -> None:
    served = one_minute(100.0, a_front(ready=4, share=0.7))
    assert served.lost_rps == pytest.approx(30.0)
    assert served.attained == pytest.approx(0.7, abs=1e-3)
    assert served.latency_s == math.inf, "a third without an answer: there is no p95"


def test_shares_above_one_are_scaled_down() -> None:
    served = one_minute(100.0, a_front("a"), a_front("b"))
    assert [pool.rps for pool in served.pools] == [50.0, 50.0]


def test_a_pool_with_a_small_share_alone_does_not_make_the_quantile() -> None:
    near, far = a_front("near", share=0.97), a_front("far", share=0.03, rtt_s=0.2)
    assert one_minute(100.0, near, far).latency_s < 0.020
    far = a_front("far", share=0.10, rtt_s=0.2)
    assert one_minute(100.0, a_front("near", share=0.9), far).latency_s > 0.2


def test_a_curve_without_queue_is_a_step() -> None:
    flat = a_service(curves={A100: LatencyCurve(base_s=0.01, queue_s=0.0, limit_rps=100.0)})
    served = serve(flat, [a_front()], rps=50.0, step_s=60.0)
    assert (served.latency_s, served.attained) == (pytest.approx(0.01), pytest.approx(1.0))


@given(
    loads=st.tuples(st.floats(0.0, 4000.0), st.floats(0.0, 4000.0)),
    ready=st.integers(1, 4),
    waiting=st.floats(0.0, 1e5),
)
def test_more_load_is_never_faster_and_more_replicas_never_slower(
    loads: tuple[float, float], ready: int, waiting: float
) -> None:
    backlog = Backlog(waiting=((PoolName("pool"), waiting),))
    low, high = (one_minute(rps, a_front(ready=ready), backlog=backlog) for rps in sorted(loads))
    more = one_minute(max(loads), a_front(ready=ready + 1), backlog=backlog)
    if min(loads) > 0.0:
        assert low.latency_s <= high.latency_s + 1e-9
        assert low.attained >= high.attained - 1e-9
        assert more.latency_s <= high.latency_s + 1e-9
        assert more.attained >= high.attained - 1e-9
    for served in (low, high, more):
        assert 0.0 <= served.attained <= 1.0
        assert served.lost_rps >= 0.0
        assert served.backlog.waiting[0][1] >= 0.0


@given(rps=st.floats(1.0, 3000.0), waiting=st.floats(0.0, 20_000.0))
def test_the_share_in_time_is_the_mean_over_the_waits_of_the_step(
    rps: float, waiting: float
) -> None:
    """The closed form against a fine sum over the step."""
    lanes = Lanes(
        base_s=np.array([0.008]),
        queue_s=np.array([0.006]),
        limit_rps=np.array([900.0]),
        rtt_s=np.array([0.0]),
        objective_s=np.array([5.0]),
        quantile=np.array([0.95]),
    )
    answered = answer(
        lanes, ready=np.array([1.0]), rps=np.array([rps]), waiting=np.array([waiting]), step_s=60.0
    )
    times = (np.arange(20_000) + 0.5) / 20_000 * 60.0
    line = np.clip(waiting + (rps - 900.0) * times, 0.0, None)
    assume(line.max() <= 900.0 * PATIENCE_S)
    busy = np.where(line > 0.0, 0.98, min(0.98, rps / 900.0))
    tail = 0.006 / (1.0 - busy)
    in_time = 1.0 - 0.05 ** np.maximum((5.0 - 0.008 - line / 900.0) / tail, 0.0)
    assert float(answered.attained[0]) == pytest.approx(float(in_time.mean()), abs=2e-3)


def test_many_services_at_once_are_the_same_as_one_by_one() -> None:
    asked = [
        Asked(service=SERVICE, fronts=[a_front("a", share=0.5), a_front("b", share=0.5)], rps=rps)
        for rps in (10.0, 900.0, 5000.0)
    ]
    assert serve_all(asked, step_s=60.0) == tuple(
        serve(each.service, each.fronts, rps=each.rps, step_s=60.0) for each in asked
    )
    assert serve_all([], step_s=60.0) == ()
    assert serve(SERVICE, [], rps=5.0, step_s=60.0).lost_rps == 5.0


def test_a_day_of_ten_services_takes_about_a_second() -> None:
    """Target 1 s; tested on a tenth of the day, at three times that for a busy machine."""
    fronts = [a_front(name, ready=3, share=1 / 3) for name in "abc"]
    backlogs = [Backlog()] * 10
    begin = process_time()
    for step in range(144):
        asked = [
            Asked(service=SERVICE, fronts=fronts, rps=40.0 * step, backlog=backlog)
            for backlog in backlogs
        ]
        backlogs = [served.backlog for served in serve_all(asked, step_s=60.0)]
    assert process_time() - begin < 0.3
