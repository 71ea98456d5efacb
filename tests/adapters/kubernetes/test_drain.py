"""Emptying nodes, taking them back and finding them empty, on the double and on a real server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.base import DrainOrder, Refused, ReleaseOrder, Scale
from adapters.kubernetes.drain import emptied
from adapters.kubernetes.marks import DRAINING, MANAGED_BY, OURS
from adapters.testing import put, send
from scheduler.domain.bindings import Supply
from scheduler.domain.names import ActionKey, NodeName
from scheduler.domain.snapshot import NodePhase
from tests.adapters.kubernetes.site_worlds import (
    POOL,
    SiteWorld,
    a_budget,
    a_node,
    a_pod,
    a_site_setting,
    a_site_world,
    with_binding,
)
from tests.adapters.kubernetes.test_site_promises import a_stage
from tests.doubles.api_worlds import Api, until

KEY = ActionKey("key")


@pytest.fixture
async def world(api: Api) -> AsyncIterator[SiteWorld]:
    async with a_site_world(api) as made:
        yield made


def first(world: SiteWorld) -> NodeName:
    return next(iter(world.cloud.machines))


def drain_of(*names: NodeName) -> DrainOrder:
    return DrainOrder(key=KEY, pool=POOL.name, nodes=names)


async def guest(world: SiteWorld, namespace: str | None = None, **metadata: Any) -> str:
    """A bare pod on the first node; its path."""
    path = f"/api/v1/namespaces/{namespace or world.api.namespace}/pods"
    await world.api.create(path, a_pod(first(world), **metadata))
    return f"{path}/guest"


async def closed(world: SiteWorld) -> set[str]:
    view = await world.view()
    return {
        node.metadata.name
        for node in view.nodes.values()
        if any(taint.key == DRAINING for taint in node.spec.taints)
    }


async def is_gone(world: SiteWorld, path: str) -> bool:
    return all(pod["metadata"]["name"] != "guest" for pod in await listed(world, path))


async def listed(world: SiteWorld, path: str) -> list[dict[str, Any]]:
    return list((await world.api.get(path.removesuffix("/guest")))["items"])


async def test_what_an_owner_wants_left_alone_keeps_its_node(world: SiteWorld) -> None:
    for key, value in (
        ("karpenter.sh/do-not-disrupt", "true"),
        ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
    ):
        path = await guest(world, annotations={key: value})
        with pytest.raises(Refused, match=f"pod {world.api.namespace}/guest has {key}={value}"):
            await world.site.drain(drain_of(first(world)))
        assert await closed(world) == set()
        (pod,) = await listed(world, path)
        await world.api.client.delete(path, uid=pod["metadata"]["uid"], grace_s=0)


async def test_other_nodes_of_the_order_are_drained_all_the_same(world: SiteWorld) -> None:
    await guest(world, annotations={"karpenter.sh/do-not-disrupt": "true"})
    one, two = world.cloud.machines
    with pytest.raises(Refused, match=f"node {one} is not drained"):
        await world.site.drain(drain_of(one, two))
    assert await closed(world) == {two}


async def test_a_doomed_node_is_emptied_whatever_its_pods_say(world: SiteWorld) -> None:
    path = await guest(world, annotations={"karpenter.sh/do-not-disrupt": "true"})
    notice = {"key": "aws-node-termination-handler/spot-itn", "effect": "NoSchedule"}
    await world.api.patch(world.path(first(world)), {"spec": {"taints": [notice]}})
    await world.site.drain(drain_of(first(world)))
    await until(lambda: is_gone(world, path))


async def test_a_node_that_people_keep_is_not_drained(world: SiteWorld) -> None:
    for key in (
        "cluster-autoscaler.kubernetes.io/scale-down-disabled",
        "karpenter.sh/do-not-disrupt",
    ):
        notes = {"metadata": {"annotations": {key: "true"}}}
        await world.api.patch(world.path(first(world)), notes)
        with pytest.raises(Refused, match=f"{key}=true"):
            await world.site.drain(drain_of(first(world)))
        await world.api.patch(world.path(first(world)), {"metadata": {"annotations": {key: None}}})
    assert await closed(world) == set()


async def test_pods_outside_the_allowed_namespaces_keep_their_node(world: SiteWorld) -> None:
    path = await guest(world, namespace="default")
    with pytest.raises(Refused, match=r"pod default/guest is outside .* add default to them"):
        await world.site.drain(drain_of(first(world)))
    (pod,) = await listed(world, path)
    await world.api.client.delete(path, uid=pod["metadata"]["uid"], grace_s=0)
    assert await closed(world) == set()


async def test_daemons_stay_and_do_not_count(world: SiteWorld) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "1-2-3"}
    await guest(world, ownerReferences=[{**owner, "controller": True}])
    await world.site.drain(drain_of(first(world)))
    await world.site.tend()
    order = ReleaseOrder(key=KEY, pool=POOL.name, nodes=(first(world),))
    found = await emptied(world.api.client, world.setting, order)
    assert found == {first(world): f"test:///a/{first(world)}"}


async def test_a_node_that_another_autoscaler_takes_away_is_left_to_it(world: SiteWorld) -> None:
    mark = {"key": "ToBeDeletedByClusterAutoscaler", "value": "1", "effect": "NoSchedule"}
    await world.api.patch(world.path(first(world)), {"spec": {"taints": [mark]}})
    await world.site.drain(drain_of(first(world)))
    assert await closed(world) == set()


async def test_pools_that_another_autoscaler_runs_are_refused_unless_they_are_shared(
    api: Api,
) -> None:
    own = a_site_setting(api.namespace)
    told = a_site_setting(api.namespace, supply=Supply.AUTOSCALER)
    for setting, may in ((own, False), (with_binding(own, shared=True), True), (told, True)):
        async with a_site_world(api, setting) as world:
            labels = {"metadata": {"labels": {"karpenter.sh/nodepool": "gpu"}}}
            await api.patch(world.path(first(world)), labels)
            if may:
                await world.site.drain(drain_of(first(world)))
            else:
                with pytest.raises(Refused, match="Karpenter runs pool gpu"):
                    await world.site.drain(drain_of(first(world)))
            assert await closed(world) == ({first(world)} if may else set())


async def test_a_budget_holds_and_the_eviction_is_tried_again(world: SiteWorld) -> None:
    path = await guest(world, labels={"app": "guest"})
    await world.settle()
    budgets = world.api.path("policy/v1", "poddisruptionbudgets")
    await world.api.create(budgets, a_budget(1, app="guest"))
    await until(lambda: budget_is(world, f"{budgets}/budget", healthy=1))
    await world.site.drain(drain_of(first(world)))
    await world.site.tend()
    assert not await is_gone(world, path)
    assert not [pod for pod in await listed(world, path) if "deletionTimestamp" in pod["metadata"]]
    await world.api.patch(f"{budgets}/budget", {"spec": {"minAvailable": 0}})
    await until(lambda: budget_is(world, f"{budgets}/budget", allowed=1))
    await world.site.tend()
    await until(lambda: is_gone(world, path))


async def budget_is(
    world: SiteWorld, path: str, *, healthy: int | None = None, allowed: int | None = None
) -> bool:
    status = (await world.api.get(path)).get("status", {})
    return (healthy is None or status.get("currentHealthy") == healthy) and (
        allowed is None or status.get("disruptionsAllowed") == allowed
    )


async def test_two_budgets_on_one_pod_block_it_and_nothing_else(world: SiteWorld) -> None:
    path = await guest(world, labels={"app": "guest"})
    budgets = world.api.path("policy/v1", "poddisruptionbudgets")
    for name in ("one", "two"):
        body = a_budget(0, app="guest")
        await world.api.create(budgets, {**body, "metadata": {"name": name}})
    await world.site.drain(drain_of(first(world)))
    assert await closed(world) == {first(world)}
    assert not await is_gone(world, path)


async def test_a_full_node_is_taken_back_before_an_empty_one(world: SiteWorld) -> None:
    one, two = sorted(world.cloud.machines)
    held = {"fake/stop": "hold"}
    await world.api.create(world.api.path("v1", "pods"), a_pod(two, annotations=held))
    await world.site.drain(drain_of(one, two))
    await world.site.scale(Scale(key=KEY, pool=POOL.name, nodes=1))
    assert await closed(world) == {one}
    assert len(world.cloud.machines) == 2


async def test_an_unwell_node_is_not_taken_back(world: SiteWorld) -> None:
    one, two = sorted(world.cloud.machines)
    await world.site.drain(drain_of(one, two))
    notes = {"metadata": {"annotations": {"fake/not-ready": "true"}}}
    await world.api.patch(world.path(one), notes)

    async def is_unwell() -> bool:
        status = (await world.api.get(world.path(one)))["status"]
        return any(c["type"] == "Ready" and c["status"] == "False" for c in status["conditions"])

    await until(is_unwell)
    await world.site.scale(Scale(key=KEY, pool=POOL.name, nodes=2))
    assert await closed(world) == {one}
    assert len(world.cloud.machines) == 3


async def test_nodes_of_other_pools_are_not_touched(world: SiteWorld) -> None:
    stranger = NodeName(f"{world.api.namespace}-stranger")
    made = await world.api.create("/api/v1/nodes", a_node("nobody", stranger))
    await world.site.drain(drain_of(stranger))
    assert await closed(world) == set()
    order = ReleaseOrder(key=KEY, pool=POOL.name, nodes=(stranger,))
    assert await emptied(world.api.client, world.setting, order) == {}
    await world.api.client.delete(world.path(stranger), uid=made["metadata"]["uid"])


async def test_pods_of_a_node_that_is_gone_are_cleared_away_if_they_are_ours(
    world: SiteWorld,
) -> None:
    pods = world.api.path("v1", "pods")
    held = {"fake/stop": "hold"}
    for name, labels in (("ours", {MANAGED_BY: OURS}), ("theirs", {})):
        body = a_pod(first(world), name, labels=labels, annotations=held)
        await world.api.create(pods, body)
    await world.settle()
    await world.cloud.lose(first(world))
    await world.site.tend()
    names = {pod["metadata"]["name"] for pod in await listed(world, pods)}
    assert names == {"theirs"}


async def test_a_replica_moves_to_another_node_and_the_empty_one_is_given_back(
    world: SiteWorld,
) -> None:
    stage = a_stage(world)
    await send(stage, put(stage, 2))
    await world.settle()
    await world.site.drain(drain_of(first(world)))
    await world.settle()
    name = first(world)
    await world.site.release(ReleaseOrder(key=KEY, pool=POOL.name, nodes=(name,)))
    await world.settle()
    (node,) = (await world.site.observe()).nodes
    assert (node.phase, node.pods) == (NodePhase.READY, 2)
    assert name not in world.cloud.machines
