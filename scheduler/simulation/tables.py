"""Tables of a recorded day: the load of every service and the price of every pool over time."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.fleet import Fleet
from scheduler.domain.names import Instant, PoolName, WorkloadName
from scheduler.domain.readings import Series, Signal

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTable:
    """Requests per second over time: straight lines between the points, level outside them."""

    points: Mapping[WorkloadName, tuple[Floats, Floats]]
    """Times (ascending, seconds) and values of each service."""

    @classmethod
    def of(cls, series: Iterable[Series]) -> "LoadTable":
        """The load series among those given; a service without one has no load."""
        return cls(
            points={
                WorkloadName(item.subject): (
                    np.array(item.times, dtype=float),
                    np.array(item.values, dtype=float),
                )
                for item in series
                if item.signal is Signal.LOAD and not item.pool and item.times
            }
        )

    def rps(self, service: WorkloadName, at: float) -> float:
        """The load at an instant."""
        points = self.points.get(service)
        return float(np.interp(at, *points)) if points else 0.0

    def rps_at(self, services: Sequence[WorkloadName], times: Floats) -> Floats:
        """(times, services): the load at many instants."""
        columns = [
            np.interp(times, *self.points[name]) if name in self.points else np.zeros(len(times))
            for name in services
        ]
        return np.stack(columns, axis=1) if columns else np.zeros((len(times), 0))


class PriceTable:
    """USD per node hour over time: each holds until the next; before the first, the list's."""

    def __init__(self, fleet: Fleet, series: Iterable[Series] = ()) -> None:
        self._list = {name: pool.usd_per_node_hour for name, pool in fleet.pools.items()}
        self._points = {
            PoolName(item.subject): (item.times, item.values)
            for item in series
            if item.signal is Signal.PRICE and item.times
        }

    def usd_per_node_hour(self, pool: PoolName, at: float) -> float:
        """The price in force at an instant."""
        times, values = self._points.get(pool, ((), ()))
        index = bisect_right(times, at)
        return values[index - 1] if index else self._list[pool]

    def usd(self, pool: PoolName, begin: float, end: float) -> float:
        """What one node costs from `begin` to `end`, every change of price in between included."""
        total, at = 0.0, begin
        for change in self.changes(pool, begin, end):
            total += self.usd_per_node_hour(pool, at) * (change - at) / 3600.0
            at = change
        return total + self.usd_per_node_hour(pool, at) * (end - at) / 3600.0

    def changes(self, pool: PoolName, begin: float, end: float) -> Sequence[Instant]:
        """The instants within (begin, end) at which the price changes."""
        times, _ = self._points.get(pool, ((), ()))
        return times[bisect_right(times, begin) : bisect_right(times, end)]

    def priced(self) -> tuple[PoolName, ...]:
        """The pools whose price is recorded."""
        return tuple(sorted(self._points))
