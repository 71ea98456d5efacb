"""Feedback: what to add to the expected load when users wait although the curves say enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.domain.names import ClusterName, Region
from scheduler.domain.settings import ForecastSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.domain.workloads import InferenceService
from scheduler.forecast.gathering import Gathered, Running
from scheduler.forecast.histories import Floats, histories, median_of
from scheduler.forecast.load import Outlook
from scheduler.model.capacity import SAFETY, capacity_rps

RAISE_LIMIT = 1.5
"""A service that breaks its objective with so much room suffers from something else than load."""
LATENCY_READINGS = 3
QUEUE_READINGS = 3
DRAIN_S = 60.0
"""A queue that grew is to be worked off within this time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feedback:
    """One row a service."""

    observed_s: Floats
    """Median of the newest readings of the objective's quantile; 0 where not known."""
    factor: Floats
    """On the expected load; 1 where the objective is met or the plan grows anyway."""
    queued: Floats
    """Requests that wait, where the queue rises; else 0."""

    @property
    def queue_rps(self) -> Floats:
        """Requests per second that work the queue off."""
        return self.queued / DRAIN_S


def feedback(
    snapshot: Snapshot,
    services: Sequence[InferenceService],
    gathered: Gathered,
    at: Running,
    slower: Floats,
    load: Outlook,
    settings: ForecastSettings,
) -> Feedback:
    """Response times and queues against what the forecast believes; `slower` by running row."""
    objective = np.array([item.objective.seconds for item in services])
    observed = _observed(snapshot, services, gathered, settings)
    capacity = _capacity(snapshot, services, objective, at, slower)
    blind = (observed > objective) & (load.expected_rps <= capacity) & load.fresh
    ratio = observed / np.maximum(objective, 1e-9)
    return Feedback(
        observed_s=observed,
        factor=np.where(blind, np.minimum(ratio, RAISE_LIMIT), 1.0),
        queued=_queued(snapshot, services, gathered, settings),
    )


def _observed(
    snapshot: Snapshot,
    services: Sequence[InferenceService],
    gathered: Gathered,
    settings: ForecastSettings,
) -> Floats:
    series = [gathered.latency.get(item.name) for item in services]
    since = np.full(len(services), snapshot.now - settings.stale_after_s)
    until = snapshot.now + settings.stale_after_s
    seen = histories(series, since=since, until=until, at_most=LATENCY_READINGS)
    median = median_of(seen.values, seen.held)
    return np.asarray(np.where(seen.count >= LATENCY_READINGS, median, 0.0))


def _capacity(
    snapshot: Snapshot,
    services: Sequence[InferenceService],
    objective_s: Floats,
    at: Running,
    slower: Floats,
) -> Floats:
    """Requests per second that the ready replicas carry within the objective, by service."""
    trips = _round_trips(snapshot)
    regions = {name: item.region for name, item in snapshot.fleet.clusters.items()}
    rtt = np.array(
        [
            _rtt(trips, regions, services[i].users, ClusterName(cluster))
            for i, cluster in zip(at.service.tolist(), at.cluster, strict=True)
        ]
    )
    within = np.maximum(objective_s[at.service] - rtt, 0.0)
    each = capacity_rps(at.base_s * slower, at.queue_s * slower, at.limit_rps, within)
    carried = SAFETY * each * at.ready
    return np.asarray(np.bincount(at.service, weights=carried, minlength=len(services)))


def _round_trips(snapshot: Snapshot) -> Mapping[tuple[str, str], float]:
    trips: dict[tuple[str, str], float] = {}
    for link in snapshot.fleet.links:
        trips.setdefault((link.target, link.source), link.rtt_s)
        trips[link.source, link.target] = link.rtt_s
    return trips


def _rtt(
    trips: Mapping[tuple[str, str], float],
    regions: Mapping[ClusterName, Region],
    users: Region | None,
    cluster: ClusterName,
) -> float:
    """Seconds between the users and a cluster, by its own link or its region's; else 0."""
    if users is None:
        return 0.0
    by_region = trips.get((users, regions.get(cluster, "")), 0.0)
    return trips.get((users, cluster), by_region)


def _queued(
    snapshot: Snapshot,
    services: Sequence[InferenceService],
    gathered: Gathered,
    settings: ForecastSettings,
) -> Floats:
    series, owner = [], []
    for row, item in enumerate(services):
        for queue in gathered.queues(item.name):
            series.append(queue)
            owner.append(row)
    since = np.full(len(series), snapshot.now - settings.stale_after_s)
    until = snapshot.now + settings.stale_after_s
    seen = histories(series, since=since, until=until, at_most=QUEUE_READINGS)
    steps = np.diff(seen.values, axis=1)
    rising = (seen.count >= QUEUE_READINGS) & (steps > 0.0).all(axis=1)
    waiting = np.where(rising, seen.values[:, -1], 0.0)
    rows = np.array(owner, dtype=np.int64)
    return np.asarray(np.bincount(rows, weights=waiting, minlength=len(services)))
