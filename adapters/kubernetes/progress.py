"""Progress: how far each training job has come, as its own objects tell it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

import msgspec

from adapters.kubernetes.instants import instant
from adapters.kubernetes.marks import DONE, PROGRESS, ours
from adapters.kubernetes.parties import ended, seat_of
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Job, JobStatus, Labels, Meta, Shape
from adapters.kubernetes.suspendables import gang_of
from adapters.kubernetes.view import View
from scheduler.domain.bindings import Suspendable
from scheduler.domain.names import Instant, PoolName, WorkloadName
from scheduler.domain.snapshot import JobProgress
from scheduler.domain.workloads import TrainingJob


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one object says of a job."""

    done: float
    saved: float
    told: float | None = None
    """Reference GPU-hours of the whole job, if the training writes them down."""
    finished: bool = False


def progress_of(view: View, setting: Setting, now: Instant) -> tuple[JobProgress, ...]:
    """The declared jobs that have an object here, in the order of their names.

    What the training itself has written down is what is done, and saved: it writes what it could
    go on from. Else each object counts the time of its own runs, on its pool, and all are summed.
    """
    found: list[JobProgress] = []
    for name in sorted(setting.jobs):
        parts = list(_parts(name, view, setting, now))
        if parts:
            found.append(_joined(setting.jobs[name], parts))
    return tuple(found)


def saved_of(there: Job, setting: Setting, now: Instant) -> float:
    """Reference GPU-hours that would not be lost, of this Job alone, if it stopped now."""
    part = _part_of_job(there, setting, now)
    return part.saved if part.told is None else part.told


def _parts(name: WorkloadName, view: View, setting: Setting, now: Instant) -> Iterator[_Part]:
    for (namespace, _), job in view.jobs.items():
        labels = job.metadata.labels
        allowed = namespace in setting.access.namespaces
        if allowed and ours(labels) and seat_of(labels)[0] == name:
            yield _part_of_job(job, setting, now)
    binding = setting.bindings.workloads.get(name)
    body = view.custom.get(name)
    if body is not None and binding and isinstance(binding.runs, Suspendable):
        yield _part_of_custom(name, binding.runs, body, setting, now)


def _joined(job: TrainingJob, parts: list[_Part]) -> JobProgress:
    work = job.work_gpu_hours
    if any(part.finished for part in parts):
        return JobProgress(job=job.name, done_gpu_hours=work, saved_gpu_hours=work, finished=True)
    told = [part.told for part in parts if part.told is not None]
    done = max(told) if told else sum(part.done for part in parts)
    saved = max(told) if told else sum(part.saved for part in parts)
    return JobProgress(
        job=job.name, done_gpu_hours=min(done, work), saved_gpu_hours=min(saved, work)
    )


def _part_of_job(there: Job, setting: Setting, now: Instant) -> _Part:
    name, pool = seat_of(there.metadata.labels)
    running = not there.spec.suspend and there.status.ready > 0
    return _part(
        there.metadata.annotations,
        setting.jobs.get(name),
        _gpu_hours_per_s(name, pool, there.spec.parallelism, setting),
        _running_s(there.status, now) if running else 0.0,
        finished=ended(there, "Complete"),
    )


class _Custom(Shape, frozen=True):
    metadata: Meta = Meta()
    status: JobStatus = JobStatus()


def _part_of_custom(
    name: WorkloadName,
    runs: Suspendable,
    body: Mapping[str, object],
    setting: Setting,
    now: Instant,
) -> _Part:
    gang = gang_of(runs, body)
    try:
        there = msgspec.convert(body, _Custom)
    except msgspec.ValidationError:
        # Its status is of a shape of its own: only the labels tell something.
        there = _Custom()
    finished = any(
        told.type in ("Succeeded", "Complete", "Completed") and told.status == "True"
        for told in there.status.conditions
    )
    running = gang.pool is not None and not gang.suspended and not gang.ended
    return _part(
        there.metadata.annotations,
        setting.jobs.get(name),
        _gpu_hours_per_s(name, gang.pool, gang.wanted, setting),
        _running_s(there.status, now) if running else 0.0,
        finished=finished,
    )


def _part(
    annotations: Labels,
    job: TrainingJob | None,
    gpu_hours_per_s: float,
    running_s: float,
    *,
    finished: bool,
) -> _Part:
    before = _number(annotations.get(DONE)) or 0.0
    if job is None:
        return _Part(done=before, saved=before, finished=finished)
    trained_s = max(0.0, running_s - job.restart_s)
    # Without checkpoints nothing of a run is saved before its end.
    every_s = job.checkpoint_s
    kept_s = trained_s // every_s * every_s if every_s > 0.0 else 0.0
    return _Part(
        done=before + gpu_hours_per_s * trained_s,
        saved=before + gpu_hours_per_s * kept_s,
        told=_number(annotations.get(PROGRESS)),
        finished=finished,
    )


def _gpu_hours_per_s(
    name: WorkloadName, pool: PoolName | None, workers: int, setting: Setting
) -> float:
    """Reference GPU-hours that the workers do in a second on that pool."""
    job, place = setting.jobs.get(name), setting.pools.get(pool) if pool else None
    if job is None or place is None:
        return 0.0
    return workers * job.per_pod.gpus * job.speed.get(place.gpu_type, 0.0) / 3600.0


def _running_s(status: JobStatus, now: Instant) -> float:
    begun = instant(status.start_time)
    return max(0.0, now - begun) if begun is not None else 0.0


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and isfinite(number) and number >= 0.0 else None
