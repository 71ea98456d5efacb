"""Budgets: the status of PodDisruptionBudgets of the double."""

import math
from typing import Any

from tests.doubles.kubernetes.kinds import BUDGETS, PODS
from tests.doubles.kubernetes.selectors import selects
from tests.doubles.kubernetes.writing import Writing
from tests.doubles.players.parts import active, holds
from tests.doubles.players.replicas import STATUS

Object = dict[str, Any]


def tend_budget(writing: Writing, budget: Object) -> None:
    """How many of its pods may be away."""
    spec, meta = budget["spec"], budget["metadata"]
    pods = [
        pod
        for pod in writing.store.all(PODS, meta["namespace"])
        if selects(spec.get("selector"), pod["metadata"].get("labels") or {}) and active(pod)
    ]
    expected = _expected(writing, pods)
    healthy = sum(holds(pod, "Ready") for pod in pods)
    if "maxUnavailable" in spec:
        desired = max(0, expected - _count(spec["maxUnavailable"], expected))
    else:
        desired = _count(spec.get("minAvailable", 1), expected)
    status = {
        "observedGeneration": meta["generation"],
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "disruptionsAllowed": max(0, healthy - desired),
    }
    if budget.get("status") != status:
        key = (meta["namespace"], meta["name"])
        writing.change(BUDGETS, key, lambda one: {**one, "status": status}, STATUS)


def _expected(writing: Writing, pods: list[Object]) -> int:
    """The replicas of the controllers of these pods, and the pods without one."""
    loose, owners = 0, dict[str, int]()
    for pod in pods:
        uids = [
            one["uid"] for one in pod["metadata"].get("ownerReferences") or () if one["controller"]
        ]
        found = writing.store.by_uid(uids[0]) if uids else None
        if found is None:
            loose += 1
        else:
            spec = found[1]["spec"]
            owners[uids[0]] = spec.get("replicas", spec.get("parallelism", 1))
    return loose + sum(owners.values())


def _count(told: int | str, of: int) -> int:
    if isinstance(told, int):
        return told
    return math.ceil(of * float(told.rstrip("%")) / 100)
