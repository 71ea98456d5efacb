"""Traffic: every service's requests on their way to ready replicas, step by step, in one go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.simulated.queueing import Answered, Lanes, answer
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, GpuType, PoolName, WorkloadName
from scheduler.domain.snapshot import SiteReport
from scheduler.domain.workloads import InferenceService
from scheduler.model.board import find_link

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What became of one step's requests: by service, and by lane (a service on a pool)."""

    rps: Floats
    """Arrivals by service."""
    latency_s: Floats
    """The objective's quantile over all requests of a service; infinite if too many were lost."""
    attained: Floats
    """Share of a service's requests within its objective."""
    waiting: Floats
    """Requests in line at the end of the step, by service."""
    lost: Floats
    """Requests of the step that found no replica or gave up, by service."""
    lane_rps: Floats
    lane: Answered


class Traffic:
    """The gateway in front of all sites, and the lines that form behind it.

    A service's requests follow the published shares over the pools that have a ready replica. If
    none of those with a share is ready, the ready ones are used by their strength; if none is ready
    at all, the requests are lost.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.services = tuple(fleet.services)
        self.lanes: tuple[tuple[WorkloadName, PoolName], ...] = tuple(
            (service.name, pool.name)
            for service in fleet.services.values()
            for pool in fleet.pools.values()
            if pool.gpu_type in service.curves
        )
        self.clusters: tuple[ClusterName, ...] = tuple(
            fleet.pools[pool].cluster for _, pool in self.lanes
        )
        row = {name: index for index, name in enumerate(self.services)}
        self._owner: Ints = np.array([row[name] for name, _ in self.lanes], dtype=np.int64)
        self._index = {lane: index for index, lane in enumerate(self.lanes)}
        self._table = _lanes(fleet, self.lanes)
        self._waiting: Floats = np.zeros(len(self.lanes))

    @property
    def rtt_s(self) -> Floats:
        """Round trip from the users, by lane."""
        return self._table.rtt_s

    def step(self, reports: Iterable[SiteReport], rps: Floats, step_s: float) -> Flow:
        """`step_s` seconds of `rps` requests per second by service, at the sites as reported."""
        ready, share = self._published(reports)
        routed = self._route(ready, share)
        lane_rps = rps[self._owner] * routed
        answered = answer(
            self._table, ready=ready, rps=lane_rps, waiting=self._waiting, step_s=step_s
        )
        self._waiting = answered.waiting
        attained = self._by_service(lane_rps * answered.attained)
        return Flow(
            rps=rps,
            latency_s=self._latency(answered.latency_s, lane_rps, rps),
            attained=np.where(rps > 0.0, attained / np.maximum(rps, 1e-12), 1.0),
            waiting=self._by_service(answered.waiting),
            lost=self._by_service(answered.lost),
            lane_rps=lane_rps,
            lane=answered,
        )

    def _published(self, reports: Iterable[SiteReport]) -> tuple[Floats, Floats]:
        ready, share = np.zeros(len(self.lanes)), np.zeros(len(self.lanes))
        for report in reports:
            for placed in report.placements:
                index = self._index.get((placed.workload, placed.pool))
                if index is not None:
                    ready[index], share[index] = placed.ready, placed.share
        return ready, share

    def _route(self, ready: Floats, share: Floats) -> Floats:
        """The share of its service's traffic that each lane gets; they sum to 1."""
        asked = np.where(ready > 0.0, share, 0.0)
        able = ready * self._table.limit_rps
        first = np.zeros(len(self.lanes))
        first[np.unique(self._owner, return_index=True)[1]] = 1.0
        for weight in (able, asked):
            total = self._by_service(weight)[self._owner]
            first = np.where(total > 0.0, weight / np.maximum(total, 1e-12), first)
        return first

    def _by_service(self, values: Floats) -> Floats:
        total = np.bincount(self._owner, weights=values, minlength=len(self.services))
        return np.asarray(total, dtype=float)

    def _latency(self, lane_s: Floats, lane_rps: Floats, rps: Floats) -> Floats:
        """The least latency at or below which lanes carry the objective's quantile."""
        result = np.zeros(len(self.services))
        order = np.lexsort((lane_s, self._owner))
        owner, carried = self._owner[order], lane_rps[order]
        running = np.cumsum(carried)
        begins = np.searchsorted(owner, np.arange(len(self.services)))
        before = np.concatenate(([0.0], running))[begins]
        needed = before + self._quantiles() * rps * (1.0 - 1e-9)
        at = np.minimum(np.searchsorted(running, needed), len(running) - 1)
        known = rps > 0.0
        result[known] = lane_s[order][at][known]
        return result

    def _quantiles(self) -> Floats:
        values = np.zeros(len(self.services))
        values[self._owner] = self._table.quantile
        return values


def round_trip_s(fleet: Fleet, service: InferenceService, cluster: ClusterName) -> float:
    """From the service's users to the cluster and back; 0 in the same region or without a link."""
    region = fleet.clusters[cluster].region
    if service.users is None or service.users == region:
        return 0.0
    links = {(link.source, link.target): link for link in fleet.links}
    link = find_link(links, service.users, cluster, region)
    return link.rtt_s if link else 0.0


def _lanes(fleet: Fleet, lanes: Sequence[tuple[WorkloadName, PoolName]]) -> Lanes:
    rows = [_row(fleet, fleet.services[name], pool) for name, pool in lanes]
    columns = np.array(rows, dtype=float).reshape(-1, 6).T
    return Lanes(
        base_s=columns[0],
        queue_s=columns[1],
        limit_rps=columns[2],
        rtt_s=columns[3],
        objective_s=columns[4],
        quantile=columns[5],
    )


def _row(fleet: Fleet, service: InferenceService, pool: PoolName) -> tuple[float, ...]:
    place = fleet.pools[pool]
    curve = service.curves[GpuType(place.gpu_type)]
    rtt_s = round_trip_s(fleet, service, place.cluster)
    objective = service.objective
    return (
        curve.base_s,
        curve.queue_s,
        curve.limit_rps,
        rtt_s,
        objective.seconds,
        objective.quantile,
    )
