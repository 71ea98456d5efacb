"""What runs: inference services and training jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from scheduler.domain.names import (
    ClusterName,
    DataClass,
    DatasetName,
    GpuType,
    Instant,
    PoolName,
    Region,
    WorkloadName,
)
from scheduler.domain.places import Resources


class Priority(StrEnum):
    """`critical` is settled before money is looked at; the others are prices."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Spread(StrEnum):
    """How far the workers of one gang may sit apart."""

    POOL = "pool"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The `quantile` of latency stays at or below `seconds`, as users see it."""

    quantile: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyCurve:
    """T_q(r) = base_s + queue_s / (1 - r / limit_rps) for one replica at load r (requests/s)."""

    base_s: float
    queue_s: float
    limit_rps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeable:
    """What services and jobs have in common."""

    name: WorkloadName
    priority: Priority
    data_class: DataClass
    datasets: tuple[DatasetName, ...] = ()
    per_pod: Resources
    """What one replica or worker takes."""
    gpu_memory_gib: float = 0.0
    """Memory that one pod needs on each of its GPUs."""
    clusters: tuple[ClusterName, ...] = ()
    """Only here, if not empty."""
    pools: tuple[PoolName, ...] = ()
    """Only here, if not empty."""
    spot: bool = True
    """May run on spot nodes."""
    image_gb: float = 0.0
    """Model and image, pulled once to each place where the workload is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceService(Placeable):
    """Replicas that answer requests within an objective."""

    objective: Objective
    curves: Mapping[GpuType, LatencyCurve]
    """GPU types the service can use, with the speed of one replica on each."""
    min_replicas: int
    max_replicas: int
    users: Region | None = None
    """Where the requests come from; the round trip is taken off the objective."""
    traffic_kb: float = 0.0
    """Bytes that leave the cluster with one request, in kB."""
    start_s: float = 30.0
    """From a placed replica on a ready node to its first answer."""
    late_usd_per_hour: float
    """What it costs when all requests of an hour are late or lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob(Placeable):
    """A gang of equal workers that must all run at once, with work left to do."""

    workers: int
    speed: Mapping[GpuType, float]
    """Work done by one GPU-hour of each type the job can use, in reference GPU-hours."""
    work_gpu_hours: float
    """Work of the whole job, in reference GPU-hours."""
    not_before: Instant | None = None
    deadline: Instant | None = None
    checkpoint_s: float = 1800.0
    """Time between checkpoints: half of it is lost on an interruption, on average."""
    restart_s: float = 300.0
    spread: Spread = Spread.POOL
    wait_usd_per_hour: float
    """What an hour of waiting costs; at most this is paid to run it now."""
    suspended: bool = False
    """Set by the user: the job shall not run."""


Workload = InferenceService | TrainingJob
