"""A day as series over time: what the picture of it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.places import Contract, Exposure

Values = Sequence[float] | NDArray[np.float64]
"""One value an instant; NaN where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTrace:
    """One service over the day."""

    name: str
    rps: Values
    latency_ratio: Values
    """Latency at the objective's quantile over the objective: 1 is just met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTrace:
    """One pool over the day."""

    name: str
    exposure: Exposure
    contract: Contract
    nodes: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendTrace:
    """What one way to run the day costs at each instant."""

    name: str
    usd_per_hour: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day: every series has one value for each of `times` (seconds since 1970 UTC)."""

    title: str
    times: Values
    services: tuple[ServiceTrace, ...]
    pools: tuple[PoolTrace, ...]
    ours: SpendTrace
    baselines: tuple[SpendTrace, ...] = ()
    zone: tzinfo = UTC

    def __post_init__(self) -> None:
        """Raises ValueError where a series does not fit the times, or there is no time at all."""
        size = len(self.times)
        if size < 2:
            raise ValueError(f"a picture of a day needs at least 2 instants, got {size}")
        for name, values in self._series():
            if len(values) != size:
                raise ValueError(f"{name} has {len(values)} values for {size} instants")

    def _series(self) -> list[tuple[str, Values]]:
        loads = [(f"load of {one.name}", one.rps) for one in self.services]
        ratios = [(f"latency of {one.name}", one.latency_ratio) for one in self.services]
        nodes = [(f"nodes of {one.name}", one.nodes) for one in self.pools]
        spends = [(f"cost of {one.name}", one.usd_per_hour) for one in (self.ours, *self.baselines)]
        return [*loads, *ratios, *nodes, *spends]
