"""Events: on the object that they are about, counted when they repeat, never in the way."""

from dataclasses import replace

import pytest

from adapters.kubernetes.client import Client
from adapters.kubernetes.events import EventLog, Happening
from adapters.kubernetes.faults import Fenced
from scheduler.domain.names import Instant
from tests.doubles.api_worlds import Api, Object

NOON = Instant(1_790_000_000.0)


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> Instant:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at = Instant(self.at + seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(api: Api, clock: Clock) -> EventLog:
    return EventLog(api.client, "pod-a_uid", clock.now)


async def a_map(api: Api, name: str = "table") -> Object:
    return await api.create(api.path("v1", "configmaps"), {"metadata": {"name": name}})


async def events(api: Api, namespace: str | None = None) -> list[Object]:
    path = f"/api/v1/namespaces/{namespace or api.namespace}/events"
    items: list[Object] = (await api.get(path))["items"]
    return [one for one in items if one.get("reportingInstance") == "pod-a_uid"]


def placed(api: Api, message: str = "0 -> 4 pods", *, name: str = "table") -> Happening:
    return Happening(subject=f"configmap/{api.namespace}/{name}", reason="Placed", message=message)


async def test_an_event_names_its_object_by_uid_so_that_describe_finds_it(
    api: Api, log: EventLog
) -> None:
    made = await a_map(api)
    assert await log.tell([placed(api)]) == []
    [event] = await events(api)
    assert event["involvedObject"]["uid"] == made["metadata"]["uid"]
    assert event["involvedObject"]["kind"] == "ConfigMap"
    assert (event["type"], event["reason"], event["count"]) == ("Normal", "Placed", 1)
    assert event["source"] == {"component": "tidegate"}


async def test_trouble_is_a_warning(api: Api, log: EventLog) -> None:
    await a_map(api)
    subject = f"configmap/{api.namespace}/table"
    await log.tell([Happening(subject=subject, reason="Refused", message="no", warning=True)])
    [event] = await events(api)
    assert event["type"] == "Warning"


async def test_what_goes_on_is_counted_every_ten_minutes_and_not_each_tick(
    api: Api, log: EventLog, clock: Clock
) -> None:
    await a_map(api)
    await log.tell([placed(api)])
    clock.forward(60.0)
    await log.tell([placed(api)])
    assert [event["count"] for event in await events(api)] == [1]
    clock.forward(600.0)
    await log.tell([placed(api)])
    [event] = await events(api)
    assert event["count"] == 2
    assert event["firstTimestamp"] < event["lastTimestamp"]


async def test_a_state_whose_figures_alone_change_is_one_event(
    api: Api, log: EventLog, clock: Clock
) -> None:
    await a_map(api)
    for left in (120, 60):
        words = f"sold out: it is asked again in {left} s"
        await log.tell([replace(placed(api, words), reason="Held", ongoing=True)])
        clock.forward(600.0)
    [event] = await events(api)
    assert (event["count"], event["message"]) == (2, "sold out: it is asked again in 60 s")


async def test_an_event_that_the_server_has_forgotten_is_told_anew(
    api: Api, log: EventLog, clock: Clock
) -> None:
    await a_map(api)
    await log.tell([placed(api)])
    [event] = await events(api)
    path = api.path("v1", "events", event["metadata"]["name"])
    await api.client.delete(path, uid=event["metadata"]["uid"])
    clock.forward(600.0)
    assert await log.tell([placed(api)]) == []
    assert [event["count"] for event in await events(api)] == [1]


async def test_the_same_twice_in_one_telling_is_one_event(api: Api, log: EventLog) -> None:
    await a_map(api)
    await log.tell([placed(api), placed(api), placed(api, "4 -> 2 pods")])
    assert len(await events(api)) == 2


async def test_an_object_that_is_gone_still_gets_its_event(api: Api, log: EventLog) -> None:
    assert await log.tell([placed(api, name="gone")]) == []
    [event] = await events(api)
    assert "uid" not in event["involvedObject"]


async def test_events_of_nodes_lie_in_the_default_namespace(api: Api, log: EventLog) -> None:
    name = f"node-of-{api.namespace}"
    node = await api.create("/api/v1/nodes", {"metadata": {"name": name}})
    try:
        released = Happening(subject=f"node/{name}", reason="Released", message="surplus")
        assert await log.tell([released]) == []
        told = [
            one for one in await events(api, "default") if one["involvedObject"]["name"] == name
        ]
        assert [one["involvedObject"]["uid"] for one in told] == [node["metadata"]["uid"]]
    finally:
        await api.client.delete(f"/api/v1/nodes/{name}", uid=node["metadata"]["uid"])


async def test_a_long_message_in_any_language_is_cut_to_what_the_server_takes(
    api: Api, log: EventLog
) -> None:
    await a_map(api)
    assert await log.tell([placed(api, "钱" * 2000)]) == []
    [event] = await events(api)
    assert event["message"].endswith(" ...")


async def test_what_cannot_be_told_is_said_and_raises_nothing(api: Api, log: EventLog) -> None:
    await a_map(api)
    strange = Happening(subject="pytorchjob/ml/bert", reason="Resumed", message="8 workers")
    nowhere = Happening(subject="configmap/no-such-place/x", reason="Placed", message="y")
    faults = await log.tell([strange, nowhere, placed(api)])
    assert len(await events(api)) == 1
    assert any("pytorchjob/ml/bert" in fault for fault in faults)


async def test_who_does_not_lead_tells_nothing(api: Api, clock: Clock) -> None:
    def fence() -> None:
        raise Fenced("another leads")

    await a_map(api)
    client = Client(api.server.connection(), fence=fence)
    try:
        [fault] = await EventLog(client, "pod-a_uid", clock.now).tell([placed(api)])
    finally:
        await client.close()
    assert "another leads" in fault
    assert await events(api) == []
