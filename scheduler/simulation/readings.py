"""Readings: what a monitoring system would tell of the simulated world, as a signal source."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.names import Instant, PoolName, WorkloadName
from scheduler.domain.readings import Series, Signal
from scheduler.simulation.tables import LoadTable, PriceTable
from scheduler.simulation.traffic import Flow, Traffic

Floats = NDArray[np.float64]

LATENCY_NOISE = 0.03
"""Scatter of a quantile that is read from a minute of samples: standard deviation of its log."""
LONGEST_S = 30.0
"""The last bucket of the histogram: a longer latency reads as this one."""

_Key = tuple[Signal, str, str]


class WorldReadings:
    """The world through the eyes of a monitoring system that samples every `every_s` seconds.

    A load is the mean rate since the last sample. A latency is read where requests came: overall as
    users see it, round trip included, and by pool as the pool's own servers see it. A pool without
    requests has no latency: unknown, not zero.
    """

    def __init__(
        self,
        traffic: Traffic,
        load: LoadTable,
        prices: PriceTable,
        *,
        start: Instant,
        every_s: float = 30.0,
        past_s: float = 1800.0,
        seed: int = 0,
    ) -> None:
        self.name = "simulated-world"
        self._traffic, self._prices, self._every_s = traffic, prices, every_s
        self._random = np.random.default_rng([seed, 1])
        self._times: dict[_Key, list[Instant]] = {}
        self._values: dict[_Key, list[float]] = {}
        self._flows: list[Flow] = []
        self._due = start + every_s
        self._remember_past(load, start, past_s)

    async def read(self, now: Instant, window_s: float) -> tuple[Series, ...]:
        """The series of the last `window_s` seconds."""
        found = []
        for (signal, subject, pool), times in self._times.items():
            begin, end = bisect_left(times, now - window_s), bisect_left(times, now + 1e-6)
            if begin < end:
                values = self._values[signal, subject, pool][begin:end]
                found.append(
                    Series(
                        signal=signal,
                        subject=subject,
                        pool=pool,
                        times=tuple(times[begin:end]),
                        values=tuple(values),
                    )
                )
        return tuple(found)

    def note(self, flow: Flow, until: Instant) -> None:
        """A step of traffic that ended at `until`; a sample is taken when one is due."""
        self._flows.append(flow)
        if until >= self._due - 1e-6:
            self._sample(until)
            self._flows.clear()
            self._due = until + self._every_s

    def _sample(self, at: Instant) -> None:
        flows, latest = self._flows, self._flows[-1]
        load = np.mean([flow.rps for flow in flows], axis=0)
        self._put_prices(at)
        for index, name in enumerate(self._traffic.services):
            self._put(Signal.LOAD, name, "", at, float(load[index]))
            self._put(Signal.QUEUE, name, "", at, float(latest.waiting[index]))
        self._put_latencies(at, flows)

    def _put_latencies(self, at: Instant, flows: Sequence[Flow]) -> None:
        rps = np.stack([flow.rps for flow in flows])
        seen = _weighted(np.stack([flow.latency_s for flow in flows]), rps)
        lanes = np.stack([flow.lane_rps for flow in flows])
        by_lane = _weighted(np.stack([flow.lane.latency_s for flow in flows]), lanes)
        noise = np.exp(LATENCY_NOISE * self._random.standard_normal(len(seen) + len(by_lane)))
        for index, name in enumerate(self._traffic.services):
            if rps[:, index].sum() > 0.0:
                self._put(Signal.LATENCY, name, "", at, float(seen[index] * noise[index]))
        served = by_lane - self._traffic.rtt_s
        for index in np.flatnonzero(lanes.sum(axis=0) > 0.0).tolist():
            name, pool = self._traffic.lanes[index]
            value = float(served[index] * noise[len(seen) + index])
            self._put(Signal.LATENCY, name, pool, at, value)

    def _put_prices(self, at: Instant) -> None:
        for pool in self._prices.priced():
            usd = self._prices.usd_per_node_hour(PoolName(pool), at)
            self._put(Signal.PRICE, pool, "", at, usd)

    def _put(self, signal: Signal, subject: str, pool: str, at: Instant, value: float) -> None:
        key = (signal, subject, pool)
        self._times.setdefault(key, []).append(at)
        self._values.setdefault(key, []).append(value)

    def _remember_past(self, load: LoadTable, start: Instant, past_s: float) -> None:
        """The world did not begin at `start`: loads and prices were read before."""
        for back in range(int(past_s / self._every_s), -1, -1):
            at = Instant(start - back * self._every_s)
            for name in self._traffic.services:
                self._put(Signal.LOAD, name, "", at, load.rps(WorkloadName(name), at))
            self._put_prices(at)


def _weighted(latency_s: Floats, rps: Floats) -> Floats:
    """Mean over the steps of a sample by their requests, at most LONGEST_S."""
    capped = np.minimum(latency_s, LONGEST_S)
    total = rps.sum(axis=0)
    mean = (capped * rps).sum(axis=0) / np.maximum(total, 1e-12)
    return np.asarray(mean)
