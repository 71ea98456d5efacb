"""Jobs: whether a gang is wanted now, and whether it can still wait for its deadline."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scheduler.domain.demand import JobDemand
from scheduler.domain.names import Instant, WorkloadName
from scheduler.domain.snapshot import JobProgress, Snapshot
from scheduler.domain.workloads import Spread, TrainingJob
from scheduler.forecast.histories import Bools, Floats
from scheduler.forecast.horizon import LOOP_S
from scheduler.model.catalogue import Catalogue

RESERVE = 1.15
"""A job may take so much longer than its speed says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What is known of a job's progress."""

    left_gpu_hours: float
    running: bool
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The fastest way to the end of a job from now."""

    pool: str
    needs_s: float
    """With reserve, restart, boot and one round of the loop."""


def expect_jobs(
    snapshot: Snapshot, catalogue: Catalogue, could: Bools
) -> Mapping[WorkloadName, JobDemand]:
    """The demand of every job; `could` is (workloads, pools), the jobs after the services."""
    progress = _progress(snapshot)
    ready = _ready(snapshot)
    offered = _offered(snapshot, catalogue)
    demands: dict[WorkloadName, JobDemand] = {}
    for row, item in enumerate(catalogue.workloads.items):
        if isinstance(item, TrainingJob):
            work = _work(item, progress.get(item.name), ready.get(item.name, 0))
            run = _fastest(catalogue, could[row] & offered, row, item, work.left_gpu_hours)
            demands[item.name] = _demand(snapshot.now, item, work, run)
    return demands


def _progress(snapshot: Snapshot) -> Mapping[WorkloadName, JobProgress]:
    """The furthest that any site has seen a job."""
    furthest: dict[WorkloadName, JobProgress] = {}
    for report in snapshot.sites.values():
        for seen in report.progress:
            best = furthest.get(seen.job, seen)
            furthest[seen.job] = JobProgress(
                job=seen.job,
                done_gpu_hours=max(best.done_gpu_hours, seen.done_gpu_hours),
                saved_gpu_hours=max(best.saved_gpu_hours, seen.saved_gpu_hours),
                finished=best.finished or seen.finished,
            )
    return furthest


def _ready(snapshot: Snapshot) -> Mapping[WorkloadName, int]:
    count: dict[WorkloadName, int] = {}
    for report in snapshot.sites.values():
        for placed in report.placements:
            count[placed.workload] = count.get(placed.workload, 0) + placed.ready
    return count


def _work(job: TrainingJob, seen: JobProgress | None, ready: int) -> _Work:
    running = ready >= job.workers
    if seen is None:
        return _Work(left_gpu_hours=job.work_gpu_hours, running=running, finished=False)
    kept = seen.done_gpu_hours if running else seen.saved_gpu_hours
    left = 0.0 if seen.finished else max(0.0, job.work_gpu_hours - kept)
    return _Work(left_gpu_hours=left, running=running, finished=seen.finished)


def _offered(snapshot: Snapshot, catalogue: Catalogue) -> Bools:
    """The pools that can be had: what is sold out or out of sight cannot be relied on now."""
    unseen = np.array([c.name in snapshot.unseen for c in catalogue.clusters], dtype=bool)
    gone = {name for name, offer in snapshot.memory.sold_out.items() if offer.until > snapshot.now}
    sold_out = np.array([name in gone for name in catalogue.pools.names], dtype=bool)
    return np.asarray(~sold_out & ~unseen[catalogue.pools.cluster])


def _fastest(
    catalogue: Catalogue, usable: Bools, row: int, job: TrainingJob, left_gpu_hours: float
) -> _Run | None:
    """Over the pools that can hold the gang; nothing if there is none."""
    pools = catalogue.pools
    speed = catalogue.speed[row, pools.gpu_type]
    usable = usable & (_room(catalogue, usable, row, job) >= job.workers) & (speed > 0.0)
    if not usable.any():
        return None
    gpus = job.workers * max(job.per_pod.gpus, 1e-9)
    compute_s = 3600.0 * left_gpu_hours / (gpus * np.where(usable, speed, 1.0))
    needs_s = compute_s * RESERVE + job.restart_s + pools.boot_s + LOOP_S
    best = int(np.argmin(np.where(usable, needs_s, np.inf)))
    return _Run(pool=pools.names[best], needs_s=float(needs_s[best]))


def _room(catalogue: Catalogue, usable: Bools, row: int, job: TrainingJob) -> Floats:
    """Workers that a pool can hold, or its cluster if the gang may spread so far."""
    room = catalogue.per_node[row] * catalogue.pools.max_nodes
    if job.spread is Spread.POOL:
        return np.asarray(room)
    cluster = catalogue.pools.cluster
    return np.asarray(np.bincount(cluster, weights=np.where(usable, room, 0.0))[cluster])


def _demand(now: Instant, job: TrainingJob, work: _Work, run: _Run | None) -> JobDemand:
    idle = _idle_because(now, job, work)
    if idle:
        return _job_demand(work, wanted=False, must_run=False, because=idle)
    left = f"{work.left_gpu_hours:.1f} of {job.work_gpu_hours:.1f} GPU-hours left"
    if job.deadline is None:
        return _job_demand(
            work, wanted=True, must_run=False, because=f"{left}; there is no deadline"
        )
    time_left_s = job.deadline - now
    urgent = run is None or time_left_s <= run.needs_s
    because = f"{left}; {_deadline_because(time_left_s, run)}"
    return _job_demand(work, wanted=True, must_run=urgent, because=because)


def _idle_because(now: Instant, job: TrainingJob, work: _Work) -> str:
    if work.finished:
        return f"finished: {job.work_gpu_hours:.1f} GPU-hours are done"
    if job.suspended:
        return f"suspended by its document with {work.left_gpu_hours:.1f} GPU-hours left"
    if job.not_before is not None and now < job.not_before:
        return f"not before {_span(job.not_before - now)} from now"
    return ""


def _deadline_because(time_left_s: float, run: _Run | None) -> str:
    if time_left_s <= 0.0:
        return f"its deadline passed {_span(-time_left_s)} ago: it must run"
    left = f"its deadline is {_span(time_left_s)} away"
    if run is None:
        return f"{left} and no pool that can be had now holds its gang: it must run"
    needs = f"the fastest pool, {run.pool}, needs {_span(run.needs_s)}"
    slack_s = time_left_s - run.needs_s
    if slack_s > 0.0:
        return f"{left} and {needs}: it can wait {_span(slack_s)}"
    return f"{left} and {needs}: it must run"


def _job_demand(work: _Work, *, wanted: bool, must_run: bool, because: str) -> JobDemand:
    return JobDemand(
        wanted=wanted, must_run=must_run, left_gpu_hours=work.left_gpu_hours, because=because
    )


def _span(seconds: float) -> str:
    return f"{seconds / 3600.0:.1f} h" if seconds >= 3600.0 else f"{seconds / 60.0:.0f} min"
