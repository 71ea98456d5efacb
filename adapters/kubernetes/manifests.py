"""Manifests: the objects that we make of a workload's template for one pool."""

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from hashlib import sha256
from typing import Any, cast

import msgspec

from adapters.base import PlaceOrder, Refused
from adapters.kubernetes import marks
from adapters.kubernetes.pools import binding_of, selector_of, tolerations_of
from adapters.kubernetes.quantity import as_quantity
from adapters.kubernetes.setting import Setting
from adapters.orders import workload_of
from scheduler.domain.bindings import Owned, OwnedJob
from scheduler.domain.places import Resources

Body = dict[str, Any]
"""A JSON object on its way to the server."""

APP_NAME = "app.kubernetes.io/name"
QUEUE = "kueue.x-k8s.io/queue-name"
FAILURES_PER_WORKER = 6
"""One crash ends every worker of a gang, so a whole gang may fail as often as a lone pod does."""


def deployment(order: PlaceOrder, setting: Setting, runs: Owned, unit: float = 1.0) -> Body:
    """The Deployment of a service on the order's pool; `unit` as for `gpu_amount`."""
    spec: Body = {
        "replicas": order.pods,
        "selector": {"matchLabels": _selector(order)},
        "strategy": _strategy(order.pods),
        "template": _template(order, setting, runs.template, unit),
    }
    digest = _digest(order, setting, runs)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(order, runs.namespace, {marks.TEMPLATE: digest}),
        "spec": spec,
    }


def service(order: PlaceOrder, runs: Owned, port: int) -> Body:
    """The Service in front of that Deployment."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(order, runs.namespace, {}),
        "spec": {
            "selector": _selector(order),
            "ports": [{"name": "serve", "port": port, "targetPort": port, "protocol": "TCP"}],
        },
    }


def job(
    order: PlaceOrder, setting: Setting, runs: OwnedJob, unit: float = 1.0, done: float = 0.0
) -> Body:
    """The Job of a gang on the order's pool, standing still; `done` in reference GPU-hours."""
    template = _template(order, setting, runs.template, unit)
    pod = template["spec"]
    pod["restartPolicy"] = "OnFailure" if pod.get("restartPolicy") == "OnFailure" else "Never"
    spec: Body = {
        "completionMode": "Indexed",
        "parallelism": order.pods,
        "completions": order.pods,
        "suspend": True,
        "backoffLimit": FAILURES_PER_WORKER * order.pods,
        "template": template,
    }
    if pod["restartPolicy"] == "Never":
        # A worker that was evicted or lost its node has not failed. The server takes such a
        # policy only where the kubelet restarts nothing.
        lost = {"type": "DisruptionTarget", "status": "True"}
        spec["podFailurePolicy"] = {"rules": [{"action": "Ignore", "onPodConditions": [lost]}]}
    written = {
        marks.WANTED: str(order.pods),
        marks.DONE: hours(done),
        marks.TEMPLATE: _digest(order, setting, runs),
    }
    metadata = _metadata(order, runs.namespace, written)
    if runs.kueue:
        metadata["labels"][QUEUE] = _queue(order, setting)
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def template_of(body: Body) -> str:
    """The digest that a manifest carries: another one means that the documents have changed."""
    return str(body["metadata"]["annotations"][marks.TEMPLATE])


def hours(done_gpu_hours: float) -> str:
    """GPU-hours as an annotation's text."""
    return f"{done_gpu_hours:.4f}"


def gpu_amount(gpus: float, unit: float) -> int:
    """How many of a resource a pod asks for to get `gpus` GPUs; `unit` is the GPU part of one.

    That is 1/7 for the smallest MIG profile and 1/replicas for a GPU shared by time. What is left
    over takes a whole one: never less than asked, so a fraction of a GPU that is not shared takes
    all of it.
    """
    if gpus <= 0.0 or unit <= 0.0:
        return 0
    return max(1, math.ceil(gpus / unit - 1e-6))


def _metadata(order: PlaceOrder, namespace: str, annotations: Mapping[str, str]) -> Body:
    return {
        "name": marks.option_name(order.workload, order.pool),
        "namespace": namespace,
        "labels": _labels(order),
        "annotations": {marks.KEY: order.key, **annotations},
    }


def _labels(order: PlaceOrder) -> dict[str, str]:
    return {marks.MANAGED_BY: marks.OURS, APP_NAME: order.workload, **_selector(order)}


def _selector(order: PlaceOrder) -> dict[str, str]:
    return {marks.WORKLOAD: order.workload, marks.POOL: order.pool}


def _strategy(pods: int) -> Body:
    # A full pool has no room for a surge, so one replica may go first; but never the only one:
    # its successor waits for room, is told as pending, and room is made.
    rolling = {"maxSurge": 1, "maxUnavailable": 1 if pods > 1 else 0}
    return {"type": "RollingUpdate", "rollingUpdate": rolling}


def _queue(order: PlaceOrder, setting: Setting) -> str:
    queue = binding_of(order.pool, setting).queue
    if not queue:
        raise Refused(f"pool {order.pool} names no queue for {order.workload}; give it one")
    return queue


def _digest(order: PlaceOrder, setting: Setting, runs: Owned | OwnedJob) -> str:
    """Of what the documents say. Neither numbers of pods nor what nodes tell of their slices."""
    of = {
        "template": _template(order, setting, runs.template, 1.0),
        "port": runs.port if isinstance(runs, Owned) else None,
        "workers": order.pods if isinstance(runs, OwnedJob) else None,
    }
    return sha256(msgspec.json.encode(of, order="deterministic")).hexdigest()[:16]


def _template(
    order: PlaceOrder, setting: Setting, given: Mapping[str, object], unit: float
) -> Body:
    template = cast(Body, deepcopy(dict(given)))
    metadata, spec = template.setdefault("metadata", {}), template.setdefault("spec", {})
    metadata["labels"] = {**(metadata.get("labels") or {}), **_labels(order)}
    spec["nodeSelector"] = {
        **(spec.get("nodeSelector") or {}),
        **selector_of(order.pool, setting),
    }
    spec["tolerations"] = _united(
        spec.get("tolerations") or (), tolerations_of(order.pool, setting)
    )
    containers: list[Body] = spec.get("containers") or []
    container = _container(order, containers, metadata.get("annotations") or {})
    _request(order, setting, containers, container, unit)
    return template


def _united(given: Iterable[Body], added: Sequence[Body]) -> list[Body]:
    kept = list(given)
    return kept + [each for each in added if each not in kept]


def _container(
    order: PlaceOrder, containers: Sequence[Body], annotations: Mapping[str, str]
) -> Body:
    """The one that gets the GPUs."""
    name = annotations.get(marks.CONTAINER)
    for container in containers:
        if name in (None, container.get("name")):
            return container
    raise Refused(f"the template of {order.workload} has no container {name or 'at all'}; add it")


def _request(
    order: PlaceOrder, setting: Setting, containers: Sequence[Body], container: Body, unit: float
) -> None:
    """Put what one pod takes on the container; CPU and memory where no container asks for any."""
    per_pod, resource = _per_pod(order, setting), binding_of(order.pool, setting).resource
    resources: Body = container.setdefault("resources", {})
    requests, limits = resources.setdefault("requests", {}), resources.setdefault("limits", {})
    amounts = {"cpu": as_quantity(per_pod.cpu), "memory": _mebibytes(per_pod.memory_gib)}
    for kind, text in amounts.items():
        if not any(_asks(each, kind) for each in containers):
            requests[kind] = text
    count = gpu_amount(per_pod.gpus, unit)
    if count and resource:
        requests[resource] = limits[resource] = str(count)
    container["resources"] = {kind: value for kind, value in resources.items() if value}


def _mebibytes(gib: float) -> str:
    return f"{math.ceil(gib * 1024.0 - 1e-6)}Mi"


def _asks(container: Body, kind: str) -> bool:
    resources = container.get("resources") or {}
    return any(kind in (resources.get(part) or {}) for part in ("requests", "limits"))


def _per_pod(order: PlaceOrder, setting: Setting) -> Resources:
    workload = workload_of(order.workload, setting.services, setting.jobs)
    if workload is None:
        raise Refused(f"no workload {order.workload} is known here; declare it first")
    return workload.per_pod
