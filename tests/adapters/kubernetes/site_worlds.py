"""Worlds for whole sites: a cloud that plays with Node objects, kubelets, and a wait for quiet."""

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from adapters.base import AdapterError, NoCapacity, ReleaseOrder, Scale
from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import NotThere
from adapters.kubernetes.marks import WORKLOAD
from adapters.kubernetes.nodes import nodes_of
from adapters.kubernetes.pods import waits_for_room
from adapters.kubernetes.room import free_on, seats
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Deployment, Job, Pod
from adapters.kubernetes.sight import Listed, Watched
from adapters.kubernetes.site import KubernetesSite
from adapters.kubernetes.view import Sight, View
from adapters.supply import Machine, Supply
from scheduler.domain.bindings import (
    Bindings,
    KubernetesAccess,
    Owned,
    OwnedJob,
    PoolBinding,
    WorkloadBinding,
)
from scheduler.domain.names import Instant, NodeName
from scheduler.domain.places import NodePool
from scheduler.domain.snapshot import NodePhase
from tests.adapters.adapter_worlds import DC, a_job, a_pool, a_service
from tests.doubles.api_worlds import Api, until
from tests.doubles.players.kubelet import Kubelet

IMAGE = "registry.example/serve@sha256:" + "0" * 64
WORLD = "tests.tidegate.io/site"
"""Label of nodes that belong to one test alone."""
POOL = a_pool("gpu", nodes=0, limit=4)
SERVICE = a_service("search", gpus=4.0)
TURNS = 30
GANG = a_job("ranker", workers=2, gpus=8.0)


class Clock:
    """The servers' own time, which a test may set forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> Instant:
        return Instant(time.time() + self.ahead_s)


class Cloud:
    """A supply whose machines become Node objects at once; kubelets have to make them ready."""

    def __init__(self, client: Client, world: str, clock: Clock, *, nodeless: bool = False) -> None:
        self._client, self._world, self._clock, self._nodeless = client, world, clock, nodeless
        self._numbers = count()
        self.machines: dict[NodeName, Machine] = {}

    async def observe(self) -> Sequence[Machine]:
        return tuple(self.machines.values())

    async def scale(self, order: Scale, there: int) -> None:
        if order.nodes > POOL.max_nodes:
            raise NoCapacity(f"pool {order.pool} is at its limit")
        for _ in range(order.nodes - there):
            await self.add()

    async def release(self, order: ReleaseOrder, provider_ids: Mapping[NodeName, str]) -> None:
        for name in order.nodes:
            assert self.machines[name].provider_id == provider_ids[name]
            await self.lose(name)

    async def add(self, **annotations: str) -> NodeName:
        """A machine, and its node unless this cloud makes none."""
        name = NodeName(f"{self._world}-{next(self._numbers)}")
        machine = Machine(pool=POOL.name, provider_id=f"test:///a/{name}", since=self._clock())
        self.machines[name] = machine
        if not self._nodeless:
            await self._client.create("/api/v1/nodes", a_node(self._world, name, **annotations))
        return name

    async def lose(self, name: NodeName) -> None:
        """The machine and its node are gone."""
        self.machines.pop(name, None)
        path = f"/api/v1/nodes/{name}"
        try:
            uid = json.loads(await self._client.get(path))["metadata"]["uid"]
            await self._client.delete(path, uid=uid)
        except NotThere:
            pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteWorld:
    """A site with two ready nodes on one server, and what plays in it."""

    api: Api
    site: KubernetesSite
    setting: Setting
    cloud: Cloud
    clock: Clock
    look: Listed = field(repr=False)
    watch: Watched = field(repr=False)

    async def settle(self) -> None:
        """Tends as a daemon does, until nothing moves any more."""
        seen: Mapping[str, str] | None = None
        for _ in range(TURNS):
            try:
                await self.site.tend()
            except AdapterError:
                seen = None
            await until(self.quiet)
            now = versions(await self.view())
            if now == seen:
                return
            seen = now
        raise AssertionError(f"something still moves after {TURNS} turns")

    async def quiet(self) -> View | None:
        """The view, if all that the cluster does by itself is done."""
        # The watch is cheap to ask and may be behind; the lists have the last word.
        if not is_quiet(await self.watch.view(), self.setting, self.clock()):
            return None
        view = await self.look.view()
        return view if is_quiet(view, self.setting, self.clock()) else None

    async def view(self) -> View:
        return await self.look.view()

    def path(self, name: str) -> str:
        return f"/api/v1/nodes/{name}"


def a_site_setting(namespace: str, **access: Any) -> Setting:
    """One pool, one service and one gang that we own, in one namespace."""
    template = {"spec": {"containers": [{"name": "main", "image": IMAGE}]}}
    at_once = {"spec": {**template["spec"], "terminationGracePeriodSeconds": 1}}
    return Setting(
        access=KubernetesAccess(cluster=DC, namespaces=(namespace,), home=namespace, **access),
        provider="",
        pools={POOL.name: POOL},
        services={SERVICE.name: SERVICE},
        jobs={GANG.name: GANG},
        bindings=Bindings(
            pools={POOL.name: PoolBinding(pool=POOL.name, group="", labels={WORLD: namespace})},
            workloads={
                SERVICE.name: WorkloadBinding(
                    workload=SERVICE.name, runs=Owned(namespace=namespace, template=at_once)
                ),
                GANG.name: WorkloadBinding(
                    workload=GANG.name, runs=OwnedJob(namespace=namespace, template=at_once)
                ),
            },
        ),
    )


def with_pool(setting: Setting, **changes: Any) -> Setting:
    """The same with another pool of that name."""
    pool: NodePool = replace(setting.pools[POOL.name], **changes)
    return replace(setting, pools={pool.name: pool})


def with_binding(setting: Setting, **changes: Any) -> Setting:
    """The same with another binding of the pool."""
    binding = replace(setting.bindings.pools[POOL.name], **changes)
    return replace(setting, bindings=replace(setting.bindings, pools={POOL.name: binding}))


def a_node(world: str, name: str, **annotations: str) -> dict[str, Any]:
    capacity = {"cpu": "128", "memory": "1Ti", "pods": "110", "nvidia.com/gpu": "8"}
    told = {f"fake/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {
        "metadata": {
            "name": name,
            "labels": {WORLD: world, "kubernetes.io/hostname": name},
            "annotations": {"fake/capacity": json.dumps(capacity), **told},
        },
        "spec": {"providerID": f"test:///a/{name}"},
    }


def a_pod(node: str, name: str = "guest", **metadata: Any) -> dict[str, Any]:
    """A bare pod, bound to the node already."""
    return {
        "metadata": {"name": name, **metadata},
        "spec": {
            "nodeName": node,
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": IMAGE}],
        },
    }


def a_budget(healthy: int, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "budget"},
        "spec": {"minAvailable": healthy, "selector": {"matchLabels": labels}},
    }


@asynccontextmanager
async def a_site_world(
    api: Api,
    setting: Setting | None = None,
    *,
    nodes: int = 2,
    client: Client | None = None,
    sight: Sight | None = None,
    supply: Supply | None = None,
) -> AsyncIterator[SiteWorld]:
    """A site on this corner of a server; `client` is the site's own, if it is not the test's."""
    setting, clock = setting or a_site_setting(api.namespace), Clock()
    cloud = Cloud(api.client, api.namespace, clock)
    watch = Watched(api.client, setting, monotonic=time.monotonic, ring=lambda _: None)
    site = KubernetesSite(
        setting=setting,
        client=client or api.client,
        sight=sight or Listed(client or api.client, setting),
        supply=supply or cloud,
        now=clock,
    )
    world = SiteWorld(
        api=api,
        site=site,
        setting=setting,
        cloud=cloud,
        clock=clock,
        look=Listed(api.client, setting),
        watch=watch,
    )
    async with Kubelet(api.client, selector=f"{WORLD}={api.namespace}"):
        try:
            for _ in range(nodes):
                await cloud.add()
            await until(world.quiet)
            yield world
        finally:
            await watch.close()
            await clear_jobs(api)
            for name in list(cloud.machines):
                await cloud.lose(name)


async def clear_jobs(api: Api) -> None:
    """Workers whose node goes with the world would be taken for those of the next one."""
    jobs = (await api.get(api.path("batch/v1", "jobs")))["items"]
    for job in jobs:
        path = api.path("batch/v1", "jobs", job["metadata"]["name"])
        await api.client.delete(path, uid=job["metadata"]["uid"])
    for pod in (await api.get(api.path("v1", "pods")))["items"] if jobs else ():
        path = api.path("v1", "pods", pod["metadata"]["name"])
        with suppress(NotThere):
            await api.client.delete(path, uid=pod["metadata"]["uid"], grace_s=0)


def versions(view: View) -> Mapping[str, str]:
    """What was written last on everything that moves."""
    parts = (view.nodes, view.pods, view.deployments, view.jobs)
    return {each.metadata.uid: each.metadata.resource_version for p in parts for each in p.values()}


def is_quiet(view: View, setting: Setting, now: Instant) -> bool:
    """Nodes are up, controllers have seen what is wanted, and pods run or find no room."""
    phases = {node.phase for node in nodes_of(view, setting, now)}
    return (
        NodePhase.BOOTING not in phases
        and all(_is_served(view, each) for each in view.deployments.values())
        # A Job makes pods anew only after a while, and here there is no node for them.
        and (
            NodePhase.DRAINING in phases
            or all(_is_gathered(view, each) for each in view.jobs.values())
        )
        and not any(_is_orphan(view, pod) for pod in _mine(view, setting))
        and all(_rests(pod) for pod in _mine(view, setting))
        and not _room_is_left(view, setting, now)
    )


def _mine(view: View, setting: Setting) -> list[Pod]:
    return [p for p in view.pods.values() if p.metadata.namespace in setting.access.namespaces]


def _is_served(view: View, deployment: Deployment) -> bool:
    """Its pods are there, as many as wanted."""
    meta, wanted = deployment.metadata, deployment.spec.replicas
    if deployment.status.observed_generation < meta.generation:
        return False
    match = deployment.spec.selector.match_labels.items()
    here = [
        pod
        for pod in view.pods.values()
        if pod.metadata.namespace == meta.namespace and match <= pod.metadata.labels.items()
    ]
    return len(here) == wanted


def _is_gathered(view: View, job: Job) -> bool:
    here = [
        pod
        for pod in view.pods.values()
        if any(owner.uid == job.metadata.uid for owner in pod.metadata.owner_references)
    ]
    ended = any(each.type in ("Complete", "Failed") for each in job.status.conditions)
    return ended or len(here) == (0 if job.spec.suspend else job.spec.parallelism)


def _is_orphan(view: View, pod: Pod) -> bool:
    """Its Deployment was deleted, and the collector has yet to come for it."""
    if not any(owner.kind == "ReplicaSet" for owner in pod.metadata.owner_references):
        return False
    labels = pod.metadata.labels.items()
    matches = (each.spec.selector.match_labels.items() for each in view.deployments.values())
    return not any(match <= labels for match in matches)


def _rests(pod: Pod) -> bool:
    """It runs, has ended, or was looked at by the scheduler in vain; nor is it held up."""
    if pod.metadata.annotations.get("fake/stop") == "hold":
        return True
    if pod.metadata.deletion_timestamp is not None:
        return False
    ready = any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions)
    return ready or waits_for_room(pod) or pod.status.phase in ("Succeeded", "Failed")


def _room_is_left(view: View, setting: Setting, now: Instant) -> bool:
    """A scheduler comes back to pods that found no room only after a while."""
    waiting = {p.metadata.labels.get(WORKLOAD) for p in _mine(view, setting) if waits_for_room(p)}
    need = [each.per_pod for each in (SERVICE, GANG) if each.name in waiting]
    free = free_on(view, setting, POOL.name, booting=False, now=now) if need else []
    return any(seats(free, each) for each in need)
