"""Gathering: the snapshot's readings by what they tell, and the replicas that run, in one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from scheduler.domain.readings import Readings, Series, Signal
from scheduler.domain.snapshot import Snapshot
from scheduler.domain.workloads import InferenceService, LatencyCurve
from scheduler.forecast.histories import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Series of services by subject; of a series given twice the last one counts."""

    load: dict[str, Series] = field(default_factory=dict)
    latency: dict[str, Series] = field(default_factory=dict)
    """As users see it, over all pools."""
    latency_by_pool: dict[tuple[str, str], Series] = field(default_factory=dict)
    """As measured at the replicas of one (service, pool)."""
    queue: dict[str, Series] = field(default_factory=dict)
    queue_by_pool: dict[str, dict[str, Series]] = field(default_factory=dict)
    """Used for a service without a queue reading over all pools."""

    def queues(self, service: str) -> tuple[Series, ...]:
        """The queues of a service: the one over all pools, or those of its pools."""
        whole = self.queue.get(service)
        return (whole,) if whole else tuple(self.queue_by_pool.get(service, {}).values())


def gather(readings: Readings) -> Gathered:
    """Every series in its place."""
    found = Gathered()
    for item in readings.series:
        if item.signal is Signal.LOAD and not item.pool:
            found.load[item.subject] = item
        elif item.signal is Signal.LATENCY:
            _put_latency(found, item)
        elif item.signal is Signal.QUEUE:
            _put_queue(found, item)
    return found


def _put_latency(found: Gathered, item: Series) -> None:
    if item.pool:
        found.latency_by_pool[item.subject, item.pool] = item
    else:
        found.latency[item.subject] = item


def _put_queue(found: Gathered, item: Series) -> None:
    if item.pool:
        found.queue_by_pool.setdefault(item.subject, {})[item.pool] = item
    else:
        found.queue[item.subject] = item


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Running:
    """One row for each service on each pool where it has ready replicas."""

    service: Ints
    """Index into the services."""
    pool: tuple[str, ...]
    cluster: tuple[str, ...]
    gpu_type: tuple[str, ...]
    ready: Floats
    share: Floats
    """Share of the service's traffic; by ready replicas where no share was ever sent."""
    base_s: Floats
    queue_s: Floats
    limit_rps: Floats


_Row = tuple[int, str, str, str, int, float, LatencyCurve]


def running(snapshot: Snapshot, services: Sequence[InferenceService]) -> Running:
    """The ready replicas whose speed is declared."""
    rows = _rows(snapshot, {item.name: i for i, item in enumerate(services)}, services)
    service = np.array([row[0] for row in rows], dtype=np.int64)
    ready = np.array([row[4] for row in rows], dtype=float)
    return Running(
        service=service,
        pool=tuple(row[1] for row in rows),
        cluster=tuple(row[2] for row in rows),
        gpu_type=tuple(row[3] for row in rows),
        ready=ready,
        share=_share(service, ready, np.array([row[5] for row in rows]), len(services)),
        base_s=np.array([row[6].base_s for row in rows]),
        queue_s=np.array([row[6].queue_s for row in rows]),
        limit_rps=np.array([row[6].limit_rps for row in rows]),
    )


def _rows(
    snapshot: Snapshot, index: Mapping[str, int], services: Sequence[InferenceService]
) -> list[_Row]:
    rows: list[_Row] = []
    pools = snapshot.fleet.pools
    for report in snapshot.sites.values():
        for placed in report.placements:
            place, pool = index.get(placed.workload), pools.get(placed.pool)
            if place is None or pool is None or placed.ready <= 0:
                continue
            curve = services[place].curves.get(pool.gpu_type)
            if curve is not None:
                head = (place, placed.pool, pool.cluster, pool.gpu_type)
                rows.append((*head, placed.ready, placed.share, curve))
    return rows


def _share(service: Ints, ready: Floats, share: Floats, services: int) -> Floats:
    sent = np.bincount(service, weights=share, minlength=services)[service]
    pods = np.bincount(service, weights=ready, minlength=services)[service]
    return np.asarray(np.where(sent > 0.0, share, ready / np.maximum(pods, 1.0)))
