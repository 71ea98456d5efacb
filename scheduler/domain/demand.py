"""Demand: what each workload needs over the next minutes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.domain.names import GpuType, PoolName, WorkloadName
from scheduler.domain.readings import Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDemand:
    """The load to plan for, and whether the present size must be kept."""

    rps: float
    """Requests per second to plan for until new capacity could be ready."""
    low_rps: float | None = None
    high_rps: float | None = None
    """By its changes of late the load will be between these two; None where too little is known."""
    now_rps: float
    """Requests per second now."""
    freshness: Freshness
    hold: bool
    """Do not take capacity away: the reading is stale or unknown, or its history too short."""
    slowdown: Mapping[GpuType, float] = field(default_factory=dict)
    """Measured latency over the curve's, where it is worse (> 1), by GPU type."""
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDemand:
    """Whether a gang is wanted now, and whether it can still wait."""

    wanted: bool
    must_run: bool
    """Waiting longer would break the deadline."""
    left_gpu_hours: float
    """Work left, in reference GPU-hours."""
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Demand of every workload, and the prices to plan with."""

    services: Mapping[WorkloadName, ServiceDemand] = field(default_factory=dict)
    jobs: Mapping[WorkloadName, JobDemand] = field(default_factory=dict)
    prices: Mapping[PoolName, float] = field(default_factory=dict)
    """USD per node-hour in force, where it is not the list price."""
    notes: tuple[str, ...] = ()
    """Readings that were not believed, one sentence each."""
