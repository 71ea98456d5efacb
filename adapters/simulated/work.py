"""Work on a simulated site: replicas of services, and gangs of jobs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from adapters.packing import Amounts, amounts
from adapters.simulated.nodes import Pod
from scheduler.domain.names import GpuType, Instant, PoolName
from scheduler.domain.snapshot import JobProgress
from scheduler.domain.workloads import InferenceService, TrainingJob


@dataclass(slots=True, kw_only=True, eq=False)
class Replicas:
    """One service on one pool: what is wanted and the pods that have a node."""

    service: InferenceService
    pool: PoolName
    wanted: int = 0
    share: float = 0.0
    pods: dict[int, Pod] = field(default_factory=dict)

    @property
    def size(self) -> Amounts:
        """What one pod takes."""
        return amounts(self.service.per_pod)

    @property
    def pending(self) -> int:
        """Pods that have no node yet."""
        return self.wanted - len(self.pods)

    @property
    def ready(self) -> int:
        """Pods that serve."""
        return sum(pod.ready for pod in self.pods.values())

    def surplus(self) -> list[Pod]:
        """The pods to stop: on leaving nodes, not serving yet, on the emptiest nodes, youngest."""
        over = max(0, -self.pending)
        return sorted(
            self.pods.values(),
            key=lambda pod: (pod.node.takes_work, pod.ready, len(pod.node.pods), -pod.serial),
        )[:over]


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """A gang at work: all of its workers have a node, and progress is a line in time."""

    pods: tuple[Pod, ...]
    begins: Instant
    """When progress goes on: the restart is over."""
    gpu_hours_per_s: float
    base_gpu_hours: float
    """Done before this run."""
    saved_gpu_hours: float

    def on(self) -> Counter[PoolName]:
        """Workers by pool."""
        return Counter(pod.node.pool for pod in self.pods)

    def done_gpu_hours(self, at: Instant) -> float:
        """Done at that instant, as if the work had no end."""
        return self.base_gpu_hours + self.gpu_hours_per_s * max(0.0, at - self.begins)


@dataclass(slots=True, kw_only=True, eq=False)
class Gang:
    """One job at one site: the workers wanted by pool, and its run, if all of them fit."""

    job: TrainingJob
    wanted: dict[PoolName, int] = field(default_factory=dict)
    run: Run | None = None

    @property
    def size(self) -> Amounts:
        """What one worker takes."""
        return amounts(self.job.per_pod)

    def exceeds_wanted(self) -> bool:
        """Whether it runs where it shall run no longer."""
        run = self.run
        return run is not None and any(
            count > self.wanted.get(pool, 0) for pool, count in run.on().items()
        )

    def progress(self, run: Run, at: Instant) -> JobProgress:
        """How far a run has come."""
        return JobProgress(
            job=self.job.name,
            done_gpu_hours=min(run.done_gpu_hours(at), self.job.work_gpu_hours),
            saved_gpu_hours=run.saved_gpu_hours,
        )


def gang_speed(job: TrainingJob, gpu_types: Iterable[GpuType]) -> float:
    """Reference GPU-hours per second of the whole gang, at the pace of its slowest worker."""
    slowest = min(job.speed[gpu_type] for gpu_type in gpu_types)
    return job.workers * job.per_pod.gpus * slowest / 3600.0
