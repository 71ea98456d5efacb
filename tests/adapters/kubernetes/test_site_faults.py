"""What goes wrong around a site, and what it says and leaves undone then."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from adapters.base import (
    AdapterError,
    DrainOrder,
    PlaceOrder,
    Refused,
    ReleaseOrder,
    Scale,
    Throttled,
    Unreachable,
)
from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import Fenced
from adapters.kubernetes.marks import option_name
from adapters.kubernetes.sight import Watched
from adapters.testing import gather, put, send
from scheduler.domain.names import ActionKey, NodeName
from scheduler.domain.snapshot import NodePhase
from tests.adapters.kubernetes.conftest import Planes
from tests.adapters.kubernetes.site_worlds import (
    POOL,
    SERVICE,
    SiteWorld,
    a_budget,
    a_pod,
    a_site_setting,
    a_site_world,
)
from tests.adapters.kubernetes.test_site_promises import a_stage
from tests.doubles.api_worlds import Api, a_corner, until
from tests.doubles.kubernetes.faults import Delay, Drop, Effect, Hang, Refuse, every, to
from tests.doubles.kubernetes.server import KubernetesDouble
from tests.doubles.kubernetes.statuses import Failure
from tests.doubles.players.controllers import Controllers
from tests.doubles.players.scheduler import Scheduler

KEY = ActionKey("key")
SHORT_S = 0.3


@pytest.fixture
async def world(double: KubernetesDouble) -> AsyncIterator[SiteWorld]:
    """On the double, where anything can be made to go wrong; the site has little patience."""
    impatient = Client(double.connection(), deadline_s=SHORT_S)
    async with (
        a_corner(double, "ml", real=False) as corner,
        Controllers(double),
        Scheduler(double),
        a_site_world(corner, client=impatient) as made,
    ):
        yield made
        double.faults.lift()
    await impatient.close()


def names(world: SiteWorld) -> tuple[NodeName, ...]:
    return tuple(world.cloud.machines)


def all_verbs(world: SiteWorld) -> dict[str, Callable[[], Awaitable[object]]]:
    site, nodes = world.site, names(world)
    scale = Scale(key=KEY, pool=POOL.name, nodes=3)
    place = PlaceOrder(key=KEY, workload=SERVICE.name, pool=POOL.name, pods=1, share=1.0)
    return {
        "observe": site.observe,
        "scale": lambda: site.scale(scale),
        "place": lambda: site.place(place),
        "drain": lambda: site.drain(DrainOrder(key=KEY, pool=POOL.name, nodes=nodes)),
        "release": lambda: site.release(ReleaseOrder(key=KEY, pool=POOL.name, nodes=nodes)),
        "tend": site.tend,
    }


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        (Hang(), Unreachable),
        (Delay(5.0), Unreachable),
        (Drop(), Unreachable),
        (Refuse(Failure(500, "InternalError", "etcd is gone")), Unreachable),
        (Refuse(Failure(503, "ServiceUnavailable", "starting")), Unreachable),
        (Refuse(Failure(429, "TooManyRequests", "later", retry_after_s=1)), Throttled),
        (Refuse(Failure(403, "Forbidden", "not you")), Refused),
    ],
)
async def test_whatever_the_server_does_each_verb_fails_in_the_few_ways(
    world: SiteWorld, double: KubernetesDouble, effect: Effect, kind: type[AdapterError]
) -> None:
    for verb, call in all_verbs(world).items():
        fault = double.faults.on(every, effect)
        with pytest.raises(kind) as told:
            await call()
        double.faults.lift(fault)
        assert type(told.value) is kind, verb
    assert len(names(world)) == 2


async def test_a_server_that_is_gone_for_a_while_is_seen_again(
    world: SiteWorld, double: KubernetesDouble
) -> None:
    before = await world.site.observe()
    double.stop()
    with pytest.raises(Unreachable):
        await world.site.observe()
    double.start()
    after = await world.site.observe()
    assert after.nodes == before.nodes


async def test_a_token_that_is_no_longer_good_is_refused_without_being_told(
    world: SiteWorld, double: KubernetesDouble
) -> None:
    client = Client(double.connection("s3cret-of-yesterday"))
    async with a_site_world(world.api, nodes=0, client=client) as other:
        double.tokens = {"of-today"}
        with pytest.raises(Refused) as told:
            await other.site.observe()
        double.tokens = None
    assert "s3cret" not in str(told.value)
    await client.close()


async def test_who_does_not_lead_observes_and_orders_nothing(
    world: SiteWorld, double: KubernetesDouble
) -> None:
    def fence() -> None:
        raise Fenced("another daemon leads")

    follower = Client(double.connection(), fence=fence)
    async with a_site_world(world.api, nodes=0, client=follower) as other:
        before = await world.view()
        assert len((await other.site.observe()).nodes) == 2
        drain = DrainOrder(key=KEY, pool=POOL.name, nodes=names(world))
        place = PlaceOrder(key=KEY, workload=SERVICE.name, pool=POOL.name, pods=1, share=1.0)
        for order in (other.site.drain(drain), other.site.place(place)):
            with pytest.raises(Refused, match="another daemon leads"):
                await order
        assert (await world.view()).deployments == before.deployments
    await follower.close()


async def test_a_node_that_vanishes_mid_drain_stops_no_other(
    world: SiteWorld, double: KubernetesDouble
) -> None:
    one, two = names(world)
    gone = Failure(404, "NotFound", f'nodes "{one}" not found')
    double.faults.on(to(f"/nodes/{one}", "PATCH"), Refuse(gone))
    await world.site.drain(DrainOrder(key=KEY, pool=POOL.name, nodes=(one, two)))
    phases = {node.name: node.phase for node in (await world.site.observe()).nodes}
    assert phases == {one: NodePhase.READY, two: NodePhase.DRAINING}


async def test_an_eviction_that_fails_keeps_no_other_pod_on_its_node(
    world: SiteWorld, double: KubernetesDouble
) -> None:
    pods, one = world.api.path("v1", "pods"), names(world)[0]
    for name in ("a", "b", "c"):
        await world.api.create(pods, a_pod(one, name))
    await world.settle()
    broken = Failure(500, "InternalError", "a webhook is down")
    double.faults.on(to("/pods/a/eviction"), Refuse(broken))
    with pytest.raises(Unreachable, match="a webhook is down"):
        await world.site.drain(DrainOrder(key=KEY, pool=POOL.name, nodes=(one,)))

    async def left() -> bool:
        there = (await world.api.get(pods))["items"]
        return [pod["metadata"]["name"] for pod in there] == ["a"]

    await until(left)


async def test_what_fails_in_one_turn_of_tend_keeps_no_other_turn(
    world: SiteWorld, double: KubernetesDouble
) -> None:
    stage, one = a_stage(world), names(world)[0]
    await world.api.create(world.api.path("v1", "pods"), a_pod(one, annotations={}))
    await world.site.drain(DrainOrder(key=KEY, pool=POOL.name, nodes=()))
    await send(stage, gather(stage, 2))
    broken = Failure(500, "InternalError", "a webhook is down")
    double.faults.on(to("/eviction"), Refuse(broken))
    with pytest.raises(Unreachable):
        await world.site.drain(DrainOrder(key=KEY, pool=POOL.name, nodes=(one,)))
    await world.cloud.add()
    await until(world.quiet)
    with pytest.raises(Unreachable, match=r"evict from closed nodes: .*a webhook is down"):
        await world.site.tend()

    async def runs() -> bool:
        placements = (await world.site.observe()).placements
        return any(each.workload == stage.gang and each.ready == 2 for each in placements)

    await until(runs)


async def test_an_eviction_blocked_for_ever_is_told_after_the_deadline(api: Api) -> None:
    setting = a_site_setting(api.namespace, drain_deadline_s=900.0)
    async with a_site_world(api, setting) as world:
        one, labels = names(world)[0], {"app": "guest"}
        await api.create(api.path("v1", "pods"), a_pod(one, labels=labels))
        await api.create(api.path("policy/v1", "poddisruptionbudgets"), a_budget(1, **labels))
        await world.settle()
        await world.site.drain(DrainOrder(key=KEY, pool=POOL.name, nodes=(one,)))
        await world.site.tend()
        assert (await world.site.observe()).notes == ()
        world.clock.ahead_s = 901.0
        (note,) = (await world.site.observe()).notes
        assert (note.subject, note.reason) == (f"node/{one}", "DrainBlocked")
        assert f"{api.namespace}/guest (disruption budget {api.namespace}/budget)" in note.message
        world.clock.ahead_s = 1900.0
        assert (await world.site.observe()).notes == (note,)


async def test_who_else_sets_the_replicas_is_told_and_not_fought(api: Api) -> None:
    async with a_site_world(api) as world:
        stage = a_stage(world)
        await send(stage, put(stage, 1))
        await world.settle()
        name = option_name(SERVICE.name, POOL.name)
        scaler = {
            "metadata": {"name": "other"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": 1,
                "maxReplicas": 2,
            },
        }
        await api.create(api.path("autoscaling/v2", "horizontalpodautoscalers"), scaler)
        (note,) = (await world.site.observe()).notes
        assert note.reason == "ReplicasContested"
        with pytest.raises(Refused, match="HorizontalPodAutoscaler"):
            await send(stage, put(stage, 2))
        there = await api.get(api.path("apps/v1", "deployments", name))
        assert there["spec"]["replicas"] == 1


async def test_two_clusters_are_run_side_by_side(planes: Planes) -> None:
    async with (
        a_corner(planes.private, "side", real=True) as here,
        a_corner(planes.public, "side", real=True) as there,
        a_site_world(here) as private,
        a_site_world(there, nodes=1) as public,
    ):
        stage = a_stage(public)
        await send(stage, put(stage, 2))
        await public.settle()
        assert [len((await w.site.observe()).nodes) for w in (private, public)] == [2, 1]
        assert (await private.site.observe()).placements == ()
        (placed,) = (await public.site.observe()).placements
        assert placed.ready == 2


async def test_a_real_server_that_hangs_takes_no_order_and_is_still_known(planes: Planes) -> None:
    async with a_corner(planes.public, "hung", real=True) as corner:
        impatient = Client(planes.public.connection(), deadline_s=SHORT_S)
        setting = a_site_setting("hung")
        sight = Watched(corner.client, setting, monotonic=time.monotonic, ring=lambda _: None)
        async with a_site_world(corner, setting, client=impatient, sight=sight) as world:
            before = await world.site.observe()
            verbs = all_verbs(world)
            planes.public.pause("kube-apiserver")
            try:
                for verb in ("place", "drain", "release"):
                    with pytest.raises(Unreachable):
                        await verbs[verb]()
                assert (await world.site.observe()).nodes == before.nodes
            finally:
                planes.public.resume("kube-apiserver")
            planes.public.ready()
            await verbs["drain"]()
            await sight.close()
        await impatient.close()
