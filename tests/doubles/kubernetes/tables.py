"""Tables: lists as `kubectl get` shows them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.doubles.kubernetes.kinds import Kind

Object = dict[str, Any]
Cell = Callable[[Object], object]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Wide ones are shown by `-o wide` alone."""

    name: str
    cell: Cell
    wide: bool = False


def table(kind: Kind, things: Iterable[Object], meta: Object) -> Object:
    """The objects as a Table."""
    columns = COLUMNS.get(kind.name, (NAME, AGE))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": [
            {
                "name": column.name,
                "type": "string",
                "format": "name" if column is NAME else "",
                "description": column.name,
                "priority": int(column.wide),
            }
            for column in columns
        ],
        "rows": [
            {"cells": [column.cell(thing) for column in columns], "object": partial(thing)}
            for thing in things
        ],
    }


def partial(thing: Object) -> Object:
    """Its metadata alone."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": thing["metadata"],
    }


def _age(thing: Object) -> str:
    made = datetime.fromisoformat(thing["metadata"]["creationTimestamp"])
    passed_s = int((datetime.now(UTC) - made).total_seconds())
    for size_s, unit in ((86400, "d"), (3600, "h"), (120, "m")):
        if passed_s >= size_s:
            return f"{passed_s // (60 if unit == 'm' else size_s)}{unit}"
    return f"{max(passed_s, 0)}s"


def _node_status(node: Object) -> str:
    ready = _condition(node, "Ready")
    said = "Ready" if ready == "True" else "NotReady"
    return f"{said},SchedulingDisabled" if node["spec"].get("unschedulable") else said


def _pod_status(pod: Object) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    phase = pod["status"].get("phase", "Pending")
    return "Completed" if phase == "Succeeded" else str(phase)


def _pod_ready(pod: Object) -> str:
    ready = sum(bool(one.get("ready")) for one in pod["status"].get("containerStatuses", ()))
    return f"{ready}/{len(pod['spec']['containers'])}"


def _condition(thing: Object, name: str) -> str:
    for one in (thing.get("status") or {}).get("conditions") or ():
        if one["type"] == name:
            return str(one["status"])
    return "Unknown"


def _status(thing: Object, name: str) -> object:
    return (thing.get("status") or {}).get(name, 0)


NAME = Column("Name", lambda thing: thing["metadata"]["name"])
AGE = Column("Age", _age)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "Pod": (
        NAME,
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", lambda _: 0),
        AGE,
        Column("Node", lambda pod: pod["spec"].get("nodeName", "<none>"), wide=True),
    ),
    "Node": (
        NAME,
        Column("Status", _node_status),
        Column("Roles", lambda _: "<none>"),
        AGE,
        Column("Version", lambda _: "played"),
    ),
    "Deployment": (
        NAME,
        Column("Ready", lambda d: f"{_status(d, 'readyReplicas')}/{d['spec']['replicas']}"),
        Column("Up-to-date", lambda d: _status(d, "updatedReplicas")),
        Column("Available", lambda d: _status(d, "availableReplicas")),
        AGE,
    ),
    "Job": (
        NAME,
        Column("Status", lambda j: "Suspended" if j["spec"].get("suspend") else "Running"),
        Column(
            "Completions", lambda j: f"{_status(j, 'succeeded')}/{j['spec'].get('completions', 1)}"
        ),
        AGE,
    ),
    "ConfigMap": (NAME, Column("Data", lambda one: len(one.get("data") or {})), AGE),
    "Event": (
        Column("Last Seen", _age),
        Column("Type", lambda one: one.get("type", "")),
        Column("Reason", lambda one: one.get("reason", "")),
        Column("Object", lambda one: one["involvedObject"].get("name", "")),
        Column("Message", lambda one: one.get("message", "")),
    ),
}
