"""Sight: a view is whole, new, and does not change in the hand; or it says why there is none."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from adapters.kubernetes.client import Client, Connection
from adapters.kubernetes.faults import AccessError, Barred, NotThere, Silent
from adapters.kubernetes.kinds import kinds_of
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.sight import Listed, Watched
from adapters.kubernetes.view import View
from scheduler.domain.bindings import Bindings, KubernetesAccess, Suspendable, WorkloadBinding
from scheduler.domain.names import ClusterName, WorkloadName
from tests.doubles.scripted import Scripted, Shelf, Turn, fails, silence

NODES, PODS = "/api/v1/nodes", "/api/v1/pods"
DRA = "/apis/resource.k8s.io/v1"
JOBS = "/apis/kubeflow.org/v1/namespaces/ml/pytorchjobs"
OTHER_JOBS = "/apis/ray.io/v1/namespaces/ml/rayjobs"
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def a_suspendable(workload: str, api_version: str, resource: str) -> WorkloadBinding:
    runs = Suspendable(
        namespace="ml",
        api_version=api_version,
        resource=resource,
        name="train",
        suspend=("spec", "suspend"),
        node_selectors=(),
        pods={},
    )
    return WorkloadBinding(workload=WorkloadName(workload), runs=runs)


def a_setting(*namespaces: str, custom: bool = False) -> Setting:
    bound = (
        a_suspendable("train", "kubeflow.org/v1", "pytorchjobs"),
        a_suspendable("tune", "ray.io/v1", "rayjobs"),
    )
    workloads = {each.workload: each for each in bound} if custom else {}
    return Setting(
        access=KubernetesAccess(cluster=ClusterName("dc"), namespaces=namespaces),
        provider="",
        pools={},
        services={},
        jobs={},
        bindings=Bindings(workloads=workloads),
    )


class Site:
    """A server with a shelf for each kind. `turns` take the place of some."""

    def __init__(self, setting: Setting, **turns: Turn) -> None:
        self.shelves: dict[str, Shelf] = {kind.path: Shelf() for kind in kinds_of(setting)}
        groups = {kind.served_by for kind in kinds_of(setting) if kind.served_by}
        self.turns: dict[str, Turn] = {
            **{path: shelf.turn for path, shelf in self.shelves.items()},
            **dict.fromkeys(groups, Shelf().turn),
            **turns,
        }


@dataclass
class Seen:
    """A sight on a site."""

    site: Site
    sight: Watched
    rings: list[str] = field(default_factory=list)
    now_s: float = 0.0
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_rung(self, why: str) -> View:
        async with asyncio.timeout(20):
            while why not in self.rings:
                await self.rung.wait()
                self.rung.clear()
        return await self.sight.view()


@asynccontextmanager
async def a_sight(
    setting: Setting, turns: Mapping[str, Turn] | None = None, first_look_s: float = 20.0
) -> AsyncIterator[Seen]:
    site = Site(setting, **(turns or {}))

    def ring(why: str) -> None:
        seen.rings.append(why)
        seen.rung.set()

    async with Scripted(always=site.turns) as server:
        client = Client(server.connection(), deadline_s=5)
        sight = Watched(
            client,
            setting,
            monotonic=lambda: seen.now_s,
            ring=ring,
            chance=lambda: 0.0,
            first_look_s=first_look_s,
        )
        seen = Seen(site=site, sight=sight)
        try:
            yield seen
        finally:
            await sight.close()
            await client.close()


def a_node(name: str, **status: object) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": status}


def a_pod(name: str, namespace: str = "ml", **more: object) -> dict[str, Any]:
    labels = {"tidegate.io/workload": "chat"}
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}, **more}


async def test_the_first_view_has_everything_that_was_there() -> None:
    async with a_sight(a_setting("ml", "web")) as seen:
        seen.site.shelves[NODES].put(a_node("n1"))
        seen.site.shelves[PODS].put(a_pod("p1", "others"))
        for namespace in ("ml", "web"):
            path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
            seen.site.shelves[path].put({"metadata": {"name": "d", "namespace": namespace}})
        view = await seen.sight.view()
        assert set(view.nodes) == {("", "n1")}
        assert set(view.pods) == {("others", "p1")}
        assert set(view.deployments) == {("ml", "d"), ("web", "d")}
        assert seen.rings == []


async def test_a_change_rings_and_is_in_the_next_view_and_in_no_older_one() -> None:
    async with a_sight(a_setting()) as seen:
        seen.site.shelves[NODES].put(a_node("n1"))
        before = await seen.sight.view()
        seen.site.shelves[NODES].put(a_node("n1", **READY))
        after = await seen.until_rung("conditions of node n1 changed")
        assert before.nodes[("", "n1")].status.conditions == ()
        assert after.nodes[("", "n1")].status.conditions
        assert after.pods is before.pods, "what did not change is not copied"


async def test_a_change_in_one_namespace_leaves_the_other_as_it_was() -> None:
    async with a_sight(a_setting("ml", "web")) as seen:
        shelf = seen.site.shelves["/apis/batch/v1/namespaces/ml/jobs"]
        shelf.put({"metadata": {"name": "j", "namespace": "ml", "generation": 1}})
        first = await seen.sight.view()
        assert (await seen.sight.view()).jobs is first.jobs
        shelf.put({"metadata": {"name": "j", "namespace": "ml", "generation": 2}})
        second = await seen.until_rung("job ml/j was changed")
        assert [view.jobs[("ml", "j")].metadata.generation for view in (first, second)] == [1, 2]


async def test_a_heartbeat_does_not_ring() -> None:
    beat = {"conditions": [{"type": "Ready", "status": "True", "message": "again"}]}
    async with a_sight(a_setting()) as seen:
        seen.site.shelves[NODES].put(a_node("n1", **READY))
        await seen.sight.view()
        seen.site.shelves[NODES].put(a_node("n1", **beat))
        seen.site.shelves[NODES].put(a_node("n2"))
        await seen.until_rung("node n2 is new")
        assert seen.rings == ["node n2 is new"]


async def test_a_cluster_without_device_claims_has_none() -> None:
    async with a_sight(a_setting(), {DRA: fails(404)}) as seen:
        view = await seen.sight.view()
        assert (view.slices, view.claims) == ({}, {})


@pytest.mark.parametrize("watched", [True, False])
async def test_custom_resources_are_found_by_the_workload_that_they_run(watched: bool) -> None:
    setting = a_setting("ml", custom=True)
    async with a_sight(setting) as seen, a_list(setting, seen.site) as listed:
        for path, suspended in ((JOBS, True), (OTHER_JOBS, False)):
            meta = {"name": "train", "namespace": "ml"}
            seen.site.shelves[path].put({"metadata": meta, "spec": {"suspend": suspended}})
        view = await (seen.sight if watched else listed).view()
        assert {name: of["spec"] for name, of in view.custom.items()} == {
            "train": {"suspend": True},
            "tune": {"suspend": False},
        }


@asynccontextmanager
async def a_list(setting: Setting, site: Site) -> AsyncIterator[Listed]:
    async with Scripted(always=site.turns) as server:
        client = Client(server.connection())
        yield Listed(client, setting)
        await client.close()


async def test_who_may_not_list_is_told_what_to_grant() -> None:
    async with a_sight(a_setting(), {PODS: fails(403, "Forbidden")}) as seen:
        with pytest.raises(Barred, match="needed: get, list and watch pods"):
            await seen.sight.view()


async def test_a_list_for_once_needs_no_watch_and_tells_what_to_grant() -> None:
    setting = a_setting("ml")
    site = Site(setting, **{PODS: fails(403, "Forbidden")})
    async with a_list(setting, site) as listed:
        with pytest.raises(Barred, match="needed: get and list pods"):
            await listed.view()


async def test_a_list_for_once_has_everything_and_watches_nothing() -> None:
    setting = a_setting("ml")
    site = Site(setting, **{DRA: fails(404)})
    site.shelves[NODES].put(a_node("n1"))
    async with Scripted(always=site.turns) as server:
        client = Client(server.connection())
        sight = Listed(client, setting)
        view = await sight.view()
        site.shelves[NODES].put(a_node("n2"))
        assert set(view.nodes) == {("", "n1")}
        assert set((await sight.view()).nodes) == {("", "n1"), ("", "n2")}
        await sight.close()
        await client.close()
    assert {asked.method for asked in server.asked} == {"GET"}
    assert not any("watch" in asked.query for asked in server.asked)


async def test_no_credentials_are_told_as_they_are() -> None:
    async def none() -> Mapping[str, str]:
        raise AccessError("cluster dc: log in first")

    client = Client(Connection(server="http://127.0.0.1:1", headers=none))
    sight = Watched(client, a_setting(), monotonic=lambda: 0.0, ring=lambda _: None)
    with pytest.raises(AccessError, match="log in first"):
        await sight.view()
    await sight.close()
    await client.close()


async def test_a_first_look_that_takes_too_long_is_silence() -> None:
    async with a_sight(a_setting(), {NODES: silence}, first_look_s=0.3) as seen:
        with pytest.raises(Silent, match=r"first look at nodes takes longer than 0\.3 s"):
            await seen.sight.view()


async def test_a_first_look_that_was_given_up_goes_on_for_the_next_who_asks() -> None:
    release = asyncio.Event()

    async def late(asked: Any, answer: Any) -> None:
        await release.wait()
        await Shelf().turn(asked, answer)

    async with a_sight(a_setting(), {NODES: late}) as seen:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await seen.sight.view()
        release.set()
        assert (await seen.sight.view()).nodes == {}


async def test_a_part_of_which_nothing_is_heard_for_a_minute_is_not_shown() -> None:
    async with a_sight(a_setting()) as seen:
        await seen.sight.view()
        seen.now_s = 59.0
        await seen.sight.view()
        seen.now_s = 61.0
        with pytest.raises(Silent, match=r"nothing was heard of .* for 61 s"):
            await seen.sight.view()


async def test_a_closed_sight_shows_nothing_and_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    async with a_sight(a_setting()) as seen:
        await seen.sight.view()
        await seen.sight.close()
        await seen.sight.close()
        with pytest.raises(Silent, match="closed"):
            await seen.sight.view()
    assert {
        task for task in asyncio.all_tasks() - before if "run" in repr(task.get_coro())
    } == set()


# On a real server.


async def put(client: Client, path: str, name: str, **more: Any) -> None:
    await client.create(path, {"metadata": {"name": name}, **more})


async def gone(client: Client, path: str) -> None:
    try:
        found = msgspec.json.decode(await client.get(path))
        await client.delete(path, uid=found["metadata"]["uid"], grace_s=0)
    except NotThere:
        return


async def until(holds: Callable[[View], bool], sight: Watched) -> View:
    async with asyncio.timeout(60):
        while True:
            try:
                if holds(view := await sight.view()):
                    return view
            except Silent:
                pass
            await asyncio.sleep(0.02)


async def test_a_real_server_is_followed_through_a_restart(plane: Any) -> None:
    rings: list[str] = []
    client = Client(plane.connection())
    loop = asyncio.get_running_loop()
    sight = Watched(client, a_setting("default"), monotonic=loop.time, ring=rings.append)
    try:
        await sight.view()
        await put(client, NODES, "sight-1")
        await until(lambda view: ("", "sight-1") in view.nodes, sight)
        plane.stop("kube-apiserver")
        plane.start("kube-apiserver")
        await asyncio.to_thread(plane.ready)
        await put(client, NODES, "sight-2")
        await gone(client, f"{NODES}/sight-1")
        view = await until(lambda view: ("", "sight-2") in view.nodes, sight)
        await until(lambda view: ("", "sight-1") not in view.nodes, sight)
        assert view.nodes[("", "sight-2")].metadata.uid
        assert {"node sight-1 is new", "node sight-2 is new", "node sight-1 is gone"} <= set(rings)
    finally:
        await sight.close()
        await gone(client, f"{NODES}/sight-2")
        await gone(client, f"{NODES}/sight-1")
        await client.close()


async def test_a_real_server_tells_who_has_no_rights_what_to_grant(plane: Any) -> None:
    client = Client(plane.connection(plane.token_for("default", "default")))
    with pytest.raises(Barred, match=r"cannot list resource.*; needed: get and list") as told:
        await Listed(client, a_setting("default")).view()
    assert "system:serviceaccount:default:default" in str(told.value)
    await client.close()


async def test_a_real_server_lists_by_pages_and_for_once(plane: Any) -> None:
    client = Client(plane.connection())
    view = await Listed(client, a_setting("kube-system")).view()
    assert view.nodes.keys() == (await Listed(client, a_setting()).view()).nodes.keys()
    await client.close()
