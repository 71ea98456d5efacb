"""Parties: what was ordered of each workload on each pool, and the pods that are there for it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from adapters.kubernetes.marks import POOL, WANTED, WORKLOAD, ours
from adapters.kubernetes.pods import controller_of, finished, matches
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Deployment, Job, Pod
from adapters.kubernetes.suspendables import gang_of
from adapters.kubernetes.view import View
from scheduler.domain.bindings import Adopted, Suspendable
from scheduler.domain.names import PoolName, WorkloadName

Seat = tuple[WorkloadName, PoolName]
_Labelled = tuple[str, str, str]
"""Namespace, label, value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One workload on one pool."""

    workload: WorkloadName
    pool: PoolName
    gang: bool = False
    wanted: int = 0
    waits: bool = False
    """A gang that is wanted and stands still."""
    dead: bool = False
    """A gang that has failed: it will not run until a person has looked."""
    ended: int = 0
    """Workers of a gang that have ended well and hold no seat any more."""
    pods: tuple[Pod, ...] = ()
    """Unfinished ones."""


def parties_of(view: View, setting: Setting) -> tuple[Party, ...]:
    """All of them, in the order of their names, those of workloads that left the documents too.

    Objects of ours in namespaces that we may not write to are not ours to tell. Gangs that are
    complete are no party any more.
    """
    pods = _labelled(view, setting)
    found = {(each.workload, each.pool): each for each in _ordered(view, setting)}
    for seat, there in pods.items():
        gang = any(controller_of(pod) == "Job" for pod in there)
        party = found.get(seat) or Party(workload=seat[0], pool=seat[1], gang=gang)
        found[seat] = replace(party, pods=(*party.pods, *there))
    return tuple(found[seat] for seat in sorted(found))


def uids(parties: Iterable[Party]) -> frozenset[str]:
    """The uids of all their pods."""
    return frozenset(pod.metadata.uid for party in parties for pod in party.pods)


def ended(job: Job, kind: str) -> bool:
    """Whether the Job has the condition `kind`: Complete or Failed."""
    return any(told.type == kind and told.status == "True" for told in job.status.conditions)


def _ordered(view: View, setting: Setting) -> Iterator[Party]:
    for (namespace, _), deployment in view.deployments.items():
        if _counts(deployment, namespace, setting):
            workload, pool = seat_of(deployment.metadata.labels)
            going = deployment.metadata.deletion_timestamp is not None
            yield Party(
                workload=workload, pool=pool, wanted=0 if going else deployment.spec.replicas
            )
    for (namespace, _), job in view.jobs.items():
        if _counts(job, namespace, setting) and not ended(job, "Complete"):
            yield _of_job(job)
    yield from _of_others(view, setting)


def _of_job(job: Job) -> Party:
    workload, pool = seat_of(job.metadata.labels)
    text = job.metadata.annotations.get(WANTED, "")
    going = job.metadata.deletion_timestamp is not None
    wanted = int(text) if text.isdigit() and not going else 0
    return Party(
        workload=workload,
        pool=pool,
        gang=True,
        wanted=wanted,
        waits=job.spec.suspend and wanted > 0,
        dead=ended(job, "Failed"),
        ended=job.status.succeeded,
    )


def _of_others(view: View, setting: Setting) -> Iterator[Party]:
    """Objects of somebody else that the documents name."""
    by_label = _by_label(view, setting)
    for workload, binding in setting.bindings.workloads.items():
        match binding.runs:
            case Adopted() as adopted if adopted.namespace in setting.access.namespaces:
                for pool, name in adopted.deployments.items():
                    deployment = view.deployments.get((adopted.namespace, name))
                    if pool in setting.pools and deployment is not None:
                        yield _of_adopted(workload, pool, deployment, by_label)
            case Suspendable() as runs if runs.namespace in setting.access.namespaces:
                if (body := view.custom.get(workload)) is not None:
                    yield from _of_custom(workload, runs, body, view)
            case _:
                pass


def _of_adopted(
    workload: WorkloadName,
    pool: PoolName,
    deployment: Deployment,
    by_label: Mapping[_Labelled, list[Pod]],
) -> Party:
    selector = deployment.spec.selector
    near = by_label.get(_first_label(deployment), [])
    return Party(
        workload=workload,
        pool=pool,
        wanted=deployment.spec.replicas,
        pods=tuple(pod for pod in near if matches(pod.metadata.labels, selector)),
    )


def _by_label(view: View, setting: Setting) -> Mapping[_Labelled, list[Pod]]:
    """Unfinished pods by the first label that an adopted Deployment picks them by."""
    found: dict[_Labelled, list[Pod]] = {}
    for binding in setting.bindings.workloads.values():
        runs = binding.runs
        for name in runs.deployments.values() if isinstance(runs, Adopted) else ():
            deployment = view.deployments.get((runs.namespace, name))
            if deployment is not None and deployment.spec.selector.match_labels:
                found[_first_label(deployment)] = []
    namespaces = {namespace for namespace, _, _ in found}
    for (namespace, _), pod in view.pods.items():
        if namespace in namespaces and not finished(pod):
            for key, value in pod.metadata.labels.items():
                if (there := found.get((namespace, key, value))) is not None:
                    there.append(pod)
    return found


def _first_label(deployment: Deployment) -> _Labelled:
    key, value = next(iter(deployment.spec.selector.match_labels.items()), ("", ""))
    return (deployment.metadata.namespace, key, value)


def _of_custom(
    workload: WorkloadName, runs: Suspendable, body: Mapping[str, object], view: View
) -> Iterator[Party]:
    gang = gang_of(runs, body)
    if gang.pool is None or gang.ended:
        return
    pods = tuple(
        pod
        for (namespace, _), pod in view.pods.items()
        if namespace == runs.namespace
        and not finished(pod)
        and not _is_labelled(pod)
        and runs.pods.items() <= pod.metadata.labels.items()
    )
    yield Party(
        workload=workload,
        pool=gang.pool,
        gang=True,
        wanted=gang.wanted,
        waits=gang.suspended and gang.wanted > 0,
        pods=pods,
    )


def pods_of_deployment(deployment: Deployment, view: View) -> tuple[Pod, ...]:
    """Its unfinished pods, by its selector."""
    selector, meta = deployment.spec.selector, deployment.metadata
    if not (selector.match_labels or selector.match_expressions):
        return ()
    return tuple(
        pod
        for (namespace, _), pod in view.pods.items()
        if namespace == meta.namespace
        and not finished(pod)
        and matches(pod.metadata.labels, selector)
    )


def seat_of(labels: Mapping[str, str]) -> Seat:
    """Workload and pool, as our labels say."""
    return WorkloadName(labels.get(WORKLOAD, "")), PoolName(labels.get(POOL, ""))


def _counts(there: Deployment | Job, namespace: str, setting: Setting) -> bool:
    labels = there.metadata.labels
    named = WORKLOAD in labels and POOL in labels
    return named and ours(labels) and namespace in setting.access.namespaces


def _labelled(view: View, setting: Setting) -> Mapping[Seat, list[Pod]]:
    """Unfinished pods that carry our labels, whether what made them is still there or not."""
    found: dict[Seat, list[Pod]] = defaultdict(list)
    allowed = frozenset(setting.access.namespaces)
    for (namespace, _), pod in view.pods.items():
        if _is_labelled(pod) and namespace in allowed and not finished(pod):
            found[seat_of(pod.metadata.labels)].append(pod)
    return found


def _is_labelled(pod: Pod) -> bool:
    return WORKLOAD in pod.metadata.labels and POOL in pod.metadata.labels
