"""What is observed of a server that acts by itself: the double and, where there is one, a real."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import time

import httpx
import pytest

from adapters.kubernetes.marks import MANAGED_BY, OURS, POOL, WANTED, WORKLOAD
from adapters.kubernetes.nodes import nodes_of
from adapters.kubernetes.notes import notes_of
from adapters.kubernetes.placements import placements_of
from adapters.kubernetes.progress import progress_of
from adapters.kubernetes.room import gang_fits
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.sight import Listed
from scheduler.domain.names import ClusterName, Instant, PoolName
from scheduler.domain.snapshot import NodePhase, Placement, SiteReport
from tests.adapters.adapter_worlds import a_job
from tests.adapters.kubernetes.view_worlds import Json, a_setting, adopting, bound
from tests.doubles.api_worlds import Api, until
from tests.doubles.players.kubelet import Kubelet

WORLD = "tests.tidegate.io/observed"
FULL = {"cpu": "128", "memory": "1Ti", "pods": "110", "nvidia.com/gpu": "8"}
JOB = a_job(restart_s=0.0)
IMAGE = "registry.example/serve@sha256:" + "0" * 64


def a_world(api: Api) -> Setting:
    """One pool: the nodes that carry the label of this namespace."""
    setting = a_setting(
        jobs=(JOB,),
        runs=adopting(pool="web"),
        bindings=(bound(labels={WORLD: api.namespace}),),
        namespaces=(api.namespace,),
        home=api.namespace,
    )
    adopted = setting.bindings.workloads["search"]
    runs = replace(adopted.runs, namespace=api.namespace)
    bindings = replace(setting.bindings, workloads={"search": replace(adopted, runs=runs)})
    return replace(setting, bindings=bindings)


async def look(api: Api) -> SiteReport:
    setting, now = a_world(api), Instant(time())
    view = await Listed(api.client, setting).view()
    return SiteReport(
        cluster=ClusterName("dc"),
        at=now,
        nodes=nodes_of(view, setting, now),
        placements=placements_of(view, setting, now),
        progress=progress_of(view, setting, now),
        notes=notes_of(view, setting, now),
    )


def seen(api: Api, holds: Callable[[SiteReport], object]) -> Awaitable[SiteReport]:
    """The first report of which that holds."""

    async def ask() -> SiteReport | None:
        report = await look(api)
        return report if holds(report) else None

    return until(ask)  # type: ignore[arg-type]


async def add_node(api: Api, name: str, **annotations: str) -> None:
    name = f"{api.namespace}-{name}"
    told = {"fake/capacity": json.dumps(FULL)} | {
        f"fake/{key}".replace("_", "-"): value for key, value in annotations.items()
    }
    metadata = {"name": name, "labels": {WORLD: api.namespace}, "annotations": told}
    await api.create("/api/v1/nodes", {"metadata": metadata})


def a_template(api: Api, labels: Json, gpus: int, **spec: object) -> Json:
    container = {
        "name": "main",
        "image": IMAGE,
        "resources": {"limits": {"nvidia.com/gpu": str(gpus)}, "requests": {"cpu": "1"}},
    }
    chosen = {"nodeSelector": {WORLD: api.namespace}, "containers": [container], **spec}
    return {"metadata": {"labels": labels}, "spec": chosen}


async def add_web(api: Api, replicas: int, gpus: int) -> str:
    labels = {"app": "web"}
    path = api.path("apps/v1", "deployments")
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": a_template(api, labels, gpus),
    }
    metadata = {"name": "web", "namespace": api.namespace}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    await api.create(path, body)
    return f"{path}/web"


async def add_gang(api: Api) -> str:
    labels = {WORKLOAD: "ranker", POOL: "pool"}
    path = api.path("batch/v1", "jobs")
    metadata = {
        "name": "ranker-pool",
        "namespace": api.namespace,
        "labels": {MANAGED_BY: OURS, **labels},
        "annotations": {WANTED: "2"},
    }
    spec = {
        "completionMode": "Indexed",
        "parallelism": 2,
        "completions": 2,
        "suspend": True,
        "template": a_template(api, labels, 8, restartPolicy="Never"),
    }
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    await api.create(path, body)
    return f"{path}/ranker-pool"


async def written_by(api: Api, manager: str, path: str, body: Json) -> None:
    """A merge patch by somebody else."""
    connection = api.server.connection()
    headers = {"Content-Type": "application/merge-patch+json"}
    if connection.headers is not None:
        headers |= dict(await connection.headers())
    async with httpx.AsyncClient(base_url=connection.server, verify=connection.tls) as client:
        params = {"fieldManager": manager}
        answer = await client.patch(path, params=params, content=json.dumps(body), headers=headers)
        assert answer.is_success, answer.text


def phases(report: SiteReport) -> list[NodePhase]:
    return sorted(node.phase for node in report.nodes)


def of(report: SiteReport, workload: str) -> Placement | None:
    return next((each for each in report.placements if each.workload == workload), None)


def contests(report: SiteReport) -> list[str]:
    return [note.message for note in report.notes if note.reason == "ReplicasContested"]


async def test_pods_that_booting_nodes_will_not_hold_are_pending(api: Api) -> None:
    async with Kubelet(api.client, selector=f"{WORLD}={api.namespace}"):
        await add_node(api, "a")
        await add_node(api, "b", no_gpus="true")
        await seen(api, lambda report: phases(report) == ["booting", "ready"])
        await add_web(api, replicas=7, gpus=3)
        report = await seen(
            api, lambda told: (web := of(told, "search")) and web.ready == 2 and web.pending == 3
        )
    # Two sit on the one node, two more will on the other, and three have no room.
    web = of(report, "search")
    assert web is not None
    assert (web.wanted, web.ready, web.pending) == (7, 2, 3)
    busy = next(node for node in report.nodes if node.phase is NodePhase.READY)
    assert (busy.pods, busy.gpus_used, busy.gpus_others) == (2, 6.0, 0.0)


async def test_a_gang_waits_for_its_seats_and_then_trains(api: Api) -> None:
    setting, pool = a_world(api), PoolName("pool")
    async with Kubelet(api.client, selector=f"{WORLD}={api.namespace}"):
        await add_node(api, "a")
        path = await add_gang(api)
        await seen(api, lambda told: (gang := of(told, "ranker")) and gang.pending == 2)
        await add_node(api, "b")
        await seen(api, lambda told: phases(told) == ["ready", "ready"])
        view = await Listed(api.client, setting).view()
        assert gang_fits(view, setting, JOB, pool, 2)
        await api.patch(path, {"spec": {"suspend": False}})
        report = await seen(
            api,
            lambda told: (
                (gang := of(told, "ranker"))
                and gang.ready == 2
                and any(each.done_gpu_hours > 0.0 for each in told.progress)
            ),
        )
    assert [node.workers for node in report.nodes] == [1, 1]
    assert [each.finished for each in report.progress] == [False]


async def test_who_else_sets_the_replicas_is_named_until_we_set_them(api: Api) -> None:
    async with Kubelet(api.client, selector=f"{WORLD}={api.namespace}"):
        await add_node(api, "a")
        path = await add_web(api, replicas=1, gpus=1)
        await seen(api, lambda told: (web := of(told, "search")) and web.ready == 1)
        await api.patch(f"{path}/scale", {"spec": {"replicas": 2}})
        report = await seen(api, lambda told: (web := of(told, "search")) and web.ready == 2)
        assert contests(report) == []
        await written_by(api, "argocd", path, {"spec": {"replicas": 1}})
        report = await look(api)
        # Whoever makes a Deployment may write to it in its first seconds.
        assert all(why.startswith("argocd set its replicas") for why in contests(report))
        await api.patch(f"{path}/scale", {"spec": {"replicas": 2}})
        assert contests(await look(api)) == []
        scaler = {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": api.namespace},
            "spec": {
                "maxReplicas": 3,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            },
        }
        await api.create(api.path("autoscaling/v2", "horizontalpodautoscalers"), scaler)
        (why,) = contests(await look(api))
        assert why.startswith("HorizontalPodAutoscaler")


async def test_a_write_through_the_scale_subresource_has_no_date(api: Api) -> None:
    if not api.real:
        pytest.skip("what the real server leaves out is the point")
    path = await add_web(api, replicas=0, gpus=1)
    await written_by(api, "kubectl", f"{path}/scale", {"spec": {"replicas": 1}})
    told = await api.get(path)
    holders = {
        entry["manager"]: "time" in entry
        for entry in told["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    }
    assert holders == {"kubectl": False}
