"""Closing and opening a node, on the double and on a real control plane."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from adapters.kubernetes.client import MERGE, Client, Connection
from adapters.kubernetes.faults import Conflict
from adapters.kubernetes.marks import DRAINING, DRAINING_SINCE
from adapters.kubernetes.shapes import Node
from adapters.kubernetes.taints import close_node, node_now, open_node
from scheduler.domain.names import Instant, NodeName
from tests.adapters.kubernetes.site_worlds import a_node
from tests.doubles.api_worlds import Api

NOON = Instant(1_790_683_200.0)
FOREIGN = {"key": "example.com/repair", "value": "disk", "effect": "PreferNoSchedule"}
AFTER_THAT = {"key": "example.com/late", "effect": "NoExecute"}


class Meddled(Client):
    """Before each of our patches somebody else sets a taint of its own, so many times."""

    def __init__(self, connection: Connection, times: int) -> None:
        super().__init__(connection)
        self.times = times

    async def patch(self, path: str, body: object, kind: str = MERGE) -> bytes:
        if self.times:
            self.times -= 1
            late = {**AFTER_THAT, "value": str(self.times)}
            await super().patch(path, {"spec": {"taints": [FOREIGN, late]}})
        return await super().patch(path, body, kind)


@asynccontextmanager
async def a_foreign_node(api: Api) -> AsyncIterator[Node]:
    body = a_node(api.namespace, api.namespace)
    body["spec"]["taints"] = [FOREIGN]
    made = await api.create("/api/v1/nodes", body)
    try:
        yield await there(api)
    finally:
        await api.client.delete(f"/api/v1/nodes/{api.namespace}", uid=made["metadata"]["uid"])


async def there(api: Api) -> Node:
    node = await node_now(api.client, NodeName(api.namespace))
    assert node is not None
    return node


def keys(node: Node) -> set[str]:
    return {taint.key for taint in node.spec.taints} - {"node.kubernetes.io/not-ready"}


def notes(node: Node) -> Mapping[str, str]:
    return node.metadata.annotations


async def test_a_node_is_closed_and_opened_and_the_taints_of_others_stay(api: Api) -> None:
    async with a_foreign_node(api) as node:
        assert await close_node(api.client, node, NOON)
        closed = await there(api)
        assert keys(closed) == {FOREIGN["key"], DRAINING}
        assert notes(closed)[DRAINING_SINCE] == "2026-09-29T12:00:00Z"
        assert not closed.spec.unschedulable
        assert await open_node(api.client, closed)
        opened = await there(api)
        assert keys(opened) == {FOREIGN["key"]}
        assert DRAINING_SINCE not in notes(opened)


async def test_closing_again_keeps_the_time_of_the_first(api: Api) -> None:
    async with a_foreign_node(api) as node:
        await close_node(api.client, node, NOON)
        closed = await there(api)
        assert await close_node(api.client, closed, Instant(NOON + 900.0))
        assert await there(api) == closed


async def test_who_writes_in_between_is_not_undone(api: Api) -> None:
    async with a_foreign_node(api) as node:
        meddled = Meddled(api.server.connection(), times=2)
        assert await close_node(meddled, node, NOON)
        assert keys(await there(api)) == {FOREIGN["key"], AFTER_THAT["key"], DRAINING}
        await meddled.close()


async def test_who_writes_without_end_is_given_way(api: Api) -> None:
    async with a_foreign_node(api) as node:
        meddled = Meddled(api.server.connection(), times=99)
        with pytest.raises(Conflict):
            await close_node(meddled, node, NOON)
        assert DRAINING not in keys(await there(api))
        await meddled.close()


async def test_a_node_that_is_gone_is_neither_closed_nor_opened(api: Api) -> None:
    async with a_foreign_node(api) as node:
        await close_node(api.client, node, NOON)
        closed = await there(api)
    assert not await close_node(api.client, node, NOON)
    assert not await open_node(api.client, closed)
    assert await node_now(api.client, NodeName("cloud:///zone/i-1")) is None


async def test_another_node_of_that_name_is_not_closed_in_its_place(api: Api) -> None:
    async with a_foreign_node(api) as first:
        pass
    async with a_foreign_node(api):
        assert not await close_node(api.client, first, NOON)
        assert DRAINING not in keys(await there(api))
