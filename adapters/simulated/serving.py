"""Serving: what the users of services get from the replicas that are ready, step by step."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from adapters.simulated.queueing import Answered, Floats, Lanes, answer
from scheduler.domain.names import GpuType, PoolName
from scheduler.domain.workloads import InferenceService


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """One pool that serves a service: its ready replicas and the share of traffic sent there."""

    pool: PoolName
    gpu_type: GpuType
    ready: int
    share: float
    rtt_s: float = 0.0
    """From the users to the pool and back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Requests in line by pool, carried from one step to the next."""

    waiting: tuple[tuple[PoolName, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolServed:
    """One pool over one step."""

    pool: PoolName
    rps: float
    load_rps: float
    latency_s: float
    attained: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One service over one step."""

    pools: tuple[PoolServed, ...]
    latency_s: float
    """The objective's quantile over all requests; infinite if too many were lost."""
    attained: float
    """Share of all requests within the objective."""
    lost_rps: float
    """Requests per second that found no replica or gave up."""
    backlog: Backlog = field(default_factory=Backlog)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one service is asked in one step, and what it has to answer with."""

    service: InferenceService
    fronts: Sequence[Front]
    rps: float
    backlog: Backlog = field(default_factory=Backlog)

    def waiting(self) -> list[float]:
        """Requests in line at the beginning, front by front."""
        held = dict(self.backlog.waiting)
        return [held.get(front.pool, 0.0) for front in self.fronts]

    def arrivals(self) -> list[float]:
        """Requests per second, front by front: by the shares, scaled down if they exceed 1."""
        scale = self.rps / max(1.0, sum(front.share for front in self.fronts))
        return [scale * front.share for front in self.fronts]


def serve(
    service: InferenceService,
    fronts: Sequence[Front],
    *,
    rps: float,
    step_s: float,
    backlog: Backlog | None = None,
) -> Served:
    """One service over one step of `step_s` seconds at a steady `rps`.

    Traffic follows the shares. What no share covers is lost, and so is what waited on a pool
    that is no longer named.
    """
    asked = Asked(service=service, fronts=fronts, rps=rps, backlog=backlog or Backlog())
    return serve_all([asked], step_s=step_s)[0]


def serve_all(asked: Sequence[Asked], *, step_s: float) -> tuple[Served, ...]:
    """Many services over one step, in one pass over their pools: far faster than one by one."""
    arrivals = [rps for each in asked for rps in each.arrivals()]
    answered = answer(
        lanes_of(asked),
        ready=np.array([front.ready for each in asked for front in each.fronts], dtype=float),
        rps=np.array(arrivals, dtype=float),
        waiting=np.array([count for each in asked for count in each.waiting()], dtype=float),
        step_s=step_s,
    )
    rows = list(zip(arrivals, *_columns(answered), strict=True))
    served, at = [], 0
    for each in asked:
        served.append(_served(each, rows[at : at + len(each.fronts)], step_s))
        at += len(each.fronts)
    return tuple(served)


def lanes_of(asked: Sequence[Asked]) -> Lanes:
    """The columns of all fronts, service by service."""
    rows = [
        (
            *_curve(each.service, front.gpu_type),
            front.rtt_s,
            each.service.objective.seconds,
            each.service.objective.quantile,
        )
        for each in asked
        for front in each.fronts
    ]
    base, queue, limit, rtt, objective, quantile = np.array(rows, dtype=float).reshape(-1, 6).T
    return Lanes(
        base_s=base,
        queue_s=queue,
        limit_rps=limit,
        rtt_s=rtt,
        objective_s=objective,
        quantile=quantile,
    )


def _curve(service: InferenceService, gpu_type: GpuType) -> tuple[float, float, float]:
    curve = service.curves[gpu_type]
    return curve.base_s, curve.queue_s, curve.limit_rps


_Row = tuple[float, float, float, float, float, float]
"""Arrivals, load per replica, latency, attained, lost, waiting."""


def _columns(answered: Answered) -> list[list[float]]:
    columns: list[Floats] = [
        answered.load_rps,
        answered.latency_s,
        answered.attained,
        answered.lost,
        answered.waiting,
    ]
    return [column.tolist() for column in columns]


def _served(asked: Asked, rows: Sequence[_Row], step_s: float) -> Served:
    arrived = sum(row[0] for row in rows)
    lost = sum(row[4] for row in rows) + _left_behind(asked)
    in_time = sum(row[0] * row[3] for row in rows)
    return Served(
        pools=tuple(
            PoolServed(
                pool=front.pool, rps=row[0], load_rps=row[1], latency_s=row[2], attained=row[3]
            )
            for front, row in zip(asked.fronts, rows, strict=True)
        ),
        latency_s=_overall(rows, asked.rps, asked.service.objective.quantile),
        attained=min(1.0, in_time / asked.rps) if asked.rps > 0.0 else 1.0,
        lost_rps=max(0.0, asked.rps - arrived) + lost / step_s,
        backlog=Backlog(
            waiting=tuple(
                (front.pool, row[5]) for front, row in zip(asked.fronts, rows, strict=True)
            )
        ),
    )


def _left_behind(asked: Asked) -> float:
    """Requests in line on pools that serve no longer."""
    return sum(count for _, count in asked.backlog.waiting) - sum(asked.waiting())


def _overall(rows: Sequence[_Row], rps: float, quantile: float) -> float:
    """The least pool latency at or below which the pools carry the quantile of all requests."""
    if rps <= 0.0:
        return 0.0
    carried = 0.0
    for row in sorted(rows, key=lambda row: row[2]):
        carried += row[0]
        if carried >= quantile * rps * (1.0 - 1e-9):
            return row[2]
    return float("inf")
