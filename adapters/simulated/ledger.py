"""The ledger: how far each job has come and where it runs, shared by all sites of a world."""

from scheduler.domain.names import ClusterName, WorkloadName
from scheduler.domain.snapshot import JobProgress


class JobLedger:
    """Checkpoints live in storage that outlasts a site: a job moved elsewhere goes on from there.

    It also keeps a job from running in two places at once, and names the one site that reports
    its progress: the one where it ran last.
    """

    def __init__(self) -> None:
        self._progress: dict[WorkloadName, JobProgress] = {}
        self._home: dict[WorkloadName, ClusterName] = {}
        self._running: dict[WorkloadName, ClusterName] = {}

    def progress(self, job: WorkloadName) -> JobProgress:
        """As last written; nothing done if nothing was written."""
        found = self._progress.get(job)
        return found or JobProgress(job=job, done_gpu_hours=0.0, saved_gpu_hours=0.0)

    def carry_in(self, progress: JobProgress) -> None:
        """Write down how far a job has come."""
        self._progress[progress.job] = progress

    def home(self, job: WorkloadName) -> ClusterName | None:
        """The site that ran it last, if it ever ran."""
        return self._home.get(job)

    def elsewhere(self, job: WorkloadName, cluster: ClusterName) -> bool:
        """Whether another site runs it now."""
        return self._running.get(job, cluster) != cluster

    def begin(self, job: WorkloadName, cluster: ClusterName) -> None:
        """A run begins at the site."""
        self._running[job] = self._home[job] = cluster

    def free(self, job: WorkloadName) -> None:
        """The run has ended."""
        self._running.pop(job, None)
