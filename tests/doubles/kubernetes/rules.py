"""Rules: what the API fills in on a new object, and what it does not let through."""

import re
from collections.abc import Mapping
from typing import Any

from tests.doubles.kubernetes.kinds import CRDS, JOBS, PODS, Kind
from tests.doubles.kubernetes.statuses import NAME_RULE, bad_request, invalid

Object = dict[str, Any]
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
MUTABLE_IN_PODS = ("tolerations", "schedulingGates", "activeDeadlineSeconds")
DIRECTIVES = ("nodeSelector", "affinity", "tolerations", "schedulingGates")
"""What may change in the template of a Job that stands still."""
TOP = ("apiVersion", "kind", "metadata", "spec", "status", "data", "binaryData", "stringData")
OPEN = ("Event", "Secret", "ServiceAccount", "ConfigMap")
"""Kinds with further fields beside spec and status."""


def addressed(kind: Kind, body: Any, *, strict: bool) -> Object:
    """The body, if it is an object of that kind, without kind and apiVersion for built-in ones."""
    if not isinstance(body, dict):
        raise bad_request("the object provided is not an object")
    said, version = body.get("kind", kind.name), body.get("apiVersion", kind.group_version)
    if (said, version) != (kind.name, kind.group_version):
        raise bad_request(
            f'{said} in version "{version}" cannot be handled as a {kind.name}: unknown conversion'
        )
    unknown = [name for name in body if name not in TOP]
    if strict and unknown and kind.name not in OPEN and not kind.custom:
        raise bad_request(
            f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}:'
            f' strict decoding error: unknown field "{unknown[0]}"'
        )
    thing = {name: value for name, value in body.items() if name not in ("kind", "apiVersion")}
    meta = {name: value for name, value in (thing.get("metadata") or {}).items() if value != ""}
    return {"metadata": meta, **{name: v for name, v in thing.items() if name != "metadata"}}


def fresh(kind: Kind, thing: Object, *, uid: str, now: str) -> Object:
    """A new object with what the server fills in."""
    meta = {
        **{name: value for name, value in thing["metadata"].items() if name != "managedFields"},
        "uid": uid,
        "creationTimestamp": now,
        **({"generation": 1} if kind.generation else {}),
    }
    result = {**thing, "metadata": meta}
    if kind.status and kind.name != "Node":
        result.pop("status", None)
    return filled(kind, result)


def filled(kind: Kind, thing: Object) -> Object:
    """Defaults, as far as somebody reads them."""
    spec = dict(thing.get("spec") or {})
    match kind.name:
        case "Pod":
            spec = {**_POD, **spec}
            return {**thing, "spec": spec, "status": thing.get("status") or {"phase": "Pending"}}
        case "Deployment" | "ReplicaSet" | "StatefulSet":
            return {**thing, "spec": {"replicas": 1, **spec}, "status": thing.get("status", {})}
        case "Job":
            spec = {"parallelism": 1, "suspend": False, "backoffLimit": 6, **spec}
            return {**_named_by_job(thing), "spec": spec, "status": thing.get("status", {})}
        case "Namespace":
            return {**thing, "spec": spec, "status": thing.get("status") or {"phase": "Active"}}
        case "Node":
            return {**thing, "spec": spec, "status": thing.get("status", {})}
        case _:
            return thing


_POD: Mapping[str, Any] = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "schedulerName": "default-scheduler",
    "serviceAccountName": "default",
}


def _named_by_job(thing: Object) -> Object:
    meta = thing["metadata"]
    marks = {"batch.kubernetes.io/job-name": meta["name"], "job-name": meta["name"]}
    if "uid" in meta:
        marks["batch.kubernetes.io/controller-uid"] = marks["controller-uid"] = meta["uid"]
    return {**thing, "metadata": {**meta, "labels": {**(meta.get("labels") or {}), **marks}}}


def check(kind: Kind, before: Object | None, after: Object) -> None:
    """Raises 422 for what breaks a rule."""
    name = after["metadata"]["name"]
    if not NAME.fullmatch(name):
        words = f'Invalid value: "{name}": {NAME_RULE}'
        raise invalid(kind.qualified, name, "metadata.name", words)
    for value in (after["metadata"].get("labels") or {}).values():
        if len(value) > 63 or not LABEL.fullmatch(value):
            words = f'Invalid value: "{value}": a valid label must be at most 63 characters'
            raise invalid(kind.qualified, name, "metadata.labels", words)
    replicas = (after.get("spec") or {}).get("replicas", 0) if kind.scale else 0
    if isinstance(replicas, int) and replicas < 0:
        words = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise invalid(kind.qualified, name, "spec.replicas", words)
    if before is not None:
        _check_change(kind, name, before, after)


def _check_change(kind: Kind, name: str, before: Object, after: Object) -> None:
    for field in ("uid", "name", "namespace"):
        old, new = before["metadata"].get(field), after["metadata"].get(field)
        if old != new:
            words = f'Invalid value: "{new}": field is immutable'
            raise invalid(kind.qualified, name, f"metadata.{field}", words)
    fixed: tuple[str, ...] = ()
    if kind.name in ("Deployment", "ReplicaSet", "StatefulSet", "Job"):
        fixed = ("selector",)
    old, new = dict(before.get("spec") or {}), dict(after.get("spec") or {})
    if kind == JOBS:
        fixed = ("selector", "completionMode", "template", "completions")
        old, new = _job_core(before, old, new), _job_core(before, new, new)
    if kind == PODS:
        if any(old.get(one) != new.get(one) for one in {*old, *new} - set(MUTABLE_IN_PODS)):
            words = "Forbidden: pod updates may not change fields other than these: " + ", ".join(
                f"`spec.{one}`" for one in MUTABLE_IN_PODS
            )
            raise invalid(kind.qualified, name, "spec", words)
        return
    for field in fixed:
        if old.get(field) != new.get(field):
            words = "Invalid value: field is immutable"
            raise invalid(kind.qualified, name, f"spec.{field}", words)


def _job_core(before: Object, spec: Object, wanted: Object) -> Object:
    """The spec of a Job less what may change: see `DIRECTIVES`; completions with parallelism."""
    result = dict(spec)
    if wanted.get("completionMode") == "Indexed" and wanted.get("completions") == wanted.get(
        "parallelism"
    ):
        result.pop("completions", None)
    still = before["spec"].get("suspend") and not before["status"].get("active")
    if still and isinstance(spec.get("template"), dict):
        template = {name: v for name, v in spec["template"].items() if name != "metadata"}
        pod = {k: v for k, v in template.get("spec", {}).items() if k not in DIRECTIVES}
        pod["containers"] = [
            {name: value for name, value in one.items() if name != "resources"}
            for one in pod.get("containers", ())
        ]
        result["template"] = {**template, "spec": pod}
    return result


def established(kind: Kind, thing: Object, now: str) -> Object:
    """A definition of a kind that is served from now on."""
    if kind != CRDS:
        return thing
    conditions = [
        {"type": one, "status": "True", "reason": "Double", "lastTransitionTime": now}
        for one in ("NamesAccepted", "Established")
    ]
    return {
        **thing,
        "status": {"conditions": conditions, "acceptedNames": thing["spec"]["names"]},
    }
