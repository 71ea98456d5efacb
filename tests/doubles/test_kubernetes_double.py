"""What the double does on demand, and no real server does when asked: it fails."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import Barred, Gone, Silent, TooMany
from tests.doubles.api_worlds import refused
from tests.doubles.kubernetes.faults import (
    Delay,
    Drop,
    Hang,
    Refuse,
    Stall,
    Truncate,
    every,
    to,
    watches,
    writes,
)
from tests.doubles.kubernetes.kinds import PODS
from tests.doubles.kubernetes.server import KubernetesDouble
from tests.doubles.kubernetes.statuses import Failure, too_many

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def double() -> Iterator[KubernetesDouble]:
    with KubernetesDouble(bookmark_every_s=0.05) as served:
        yield served


@pytest.fixture
async def client(double: KubernetesDouble) -> AsyncIterator[Client]:
    one = Client(double.connection(), deadline_s=5)
    yield one
    await one.close()


async def lines(client: Client, params: dict[str, str]) -> AsyncIterator[dict[str, object]]:
    async with client.stream(MAPS, {"watch": "1", **params}) as chunks:
        rest = b""
        async for chunk in chunks:
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield json.loads(line)


async def make(client: Client, *names: str) -> None:
    for name in names:
        await client.create(MAPS, {"metadata": {"name": name}})


async def test_a_server_that_is_stopped_refuses_and_comes_back(
    double: KubernetesDouble, client: Client
) -> None:
    await make(client, "a")
    double.stop()
    await refused_silently(client)
    double.start()
    assert b'"a"' in await client.get(MAPS)


async def test_a_watch_breaks_with_the_server(double: KubernetesDouble, client: Client) -> None:
    await make(client, "a")
    events = lines(client, {})
    assert (await anext(events))["type"] == "ADDED"
    double.stop()
    with pytest.raises(Silent):
        await anext(events)


async def test_too_many_requests_say_when_to_come_again(
    double: KubernetesDouble, client: Client
) -> None:
    double.faults.on(to("configmaps"), Refuse(too_many("slow down", retry_after_s=7)), times=1)
    assert (await refused(TooMany, client.get(MAPS))).retry_after_s == 7
    await client.get(MAPS)


async def test_a_server_that_fails_is_silent(double: KubernetesDouble, client: Client) -> None:
    double.faults.on(writes(), Refuse(Failure(500, "InternalError", "etcd")))
    with pytest.raises(Silent):
        await make(client, "a")
    await client.get(MAPS)


async def test_a_write_may_be_done_though_nobody_hears_of_it(
    double: KubernetesDouble, client: Client
) -> None:
    double.faults.on(writes(), Drop(after=True), times=1)
    with pytest.raises(Silent):
        await make(client, "a")
    assert b'"a"' in await client.get(MAPS)


async def test_a_dropped_request_has_not_been_carried_out(
    double: KubernetesDouble, client: Client
) -> None:
    double.faults.on(writes(), Drop(), times=1)
    with pytest.raises(Silent):
        await make(client, "a")
    assert b'"a"' not in await client.get(MAPS)


async def test_a_hung_server_takes_a_call_and_says_nothing(double: KubernetesDouble) -> None:
    hasty = Client(double.connection(), deadline_s=0.1)
    fault = double.faults.on(every, Hang())
    await refused_silently(hasty)
    double.faults.lift(fault)
    await hasty.get(MAPS)
    double.faults.on(every, Delay(30))
    await refused_silently(hasty)
    await hasty.close()


async def test_a_token_that_is_not_known_any_more_is_401(double: KubernetesDouble) -> None:
    double.tokens = {"old"}
    holder = Client(double.connection("old"), deadline_s=5)
    await holder.get(MAPS)
    double.tokens = {"new"}
    fault = await refused(Barred, holder.get(MAPS))
    assert (fault.status, fault.reason) == (401, "Unauthorized")
    await holder.close()


async def test_a_watch_from_before_compaction_is_told_410(
    double: KubernetesDouble, client: Client
) -> None:
    await make(client, "a")
    old = json.loads(await client.get(MAPS))["metadata"]["resourceVersion"]
    await make(client, "b")
    double.store.compact()
    told = await anext(lines(client, {"resourceVersion": old}))
    assert told["type"] == "ERROR"
    assert told["object"]["code"] == 410  # type: ignore[index]


async def test_a_list_in_pages_cannot_go_on_after_compaction(
    double: KubernetesDouble, client: Client
) -> None:
    await make(client, "a", "b")
    first = json.loads(await client.get(MAPS, {"limit": "1"}))
    double.store.compact()
    further = {"limit": "1", "continue": first["metadata"]["continue"]}
    assert (await refused(Gone, client.get(MAPS, further))).reason == "Expired"


async def test_a_quiet_watch_has_bookmarks(client: Client) -> None:
    asked = {"allowWatchBookmarks": "true", "resourceVersion": "1"}
    assert (await anext(lines(client, {**asked, "labelSelector": "no=one"})))["type"] == "BOOKMARK"


async def test_a_watch_may_break_inside_a_line(double: KubernetesDouble, client: Client) -> None:
    await make(client, "a", "b")
    double.faults.on(watches(), Truncate(after=1), times=1)
    events = lines(client, {})
    assert (await anext(events))["type"] == "ADDED"
    with pytest.raises(Silent):
        await anext(events)


async def test_a_watch_may_say_no_more_and_stay_open(
    double: KubernetesDouble, client: Client
) -> None:
    await make(client, "a", "b")
    double.faults.on(watches(), Stall(after=1), times=1)
    events = lines(client, {})
    assert (await anext(events))["type"] == "ADDED"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await anext(events)


async def test_a_world_may_be_there_from_the_start(
    double: KubernetesDouble, client: Client
) -> None:
    pods = (
        {
            "metadata": {"name": f"p{number}", "namespace": "default", "uid": f"u{number}"},
            "spec": {"containers": []},
            "status": {"phase": "Running"},
        }
        for number in range(1000)
    )
    double.store.load(PODS, pods)
    page = json.loads(await client.get("/api/v1/pods", {"limit": "400"}))
    assert (len(page["items"]), page["metadata"]["remainingItemCount"]) == (400, 600)


async def refused_silently(client: Client) -> None:
    with pytest.raises(Silent):
        await client.get(MAPS)
