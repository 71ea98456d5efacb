"""Two daemons over a private and a public cluster: the leader is killed, the other goes on."""

import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.app.kubernetes_fleet import kubeconfig
from tests.app.process import Running, running
from tests.doubles.api_worlds import Api, Object, a_corner, until
from tests.doubles.control_plane import ControlPlane, write_joint_kubeconfig
from tests.doubles.kubernetes.server import KubernetesDouble
from tests.doubles.players.controllers import Controllers
from tests.doubles.players.kubelet import Kubelet
from tests.doubles.players.scheduler import Scheduler

WORLD = "tests.tidegate.io/replicas"
GPUS = {"cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": "4"}
DIGEST = "registry.example.com/search@sha256:" + "ab" * 32
FLEET = """\
apiVersion: tidegate.io/v1alpha1
kind: Cluster
metadata: {name: NAME}
spec:
  exposure: NAME
  region: NAME
  access:
    kubernetes:
      {context: NAME, kubeconfig: KUBECONFIG, namespaces: [SPACE], namespace: SPACE, supply: SUPPLY}
---
apiVersion: tidegate.io/v1alpha1
kind: NodePool
metadata: {name: NAME-a10g}
spec:
  cluster: NAME
  gpu: {type: A10G, count: 4, memory: 24Gi}
  cpu: 64
  memory: 512Gi
  contract: CONTRACT
  nodes: {min: LEAST, max: MOST}
  price: 4 USD/h
  kubernetes: {labels: {tests.tidegate.io/replicas: SPACE}}
---
"""
WORK = f"""\
apiVersion: tidegate.io/v1alpha1
kind: InferenceService
metadata: {{name: search}}
spec:
  priority: high
  replica: {{gpus: 1, cpu: 2, memory: 8Gi}}
  replicas: {{min: 1, max: 20}}
  objective: {{quantile: p95, latency: 60ms}}
  speed: {{A10G: {{base: 20ms, queue: 10ms, limit: 100/s}}}}
  kubernetes:
    namespace: SPACE
    own: {{template: {{spec: {{containers: [{{name: serve, image: "{DIGEST}"}}]}}}}}}
---
apiVersion: tidegate.io/v1alpha1
kind: TrainingJob
metadata: {{name: nightly}}
spec:
  priority: high
  clusters: [private]
  worker: {{gpus: 1, cpu: 2, memory: 8Gi}}
  speed: {{A10G: 1.0}}
  work: 48 GPUh
  kubernetes:
    namespace: SPACE
    job: {{template: {{spec: {{containers: [{{name: train, image: "{DIGEST}"}}]}}}}}}
---
apiVersion: tidegate.io/v1alpha1
kind: SignalSource
metadata: {{name: load}}
spec: {{csv: {{path: load.csv}}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The same namespace in a private and a public cluster, and documents that name both."""

    private: Api
    public: Api
    folder: Path

    def write(self, rps: float, generation: int) -> None:
        """The documents, at this load in the last ten minutes."""
        now = datetime.now(UTC).replace(microsecond=0)
        times = ((now - timedelta(minutes=m)).strftime("%FT%TZ") for m in range(10, -1, -1))
        rows = [f"{time},load_rps,search,,{rps}" for time in times]
        (self.folder / "load.csv").write_text("\n".join(("time,signal,subject,pool,value", *rows)))
        space = self.private.namespace
        clusters = (
            ("private", {"SUPPLY": "static", "CONTRACT": "owned", "LEAST": "1", "MOST": "1"}),
            (
                "public",
                {"SUPPLY": "autoscaler", "CONTRACT": "on-demand", "LEAST": "0", "MOST": "4"},
            ),
        )
        text = f"# version {generation}\n"
        for name, words in clusters:
            part = FLEET.replace("NAME", name).replace("KUBECONFIG", "way.kubeconfig")
            for word, value in words.items():
                part = part.replace(word, value)
            text += part
        (self.folder / "fleet.yaml").write_text((text + WORK).replace("SPACE", space))


@pytest.fixture(params=["double", "real"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    way = tmp_path / "way.kubeconfig"
    async with AsyncExitStack() as stack:
        servers: list[KubernetesDouble | ControlPlane]
        if request.param == "real":
            planes = request.getfixturevalue("planes")
            servers = [planes.private, planes.public]
            write_joint_kubeconfig(way, servers)
        else:
            servers = [stack.enter_context(KubernetesDouble()) for _ in range(2)]
            for double in servers:
                await stack.enter_async_context(Controllers(double))
                await stack.enter_async_context(Scheduler(double))
            way.write_text(both(*(double.server for double in servers)))
        space = f"two-replicas-{request.param}"
        real = request.param == "real"
        apis = [
            await stack.enter_async_context(a_corner(server, space, real=real))
            for server in servers
        ]
        for api in apis:
            stack.push_async_callback(gone, api)
            await stack.enter_async_context(Kubelet(api.client, selector=f"{WORLD}={space}"))
        yield Pair(private=apis[0], public=apis[1], folder=tmp_path)


def both(private: str, public: str) -> str:
    """One kubeconfig with two contexts."""
    one, other = (
        yaml.safe_load(kubeconfig(server, name).replace('"c"', f'"{name}"'))
        for server, name in ((private, "private"), (public, "public"))
    )
    return json.dumps(
        {**one, **{kind: [*one[kind], *other[kind]] for kind in ("clusters", "contexts")}}
    )


async def add_node(api: Api, name: str) -> None:
    await api.create(
        "/api/v1/nodes",
        {
            "metadata": {
                "name": f"{api.namespace}-{name}",
                "labels": {WORLD: api.namespace},
                "annotations": {"fake/capacity": json.dumps(GPUS)},
            }
        },
    )


async def gone(api: Api) -> None:
    """The nodes of this test, which no namespace takes with it."""
    for node in (await api.get("/api/v1/nodes", labelSelector=f"{WORLD}={api.namespace}"))["items"]:
        meta = node["metadata"]
        await api.client.delete(f"/api/v1/nodes/{meta['name']}", uid=meta["uid"])


async def running_pods(api: Api, workload: str) -> list[Object]:
    """Ready ones of the workload."""
    found = await api.get(api.path("v1", "pods"), labelSelector=f"tidegate.io/workload={workload}")
    return [pod for pod in found["items"] if pod.get("status", {}).get("phase") == "Running"]


async def holder(api: Api) -> str:
    path = api.path("coordination.k8s.io/v1", "leases", "tidegate")
    lease = await api.get(path)
    return str(lease["spec"].get("holderIdentity") or "")


@contextmanager
def replica(pair: Pair):
    options = ("--home", "private", "--namespace", pair.private.namespace)
    with running(pair.folder, *options, patience_s=120.0) as started:
        yield started


async def test_the_other_replica_acts_when_the_leader_is_killed(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(pair.folder / "way.kubeconfig"))
    pair.write(rps=120.0, generation=1)
    await add_node(pair.private, "home")
    with replica(pair) as first:
        await until(lambda: led_by_somebody(pair))
        leader = await holder(pair.private)
        with replica(pair) as second:
            served = await until(lambda: enough(pair.private, "search", 2))
            trained = await until(lambda: enough(pair.private, "nightly", 1))
            await until(lambda: ready(second))
            assert await holder(pair.private) == leader
            kill(first)
            pair.write(rps=420.0, generation=2)
            await until(lambda: waiting(pair.public))
            await add_node(pair.public, "rented")
            away = await until(lambda: enough(pair.public, "search", 1))
            assert await holder(pair.private) not in ("", leader)
            here = await running_pods(pair.private, "search")
            again = await running_pods(pair.private, "nightly")
            assert second.ended(signal.SIGTERM) == 0
    assert await holder(pair.private) == ""
    # Nothing was launched twice: what ran goes on, and there is one object for each place.
    assert {uid(pod) for pod in trained} == {uid(pod) for pod in again}
    assert {uid(pod) for pod in served} <= {uid(pod) for pod in here}
    for api, pods in ((pair.private, here), (pair.public, away)):
        deployments = (await api.get(api.path("apps/v1", "deployments")))["items"]
        assert len(deployments) == 1
        assert deployments[0]["spec"]["replicas"] >= len(pods)
    jobs = (await pair.private.get(pair.private.path("batch/v1", "jobs")))["items"]
    assert len(jobs) == 1


def kill(leader: Running) -> None:
    """As the machine's end would: nothing is released."""
    leader.process.kill()
    leader.process.wait()


async def led_by_somebody(pair: Pair) -> bool:
    try:
        return bool(await holder(pair.private)) and await holder(pair.private) != "nobody"
    except Exception:  # noqa: BLE001 - not there yet
        return False


async def ready(replica: Running) -> bool:
    """The standby is, too: it watches and plans."""
    return replica.ask("/readyz").status_code == 200


async def enough(api: Api, workload: str, pods: int) -> list[Object]:
    found = await running_pods(api, workload)
    return found if len(found) >= pods else []


async def waiting(api: Api) -> bool:
    """Pods of ours that another autoscaler would buy a node for."""
    found = await api.get(api.path("v1", "pods"), labelSelector="tidegate.io/workload=search")
    return bool(found["items"])


def uid(pod: Object) -> str:
    return str(pod["metadata"]["uid"])
