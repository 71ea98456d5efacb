"""Small worlds for orders on workloads: one cluster, two pools, a service and a gang."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import httpx

from adapters.base import PlaceOrder
from adapters.kubernetes import marks
from adapters.kubernetes.client import Client, Connection
from adapters.kubernetes.faults import Conflict
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.sight import Listed
from adapters.kubernetes.view import View
from scheduler.domain.bindings import (
    Adopted,
    Bindings,
    KubernetesAccess,
    Owned,
    OwnedJob,
    PoolBinding,
    Route,
    Runs,
    Suspendable,
    WorkloadBinding,
)
from scheduler.domain.names import ActionKey, Instant, PoolName, WorkloadName
from scheduler.domain.places import Resources
from tests.adapters.adapter_worlds import DC, a_job, a_pool, a_service
from tests.doubles.api_worlds import Api, until
from tests.doubles.players.kubelet import Kubelet

GPU, SPARE = PoolName("gpu"), PoolName("spare")
SEARCH, RANKER = WorkloadName("search"), WorkloadName("ranker")
NOW = Instant(1_900_000_000.0)
IMAGE = "registry.example/serve@sha256:" + "0" * 64
WORLD = "tests.tidegate.io/world"
"""Label of nodes that belong to one test alone."""
SMALL = Resources(gpus=1.0, cpu=0.5, memory_gib=0.25)


def a_template(**spec: object) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", "image": IMAGE}], **spec}}


def an_owned(namespace: str, port: int | None = None, **spec: object) -> Owned:
    return Owned(namespace=namespace, template=a_template(**spec), port=port)


def an_owned_job(namespace: str, *, kueue: bool = False, **spec: object) -> OwnedJob:
    return OwnedJob(namespace=namespace, template=a_template(**spec), kueue=kueue)


def an_adopted(namespace: str, **deployments: str) -> Adopted:
    named = {PoolName(pool): name for pool, name in deployments.items()}
    return Adopted(namespace=namespace, deployments=named)


def a_suspendable(namespace: str, **changes: Any) -> Suspendable:
    runs = Suspendable(
        namespace=namespace,
        api_version="tests.tidegate.io/v1",
        resource="trainings",
        name="ranker",
        suspend=("spec", "runPolicy", "suspend"),
        node_selectors=(("spec", "worker", "template", "spec", "nodeSelector"),),
        pods={"training": "ranker"},
    )
    return replace(runs, **changes)


def a_setting(
    namespace: str = "ml",
    *,
    search: Runs | None = None,
    ranker: Runs | None = None,
    route: Route | None = None,
    queue: str | None = None,
    namespaces: tuple[str, ...] | None = None,
    gang_deadline_s: float = 300.0,
) -> Setting:
    """What the documents say; nodes belong to a pool by a label of the test's own."""
    shape = Resources(gpus=2.0, cpu=16.0, memory_gib=64.0, pods=110.0)
    pools = {name: a_pool(name, nodes=0, limit=8, per_node=shape) for name in (GPU, SPARE)}
    bound: dict[WorkloadName, Runs | None] = {SEARCH: search, RANKER: ranker}
    return Setting(
        access=KubernetesAccess(
            cluster=DC,
            namespaces=(namespace,) if namespaces is None else namespaces,
            home=namespace,
            gang_deadline_s=gang_deadline_s,
        ),
        provider="",
        pools=pools,
        services={SEARCH: a_service("search", per_pod=SMALL)},
        jobs={RANKER: a_job("ranker", workers=2, per_pod=SMALL)},
        bindings=Bindings(
            pools={
                name: PoolBinding(
                    pool=name, group=name, labels={WORLD: f"{namespace}.{name}"}, queue=queue
                )
                for name in pools
            },
            workloads={
                name: WorkloadBinding(workload=name, runs=runs, route=route)
                for name, runs in bound.items()
                if runs is not None
            },
        ),
    )


def replicas(pods: int, share: float = 0.0, pool: PoolName = GPU, key: str = "key") -> PlaceOrder:
    return PlaceOrder(key=ActionKey(key), workload=SEARCH, pool=pool, pods=pods, share=share)


def workers(pods: int, pool: PoolName = GPU) -> PlaceOrder:
    return PlaceOrder(key=ActionKey("key"), workload=RANKER, pool=pool, pods=pods, gang=True)


async def a_view(client: Client, setting: Setting) -> View:
    """What is there now."""
    return await Listed(client, setting).view()


NOWHERE = Connection(server="http://127.0.0.1:9")
"""A server that is not there: whoever asks it anything hears nothing."""


@asynccontextmanager
async def nodes_of(
    api: Api, setting: Setting, count: int, pool: PoolName = GPU
) -> AsyncIterator[list[str]]:
    """Ready nodes of the pool with two GPUs each, their kubelets played; gone at the end."""
    uids: dict[str, str] = {}
    label = setting.bindings.pools[pool].labels[WORLD]
    for number in range(count):
        name = f"{api.namespace}-{pool}-{number}"
        made = await api.create("/api/v1/nodes", _a_node(name, label))
        uids[name] = made["metadata"]["uid"]
    try:
        async with Kubelet(api.client, selector=f"{WORLD}={label}"):
            for name in uids:
                await until(lambda name=name: _is_usable(api, name))  # type: ignore[misc]
            yield list(uids)
    finally:
        for name, uid in uids.items():
            await api.client.delete(f"/api/v1/nodes/{name}", uid=uid)


def _a_node(name: str, label: str) -> dict[str, Any]:
    capacity = '{"cpu": "16", "memory": "64Gi", "pods": "110", "nvidia.com/gpu": "2"}'
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {WORLD: label, "kubernetes.io/hostname": name},
            "annotations": {"fake/capacity": capacity},
        },
    }


async def _is_usable(api: Api, name: str) -> bool:
    """Ready, and no longer tainted for what it was before."""
    node = await api.get(f"/api/v1/nodes/{name}")
    conditions = node.get("status", {}).get("conditions", ())
    ready = any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)
    return ready and not node.get("spec", {}).get("taints")


async def a_kind(api: Api, group: str, version: str, plural: str, kind: str) -> None:
    """The server knows this kind of somebody else, whatever its objects hold."""
    any_object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": any_object},
                }
            ],
        },
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    with suppress(Conflict):  # Another test made it already.
        await api.create(path, body)
    await until(lambda: api.get(api.path(f"{group}/{version}", plural)))


async def a_foreign_deployment(api: Api, name: str, pods: int, **labels: str) -> dict[str, Any]:
    """A Deployment of somebody else."""
    app = {"app": name}
    pod = {"metadata": {"labels": app}, "spec": a_template()["spec"]}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {**app, **labels}},
        "spec": {"replicas": pods, "selector": {"matchLabels": app}, "template": pod},
    }
    return await _foreign(api, "POST", api.path("apps/v1", "deployments"), body, "application/json")


async def scaled_by_hand(api: Api, name: str, pods: int) -> None:
    """As `kubectl scale` does it, under its own name."""
    path = api.path("apps/v1", "deployments", name)
    await foreign_patch(api, f"{path}/scale", {"spec": {"replicas": pods}})


async def foreign_patch(api: Api, path: str, body: object) -> None:
    """A merge patch by a field manager that is not us."""
    await _foreign(api, "PATCH", path, body, "application/merge-patch+json")


async def _foreign(api: Api, method: str, path: str, body: object, kind: str) -> dict[str, Any]:
    way = api.server.connection()
    async with httpx.AsyncClient(
        base_url=way.server, verify=way.tls, trust_env=False, timeout=10.0
    ) as http:
        answer = await http.request(
            method,
            path,
            params={"fieldManager": "kubectl"},
            json=body,
            headers={"Content-Type": kind},
        )
    answer.raise_for_status()
    return dict(answer.json())


def marked(body: Mapping[str, Any], annotation: str = marks.KEY) -> str:
    """An annotation of an object; empty if it has none."""
    return str((body["metadata"].get("annotations") or {}).get(annotation, ""))
