"""Documents of workloads: InferenceService and TrainingJob."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from scheduler.config.fields import (
    At,
    Cores,
    Duration,
    Gigabytes,
    GpuWork,
    Kilobytes,
    Memory,
    Name,
    Quantile,
    Rate,
    Shape,
    SomeTime,
    UsdPerHour,
    Word,
    by_default,
    contradict,
)
from scheduler.config.kubernetes_documents import KubernetesJobShape, KubernetesServiceShape
from scheduler.config.place_documents import Document
from scheduler.domain.workloads import Priority, Spread

Speed = Annotated[float, Field(gt=0.0, le=1_000.0)]


class PodShape(Shape):
    """What one replica or worker takes of a node."""

    gpus: float = Field(gt=0.0, le=64.0)
    gpu_memory: Memory = by_default("0", description="Memory needed on each GPU.")
    cpu: Cores = by_default("0")
    memory: Memory = by_default("0")


class WorkloadSpec(Shape):
    """What services and jobs have in common."""

    priority: Priority = by_default(
        "normal", strict=False, description="Critical is settled first."
    )
    data_class: Word = Field("internal", description="Runs only where this class may be.")
    datasets: list[Name] = Field([], max_length=1_000, description="Datasets that it reads.")
    clusters: list[Name] = Field([], max_length=1_000, description="Only here, if not empty.")
    pools: list[Name] = Field([], max_length=1_000, description="Only here, if not empty.")
    spot: bool = Field(True, description="May run on spot nodes.")
    image: Gigabytes = by_default("0GB", description="Model and image, pulled once to a new place.")


class ReplicasShape(Shape):
    """How many replicas the service may have."""

    min: int = Field(1, ge=1, le=100_000, description="At least 1: nothing would wake it from 0.")
    max: int = Field(ge=1, le=100_000)

    @model_validator(mode="after")
    def _in_order(self, info: ValidationInfo) -> "ReplicasShape":
        if self.min > self.max:
            contradict(info, [(("min",), f"must not be above max ({self.max})")])
        return self


class ObjectiveShape(Shape):
    """The quantile of latency stays at or below this, as users see it."""

    quantile: Quantile = by_default("p95")
    latency: SomeTime


class CurveShape(Shape):
    """Latency of one replica at r requests per second: base + queue / (1 - r / limit)."""

    base: SomeTime
    queue: Duration
    limit: Rate


class InferenceServiceSpec(WorkloadSpec):
    """Replicas that answer requests within an objective."""

    replica: PodShape
    replicas: ReplicasShape
    objective: ObjectiveShape
    speed: dict[Word, CurveShape] = Field(min_length=1, max_length=200, description="By GPU type.")
    users: Word | None = Field(None, description="The region that the requests come from.")
    traffic: Kilobytes = by_default("0B", description="Leaves the cluster with one request.")
    start: Duration = by_default("30s", description="From a placed replica to its first answer.")
    late_cost: UsdPerHour | None = Field(
        None,
        description="If all requests of an hour are late. Default by priority: low 10, "
        "normal 50, high 200, critical 1000 USD/h.",
    )
    kubernetes: KubernetesServiceShape | None = Field(
        None, description="Needed where it may run in a Kubernetes cluster."
    )


class GangShape(Shape):
    """Workers that run all at once or not at all."""

    workers: int = Field(1, ge=1, le=100_000)
    spread: Spread = by_default("pool", strict=False, description="How far apart they may sit.")


class TrainingJobSpec(WorkloadSpec):
    """A gang of equal workers with work left to do."""

    gang: GangShape = Field(default_factory=lambda: GangShape.model_validate({}))
    worker: PodShape
    speed: dict[Word, Speed] = Field(
        min_length=1,
        max_length=200,
        description="By GPU type: reference GPU-hours done in one GPU-hour.",
    )
    work: GpuWork = Field(description="Of the whole job, in reference GPU-hours.")
    not_before: At | None = None
    deadline: At | None = None
    checkpoint: SomeTime = by_default("30m", description="Time between checkpoints.")
    restart: Duration = by_default("5m", description="From an interruption to work again.")
    wait_cost: UsdPerHour | None = Field(
        None,
        description="Of one hour of waiting. Default by priority: low 2, normal 6, high 20, "
        "critical 200 USD for each GPU of the gang.",
    )
    suspended: bool = Field(False, description="Set by you: the job shall not run.")
    kubernetes: KubernetesJobShape | None = Field(
        None, description="Needed where it may run in a Kubernetes cluster."
    )

    @field_validator("deadline")
    @classmethod
    def _after_start(cls, deadline: float | None, info: ValidationInfo) -> float | None:
        start = info.data.get("not_before")
        if start is not None and deadline is not None and deadline <= start:
            contradict(info, [((), "must be after notBefore")])
        return deadline


class InferenceServiceDocument(Document):
    """A service with a latency objective."""

    kind: Literal["InferenceService"]
    spec: InferenceServiceSpec


class TrainingJobDocument(Document):
    """A training job, all its workers at once."""

    kind: Literal["TrainingJob"]
    spec: TrainingJobSpec
