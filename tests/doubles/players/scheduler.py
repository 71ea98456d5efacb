"""The scheduler of the double: binds pods to nodes that have room, or says why not."""

from typing import Any

from tests.doubles.kubernetes.kinds import NODES, PODS
from tests.doubles.kubernetes.subresources import bind
from tests.doubles.kubernetes.writing import Asked
from tests.doubles.players.parts import active, amount, condition, phase, requests
from tests.doubles.players.playing import Playing

Object = dict[str, Any]
Room = dict[str, dict[str, float]]
WAITS = "default-scheduler"


class Scheduler(Playing):
    """By node selector, required affinity, taints and resources; no preemption."""

    manager = "kube-scheduler"

    def turn(self) -> None:
        """Each pod that waits gets a node or a reason, the urgent ones first."""
        pods = self.store.all(PODS)
        waiting = [
            pod
            for pod in pods
            if active(pod)
            and not pod["spec"].get("nodeName")
            and pod["spec"].get("schedulerName", WAITS) == WAITS
        ]
        if not waiting:
            return
        nodes = self.store.all(NODES)
        room = free(nodes, pods)
        for pod in sorted(waiting, key=_urgency):
            self._seat(pod, nodes, room)

    def _seat(self, pod: Object, nodes: list[Object], room: Room) -> None:
        key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        if pod["spec"].get("schedulingGates"):
            self._say(key, pod, "SchedulingGated", "Scheduling is blocked due to non-empty gates")
            return
        needs, reasons = requests(pod), []
        fits: list[tuple[float, str]] = []
        for node in nodes:
            name = node["metadata"]["name"]
            reason = refusal(pod, node, needs, room[name])
            if reason:
                reasons.append(reason)
            else:
                fits.append((-_freest(node, room[name]), name))
        if not fits:
            told = ", ".join(f"{reasons.count(one)} {one}" for one in sorted(set(reasons)))
            words = f"0/{len(nodes)} nodes are available: {told}."
            self._say(key, pod, "Unschedulable", words)
            return
        name = min(fits)[1]
        bind(self.writing, key, {"target": {"name": name}}, Asked(manager=self.manager))
        for resource, needed in needs.items():
            room[name][resource] = room[name].get(resource, 0.0) - needed

    def _say(self, key: tuple[str, str], pod: Object, reason: str, message: str) -> None:
        old = condition(pod, "PodScheduled")
        if (old.get("reason"), old.get("message")) == (reason, message):
            return
        told = {
            "type": "PodScheduled",
            "status": "False",
            "reason": reason,
            "message": message,
            "lastTransitionTime": old.get("lastTransitionTime", self.writing.now()),
        }

        def turn(found: Object) -> Object:
            others = found["status"].get("conditions") or ()
            kept = [one for one in others if one["type"] != "PodScheduled"]
            return {**found, "status": {**found["status"], "conditions": [*kept, told]}}

        asked = Asked(manager=self.manager, subresource="status")
        self.writing.change(PODS, key, turn, asked)


def free(nodes: list[Object], pods: list[Object]) -> Room:
    """What is left of each node."""
    room = {
        node["metadata"]["name"]: {
            name: amount(text)
            for name, text in ((node.get("status") or {}).get("allocatable") or {}).items()
        }
        for node in nodes
    }
    for pod in pods:
        on = room.get(pod["spec"].get("nodeName", ""))
        if on is not None and phase(pod) in ("Pending", "Running"):
            for name, needed in requests(pod).items():
                on[name] = on.get(name, 0.0) - needed
    return room


def refusal(pod: Object, node: Object, needs: dict[str, float], room: dict[str, float]) -> str:
    """Why the pod cannot go there; empty if it can."""
    spec = node.get("spec") or {}
    if spec.get("unschedulable") and not _bears(pod, UNSCHEDULABLE):
        return "node(s) were unschedulable"
    for taint in spec.get("taints") or ():
        if taint["effect"] in ("NoSchedule", "NoExecute") and not _bears(pod, taint):
            return f"node(s) had untolerated taint(s) {taint['key']}"
    if not _chosen(pod, node):
        return "node(s) didn't match Pod's node affinity/selector"
    for resource, needed in needs.items():
        if needed > room.get(resource, 0.0) + 1e-9:
            return f"Insufficient {resource}"
    return ""


UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def _bears(pod: Object, taint: Object) -> bool:
    return any(
        one.get("effect", "") in ("", taint["effect"])
        and one.get("key", taint["key"]) == taint["key"]
        and (one.get("operator") == "Exists" or one.get("value", "") == taint.get("value", ""))
        for one in pod["spec"].get("tolerations") or ()
    )


def _chosen(pod: Object, node: Object) -> bool:
    labels = node["metadata"].get("labels") or {}
    wanted = (pod["spec"].get("nodeSelector") or {}).items()
    if any(labels.get(key) != value for key, value in wanted):
        return False
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = required.get("nodeSelectorTerms")
    return not terms or any(
        all(_expressed(one, labels) for one in term.get("matchExpressions") or ()) for term in terms
    )


def _expressed(one: Object, labels: dict[str, str]) -> bool:
    found = labels.get(one["key"])
    match one["operator"]:
        case "In":
            return found in one["values"]
        case "NotIn":
            return found not in one["values"]
        case "Exists":
            return found is not None
        case _:
            return found is None


def _freest(node: Object, room: dict[str, float]) -> float:
    """The share of the node that is free, as the real one spreads pods by default."""
    has = (node.get("status") or {}).get("allocatable") or {}
    shares = [room[name] / amount(has[name]) for name in ("cpu", "memory", "pods") if name in has]
    return sum(shares) / max(len(shares), 1)


def _urgency(pod: Object) -> tuple[int, str, str]:
    made = pod["metadata"].get("creationTimestamp", "")
    return (-pod["spec"].get("priority", 0), made, pod["metadata"]["name"])
