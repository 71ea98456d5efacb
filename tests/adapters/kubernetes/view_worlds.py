"""Small clusters, as a real API server tells them, for the tests of what is observed."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any, TypeVar

import msgspec

from adapters.kubernetes import shapes
from adapters.kubernetes.instants import as_text
from adapters.kubernetes.marks import (
    DRAINING,
    DRAINING_SINCE,
    MANAGED_BY,
    OURS,
    POOL,
    WANTED,
    WORKLOAD,
)
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.view import View
from scheduler.domain.bindings import (
    Adopted,
    Bindings,
    KubernetesAccess,
    PoolBinding,
    Runs,
    WorkloadBinding,
)
from scheduler.domain.names import Instant, PoolName, WorkloadName
from scheduler.domain.places import NodePool
from scheduler.domain.workloads import InferenceService, TrainingJob
from tests.adapters.adapter_worlds import DC, MIDNIGHT, a_job, a_pool, a_service, after

Json = dict[str, Any]
Kind = TypeVar("Kind")
POOL_LABEL = "eks.amazonaws.com/nodegroup"
LONG_AGO = after(-24 * 60)
FULL = {"cpu": "128", "memory": "1Ti", "pods": "110", "nvidia.com/gpu": "8"}
RANKER = {WORKLOAD: "ranker", POOL: "pool"}
SEARCH = {WORKLOAD: "search", POOL: "pool"}

_serial = count(1)


def a_setting(
    *pools: NodePool,
    services: tuple[InferenceService, ...] = (),
    jobs: tuple[TrainingJob, ...] = (),
    runs: Mapping[str, Runs] | None = None,
    provider: str = "aws",
    bindings: tuple[PoolBinding, ...] = (),
    **access: object,
) -> Setting:
    there = {"cluster": DC, "namespaces": ("ml",), **access}
    return Setting(
        access=KubernetesAccess(**there),  # type: ignore[arg-type]
        provider=provider,
        pools={pool.name: pool for pool in pools or (a_pool(),)},
        services={each.name: each for each in services or (a_service(),)},
        jobs={each.name: each for each in jobs or (a_job(),)},
        bindings=Bindings(
            pools={each.pool: each for each in bindings},
            workloads={
                WorkloadName(name): WorkloadBinding(workload=WorkloadName(name), runs=each)
                for name, each in (runs or {}).items()
            },
        ),
    )


def adopting(**deployments: str) -> Mapping[str, Runs]:
    return {
        "search": Adopted(
            namespace="ml", deployments={PoolName(pool): name for pool, name in deployments.items()}
        )
    }


def bound(pool: str = "pool", group: str = "pool", **changes: object) -> PoolBinding:
    return replace(PoolBinding(pool=PoolName(pool), group=group), **changes)  # type: ignore[arg-type]


def a_node(
    name: str = "n1",
    pool: str = "pool",
    *,
    ready: str | None = "True",
    born: Instant = LONG_AGO,
    turned: Instant | None = None,
    has: Mapping[str, str] | None = None,
    taints: tuple[Json, ...] = (),
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    conditions: tuple[Json, ...] = (),
    **spec: object,
) -> shapes.Node:
    """`ready` is the status of its Ready condition, which it turned to at `turned`."""
    amounts = dict(FULL if has is None else has)
    told = [
        {"type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory"},
        *conditions,
    ]
    if ready is not None:
        told.append(
            {
                "type": "Ready",
                "status": ready,
                "reason": "KubeletReady" if ready == "True" else "KubeletNotReady",
                "lastTransitionTime": as_text(born if turned is None else turned),
            }
        )
    return _read(
        {
            "metadata": {
                "name": name,
                "uid": f"uid-{name}",
                "labels": {POOL_LABEL: pool, **(labels or {})},
                "annotations": dict(annotations or {}),
                "creationTimestamp": as_text(born),
            },
            "spec": {"providerID": f"aws:///eu-west-1a/{name}", "taints": list(taints), **spec},
            "status": {"capacity": amounts, "allocatable": amounts, "conditions": told},
        },
        shapes.Node,
    )


def a_draining_node(name: str = "n1", since: Instant = MIDNIGHT) -> shapes.Node:
    return a_node(
        name,
        taints=(taint(DRAINING),),
        annotations={DRAINING_SINCE: as_text(since)},
    )


def taint(key: str, effect: str = "NoSchedule", value: str = "") -> Json:
    return {"key": key, "effect": effect} | ({"value": value} if value else {})


def a_pod(
    name: str = "",
    node: str = "",
    *,
    gpus: float = 1,
    labels: Mapping[str, str] | None = None,
    owner: str = "ReplicaSet",
    namespace: str = "ml",
    phase: str = "",
    ready: bool | None = None,
    room: bool = True,
    requests: Mapping[str, str] | None = None,
    born: Instant = LONG_AGO,
    spec: Json | None = None,
    **meta: object,
) -> shapes.Pod:
    """On a node it runs and is ready, else it waits; without `room` the scheduler found none."""
    name = name or f"pod-{next(_serial)}"
    asked = {"nvidia.com/gpu": f"{gpus:g}"} if gpus else {}
    conditions: list[Json] = []
    if not node and not room:
        conditions.append({"type": "PodScheduled", "status": "False", "reason": "Unschedulable"})
    is_ready = bool(node) if ready is None else ready
    conditions.append({"type": "Ready", "status": str(is_ready)})
    amounts = dict(asked if requests is None else requests)
    return _read(
        {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": f"uid-{name}",
                "labels": dict(labels or {}),
                "creationTimestamp": as_text(born),
                "ownerReferences": [{"kind": owner, "name": "owner", "controller": True}],
                **meta,
            },
            "spec": {
                "containers": [
                    {"name": "main", "resources": {"requests": amounts, "limits": amounts}}
                ],
                **({"nodeName": node} if node else {}),
                **(spec or {}),
            },
            "status": {
                "phase": phase or ("Running" if node else "Pending"),
                "conditions": conditions,
            },
        },
        shapes.Pod,
    )


def a_replica(node: str = "", gpus: float = 1, **changes: Any) -> shapes.Pod:
    return a_pod(node=node, gpus=gpus, labels=SEARCH, **changes)


def a_worker(node: str = "", gpus: float = 8, **changes: Any) -> shapes.Pod:
    return a_pod(node=node, gpus=gpus, labels=RANKER, owner="Job", **changes)


def a_deployment(
    name: str = "search-pool",
    replicas: int = 1,
    *,
    adopted: bool = False,
    writers: tuple[Json, ...] = (),
    **changes: object,
) -> shapes.Deployment:
    labels = {"app": name} if adopted else {MANAGED_BY: OURS, **SEARCH}
    return _read(
        {
            "metadata": {
                "name": name,
                "namespace": "ml",
                "labels": labels,
                "creationTimestamp": as_text(LONG_AGO),
                "managedFields": list(writers),
            },
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name} if adopted else dict(SEARCH)},
            },
            **changes,
        },
        shapes.Deployment,
    )


def a_writer(manager: str, at: Instant | None, subresource: str = "") -> Json:
    """An entry that holds the replicas; the server dates none of the scale subresource."""
    told: Json = {
        "manager": manager,
        "operation": "Update",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
    }
    if subresource:
        told["subresource"] = subresource
    if at is not None:
        told["time"] = as_text(at)
    return told


def a_gang_job(
    wanted: int = 2,
    *,
    pool: str = "pool",
    suspend: bool = False,
    status: Json | None = None,
    annotations: Mapping[str, str] | None = None,
    **meta: object,
) -> shapes.Job:
    return _read(
        {
            "metadata": {
                "name": f"ranker-{pool}",
                "namespace": "ml",
                "uid": f"uid-ranker-{pool}",
                "labels": {MANAGED_BY: OURS, WORKLOAD: "ranker", POOL: pool},
                "annotations": {WANTED: str(wanted), **(annotations or {})},
                **meta,
            },
            "spec": {"suspend": suspend, "parallelism": wanted or 2, "completions": wanted or 2},
            "status": status or {},
        },
        shapes.Job,
    )


def a_view(*objects: object, **more: Any) -> View:
    """The objects, each under its kind."""
    kinds: dict[type, str] = {
        shapes.Node: "nodes",
        shapes.Pod: "pods",
        shapes.Deployment: "deployments",
        shapes.Job: "jobs",
        shapes.Scaler: "scalers",
        shapes.Budget: "budgets",
        shapes.ConfigMap: "tables",
        shapes.Slice: "slices",
        shapes.Claim: "claims",
    }
    tables: dict[str, dict[tuple[str, str], object]] = {name: {} for name in kinds.values()}
    for each in objects:
        meta = each.metadata  # type: ignore[attr-defined]
        tables[kinds[type(each)]][meta.namespace, meta.name] = each
    return View(**tables, **more)  # type: ignore[arg-type]


def _read(body: Json, kind: type[Kind]) -> Kind:
    return msgspec.json.decode(msgspec.json.encode(body), type=kind)
