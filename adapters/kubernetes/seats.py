"""Seats: which gangs that wait would find room for all of their workers, and which run in part."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from adapters.kubernetes import marks
from adapters.kubernetes.census import Census, take_census
from adapters.kubernetes.instants import instant
from adapters.kubernetes.manifests import QUEUE
from adapters.kubernetes.parties import ended, seat_of
from adapters.kubernetes.pods import comes_soon, finished
from adapters.kubernetes.room import rooms_in, seat_the_coming, whole_slices
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Job, Pod
from adapters.kubernetes.suspendables import gang_of
from adapters.kubernetes.view import View
from adapters.packing import Room, amounts, first_fit
from scheduler.domain.bindings import Suspendable
from scheduler.domain.names import Instant, PoolName, WorkloadName
from scheduler.domain.workloads import Priority, Spread, TrainingJob

RANK = list(Priority)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gang:
    """A gang, or the part of one, that is wanted on a pool."""

    job: TrainingJob
    pool: PoolName
    namespace: str
    name: str
    """Of its object."""
    workers: int
    """Those that are still to run: workers that have ended well are not counted."""
    running: bool
    """It is not suspended."""
    pods: tuple[Pod, ...] = ()
    """Unfinished ones."""
    since: Instant | None = None
    """When it was last started, if that is told."""

    @property
    def unseated(self) -> int:
        """Workers without a node."""
        return max(0, self.workers - sum(bool(pod.spec.node_name) for pod in self.pods))


def gangs_of(view: View, setting: Setting) -> tuple[Gang, ...]:
    """Gangs of the documents that are wanted somewhere; those that Kueue starts are its own."""
    workers = _pods_by_owner(view)
    found = [_of_job(job, workers.get(job.metadata.uid, ()), setting) for job in view.jobs.values()]
    found += [_of_custom(workload, view, setting) for workload in view.custom]
    return tuple(gang for gang in found if gang is not None)


def to_start(view: View, setting: Setting, gangs: Sequence[Gang]) -> tuple[Gang, ...]:
    """Gangs that stand still and find seats for all workers now, the most urgent first.

    What is on its way to a seat already keeps it. One that does not fit does not hold up the
    next: the plan has room for both, and an idle GPU costs money.
    """
    if all(gang.running for gang in gangs):
        return ()
    census = take_census(view, setting)
    busy = {
        seat_of(pod.metadata.labels)[0]
        for (namespace, _), pod in view.pods.items()
        if namespace in setting.access.namespaces and not finished(pod)
    }
    rooms: dict[PoolName, list[Room]] = {}
    chosen: list[Gang] = []
    for parts in _by_workload(gangs):
        waiting = [part for part in parts if not part.running]
        if not waiting or not _may_start(parts, busy):
            continue
        for pool in {part.pool for part in waiting} - rooms.keys():
            rooms[pool] = _unclaimed(census, pool, gangs)
        after = {pool: [list(room) for room in each] for pool, each in rooms.items()}
        if all(_sit(part, part.workers, census, after[part.pool]) for part in waiting):
            rooms = after
            chosen += waiting
    return tuple(chosen)


def to_halt(gangs: Sequence[Gang], deadline_s: float, now: Instant) -> tuple[Gang, ...]:
    """Gangs of which a part has had no node for longer than the deadline, with all their parts."""
    halted: list[Gang] = []
    for parts in _by_workload(gangs):
        running = [part for part in parts if part.running]
        if any(_is_late(part, deadline_s, now) for part in running):
            halted += running
    return tuple(halted)


def has_ended(job: Job) -> bool:
    """Complete or failed: no more pods are made."""
    return ended(job, "Complete") or ended(job, "Failed")


def _by_workload(gangs: Iterable[Gang]) -> list[list[Gang]]:
    def urgency(gang: Gang) -> tuple[int, str, str]:
        return RANK.index(gang.job.priority), gang.job.name, gang.pool

    ordered = sorted(gangs, key=urgency)
    return [list(parts) for _, parts in groupby(ordered, key=lambda gang: gang.job.name)]


def _may_start(parts: Sequence[Gang], busy: Container[WorkloadName]) -> bool:
    """Not while its last run still goes, and a gang in parts only with all of them."""
    job = parts[0].job
    if job.spread is Spread.CLUSTER:
        return sum(part.workers for part in parts) >= job.workers
    return len(parts) == 1 and not parts[0].pods and job.name not in busy


def _unclaimed(census: Census, pool: PoolName, gangs: Sequence[Gang]) -> list[Room]:
    """Free room by node, less what is on its way: a gang just started has no pods to be seen."""
    rooms = rooms_in(census, pool, booting=False)
    seat_the_coming(census, pool, rooms)
    for gang in gangs:
        if gang.running and gang.pool == pool:
            coming = sum(comes_soon(pod) for pod in gang.pods)
            _sit(gang, gang.unseated - coming, census, rooms)
    return rooms


def _sit(gang: Gang, workers: int, census: Census, rooms: Sequence[Room]) -> bool:
    """Take the seats of so many workers; whether there were enough."""
    size = amounts(whole_slices(gang.job.per_pod, census, gang.pool))
    return len(first_fit(size, workers, rooms)) >= workers


def _is_late(gang: Gang, deadline_s: float, now: Instant) -> bool:
    if not gang.unseated:
        return False
    made = (instant(pod.metadata.creation_timestamp) for pod in gang.pods if _is_unseated(pod))
    # Pods that are not even made, for lack of quota say, wait since the start.
    since = min((at for at in made if at is not None), default=gang.since)
    return since is not None and now - since > deadline_s


def _is_unseated(pod: Pod) -> bool:
    return not pod.spec.node_name


def _of_job(job: Job, pods: Sequence[Pod], setting: Setting) -> Gang | None:
    labels, wanted = job.metadata.labels, job.metadata.annotations.get(marks.WANTED, "")
    workload, pool = seat_of(labels)
    training = setting.jobs.get(workload)
    if training is None or pool not in setting.pools or not marks.ours(labels):
        return None
    if QUEUE in labels or not wanted.isdigit() or not int(wanted) or has_ended(job):
        return None
    return Gang(
        job=training,
        pool=pool,
        namespace=job.metadata.namespace,
        name=job.metadata.name,
        workers=max(0, int(wanted) - job.status.succeeded),
        running=not job.spec.suspend,
        pods=tuple(pods),
        since=instant(job.status.start_time),
    )


def _of_custom(workload: WorkloadName, view: View, setting: Setting) -> Gang | None:
    binding, training = setting.bindings.workloads.get(workload), setting.jobs.get(workload)
    if training is None or binding is None or not isinstance(binding.runs, Suspendable):
        return None
    runs = binding.runs
    told = gang_of(runs, view.custom[workload])
    if told.pool not in setting.pools or told.pool is None or not told.wanted or told.ended:
        return None
    return Gang(
        job=training,
        pool=told.pool,
        namespace=runs.namespace,
        name=runs.name,
        workers=told.wanted,
        running=not told.suspended,
        pods=tuple(pod for pod in view.pods.values() if _is_picked(pod, runs)),
    )


def _pods_by_owner(view: View) -> dict[str, list[Pod]]:
    """Unfinished pods by the uid of each owner."""
    by_owner: dict[str, list[Pod]] = {}
    for pod in view.pods.values():
        if not finished(pod):
            for owner in pod.metadata.owner_references:
                by_owner.setdefault(owner.uid, []).append(pod)
    return by_owner


def _is_picked(pod: Pod, runs: Suspendable) -> bool:
    picked = runs.pods.items() <= pod.metadata.labels.items()
    return picked and pod.metadata.namespace == runs.namespace and not finished(pod)
