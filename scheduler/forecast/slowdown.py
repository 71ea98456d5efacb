"""Slowdown: how much slower than its curve a service answers, by GPU type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.domain.names import GpuType
from scheduler.domain.settings import ForecastSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.domain.workloads import InferenceService
from scheduler.forecast.gathering import Gathered, Running
from scheduler.forecast.histories import Floats, Ints, histories, median_of
from scheduler.forecast.load import Outlook
from scheduler.model.capacity import latency_s

DRIFT = 1.25
"""Up to this ratio of observed to predicted latency, the curve is believed."""
READINGS = 5
"""The median of so many fresh readings is compared."""
LEAST_READINGS = 3
SATURATED = 0.95
"""From this share of the limit on, a long wait says nothing of the server's speed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slowdown:
    """Factors on the curves, 1 where they hold."""

    by_service: tuple[Mapping[GpuType, float], ...]
    """One mapping a service, with the GPU types that are slower than declared."""
    by_row: Floats
    """The same, one factor for each row of the running replicas."""


def slowdown(
    snapshot: Snapshot,
    services: Sequence[InferenceService],
    gathered: Gathered,
    at: Running,
    load: Outlook,
    settings: ForecastSettings,
) -> Slowdown:
    """The factor on base and queue of a curve that makes it meet the readings.

    Readings of pools with one GPU type are averaged by their replicas, so that one bad replica
    does not condemn a fleet. No reading, a load not known or a saturated replica: no factor.
    """
    ratio = _ratio(snapshot, services, gathered, at, load, settings)
    group, kinds = _groups(at)
    judged = np.where(ratio > 0.0, at.ready, 0.0)
    weight = np.bincount(group, weights=judged, minlength=len(kinds))
    total = np.bincount(group, weights=judged * ratio, minlength=len(kinds))
    mean = total / np.maximum(weight, 1e-9)
    factor = np.where(mean > DRIFT, np.minimum(mean, settings.slowdown_limit), 1.0)
    by_service: list[dict[GpuType, float]] = [{} for _ in services]
    for kind in np.flatnonzero(factor > 1.0).tolist():
        service, gpu = kinds[kind]
        by_service[service][GpuType(gpu)] = float(factor[kind])
    return Slowdown(by_service=tuple(by_service), by_row=factor[group])


def _ratio(
    snapshot: Snapshot,
    services: Sequence[InferenceService],
    gathered: Gathered,
    at: Running,
    load: Outlook,
    settings: ForecastSettings,
) -> Floats:
    """Observed over predicted latency by row; 0 where it cannot be judged."""
    series = [
        gathered.latency_by_pool.get((services[i].name, pool))
        for i, pool in zip(at.service.tolist(), at.pool, strict=True)
    ]
    since = np.array([_since(snapshot, item, settings) for item in services])[at.service]
    until = snapshot.now + settings.stale_after_s
    seen = histories(series, since=since, until=until, at_most=READINGS)
    observed = median_of(seen.values, seen.held)
    # the load of the whole look-back, not of now: late readings may stem from a busier minute
    rps = load.recent_rps[at.service] * at.share / at.ready
    judged = (seen.count >= LEAST_READINGS) & (rps < SATURATED * at.limit_rps)
    judged &= load.fresh[at.service] & (observed > 0.0)
    predicted = latency_s(at.base_s, at.queue_s, at.limit_rps, np.where(judged, rps, 0.0))
    return np.asarray(np.where(judged, observed / np.maximum(predicted, 1e-9), 0.0))


def _since(snapshot: Snapshot, item: InferenceService, settings: ForecastSettings) -> float:
    """Readings from before the last change belong to other replicas under another load."""
    fresh = snapshot.now - settings.stale_after_s
    moved = snapshot.memory.moved_at.get(item.name)
    return fresh if moved is None else max(fresh, moved + item.start_s)


def _groups(at: Running) -> tuple[Ints, list[tuple[int, str]]]:
    """The rows of one service and one GPU type share an index."""
    place: dict[tuple[int, str], int] = {}
    rows = zip(at.service.tolist(), at.gpu_type, strict=True)
    group = [place.setdefault(row, len(place)) for row in rows]
    return np.array(group, dtype=np.int64), list(place)
