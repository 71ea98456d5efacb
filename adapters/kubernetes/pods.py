"""Pods: what one takes, whether it holds a seat, serves, or waits for room."""

from math import inf

from adapters.kubernetes.quantity import amount
from adapters.kubernetes.shapes import Condition, Expression, Labels, Pod, Requests, Selector

Taken = dict[str, float]
"""Amounts by resource."""

_NOTHING: Taken = {}


def requests_of(pod: Pod) -> Taken:
    """What the scheduler sets aside for the pod, in Kubernetes' own units.

    Containers and sidecars together, or the largest init container with the sidecars before it,
    whichever is more; what the pod names as a whole takes its place; the overhead comes on top.
    A request whose text cannot be read is without end: no room is promised beside it.
    """
    spec = pod.spec
    total = _NOTHING
    for container in spec.containers:
        total = _sum(total, _requested(container.resources))
    if spec.init_containers:
        total = _with_inits(pod, total)
    total = {**total, **_requested(spec.resources)}
    return _sum(total, _read(spec.overhead))


def finished(pod: Pod) -> bool:
    """Whether it runs no more and takes no room."""
    return pod.status.phase in ("Succeeded", "Failed")


def holds_seat(pod: Pod) -> bool:
    """Whether its node is not empty while it is there: daemons and mirrors stay to the end."""
    return not (
        finished(pod)
        or "kubernetes.io/config.mirror" in pod.metadata.annotations
        or controller_of(pod) in ("DaemonSet", "Node")
    )


def is_ready(pod: Pod) -> bool:
    """Whether it serves or trains, and is not on its way out."""
    told = condition(pod.status.conditions, "Ready")
    return pod.metadata.deletion_timestamp is None and told is not None and told.status == "True"


def waits_for_room(pod: Pod) -> bool:
    """Whether the scheduler found no node for it."""
    if pod.spec.node_name or pod.metadata.deletion_timestamp is not None:
        return False
    told = condition(pod.status.conditions, "PodScheduled")
    return told is not None and told.status == "False" and told.reason == "Unschedulable"


def comes_soon(pod: Pod) -> bool:
    """Whether the scheduler has yet to look for a node for it."""
    return not (
        pod.spec.node_name
        or pod.spec.scheduling_gates
        or pod.metadata.deletion_timestamp is not None
        or finished(pod)
        or waits_for_room(pod)
    )


def controller_of(pod: Pod) -> str:
    """Kind of what made it; empty if nothing did."""
    return next((owner.kind for owner in pod.metadata.owner_references if owner.controller), "")


def condition(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """The condition of that type, if it is told."""
    return next((each for each in conditions if each.type == kind), None)


def matches(labels: Labels, selector: Selector) -> bool:
    """Whether a selector picks an object with these labels. An empty one picks all."""
    equal = all(labels.get(key) == value for key, value in selector.match_labels.items())
    return equal and all(_holds(labels, line) for line in selector.match_expressions)


def _holds(labels: Labels, line: Expression) -> bool:
    value = labels.get(line.key)
    match line.operator:
        case "In":
            return value in line.values
        case "NotIn":
            return value not in line.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False


def _with_inits(pod: Pod, containers: Taken) -> Taken:
    sidecars, peak = _NOTHING, _NOTHING
    for init in pod.spec.init_containers:
        needs = _requested(init.resources)
        if init.restart_policy == "Always":
            sidecars = _sum(sidecars, needs)
        else:
            peak = _most(peak, _sum(sidecars, needs))
    return _most(peak, _sum(sidecars, containers))


def _requested(resources: Requests) -> Taken:
    # The server copies limits into requests that are missing; other writers of pods may not.
    return _read({**resources.limits, **resources.requests})


def _read(amounts: Labels) -> Taken:
    return {name: _amount(text) for name, text in amounts.items()}


def _amount(text: str) -> float:
    try:
        return amount(text)
    except ValueError:
        return inf


def _sum(one: Taken, other: Taken) -> Taken:
    if not one or not other:
        return one or other
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {**one, **other}}


def _most(one: Taken, other: Taken) -> Taken:
    return {name: max(one.get(name, 0.0), other.get(name, 0.0)) for name in {**one, **other}}
