"""Gangs in custom resources of somebody else."""

import time
from typing import Any

import pytest

from adapters.base import PlaceOrder, Refused
from adapters.kubernetes import marks
from adapters.kubernetes.client import Client
from adapters.kubernetes.gangs import place_gang, tend_gangs
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.suspendables import gang_of
from adapters.kubernetes.view import View
from scheduler.domain.names import Instant
from tests.adapters.kubernetes.order_worlds import (
    GPU,
    NOWHERE,
    SPARE,
    WORLD,
    a_kind,
    a_setting,
    a_suspendable,
    a_view,
    marked,
    nodes_of,
    workers,
)
from tests.doubles.api_worlds import Api

GROUP = "tests.tidegate.io"
SPEC = {
    "image": "as it was",
    "runPolicy": {"suspend": True, "ttl": 60},
    "worker": {"template": {"spec": {"nodeSelector": {"disk": "ssd"}}}},
}


def training(api: Api) -> Setting:
    return a_setting(api.namespace, ranker=a_suspendable(api.namespace))


async def a_training(api: Api, *, suspended: bool = True) -> None:
    await a_kind(api, GROUP, "v1", "trainings", "Training")
    spec = {**SPEC, "runPolicy": {"suspend": suspended, "ttl": 60}}
    body = {"apiVersion": f"{GROUP}/v1", "kind": "Training", "metadata": {"name": "ranker"}}
    await api.create(api.path(f"{GROUP}/v1", "trainings"), {**body, "spec": spec})


async def place(api: Api, order: PlaceOrder) -> None:
    setting = training(api)
    view = await a_view(api.client, setting)
    await place_gang(api.client, view, setting, order, Instant(time.time()))


async def tend(api: Api) -> None:
    setting = training(api)
    view = await a_view(api.client, setting)
    await tend_gangs(api.client, view, setting, Instant(time.time()))


async def found(api: Api) -> dict[str, Any]:
    return await api.get(api.path(f"{GROUP}/v1", "trainings", "ranker"))


def suspended(body: dict[str, Any]) -> bool:
    return bool(body["spec"]["runPolicy"]["suspend"])


def selector(body: dict[str, Any]) -> dict[str, str]:
    return dict(body["spec"]["worker"]["template"]["spec"]["nodeSelector"])


def test_an_object_without_the_field_runs_and_one_that_ended_is_over() -> None:
    runs = a_suspendable("ml")
    assert not gang_of(runs, {}).suspended
    ended = {"status": {"conditions": [{"type": "Succeeded", "status": "True"}]}}
    assert gang_of(runs, ended).ended


async def test_it_is_sent_to_its_pool_and_starts_when_there_are_seats(api: Api) -> None:
    await a_training(api)
    await place(api, workers(2))
    await tend(api)
    body = await found(api)
    assert suspended(body)
    assert selector(body) == {"disk": "ssd", WORLD: f"{api.namespace}.{GPU}"}
    assert body["metadata"]["labels"][marks.POOL] == GPU
    assert marked(body, marks.WANTED) == "2"
    async with nodes_of(api, training(api), 1):
        await tend(api)
    body = await found(api)
    assert not suspended(body)
    assert (body["spec"]["image"], body["spec"]["runPolicy"]["ttl"]) == ("as it was", 60)


async def test_it_moves_to_another_pool_only_when_it_was_stopped(api: Api) -> None:
    await a_training(api)
    await place(api, workers(2))
    async with nodes_of(api, training(api), 1):
        await tend(api)
    with pytest.raises(Refused, match="runs on gpu"):
        await place(api, workers(2, SPARE))
    await place(api, workers(0))
    await place(api, workers(2, SPARE))
    body = await found(api)
    assert suspended(body)
    assert selector(body) == {"disk": "ssd", WORLD: f"{api.namespace}.{SPARE}"}


async def test_an_order_of_none_for_a_pool_that_it_is_not_on_changes_nothing(api: Api) -> None:
    await a_training(api)
    await place(api, workers(2))
    before = (await found(api))["metadata"]["resourceVersion"]
    await place(api, workers(0, SPARE))
    await place(api, workers(2))
    assert (await found(api))["metadata"]["resourceVersion"] == before


async def test_one_that_somebody_else_started_is_not_taken_over(api: Api) -> None:
    await a_training(api, suspended=False)
    with pytest.raises(Refused, match="without our doing"):
        await place(api, workers(2))
    await place(api, workers(0))
    assert not suspended(await found(api))


async def test_one_that_is_not_there_is_named_and_may_be_stopped(api: Api) -> None:
    await a_kind(api, GROUP, "v1", "trainings", "Training")
    with pytest.raises(Refused, match="trainings"):
        await place(api, workers(2))
    await place(api, workers(0))


async def test_a_path_that_leads_nowhere_is_refused(api: Api) -> None:
    await a_training(api)
    runs = a_suspendable(api.namespace, node_selectors=(("spec", "image", "nodeSelector"),))
    setting = a_setting(api.namespace, ranker=runs)
    with pytest.raises(Refused, match=r"spec\.image\.nodeSelector"):
        await place_gang(api.client, View(), setting, workers(2), Instant(0.0))


async def test_nothing_is_sent_for_a_namespace_that_is_not_allowed() -> None:
    setting = a_setting("ml", ranker=a_suspendable("other"))
    client = Client(NOWHERE, deadline_s=1.0)
    try:
        for pods in (0, 2):
            with pytest.raises(Refused, match="other"):
                await place_gang(client, View(), setting, workers(pods), Instant(0.0))
    finally:
        await client.close()
