"""Gangs: a training job that runs with all workers or none, as a Job that is suspended or not.

An order only nominates: the Job stands still until `tend_gangs` finds seats for every worker.
"""

import msgspec

from adapters.base import AdapterError, PlaceOrder, Refused, Throttled
from adapters.kubernetes import kueue, manifests, marks, suspendables
from adapters.kubernetes.client import Client
from adapters.kubernetes.door import allowed, asked
from adapters.kubernetes.faults import NotThere
from adapters.kubernetes.progress import saved_of
from adapters.kubernetes.seats import Gang, gangs_of, has_ended, to_halt, to_start
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Job
from adapters.kubernetes.slices import gpu_unit
from adapters.kubernetes.view import View
from scheduler.domain.bindings import OwnedJob, Suspendable
from scheduler.domain.names import Instant, WorkloadName


async def place_gang(
    client: Client, view: View, setting: Setting, order: PlaceOrder, now: Instant
) -> None:
    """Nominate the pool for the gang, or stop it there; nothing is sent for what is so.

    A Job is never deleted while it may have progress to lose: a stopped one keeps its object. One
    that is complete is left alone. What left the documents can only be stopped.
    """
    binding = setting.bindings.workloads.get(order.workload)
    runs = binding.runs if binding else None
    with asked(f"{order.workload} on {order.pool}"):
        if isinstance(runs, Suspendable):
            await suspendables.place_suspendable(client, setting, runs, order)
        if not order.pods:
            await _stop(client, view, setting, order, now)
        elif isinstance(runs, OwnedJob):
            allowed(setting, runs.namespace)
            await _nominate(client, view, setting, runs, order, now)
        elif runs is None:
            raise Refused(f"{order.workload} says nothing of Kubernetes; add it to its document")


async def tend_gangs(client: Client, view: View, setting: Setting, now: Instant) -> None:
    """Start gangs that wait and find their seats; stop those of which a part found none in time.

    Each for itself: what failed first is raised when all have had their turn.
    """
    gangs = gangs_of(view, setting)
    late = to_halt(gangs, setting.access.gang_deadline_s, now)
    failed: list[AdapterError] = []
    for gang in late:
        try:
            await _halt(client, setting, gang, now)
        except AdapterError as error:
            failed.append(error)
    for gang in to_start(view, setting, gangs):
        try:
            await _start(client, setting, gang)
        except AdapterError as error:
            failed.append(error)
    for job in view.jobs.values():
        try:
            await _keep_out(client, setting, job)
        except AdapterError as error:
            failed.append(error)
    if failed:
        raise failed[0]


async def _nominate(
    client: Client, view: View, setting: Setting, runs: OwnedJob, order: PlaceOrder, now: Instant
) -> None:
    unit = gpu_unit(view, setting, order.pool)
    body = manifests.job(order, setting, runs, unit)
    there = await _read(client, runs.namespace, body["metadata"]["name"])
    if there is None:
        await client.create(_collection(runs.namespace), body)
        return
    _check_ours(there, order)
    if has_ended(there):
        _check_complete(there)
    elif there.metadata.annotations.get(marks.TEMPLATE) != manifests.template_of(body):
        await _renew(client, setting, there, body, now)
    else:
        if there.metadata.annotations.get(marks.WANTED) != str(order.pods):
            await _annotate(client, there, {marks.WANTED: str(order.pods), marks.KEY: order.key})
        if runs.kueue:
            await kueue.set_active(client, there, active=True)


async def _renew(
    client: Client, setting: Setting, there: Job, body: manifests.Body, now: Instant
) -> None:
    """A Job's template cannot be changed: one that stands still is made anew with its progress."""
    where = _where(there)
    if not there.spec.suspend or there.status.active:
        raise Refused(
            f"{where} runs with another template than the document has; "
            "it is changed when the gang next stands still: suspend it, or put the old one back"
        )
    body["metadata"]["annotations"][marks.DONE] = manifests.hours(saved_of(there, setting, now))
    await client.delete(_path(there), uid=there.metadata.uid)
    await client.create(_collection(there.metadata.namespace), body)


async def _stop(
    client: Client, view: View, setting: Setting, order: PlaceOrder, now: Instant
) -> None:
    """Every Job of ours for the workload on the pool, wherever it lies."""
    binding = setting.bindings.workloads.get(order.workload)
    places = {key for key, job in view.jobs.items() if _is_of(job, order)}
    if binding and isinstance(binding.runs, OwnedJob):
        name = marks.option_name(order.workload, order.pool)
        places.add((binding.runs.namespace, name))
    for namespace, name in sorted(places):
        allowed(setting, namespace)
        there = await _read(client, namespace, name)
        if there is not None and _is_of(there, order) and not has_ended(there):
            await _stop_job(client, setting, there, order, now)


async def _stop_job(
    client: Client, setting: Setting, there: Job, order: PlaceOrder, now: Instant
) -> None:
    by_kueue = manifests.QUEUE in there.metadata.labels
    wanted = there.metadata.annotations.get(marks.WANTED)
    if wanted != "0" or not (there.spec.suspend or by_kueue):
        written = {marks.WANTED: "0", marks.KEY: order.key}
        await _annotate(
            client, there, written | _done(there, setting, now), suspend=None if by_kueue else True
        )
    if by_kueue:
        await kueue.set_active(client, there, active=False)


async def _start(client: Client, setting: Setting, gang: Gang) -> None:
    with asked(f"starting {gang.job.name} on {gang.pool}"):
        if runs := _suspendable(setting, gang.job.name):
            allowed(setting, runs.namespace)
            await suspendables.start(client, runs, gang.pool)
            return
        allowed(setting, gang.namespace)
        # The view may be older than an order of a moment ago.
        there = await _read(client, gang.namespace, gang.name)
        if there is None or not there.spec.suspend or has_ended(there):
            return
        if there.metadata.annotations.get(marks.WANTED, "0") != "0":
            await _annotate(client, there, {}, suspend=False)


async def _halt(client: Client, setting: Setting, gang: Gang, now: Instant) -> None:
    with asked(f"taking {gang.job.name} off {gang.pool}, where a part of it found no seats"):
        if runs := _suspendable(setting, gang.job.name):
            allowed(setting, runs.namespace)
            await suspendables.halt(client, runs, gang.pool)
            return
        allowed(setting, gang.namespace)
        there = await _read(client, gang.namespace, gang.name)
        if there is not None and not there.spec.suspend and not has_ended(there):
            await _annotate(client, there, _done(there, setting, now), suspend=True)


async def _keep_out(client: Client, setting: Setting, job: Job) -> None:
    """Kueue may admit a Job that was stopped before Kueue had looked at it."""
    labels, annotations = job.metadata.labels, job.metadata.annotations
    stopped = annotations.get(marks.WANTED) == "0"
    by_kueue = marks.ours(labels) and manifests.QUEUE in labels
    if stopped and by_kueue and not job.spec.suspend and not has_ended(job):
        with asked(f"keeping {_where(job)} out of its queue"):
            allowed(setting, job.metadata.namespace)
            await kueue.set_active(client, job, active=False)


async def _annotate(
    client: Client, there: Job, annotations: dict[str, str], *, suspend: bool | None = None
) -> None:
    """Patch this very Job (by its uid) and nothing else of it: training writes to it as well."""
    body: manifests.Body = {"metadata": {"uid": there.metadata.uid, "annotations": annotations}}
    if suspend is not None:
        body["spec"] = {"suspend": suspend}
    await client.patch(_path(there), body)


def _done(there: Job, setting: Setting, now: Instant) -> dict[str, str]:
    """What the present run adds to the progress: its clock starts anew with the next one."""
    if there.spec.suspend:
        return {}
    return {marks.DONE: manifests.hours(saved_of(there, setting, now))}


async def _read(client: Client, namespace: str, name: str) -> Job | None:
    try:
        found = await client.get(f"{_collection(namespace)}/{name}")
    except NotThere:
        return None
    return msgspec.json.decode(found, type=Job)


def _check_ours(there: Job, order: PlaceOrder) -> None:
    if not _is_of(there, order):
        raise Refused(
            f"{_where(there)} is there and not ours, but {order.workload} on {order.pool} would "
            "have its name; rename or remove it"
        )
    if there.metadata.deletion_timestamp is not None:
        raise Throttled(f"{_where(there)} is being deleted; it is made anew when it is gone")


def _check_complete(there: Job) -> None:
    failed = [each for each in there.status.conditions if each.type == "Failed"]
    if failed:
        raise Refused(
            f"{_where(there)} has failed ({failed[0].reason}); look at its pods, then delete it "
            "and it is made anew"
        )


def _is_of(there: Job, order: PlaceOrder) -> bool:
    labels = there.metadata.labels
    return marks.ours(labels) and (labels.get(marks.WORKLOAD), labels.get(marks.POOL)) == (
        order.workload,
        order.pool,
    )


def _suspendable(setting: Setting, workload: WorkloadName) -> Suspendable | None:
    binding = setting.bindings.workloads.get(workload)
    return binding.runs if binding and isinstance(binding.runs, Suspendable) else None


def _where(there: Job) -> str:
    return f"job {there.metadata.namespace}/{there.metadata.name}"


def _collection(namespace: str) -> str:
    return f"/apis/batch/v1/namespaces/{namespace}/jobs"


def _path(there: Job) -> str:
    return f"{_collection(there.metadata.namespace)}/{there.metadata.name}"
