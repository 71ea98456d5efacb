"""The kubelets of a cluster without machines: nodes become ready, pods run, end and go.

Annotations steer it; each may be set and removed at any time.

Node  fake/capacity: {"cpu": "96", "nvidia.com/gpu": "8"}   what it has, as JSON
      fake/boot: hold        it does not report yet
      fake/no-gpus: "true"   Ready, but its extended resources are not there yet
      fake/not-ready: "true" it reports Ready=False
      fake/silent: "true"    nothing is heard of it any more, nor of its pods
Pod   fake/start: hold       it stays Pending
      fake/unready: "true"   it runs and is not ready
      fake/finish: "true"    it ends, Succeeded
      fake/fail: "true"      it ends, Failed
      fake/stop: hold        it does not go when it is told to
"""

import asyncio
import json
from datetime import UTC, datetime
from typing import Self

from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import ApiError, KubernetesError, NotThere
from tests.doubles.players.following import BREATH_S, Change, Following, Object

BASE = {"cpu": "64", "memory": "512Gi", "pods": "110", "ephemeral-storage": "100Gi"}
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
WORKERS = 8
HEARTBEAT_S = 10.0


class Kubelet:
    """`async with Kubelet(client):` plays the kubelets of all nodes, or of those selected."""

    def __init__(self, client: Client, *, selector: str = "") -> None:
        self._client, self._selector = client, selector
        self._nodes: dict[str, Object] = {}
        self._pods: dict[str, Object] = {}
        self._queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._waiting: set[tuple[str, str]] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        chosen = {"labelSelector": self._selector} if self._selector else {}
        nodes = Following(self._client, "/api/v1/nodes", self._on_node, chosen)
        pods = Following(self._client, "/api/v1/pods", self._on_pod)
        work = (nodes.run(), pods.run(), self._beat(), *(self._work() for _ in range(WORKERS)))
        self._tasks = [asyncio.create_task(one) for one in work]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_node(self, change: Change) -> None:
        name = change.object["metadata"]["name"]
        if change.gone:
            self._nodes.pop(name, None)
            return
        self._nodes[name] = change.object
        self._ask("node", name)
        for uid, pod in self._pods.items():
            if pod["spec"].get("nodeName") == name:
                self._ask("pod", uid)

    def _on_pod(self, change: Change) -> None:
        uid = change.object["metadata"]["uid"]
        if change.gone:
            self._pods.pop(uid, None)
        elif change.object["spec"].get("nodeName"):
            self._pods[uid] = change.object
            self._ask("pod", uid)

    def _ask(self, kind: str, key: str) -> None:
        if (kind, key) not in self._waiting:
            self._waiting.add((kind, key))
            self._queue.put_nowait((kind, key))

    async def _work(self) -> None:
        while True:
            kind, key = await self._queue.get()
            self._waiting.discard((kind, key))
            try:
                await (self._tend_node(key) if kind == "node" else self._tend_pod(key))
            except ApiError:
                pass  # It is gone, or has changed: the watch tells, and it is looked at again.
            except KubernetesError:
                await asyncio.sleep(BREATH_S)
                self._ask(kind, key)

    async def _tend_node(self, name: str) -> None:
        node = self._nodes.get(name)
        if node is None or not speaks(node):
            return
        status = node_status(node)
        if not _within(status, node.get("status", {})):
            for condition in status["conditions"]:
                condition["lastTransitionTime"] = _now()
            await self._client.patch(f"/api/v1/nodes/{name}/status", {"status": status})
            await self._renew(name)

    async def _tend_pod(self, uid: str) -> None:
        pod = self._pods.get(uid)
        node = self._nodes.get(pod["spec"]["nodeName"]) if pod else None
        if pod is None or node is None or not speaks(node) or not _ready(node):
            return
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if meta.get("deletionTimestamp"):
            if _note(pod, "stop") != "hold":
                if pod["status"].get("phase") not in ("Succeeded", "Failed"):
                    # Before that a Job neither lets go of its pod nor makes another.
                    over = {"metadata": {"uid": uid}, "status": _ended(pod, "Failed")}
                    await self._client.patch(f"{path}/status", over)
                await self._client.delete(path, uid=uid, grace_s=0)
            return
        status = pod_status(pod)
        if status is not None:
            await self._client.patch(f"{path}/status", {"metadata": {"uid": uid}, "status": status})

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            for name, node in list(self._nodes.items()):
                if speaks(node):
                    try:
                        await self._renew(name)
                    except KubernetesError:
                        break  # The next beat tries again.

    async def _renew(self, name: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now}
        try:
            await self._client.patch(f"{LEASES}/{name}", {"spec": spec})
        except NotThere:
            await self._client.create(LEASES, {"metadata": {"name": name}, "spec": spec})


def speaks(node: Object) -> bool:
    """Whether anything is heard of the node."""
    return _note(node, "boot") != "hold" and _note(node, "silent") != "true"


def node_status(node: Object) -> Object:
    """What its kubelet reports, without times."""
    has = {**BASE, **json.loads(_note(node, "capacity") or "{}")}
    if _note(node, "no-gpus") == "true":
        has = {name: amount for name, amount in has.items() if "/" not in name}
    old = node.get("status", {}).get("capacity", {})
    gone = {name: None for name in old if name not in has}
    ready = "False" if _note(node, "not-ready") == "true" else "True"
    conditions = [{"type": "Ready", "status": ready, "reason": "Kubelet", "message": "played"}]
    for pressure in ("MemoryPressure", "DiskPressure", "PIDPressure"):
        conditions.append({"type": pressure, "status": "False", "reason": "Kubelet"})
    amounts = {**has, **gone}
    return {"capacity": amounts, "allocatable": amounts, "conditions": conditions}


def pod_status(pod: Object) -> Object | None:
    """What becomes of a pod on a ready node; None: it is as it shall be."""
    phase = pod.get("status", {}).get("phase", "Pending")
    if phase in ("Succeeded", "Failed") or _note(pod, "start") == "hold":
        return None
    if _note(pod, "fail") == "true":
        return _ended(pod, "Failed")
    if _note(pod, "finish") == "true":
        return _ended(pod, "Succeeded")
    ready = _note(pod, "unready") != "true"
    if phase == "Running" and _ready(pod) == ready:
        return None
    return _running(pod, ready=ready)


def _running(pod: Object, *, ready: bool) -> Object:
    start = pod.get("status", {}).get("startTime", _now())
    container = {"imageID": "played", "ready": ready, "started": True, "restartCount": 0}
    return {
        "phase": "Running",
        "startTime": start,
        "conditions": _conditions(pod, ready=ready),
        "containerStatuses": [
            {
                **container,
                "name": one["name"],
                "image": one["image"],
                "state": {"running": {"startedAt": start}},
            }
            for one in pod["spec"]["containers"]
        ],
    }


def _ended(pod: Object, phase: str) -> Object:
    code = int(phase == "Failed")
    over = {"exitCode": code, "reason": "Error" if code else "Completed", "finishedAt": _now()}
    container = {"imageID": "played", "ready": False, "restartCount": 0}
    return {
        "phase": phase,
        "startTime": pod.get("status", {}).get("startTime", _now()),
        "conditions": _conditions(pod, ready=False),
        "containerStatuses": [
            {
                **container,
                "name": one["name"],
                "image": one["image"],
                "state": {"terminated": over},
            }
            for one in pod["spec"]["containers"]
        ],
    }


def _conditions(pod: Object, *, ready: bool) -> list[Object]:
    kept = [
        one
        for one in pod.get("status", {}).get("conditions", [])
        if one["type"] not in ("Initialized", "ContainersReady", "Ready")
    ]
    said = str(ready)
    for name, status in (("Initialized", "True"), ("ContainersReady", said), ("Ready", said)):
        kept.append({"type": name, "status": status, "lastTransitionTime": _now()})
    return kept


def _ready(thing: Object) -> bool:
    conditions = thing.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _within(wanted: object, found: object) -> bool:
    """Whether all that is wanted is there already; None wants a key away."""
    match wanted, found:
        case dict(), dict():
            return all(
                name not in found if value is None else _within(value, found.get(name))
                for name, value in wanted.items()
            )
        case list(), list():
            named = {one.get("type"): one for one in found}
            return all(_within(one, named.get(one["type"])) for one in wanted)
        case _:
            return wanted == found


def _note(thing: Object, name: str) -> str:
    return str((thing["metadata"].get("annotations") or {}).get(f"fake/{name}", ""))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
