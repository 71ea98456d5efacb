"""A foreign client: kubectl finds in the double what it finds in a real API server."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest
import yaml

from tests.doubles.api_worlds import Api, Object, until
from tests.doubles.control_plane import ControlPlane, write_joint_kubeconfig
from tests.doubles.players.kubelet import Kubelet

BESIDE = Path(sys.executable).with_name("kubectl")
KUBECTL = str(BESIDE) if BESIDE.exists() else shutil.which("kubectl")
pytestmark = pytest.mark.skipif(
    KUBECTL is None, reason="no kubectl: neither beside this Python nor in PATH"
)


class Planes(Protocol):
    """The two control planes of this folder."""

    private: ControlPlane
    public: ControlPlane


class Kubectl:
    """kubectl in one namespace of one server."""

    def __init__(self, api: Api, folder: Path) -> None:
        self._api, self._folder = api, folder
        self._config = folder / "kubeconfig"
        if isinstance(api.server, ControlPlane):
            self._config = api.server.kubeconfig
        else:
            self._config.write_text(yaml.safe_dump(a_kubeconfig(api.server.server)))

    async def __call__(self, *words: str, told: object = None) -> str:
        """What it prints; it must succeed."""
        code, out = await self.run(*words, told=told)
        assert code == 0, out
        return out

    async def run(self, *words: str, told: object = None) -> tuple[int, str]:
        """Its exit code, and what it prints."""
        assert KUBECTL is not None
        running = await asyncio.create_subprocess_exec(
            *(KUBECTL, "--kubeconfig", str(self._config), "--namespace", self._api.namespace),
            *(f"--cache-dir={self._folder / 'cache'}", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "KUBECTL_KUBERC": "false"},
        )
        given = b"" if told is None else json.dumps(told).encode()
        async with asyncio.timeout(60):
            out, _ = await running.communicate(given)
        return running.returncode or 0, out.decode()


def a_kubeconfig(server: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "double", "cluster": {"server": server}}],
        "users": [{"name": "double", "user": {}}],
        "contexts": [{"name": "double", "context": {"cluster": "double", "user": "double"}}],
        "current-context": "double",
    }


def a_deployment(replicas: int) -> Object:
    spec = {"terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": "x"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "serve"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "serve"}},
            "template": {"metadata": {"labels": {"app": "serve"}}, "spec": spec},
        },
    }


@pytest.fixture
def kubectl(api: Api, tmp_path: Path) -> Kubectl:
    return Kubectl(api, tmp_path)


@pytest.fixture
async def node(api: Api) -> AsyncIterator[str]:
    """A node with a kubelet, and away with it."""
    name = f"{api.namespace}-node"
    labels = {"of": api.namespace}
    async with Kubelet(api.client, selector=f"of={api.namespace}"):
        made = await api.create("/api/v1/nodes", {"metadata": {"name": name, "labels": labels}})
        yield name
        await api.client.delete(f"/api/v1/nodes/{name}", uid=made["metadata"]["uid"])


async def served(api: Api, replicas: int) -> None:
    path = api.path("apps/v1", "deployments", "serve")

    async def so() -> bool:
        return bool((await api.get(path))["status"].get("readyReplicas", 0) == replicas)

    await until(so)


async def test_kubectl_applies_shows_and_scales(api: Api, node: str, kubectl: Kubectl) -> None:
    applied = await kubectl("apply", "--server-side", "-f", "-", told=a_deployment(1))
    assert "deployment.apps/serve serverside-applied" in applied
    await served(api, 1)
    table = await kubectl("get", "deployments")
    assert table.splitlines()[0].split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert table.splitlines()[1].split()[:4] == ["serve", "1/1", "1", "1"]
    await kubectl("scale", "deployment/serve", "--replicas=2")
    await kubectl("wait", "--for=jsonpath={.status.readyReplicas}=2", "deployment/serve")
    pods = await kubectl("get", "pods", "-l", "app=serve", "-o", "wide")
    assert [line.split()[1:3] for line in pods.splitlines()[1:]] == [["1/1", "Running"]] * 2
    code, conflict = await kubectl.run("apply", "--server-side", "-f", "-", told=a_deployment(1))
    assert code != 0
    assert 'conflict with "kubectl" with subresource "scale"' in conflict


async def test_kubectl_tells_the_difference_and_applies_from_its_own_side(
    api: Api, kubectl: Kubectl
) -> None:
    await kubectl("apply", "-f", "-", told=a_deployment(0))
    assert await kubectl("diff", "-f", "-", told=a_deployment(0)) == ""
    code, text = await kubectl.run("diff", "-f", "-", told=a_deployment(3))
    assert code == 1
    assert "+  replicas: 3" in text
    assert "configured" in await kubectl("apply", "-f", "-", told=a_deployment(3))
    found = await api.get(api.path("apps/v1", "deployments", "serve"))
    assert found["spec"]["replicas"] == 3
    await kubectl("delete", "deployment", "serve", "--wait=true")


async def test_kubectl_cordons_and_drains_a_node(api: Api, node: str, kubectl: Kubectl) -> None:
    await api.create(api.path("apps/v1", "deployments"), a_deployment(2))
    await served(api, 2)
    assert f"{node} cordoned" in await kubectl("cordon", node)
    assert "Ready,SchedulingDisabled" in await kubectl("get", "node", node)
    drained = await kubectl("drain", node, "--ignore-daemonsets", "--timeout=30s")
    assert drained.count("evicted") == 2
    assert f"{node} drained" in drained
    left = await api.get(api.path("v1", "pods"), fieldSelector=f"spec.nodeName={node}")
    assert left["items"] == []
    await kubectl("uncordon", node)
    await served(api, 2)


async def test_two_clusters_are_reached_by_their_contexts(planes: Planes, tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    write_joint_kubeconfig(config, (planes.private, planes.public))
    for name, plane in (("private", planes.private), ("public", planes.public)):
        assert KUBECTL is not None
        running = await asyncio.create_subprocess_exec(
            *(KUBECTL, "--kubeconfig", str(config), "--context", name, "cluster-info"),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await running.communicate()
        assert plane.server in out.decode()
