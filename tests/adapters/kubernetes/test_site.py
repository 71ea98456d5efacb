"""A whole site: what it reports and how it takes orders, on the double and on a real server."""

import time
from dataclasses import replace

import pytest

from adapters.base import NoCapacity, PlaceOrder, Refused, Scale, Unreachable
from adapters.kubernetes.sight import Watched
from adapters.supply import StaticSupply
from adapters.testing import drain, gather, nodes, placement, put, release, send
from scheduler.domain.bindings import Bindings
from scheduler.domain.names import ActionKey
from scheduler.domain.snapshot import NodePhase
from tests.adapters.kubernetes.site_worlds import (
    GANG,
    POOL,
    SERVICE,
    WORLD,
    Clock,
    Cloud,
    a_site_setting,
    a_site_world,
)
from tests.adapters.kubernetes.test_site_promises import a_stage
from tests.doubles.api_worlds import Api, until

KEY = ActionKey("key")


async def test_a_day_of_a_cluster_seen_through_watches(api: Api) -> None:
    setting = a_site_setting(api.namespace)
    rung: list[str] = []
    sight = Watched(api.client, setting, monotonic=time.monotonic, ring=rung.append)
    async with a_site_world(api, setting, sight=sight) as world:
        stage = a_stage(world)

        async def ready(pods: int) -> bool:
            placed = await placement(stage, SERVICE.name)
            return placed is not None and placed.ready == pods

        async def phases(*wanted: NodePhase) -> bool:
            return [node.phase for node in await nodes(stage)] == list(wanted)

        await until(lambda: phases(NodePhase.READY, NodePhase.READY))
        await send(stage, put(stage, 2))
        await until(lambda: ready(2))
        first = (await nodes(stage))[0]
        await send(stage, drain(stage, [first]))
        await until(lambda: phases(NodePhase.DRAINING, NodePhase.READY))
        await world.settle()
        await until(lambda: ready(2))
        await send(stage, release(stage, [first]))
        await until(lambda: phases(NodePhase.READY))
        assert any(first.name in why for why in rung)
        await sight.close()


async def test_a_machine_is_booting_until_its_node_has_its_gpus(api: Api) -> None:
    async with a_site_world(api, nodes=0) as world:
        name = await world.cloud.add(boot="hold")

        async def phase_is(wanted: NodePhase) -> bool:
            return [node.phase for node in (await world.site.observe()).nodes] == [wanted]

        assert await phase_is(NodePhase.BOOTING)
        notes = {"fake/boot": None, "fake/no-gpus": "true"}
        await api.patch(world.path(name), {"metadata": {"annotations": notes}})

        async def is_up() -> bool:
            status = (await api.get(world.path(name)))["status"]
            return any(c["type"] == "Ready" for c in status.get("conditions", []))

        await until(is_up)
        assert await phase_is(NodePhase.BOOTING)
        await api.patch(world.path(name), {"metadata": {"annotations": {"fake/no-gpus": None}}})
        await until(lambda: phase_is(NodePhase.READY))
        (node,) = (await world.site.observe()).nodes
        assert node.since == world.cloud.machines[name].since


async def test_machines_that_have_no_node_yet_are_not_bought_again(api: Api) -> None:
    cloud = Cloud(api.client, api.namespace, Clock(), nodeless=True)
    async with a_site_world(api, nodes=0, supply=cloud) as world:
        for _ in range(2):
            await world.site.scale(Scale(key=KEY, pool=POOL.name, nodes=2))
        told = [(node.name, node.phase) for node in (await world.site.observe()).nodes]
        ids = [machine.provider_id for machine in cloud.machines.values()]
        assert told == [(each, NodePhase.BOOTING) for each in ids]
        assert len(ids) == 2
        world.clock.ahead_s = 901.0
        assert {n.reason for n in (await world.site.observe()).notes} == {"NodeNeverReady"}


async def test_growth_beyond_the_pools_limit_grows_up_to_it_and_says_so(api: Api) -> None:
    async with a_site_world(api, nodes=1) as world:
        with pytest.raises(NoCapacity, match="pool gpu may have 4 nodes and 9 were ordered"):
            await world.site.scale(Scale(key=KEY, pool=POOL.name, nodes=9))
        assert len(world.cloud.machines) == 4


async def test_where_nobody_adds_nodes_closed_ones_still_come_back(api: Api) -> None:
    async with a_site_world(api, supply=StaticSupply()) as world:
        stage = a_stage(world)
        await send(stage, drain(stage, await nodes(stage)))
        await send(stage, Scale(key=KEY, pool=POOL.name, nodes=2))
        assert [node.phase for node in await nodes(stage)] == [NodePhase.READY] * 2
        with pytest.raises(NoCapacity, match="nobody who adds any"):
            await send(stage, Scale(key=KEY, pool=POOL.name, nodes=3))
        await send(stage, drain(stage, await nodes(stage)))
        with pytest.raises(Refused, match="nobody takes nodes of pool gpu back"):
            await send(stage, release(stage, await nodes(stage)))


async def test_a_workload_without_a_word_on_kubernetes_is_refused(api: Api) -> None:
    setting = a_site_setting(api.namespace)
    mute = replace(setting, bindings=Bindings(pools=setting.bindings.pools))
    async with a_site_world(api, mute, nodes=0) as world:
        order = PlaceOrder(key=KEY, workload=SERVICE.name, pool=POOL.name, pods=1)
        with pytest.raises(Refused, match="search does not say how it runs in cluster dc"):
            await world.site.place(order)


async def test_what_left_the_documents_is_told_and_cleared_away(api: Api) -> None:
    setting = a_site_setting(api.namespace)
    async with a_site_world(api, setting) as world:
        stage = a_stage(world)
        await send(stage, put(stage, 1))
        await world.settle()
    bare = replace(setting, services={}, jobs={}, bindings=Bindings(pools=setting.bindings.pools))
    async with a_site_world(api, bare, nodes=0) as later:
        stage = a_stage(later)
        placed = await placement(stage, SERVICE.name)
        assert placed is not None
        assert placed.wanted == 1
        await send(stage, put(stage, 0, share=0.0))
        await send(stage, replace(gather(stage, 0), workload=GANG.name))

        async def is_gone() -> bool:
            return not (await api.get(api.path("apps/v1", "deployments")))["items"]

        await until(is_gone)


async def test_seats_that_others_hold_are_counted_and_told(api: Api) -> None:
    async with a_site_world(api, nodes=1) as world:
        (name,) = world.cloud.machines
        body = {
            "metadata": {"name": "stranger"},
            "spec": {
                "nodeSelector": {WORLD: api.namespace},
                "tolerations": [{"operator": "Exists"}],
                "containers": [
                    {
                        "name": "main",
                        "image": "registry.example/other",
                        "resources": {"limits": {"nvidia.com/gpu": "3"}},
                    }
                ],
            },
        }
        await api.create(api.path("v1", "pods"), body)
        await world.settle()
        report = await world.site.observe()
        (node,) = report.nodes
        assert (node.name, node.pods, node.gpus_used, node.gpus_others) == (name, 1, 3.0, 3.0)
        assert [note.reason for note in report.notes] == ["SeatsHeldByOthers"]


async def test_a_closed_site_is_unreachable(api: Api) -> None:
    setting = a_site_setting(api.namespace)
    sight = Watched(api.client, setting, monotonic=time.monotonic, ring=lambda _: None)
    async with a_site_world(api, setting, nodes=0, sight=sight) as world:
        assert (await world.site.observe()).nodes == ()
        await sight.close()
        with pytest.raises(Unreachable, match="look at cluster dc"):
            await world.site.observe()
