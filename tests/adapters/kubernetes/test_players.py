"""The players: a cluster without machines behaves as one with them."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.doubles.api_worlds import Api, Object, until
from tests.doubles.players.kubelet import Kubelet

GPU = "nvidia.com/gpu"


class Stage:
    """One namespace, with nodes that are for its pods alone."""

    def __init__(self, api: Api) -> None:
        self.api, self.nodes = api, list[str]()

    async def node(self, **notes: str) -> str:
        name = f"{self.api.namespace}-n{len(self.nodes)}"
        capacity = {"fake/capacity": json.dumps({GPU: "8", "cpu": "96"})}
        annotations = {**capacity, **{f"fake/{key}": text for key, text in notes.items()}}
        labels = {"of": self.api.namespace}
        meta = {"name": name, "labels": labels, "annotations": annotations}
        await self.api.create("/api/v1/nodes", {"metadata": meta})
        self.nodes.append(name)
        return name

    async def note(self, path: str, **notes: str | None) -> None:
        annotations = {f"fake/{key.replace('_', '-')}": text for key, text in notes.items()}
        await self.api.patch(path, {"metadata": {"annotations": annotations}})

    async def job(self, name: str, *, workers: int, gpus: int) -> str:
        pod = {
            "nodeSelector": {"of": self.api.namespace},
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "c", "image": "x", "resources": {"limits": {GPU: str(gpus)}}}],
        }
        spec = {
            "completionMode": "Indexed",
            "completions": workers,
            "parallelism": workers,
            "backoffLimit": 0,
            "template": {"spec": pod},
        }
        jobs = self.api.path("batch/v1", "jobs")
        await self.api.create(jobs, {"metadata": {"name": name}, "spec": spec})
        return f"{jobs}/{name}"

    async def pods(self) -> list[Object]:
        return list((await self.api.get(self.api.path("v1", "pods")))["items"])

    async def running(self, count: int) -> None:
        async def so() -> bool:
            found = await self.pods()
            running = [pod for pod in found if pod["status"].get("phase") == "Running"]
            return len(running) == count

        await until(so)


@pytest.fixture
async def stage(api: Api) -> AsyncIterator[Stage]:
    one = Stage(api)
    async with Kubelet(api.client, selector=f"of={api.namespace}"):
        yield one
        for name in one.nodes:
            uid = (await api.get(f"/api/v1/nodes/{name}"))["metadata"]["uid"]
            await api.client.delete(f"/api/v1/nodes/{name}", uid=uid)


async def test_a_node_boots_when_it_is_let_and_has_gpus_later(stage: Stage) -> None:
    path = f"/api/v1/nodes/{await stage.node(boot='hold')}"
    await stage.job("j", workers=1, gpus=8)
    assert "allocatable" not in ((await stage.api.get(path)).get("status") or {})
    await stage.note(path, boot=None, no_gpus="true")

    async def ready(gpus: str | None) -> bool:
        status = (await stage.api.get(path)).get("status") or {}
        said = {one["type"]: one["status"] for one in status.get("conditions") or ()}
        return bool(said.get("Ready") == "True" and status["allocatable"].get(GPU) == gpus)

    await until(lambda: ready(None))
    assert all(pod["status"]["phase"] == "Pending" for pod in await stage.pods())
    await stage.note(path, no_gpus=None)
    await until(lambda: ready("8"))
    await stage.running(1)


async def test_a_job_ends_when_its_pods_do(stage: Stage) -> None:
    await stage.node()
    path = await stage.job("j", workers=2, gpus=4)
    await stage.running(2)
    for pod in await stage.pods():
        await stage.note(stage.api.path("v1", "pods", pod["metadata"]["name"]), finish="true")

    async def complete() -> bool:
        status = (await stage.api.get(path))["status"]
        said = {one["type"]: one["status"] for one in status.get("conditions") or ()}
        return said.get("Complete") == "True" and status["succeeded"] == 2

    await until(complete)


async def test_a_job_whose_pod_fails_fails(stage: Stage) -> None:
    await stage.node()
    path = await stage.job("j", workers=1, gpus=1)
    await stage.running(1)
    [pod] = await stage.pods()
    await stage.note(stage.api.path("v1", "pods", pod["metadata"]["name"]), fail="true")

    async def failed() -> bool:
        status = (await stage.api.get(path))["status"]
        said = {one["type"]: one["status"] for one in status.get("conditions") or ()}
        return said.get("Failed") == "True" and status["failed"] == 1

    await until(failed)


async def test_only_as_many_pods_run_as_there_are_gpus(stage: Stage) -> None:
    await stage.node()
    await stage.job("j", workers=3, gpus=4)
    await stage.running(2)

    async def told() -> bool:
        [waiting] = [pod for pod in await stage.pods() if not pod["spec"].get("nodeName")]
        [one] = [c for c in waiting["status"].get("conditions", ()) if c["type"] == "PodScheduled"]
        return one["reason"] == "Unschedulable" and f"Insufficient {GPU}" in one["message"]

    await until(told)
    await stage.node()
    await stage.running(3)
