"""The record: the history of a simulated day as arrays, and its summary in figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.names import ClusterName, Instant, PoolName, WorkloadName
from scheduler.domain.places import Contract

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """A row for each step of the day."""

    times: Floats
    """When each step began, in seconds since 1970."""
    step_s: float
    services: tuple[WorkloadName, ...]
    pools: tuple[PoolName, ...]
    load_rps: Floats
    """(steps, services)"""
    latency_s: Floats
    """(steps, services): the objective's quantile; infinite where too many requests were lost."""
    attained: Floats
    """(steps, services): share of the requests within the objective."""
    waiting: Floats
    """(steps, services): requests in line."""
    nodes: Floats
    """(steps, pools): nodes held, booting and draining ones included."""
    usd_per_hour: Floats
    """(steps,): what the nodes held cost, and the data that moved."""
    gpus_used: Floats
    """(steps,): GPUs on which replicas and workers are ready."""
    moves: Floats
    """(steps,): nodes ordered and given back, interruptions not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What became of one job."""

    job: WorkloadName
    finished_at: Instant | None
    deadline: Instant | None

    @property
    def met(self) -> bool:
        """Finished, and before the deadline if it has one."""
        in_time = self.deadline is None or (self.finished_at or np.inf) <= self.deadline
        return self.finished_at is not None and in_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A day in figures."""

    usd: float
    """Nodes and egress."""
    usd_by_contract: Mapping[tuple[ClusterName, Contract], float] = field(default_factory=dict)
    """Nodes only."""
    usd_egress: float
    egress_gb: float
    attainment: float
    """Share of all requests answered within their objective, 0 to 1; 1 if none came."""
    attainment_by_service: Mapping[WorkloadName, float] = field(default_factory=dict)
    requests: float
    gpu_hours: float
    """GPU hours paid for."""
    node_starts: int
    node_releases: int
    interruptions: int
    """Nodes that were taken back or broke."""
    jobs: tuple[JobResult, ...] = ()

    @property
    def moves(self) -> int:
        """Nodes ordered and nodes given back."""
        return self.node_starts + self.node_releases

    @property
    def jobs_finished(self) -> int:
        """Jobs done."""
        return sum(job.finished_at is not None for job in self.jobs)

    @property
    def deadlines(self) -> int:
        """Jobs with a deadline."""
        return sum(job.deadline is not None for job in self.jobs)

    @property
    def deadlines_met(self) -> int:
        """Jobs done before their deadline."""
        return sum(job.deadline is not None and job.met for job in self.jobs)


class Recorder:
    """Collects the steps of a day."""

    def __init__(self, services: Sequence[WorkloadName], pools: Sequence[PoolName]) -> None:
        self._services, self._pools = tuple(services), tuple(pools)
        self._rows: dict[str, list[Floats]] = {name: [] for name in _COLUMNS}

    def note(self, **row: Floats | float) -> None:
        """One step, with a value for each column of a history."""
        for name in _COLUMNS:
            self._rows[name].append(np.asarray(row[name], dtype=float))

    def history(self, step_s: float) -> History:
        """Everything noted so far."""
        widths = {name: len(self._services) for name in _BY_SERVICE} | {"nodes": len(self._pools)}
        columns = {
            name: np.stack(rows)
            if rows
            else np.zeros((0, widths[name]) if name in widths else (0,))
            for name, rows in self._rows.items()
        }
        return History(step_s=step_s, services=self._services, pools=self._pools, **columns)


_BY_SERVICE = ("load_rps", "latency_s", "attained", "waiting")
_COLUMNS = ("times", *_BY_SERVICE, "nodes", "usd_per_hour", "gpus_used", "moves")


def attainment(history: History) -> tuple[float, dict[WorkloadName, float]]:
    """Share of requests within their objective: over all services, and by service."""
    requests = history.load_rps * history.step_s
    good = (requests * history.attained).sum(axis=0)
    total = requests.sum(axis=0)
    shares = np.where(total > 0.0, good / np.maximum(total, 1e-12), 1.0)
    overall = float(good.sum() / total.sum()) if total.sum() > 0.0 else 1.0
    return overall, {name: float(shares[i]) for i, name in enumerate(history.services)}
