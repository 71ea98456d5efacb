"""Subresources: scale, eviction, binding."""

import re
from typing import Any

from tests.doubles.kubernetes import statuses
from tests.doubles.kubernetes.kinds import BUDGETS, PODS, Kind
from tests.doubles.kubernetes.selectors import selects
from tests.doubles.kubernetes.store import Key, Store
from tests.doubles.kubernetes.writing import Asked, Writing

Object = dict[str, Any]
BLOCKED = "Cannot evict pod as it would violate the pod's disruption budget."


def scale_of(kind: Kind, thing: Object) -> Object:
    """The Scale of an object."""
    assert kind.scale is not None
    wanted, found, chosen = kind.scale
    meta = thing["metadata"]
    selector = _at(thing, chosen) if chosen else None
    if isinstance(selector, dict):
        pairs = (selector.get("matchLabels") or {}).items()
        selector = ",".join(f"{key}={value}" for key, value in sorted(pairs))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            name: meta[name]
            for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        },
        "spec": {"replicas": _at(thing, wanted) or 0},
        "status": {
            "replicas": _at(thing, found) or 0,
            **({"selector": selector} if selector else {}),
        },
    }


def scaled(kind: Kind, thing: Object, scale: Object) -> Object:
    """The object with the replicas, and the version, of a Scale."""
    assert kind.scale is not None
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        words = f"Invalid value: {replicas}: must be greater than or equal to 0"
        name = thing["metadata"]["name"]
        raise statuses.invalid("Scale.autoscaling", name, "spec.replicas", words)
    version = scale["metadata"].get("resourceVersion")
    meta = {**thing["metadata"], **({"resourceVersion": version} if version else {})}
    result = {**thing, "metadata": meta}
    steps = kind.scale[0].strip(".").split(".")
    at = result
    for step in steps[:-1]:
        at[step] = dict(at.get(step) or {})
        at = at[step]
    at[steps[-1]] = replicas
    return result


def bind(writing: Writing, key: Key, body: Object, asked: Asked) -> None:
    """Gives a pod its node."""
    node = body["target"]["name"]

    def turn(pod: Object) -> Object:
        if pod["spec"].get("nodeName"):
            words = f"pod {key[1]} is already assigned to node {pod['spec']['nodeName']!r}"
            raise statuses.Failure(409, "Conflict", words)
        return {**pod, "spec": {**pod["spec"], "nodeName": node}}

    bound(writing, key, turn, asked)


def bound(writing: Writing, key: Key, turn: Any, asked: Asked) -> None:
    """The one change of a pod's spec that its rules do not allow to others."""
    with writing.store.lock:
        stored = writing.store.find(PODS, key)
        if stored is None:
            raise statuses.not_found("pods", key[1])
        pod = turn(stored.object)
        scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": writing.now()}
        status = {**pod["status"], "conditions": _with(pod["status"], scheduled)}
        if not asked.dry_run:
            writing.store.put(PODS, {**pod, "metadata": dict(pod["metadata"]), "status": status})


def evict(writing: Writing, key: Key, body: Object, *, dry_run: bool) -> None:
    """Deletes a pod if the disruption budgets let it go. Raises 429 if not."""
    store = writing.store
    with store.lock:
        stored = store.find(PODS, key)
        if stored is None:
            raise statuses.not_found("pods", key[1])
        pod = stored.object
        options = body.get("deleteOptions") or {}
        waits = pod["status"].get("phase") in ("Pending", "Succeeded", "Failed")
        if not waits and not pod["metadata"].get("deletionTimestamp"):
            _ask_budgets(store, key[0], pod, dry_run=dry_run)
        if not dry_run:
            _mark(writing, key)
        writing.delete(PODS, key, options, dry_run=dry_run)


def _ask_budgets(store: Store, namespace: str, pod: Object, *, dry_run: bool) -> None:
    labels = pod["metadata"].get("labels") or {}
    budgets = [
        one for one in store.all(BUDGETS, namespace) if selects(one["spec"].get("selector"), labels)
    ]
    if len(budgets) > 1:
        raise statuses.Failure(
            500,
            "InternalError",
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does"
            " not support.",
        )
    for budget in budgets:
        _ask_budget(store, budget, pod, dry_run=dry_run)


def _ask_budget(store: Store, budget: Object, pod: Object, *, dry_run: bool) -> None:
    name, status = budget["metadata"]["name"], budget.get("status") or {}
    if status.get("observedGeneration", 0) < budget["metadata"]["generation"]:
        words = f"The disruption budget {name} is still being processed by the server."
        raise _blocked(words, retry_after_s=10)
    healthy, needed = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    if not _ready(pod) and healthy >= needed and needed:
        return
    if status.get("disruptionsAllowed", 0) <= 0:
        raise _blocked(
            f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"
        )
    if not dry_run:
        left = {**status, "disruptionsAllowed": status["disruptionsAllowed"] - 1}
        store.put(BUDGETS, {**budget, "metadata": dict(budget["metadata"]), "status": left})


def _blocked(words: str, *, retry_after_s: int | None = None) -> statuses.Failure:
    cause = {"reason": "DisruptionBudget", "message": words}
    return statuses.Failure(
        *(429, "TooManyRequests", BLOCKED),
        details={"causes": [cause]},
        retry_after_s=retry_after_s,
    )


def _mark(writing: Writing, key: Key) -> None:
    def turn(pod: Object) -> Object:
        target = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
            "lastTransitionTime": writing.now(),
        }
        status = {**pod["status"], "conditions": _with(pod["status"], target)}
        return {**pod, "status": status}

    writing.change(PODS, key, turn, Asked(manager="kube-apiserver", subresource="status"))


def _with(status: Object, condition: Object) -> list[Object]:
    kept = [one for one in status.get("conditions") or () if one["type"] != condition["type"]]
    return [*kept, condition]


def _ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _at(thing: Any, path: str) -> Any:
    for step in re.split(r"\.", path.strip(".")):
        thing = thing.get(step) if isinstance(thing, dict) else None
    return thing
