"""Replicas: Deployments and ReplicaSets of the double."""

import hashlib
import json
from typing import Any

from tests.doubles.kubernetes.kinds import DEPLOYMENTS, PODS, REPLICA_SETS, Kind
from tests.doubles.kubernetes.writing import Asked, Writing
from tests.doubles.players.parts import active, holds, reference

Object = dict[str, Any]
ASKED = Asked(manager="kube-controller-manager")
STATUS = Asked(manager="kube-controller-manager", subresource="status")
HASH = "pod-template-hash"


def tend_deployment(writing: Writing, deployment: Object) -> None:
    """Its newest ReplicaSet has all replicas; older ones go once that one serves."""
    store, spec = writing.store, deployment["spec"]
    sets = [
        one for kind, one in store.dependents(deployment["metadata"]["uid"]) if kind == REPLICA_SETS
    ]
    digest = _digest(spec["template"])
    current = next((one for one in sets if one["metadata"]["labels"][HASH] == digest), None)
    if current is None and not spec.get("paused"):
        current = _new_set(writing, deployment, digest)
        sets.append(current)
    ready = (current or {}).get("status", {}).get("readyReplicas", 0)
    for one in sets:
        newest = one is current or (current is None and one is sets[-1])
        wanted = spec["replicas"] if newest else one["spec"]["replicas"]
        if not newest and ready >= spec["replicas"]:
            wanted = 0
        _set_replicas(writing, one, wanted)
    _tell(writing, DEPLOYMENTS, deployment, _deployment_status(deployment, sets, current))


def tend_set(writing: Writing, replica_set: Object) -> None:
    """As many pods as it shall have."""
    namespace = replica_set["metadata"]["namespace"]
    uid = replica_set["metadata"]["uid"]
    pods = [one for kind, one in writing.store.dependents(uid) if kind == PODS and active(one)]
    wanted = replica_set["spec"]["replicas"]
    if len(pods) > wanted:
        for pod in sorted(pods, key=_least_missed)[: len(pods) - wanted]:
            writing.delete(PODS, (namespace, pod["metadata"]["name"]), {})
    for _ in range(wanted - len(pods)):
        writing.create(PODS, namespace, a_pod("ReplicaSet", "apps/v1", replica_set), ASKED)
    ready = sum(holds(pod, "Ready") for pod in pods)
    status = {
        "replicas": len(pods),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "observedGeneration": replica_set["metadata"]["generation"],
    }
    _tell(
        writing,
        REPLICA_SETS,
        replica_set,
        {k: v for k, v in status.items() if v or k == "replicas"},
    )


def a_pod(kind: str, api_version: str, owner: Object) -> Object:
    """A pod from the template of its owner."""
    template = owner["spec"]["template"]
    meta = template.get("metadata") or {}
    return {
        "metadata": {
            "generateName": f"{owner['metadata']['name']}-",
            "labels": dict(meta.get("labels") or {}),
            "annotations": dict(meta.get("annotations") or {}),
            "ownerReferences": [reference(kind, api_version, owner)],
        },
        "spec": template["spec"],
    }


def _new_set(writing: Writing, deployment: Object, digest: str) -> Object:
    meta, spec = deployment["metadata"], deployment["spec"]
    template = spec["template"]
    labels = {**(template["metadata"].get("labels") or {}), HASH: digest}
    body = {
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "labels": labels,
            "ownerReferences": [reference("Deployment", "apps/v1", deployment)],
        },
        "spec": {
            "replicas": spec["replicas"],
            "selector": {"matchLabels": labels},
            "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
        },
    }
    return writing.create(REPLICA_SETS, meta["namespace"], body, ASKED).object


def _set_replicas(writing: Writing, replica_set: Object, wanted: int) -> None:
    if replica_set["spec"]["replicas"] == wanted:
        return
    key = (replica_set["metadata"]["namespace"], replica_set["metadata"]["name"])

    def turn(one: Object) -> Object:
        return {**one, "spec": {**one["spec"], "replicas": wanted}}

    writing.change(REPLICA_SETS, key, turn, ASKED)


def _deployment_status(deployment: Object, sets: list[Object], current: Object | None) -> Object:
    def total(name: str) -> int:
        return sum(int(one.get("status", {}).get(name, 0)) for one in sets)

    wanted, ready = deployment["spec"]["replicas"], total("readyReplicas")
    updated = (current or {}).get("status", {}).get("replicas", 0)
    counts = {
        "replicas": total("replicas"),
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, wanted - ready),
    }
    enough = str(ready >= wanted)
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        **{name: count for name, count in counts.items() if count},
        "conditions": [
            {"type": "Available", "status": enough, "reason": "MinimumReplicas"},
            {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"},
        ],
    }


def _tell(writing: Writing, kind: Kind, thing: Object, status: Object) -> None:
    if thing.get("status") == status:
        return
    key = (thing["metadata"]["namespace"], thing["metadata"]["name"])
    writing.change(kind, key, lambda one: {**one, "status": status}, STATUS)


def _digest(template: Object) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:9]


def _least_missed(pod: Object) -> tuple[bool, bool, int]:
    """Whoever is not bound goes first, then who is not ready, then by its stated cost."""
    notes = pod["metadata"].get("annotations") or {}
    cost = int(notes.get("controller.kubernetes.io/pod-deletion-cost", 0))
    return (bool(pod["spec"].get("nodeName")), holds(pod, "Ready"), cost)
