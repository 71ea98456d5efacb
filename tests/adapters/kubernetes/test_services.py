"""Replicas and traffic of services on Kubernetes."""

import time
from dataclasses import replace
from typing import Any

import pytest

from adapters.base import PlaceOrder, Refused, Throttled
from adapters.kubernetes import marks
from adapters.kubernetes.client import Client
from adapters.kubernetes.services import place_service, tend_services
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.traffic import read_shares
from adapters.kubernetes.view import View
from scheduler.domain.bindings import Bindings, Route
from scheduler.domain.names import Instant
from tests.adapters.kubernetes.order_worlds import (
    GPU,
    NOWHERE,
    SEARCH,
    SPARE,
    a_foreign_deployment,
    a_setting,
    a_template,
    a_view,
    an_adopted,
    an_owned,
    foreign_patch,
    marked,
    replicas,
    scaled_by_hand,
)
from tests.doubles.api_worlds import Api, a_corner, until
from tests.doubles.kubernetes.faults import Refuse, to
from tests.doubles.kubernetes.server import KubernetesDouble
from tests.doubles.kubernetes.statuses import Failure

HOUR_S = 3600.0


def owning(api: Api, port: int | None = None, **spec: object) -> Setting:
    return a_setting(api.namespace, search=an_owned(api.namespace, port, **spec))


def adopting(api: Api, **deployments: str) -> Setting:
    named = deployments or {"gpu": "chat"}
    return a_setting(api.namespace, search=an_adopted(api.namespace, **named))


async def place(api: Api, setting: Setting, order: PlaceOrder, later_s: float = 0.0) -> None:
    view = await a_view(api.client, setting)
    await place_service(api.client, view, setting, order, Instant(time.time() + later_s))


async def tend(api: Api, setting: Setting) -> None:
    view = await a_view(api.client, setting)
    await tend_services(api.client, view, setting, Instant(time.time()))


async def found(api: Api, name: str = "search-gpu") -> dict[str, Any]:
    return await api.get(api.path("apps/v1", "deployments", name))


async def names(api: Api, version: str = "apps/v1", plural: str = "deployments") -> set[str]:
    listed = await api.get(api.path(version, plural))
    return {each["metadata"]["name"] for each in listed["items"]}


async def shares(api: Api) -> dict[str, str]:
    table = await api.get(api.path("v1", "configmaps", marks.TRAFFIC))
    return dict(table.get("data") or {})


def writers(body: dict[str, Any]) -> dict[str, Any]:
    """Fields by manager."""
    return {each["manager"]: each["fieldsV1"] for each in body["metadata"]["managedFields"]}


async def test_an_owned_service_gets_a_deployment_a_service_and_its_share(api: Api) -> None:
    await place(api, owning(api, port=8000), replicas(2, 0.75, key="place/1"))
    body = await found(api)
    assert (body["spec"]["replicas"], marked(body)) == (2, "place/1")
    front = await api.get(api.path("v1", "services", "search-gpu"))
    assert front["spec"]["ports"][0]["port"] == 8000
    assert await shares(api) == {"search_gpu": "0.75"}

    async def labelled() -> bool:
        pods = await api.get(api.path("v1", "pods"), labelSelector=f"{marks.POOL}=gpu")
        return len(pods["items"]) == 2

    await until(labelled)


async def test_the_same_order_again_writes_nothing(api: Api) -> None:
    setting = owning(api, port=8000)
    await place(api, setting, replicas(2, 0.75, key="place/1"))
    before = await found(api)
    await place(api, setting, replicas(2, 0.75, key="place/2"))
    after = await found(api)
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert marked(after) == "place/1"


async def test_no_pods_take_away_what_was_made_for_this_pool_alone(api: Api) -> None:
    setting = owning(api, port=8000)
    await place(api, setting, replicas(1, 0.5))
    await place(api, setting, replicas(1, 0.5, SPARE))
    for _ in range(2):
        await place(api, setting, replicas(0))
    assert await names(api) == {"search-spare"}
    assert "search-gpu" not in await names(api, "v1", "services")
    assert await shares(api) == {"search_spare": "0.5"}


async def test_what_left_the_documents_is_cleared_away_by_its_marks(api: Api) -> None:
    await place(api, owning(api), replicas(1, 1.0))
    await a_foreign_deployment(api, "chat", 1, **{marks.WORKLOAD: "search", marks.POOL: "gpu"})
    await place(api, a_setting(api.namespace), replicas(0))
    assert await names(api) == {"chat"}
    assert await shares(api) == {}


async def test_pods_of_a_service_that_says_nothing_of_kubernetes_are_refused(api: Api) -> None:
    await place(api, owning(api), replicas(1, 1.0))
    with pytest.raises(Refused, match="own"):
        await place(api, a_setting(api.namespace), replicas(2, 1.0))
    assert await names(api) == {"search-gpu"}


async def test_an_object_of_that_name_that_is_not_ours_is_never_touched(api: Api) -> None:
    before = await a_foreign_deployment(api, "search-gpu", 1)
    with pytest.raises(Refused, match="not ours"):
        await place(api, owning(api), replicas(2, 1.0))
    await place(api, owning(api), replicas(0))
    after = await found(api)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


async def test_of_an_adopted_deployment_only_the_scale_is_written(api: Api) -> None:
    before = await a_foreign_deployment(api, "chat", 1)
    await place(api, adopting(api), replicas(3, 1.0))
    after = await found(api, "chat")
    assert after["spec"] == before["spec"] | {"replicas": 3}
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert writers(after)[marks.OURS] == {"f:spec": {"f:replicas": {}}}
    await place(api, adopting(api), replicas(0))
    assert (await found(api, "chat"))["spec"]["replicas"] == 0


async def test_an_adopted_deployment_that_is_not_there_is_named(api: Api) -> None:
    with pytest.raises(Refused, match="chat"):
        await place(api, adopting(api), replicas(1, 1.0))
    with pytest.raises(Refused, match="spare"):
        await place(api, adopting(api), replicas(1, 1.0, SPARE))
    await place(api, adopting(api), replicas(0))
    await place(api, adopting(api), replicas(0, pool=SPARE))


@pytest.mark.parametrize("owned", [True, False])
async def test_replicas_that_an_autoscaler_sets_are_not_fought_over(api: Api, owned: bool) -> None:
    setting = owning(api) if owned else adopting(api, gpu="search-gpu")
    if owned:
        await place(api, setting, replicas(1, 1.0))
    else:
        await a_foreign_deployment(api, "search-gpu", 1)
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "busy"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "search-gpu"},
            "maxReplicas": 9,
        },
    }
    await api.create(api.path("autoscaling/v2", "horizontalpodautoscalers"), scaler)
    with pytest.raises(Refused, match="busy"):
        await place(api, setting, replicas(2, 1.0))
    assert (await found(api))["spec"]["replicas"] == 1


async def test_a_number_that_a_person_has_set_is_ours_again_after_a_while(api: Api) -> None:
    setting = owning(api)
    await place(api, setting, replicas(1, 1.0))
    await scaled_by_hand(api, "search-gpu", 4)
    await place(api, setting, replicas(2, 1.0), later_s=HOUR_S)
    body = await found(api)
    assert body["spec"]["replicas"] == 2
    assert "f:replicas" in writers(body)[marks.OURS]["f:spec"]
    await place(api, setting, replicas(3, 1.0))
    assert (await found(api))["spec"]["replicas"] == 3


async def edited_by_hand(api: Api, name: str = "search-gpu") -> None:
    containers = (await found(api, name))["spec"]["template"]["spec"]["containers"]
    changed = [{**containers[0], "image": "other@sha256:" + "1" * 64}]
    patch = {"spec": {"template": {"spec": {"containers": changed}}}}
    await foreign_patch(api, api.path("apps/v1", "deployments", name), patch)


async def test_a_template_that_somebody_has_changed_is_refused_by_name_and_field(
    api: Api,
) -> None:
    setting = owning(api)
    await place(api, setting, replicas(1, 1.0))
    await edited_by_hand(api)
    with pytest.raises(Refused, match=r"kubectl has set .*image"):
        await place(api, setting, replicas(2, 1.0))


async def test_a_new_image_is_rolled_out_though_no_number_changes(api: Api) -> None:
    await place(api, owning(api), replicas(2, 1.0))
    before = await found(api)
    await tend(api, owning(api))
    assert (await found(api))["metadata"]["generation"] == before["metadata"]["generation"]
    await tend(api, owning(api, priorityClassName="", terminationGracePeriodSeconds=7))
    after = await found(api)
    assert after["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 7
    assert after["spec"]["replicas"] == 2


@pytest.mark.parametrize(("ordered", "left"), [(3, [3]), (0, [])])
async def test_a_rollout_that_saw_an_older_cluster_undoes_no_order(
    api: Api, ordered: int, left: list[int]
) -> None:
    old, new = owning(api), owning(api, terminationGracePeriodSeconds=7)
    await place(api, old, replicas(1, 1.0))
    before = await a_view(api.client, new)
    await place(api, new, replicas(ordered, 1.0))
    await tend_services(api.client, before, new, Instant(time.time()))
    there = await api.get(api.path("apps/v1", "deployments"))
    assert [each["spec"]["replicas"] for each in there["items"]] == left


async def test_a_stray_deployment_does_not_set_the_replicas_of_the_proper_one(api: Api) -> None:
    await place(api, owning(api), replicas(3, 1.0))
    labels = {marks.WORKLOAD: "search", marks.POOL: "gpu", marks.MANAGED_BY: marks.OURS}
    await a_foreign_deployment(api, "stray", 1, **labels)
    await tend(api, owning(api, terminationGracePeriodSeconds=7))
    body = await found(api)
    assert body["spec"]["replicas"] == 3
    assert body["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 7


async def test_a_conflict_that_is_about_no_field_is_tried_again_and_forced_by_nobody(
    double: KubernetesDouble,
) -> None:
    async with a_corner(double, "ml", real=False) as corner:
        await place(corner, owning(corner), replicas(1, 1.0))
        stale = Failure(409, "Conflict", "the object has been modified; try again")
        double.faults.on(to("/deployments/search-gpu", "PATCH"), Refuse(stale), times=1)
        with pytest.raises(Throttled, match="has been modified"):
            await place(corner, owning(corner), replicas(2, 1.0))
        assert (await found(corner))["spec"]["replicas"] == 1


async def test_a_share_is_published_only_once_its_route_follows(api: Api) -> None:
    runs, route = an_owned(api.namespace, 8000), Route(namespace=api.namespace, name="gone")
    setting = a_setting(api.namespace, search=runs, route=route)
    for _ in range(2):
        with pytest.raises(Refused, match="httproute"):
            await place(api, setting, replicas(1, 1.0))
    assert await read_shares(api.client, setting, SEARCH) == {}


async def test_a_deployment_that_cannot_be_rolled_out_holds_up_no_other(api: Api) -> None:
    for pool in (GPU, SPARE):
        await place(api, owning(api), replicas(1, 0.5, pool))
    await edited_by_hand(api)
    changed = a_template()["spec"]["containers"][0] | {"image": "new@sha256:" + "2" * 64}
    with pytest.raises(Refused, match="search-gpu"):
        await tend(api, owning(api, containers=[changed]))
    pod = (await found(api, "search-spare"))["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == changed["image"]


async def test_traffic_goes_where_pods_are_and_leaves_before_they_do(api: Api) -> None:
    """Seen where the pods are refused: a share has not grown, and has shrunk already."""
    setting = adopting(api)
    await a_foreign_deployment(api, "chat", 2)
    await place(api, setting, replicas(2, 0.5))
    gone = adopting(api, gpu="gone")
    with pytest.raises(Refused, match="gone"):
        await place(api, gone, replicas(3, 0.9))
    assert await shares(api) == {"search_gpu": "0.5"}
    with pytest.raises(Refused, match="gone"):
        await place(api, gone, replicas(1, 0.1))
    assert await shares(api) == {"search_gpu": "0.1"}


@pytest.mark.parametrize("runs", [an_owned("other"), an_adopted("other", gpu="chat")])
async def test_nothing_is_sent_for_a_namespace_that_is_not_allowed(runs: Any) -> None:
    setting = a_setting("ml", search=runs)
    client = Client(NOWHERE, deadline_s=1.0)
    try:
        for pods in (0, 1):
            with pytest.raises(Refused, match="other"):
                await place_service(client, View(), setting, replicas(pods), Instant(0.0))
    finally:
        await client.close()


async def test_a_pool_that_left_the_documents_can_still_be_cleared(api: Api) -> None:
    setting = owning(api)
    await place(api, setting, replicas(1, 1.0))
    pools = {name: pool for name, pool in setting.pools.items() if name != GPU}
    less = replace(setting, pools=pools, bindings=Bindings(workloads=setting.bindings.workloads))
    await place(api, less, replicas(0))
    assert await names(api) == set()
