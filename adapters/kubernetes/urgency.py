"""Urgency: which changes cannot wait for the next tick of the clock, and why."""

from adapters.kubernetes.client import MANAGER
from adapters.kubernetes.marks import WORKLOAD, ours
from adapters.kubernetes.shapes import (
    Condition,
    Deployment,
    Job,
    ManagedFields,
    Meta,
    Node,
    Pod,
)

QUIET_RESOURCES = ("hugepages-", "attachable-volumes-")
ENDED = ("Succeeded", "Failed")


def urgency(old: object, new: object) -> str:
    """Why a change of one object must be looked at now; empty: it can wait. None: not there.

    Heartbeats, and what a node or pod says of itself besides, can wait.
    """
    match old, new:
        case ((Node() | None), (Node() | None)):
            return _of_node(old, new)
        case ((Pod() | None), (Pod() | None)):
            return _of_pod(old, new)
        case Deployment(), Deployment():
            return _of_deployment(old, new)
        case Job(), Job():
            return _of_job(old, new)
        case (Deployment() as gone, None) | (Job() as gone, None):
            return f"{_named(type(gone).__name__, gone.metadata)} is gone"
        case _:
            return ""


def _of_node(old: Node | None, new: Node | None) -> str:
    if new is None:
        return f"node {old.metadata.name} is gone" if old else ""
    name = new.metadata.name
    if old is None:
        return f"node {name} is new"
    if _states(old.status.conditions) != _states(new.status.conditions):
        return f"conditions of node {name} changed"
    if old.spec.unschedulable != new.spec.unschedulable or _taints(old) != _taints(new):
        return f"taints of node {name} changed"
    if _devices(old) != _devices(new):
        return f"devices of node {name} changed"
    return ""


def _of_pod(old: Pod | None, new: Pod | None) -> str:
    pod = new or old
    if pod is None or WORKLOAD not in pod.metadata.labels:
        return ""
    if new is None:
        return f"{_named('pod', pod.metadata)} is gone"
    if old is not None and _ready(old) != _ready(new):
        return f"{_named('pod', pod.metadata)} is {'' if _ready(new) else 'not '}ready"
    if _no_room(new) and not (old and _no_room(old)):
        return f"{_named('pod', pod.metadata)} finds no room"
    if new.status.phase in ENDED and not (old and old.status.phase in ENDED):
        return f"{_named('pod', pod.metadata)} has ended"
    return ""


def _of_deployment(old: Deployment, new: Deployment) -> str:
    changed = old.metadata.generation != new.metadata.generation
    if changed and _others(old.metadata.managed_fields) != _others(new.metadata.managed_fields):
        return f"{_named('deployment', new.metadata)} was changed by others"
    if old.status.ready_replicas != new.status.ready_replicas and not ours(new.metadata.labels):
        # Pods that we did not make bear no mark of ours, so their Deployment speaks for them.
        return f"{_named('deployment', new.metadata)} has more or fewer ready pods"
    return ""


def _of_job(old: Job, new: Job) -> str:
    if old.metadata.generation != new.metadata.generation:
        return f"{_named('job', new.metadata)} was changed"
    if _ended(old) != _ended(new):
        return f"{_named('job', new.metadata)} has ended"
    return ""


def _states(conditions: tuple[Condition, ...]) -> frozenset[tuple[str, str]]:
    return frozenset((each.type, each.status) for each in conditions)


def _taints(node: Node) -> frozenset[tuple[str, str, str]]:
    return frozenset((each.key, each.value, each.effect) for each in node.spec.taints)


def _devices(node: Node) -> dict[str, str]:
    return {
        name: amount
        for name, amount in node.status.allocatable.items()
        if "/" in name and not name.startswith(QUIET_RESOURCES)
    }


def _ready(pod: Pod) -> bool:
    return ("Ready", "True") in _states(pod.status.conditions)


def _no_room(pod: Pod) -> bool:
    return any(
        each.type == "PodScheduled" and each.reason == "Unschedulable"
        for each in pod.status.conditions
    )


def _ended(job: Job) -> frozenset[tuple[str, str]]:
    return _states(tuple(c for c in job.status.conditions if c.type in ("Complete", "Failed")))


def _others(written: tuple[ManagedFields, ...]) -> frozenset[tuple[str, str, str, bytes]]:
    """Who but us wrote which fields when; status is nobody's wish."""
    return frozenset(
        (each.manager, each.subresource, each.time, bytes(each.fields_v1))
        for each in written
        if each.manager != MANAGER and each.subresource != "status"
    )


def _named(kind: str, meta: Meta) -> str:
    return f"{kind.lower()} {meta.namespace}/{meta.name}"
