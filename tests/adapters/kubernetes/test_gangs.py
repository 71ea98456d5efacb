"""Gangs as Jobs that are suspended or not."""

import time
from typing import Any

import pytest

from adapters.base import PlaceOrder, Refused
from adapters.kubernetes import marks
from adapters.kubernetes.client import Client
from adapters.kubernetes.gangs import place_gang, tend_gangs
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.view import View
from scheduler.domain.names import Instant
from tests.adapters.kubernetes.order_worlds import (
    NOWHERE,
    SPARE,
    a_kind,
    a_setting,
    a_view,
    an_owned_job,
    marked,
    nodes_of,
    workers,
)
from tests.doubles.api_worlds import Api, until

KUEUE = "kueue.x-k8s.io"
HOUR_S = 3600.0


def training(api: Api, *, kueue: bool = False, **spec: object) -> Setting:
    runs = an_owned_job(api.namespace, kueue=kueue, **spec)
    return a_setting(api.namespace, ranker=runs, queue="team-a")


async def place(api: Api, setting: Setting, order: PlaceOrder, later_s: float = 0.0) -> None:
    view = await a_view(api.client, setting)
    await place_gang(api.client, view, setting, order, Instant(time.time() + later_s))


async def tend(api: Api, setting: Setting, later_s: float = 0.0) -> None:
    view = await a_view(api.client, setting)
    await tend_gangs(api.client, view, setting, Instant(time.time() + later_s))


async def found(api: Api, name: str = "ranker-gpu") -> dict[str, Any]:
    return await api.get(api.path("batch/v1", "jobs", name))


async def runs(api: Api, ready: int) -> None:
    """Until so many workers are ready, and none beyond them is there."""

    async def counted() -> bool:
        status = (await found(api)).get("status", {})
        return bool(status.get("ready", 0) == ready == status.get("active", 0))

    await until(counted)


async def no_pods(api: Api) -> None:
    async def none() -> bool:
        return not (await api.get(api.path("v1", "pods")))["items"]

    await until(none)


async def test_a_gang_waits_suspended_until_there_are_seats_for_all(api: Api) -> None:
    setting = training(api)
    await place(api, setting, workers(2))
    await tend(api, setting)
    body = await found(api)
    assert (body["spec"]["suspend"], marked(body, marks.WANTED)) == (True, "2")
    async with nodes_of(api, setting, 1):
        await tend(api, setting)
        assert (await found(api))["spec"]["suspend"] is False
        await runs(api, ready=2)


async def test_the_same_order_again_writes_nothing(api: Api) -> None:
    setting = training(api)
    await place(api, setting, workers(2))
    before = (await found(api))["metadata"]
    await place(api, setting, workers(2))
    assert (await found(api))["metadata"]["generation"] == before["generation"]
    assert (await found(api))["metadata"]["uid"] == before["uid"]


async def test_a_stopped_gang_keeps_its_job_with_its_progress(api: Api) -> None:
    setting = training(api)
    async with nodes_of(api, setting, 1):
        await place(api, setting, workers(2))
        await tend(api, setting)
        await runs(api, ready=2)
        for _ in range(2):
            await place(api, setting, workers(0), later_s=HOUR_S + 300)
        await no_pods(api)
        body = await found(api)
        assert (body["spec"]["suspend"], marked(body, marks.WANTED)) == (True, "0")
        # An hour of two workers with one GPU each, after five minutes to restart.
        assert float(marked(body, marks.DONE)) == pytest.approx(2.0, rel=0.01)
        await tend(api, setting)
        assert (await found(api))["spec"]["suspend"] is True


async def test_a_gang_that_found_no_seats_in_time_goes_back_to_waiting(api: Api) -> None:
    """They were there when it was started, and somebody else was quicker."""
    setting = training(api)
    await place(api, setting, workers(2))
    async with nodes_of(api, setting, 1) as (node,):
        view = await a_view(api.client, setting)
        await api.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": True}})
        await tend_gangs(api.client, view, setting, Instant(time.time()))

        async def made() -> bool:
            return len((await api.get(api.path("v1", "pods")))["items"]) == 2

        await until(made)
        await tend(api, setting)
        assert (await found(api))["spec"]["suspend"] is False
        await tend(api, setting, later_s=HOUR_S)
        body = await found(api)
        assert (body["spec"]["suspend"], marked(body, marks.WANTED)) == (True, "2")
        await no_pods(api)


async def test_a_new_template_takes_effect_while_the_gang_stands_still(api: Api) -> None:
    setting = training(api)
    await place(api, setting, workers(2))
    before = await found(api)
    done = {"metadata": {"annotations": {marks.DONE: "12.5"}}}
    await api.patch(api.path("batch/v1", "jobs", "ranker-gpu"), done)
    await place(api, training(api, terminationGracePeriodSeconds=7), workers(2))
    after = await found(api)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 7
    assert marked(after, marks.DONE) == "12.5000"


async def test_a_new_template_waits_for_a_gang_that_runs(api: Api) -> None:
    setting = training(api)
    async with nodes_of(api, setting, 1):
        await place(api, setting, workers(2))
        await tend(api, setting)
        await runs(api, ready=2)
        with pytest.raises(Refused, match="another template"):
            await place(api, training(api, terminationGracePeriodSeconds=7), workers(2))
        assert (await found(api))["spec"]["suspend"] is False


async def test_a_complete_gang_is_left_alone(api: Api) -> None:
    setting = training(api)
    async with nodes_of(api, setting, 1):
        await place(api, setting, workers(2))
        await tend(api, setting)
        await runs(api, ready=2)
        for pod in (await api.get(api.path("v1", "pods")))["items"]:
            finish = {"metadata": {"annotations": {"fake/finish": "true"}}}
            await api.patch(api.path("v1", "pods", pod["metadata"]["name"]), finish)

        async def complete() -> bool:
            told = (await found(api))["status"].get("conditions", ())
            return any((each["type"], each["status"]) == ("Complete", "True") for each in told)

        await until(complete)
        before = (await found(api))["metadata"]["resourceVersion"]
        for pods in (2, 0):
            await place(api, setting, workers(pods))
        await tend(api, setting, later_s=HOUR_S)
        assert (await found(api))["metadata"]["resourceVersion"] == before


async def test_a_job_of_that_name_that_is_not_ours_is_never_touched(api: Api) -> None:
    setting = training(api)
    await place(api, setting, workers(2))
    path = api.path("batch/v1", "jobs", "ranker-gpu")
    taken = {"metadata": {"labels": {marks.MANAGED_BY: "somebody"}}}
    before = await api.patch(path, taken)
    with pytest.raises(Refused, match="not ours"):
        await place(api, setting, workers(2))
    await place(api, setting, workers(0))
    assert (await found(api))["metadata"]["generation"] == before["metadata"]["generation"]
    assert marked(await found(api), marks.WANTED) == "2"


async def test_a_gang_that_left_the_documents_is_stopped_and_not_deleted(api: Api) -> None:
    await place(api, training(api), workers(2))
    await place(api, a_setting(api.namespace), workers(0))
    assert marked(await found(api), marks.WANTED) == "0"
    await place(api, a_setting(api.namespace), workers(0, SPARE))


async def test_kueue_is_told_and_never_overruled(api: Api) -> None:
    setting = training(api, kueue=True)
    await a_kind(api, KUEUE, "v1beta1", "workloads", "Workload")
    async with nodes_of(api, setting, 1):
        await place(api, setting, workers(2))
        await tend(api, setting)
        body = await found(api)
        assert body["spec"]["suspend"] is True
        assert body["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"
        path = api.path(f"{KUEUE}/v1beta1", "workloads")
        label = {"kueue.x-k8s.io/job-uid": body["metadata"]["uid"]}
        workload = {
            "apiVersion": f"{KUEUE}/v1beta1",
            "kind": "Workload",
            "metadata": {"name": "job-ranker", "labels": label},
            "spec": {"active": True},
        }
        await api.create(path, workload)
        for pods, active in ((0, False), (2, True)):
            await place(api, setting, workers(pods))
            assert (await api.get(f"{path}/job-ranker"))["spec"]["active"] is active
            assert (await found(api))["spec"]["suspend"] is True


async def test_kueue_may_not_start_what_was_stopped(api: Api) -> None:
    """It looked at the Job only after the order."""
    setting = training(api, kueue=True)
    await a_kind(api, KUEUE, "v1beta1", "workloads", "Workload")
    await place(api, setting, workers(2))
    await place(api, setting, workers(0))
    path = api.path(f"{KUEUE}/v1beta1", "workloads")
    label = {"kueue.x-k8s.io/job-uid": (await found(api))["metadata"]["uid"]}
    workload = {"metadata": {"name": "late", "labels": label}, "spec": {"active": True}}
    await api.create(path, {"apiVersion": f"{KUEUE}/v1beta1", "kind": "Workload", **workload})
    await api.patch(api.path("batch/v1", "jobs", "ranker-gpu"), {"spec": {"suspend": False}})
    await tend(api, setting)
    assert (await api.get(f"{path}/late"))["spec"]["active"] is False


async def test_nothing_is_sent_for_a_namespace_that_is_not_allowed() -> None:
    setting = a_setting("ml", ranker=an_owned_job("other"))
    client = Client(NOWHERE, deadline_s=1.0)
    try:
        for pods in (0, 2):
            with pytest.raises(Refused, match="other"):
                await place_gang(client, View(), setting, workers(pods), Instant(0.0))
    finally:
        await client.close()
