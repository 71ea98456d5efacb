"""The client: deadlines, faults by kind, the fence, and what is never sent twice."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
import pytest

from adapters.kubernetes.client import Client, Connection
from adapters.kubernetes.faults import (
    ApiError,
    Barred,
    Conflict,
    Fenced,
    Gone,
    Invalid,
    NotThere,
    Silent,
    TooMany,
)
from tests.doubles.scripted import Answer, Asked, Scripted, Turn, answers, fails, silence

PATH = "/api/v1/pods"


@asynccontextmanager
async def a_client(
    *turns: Turn, deadline_s: float = 5.0, **changes: object
) -> AsyncIterator[tuple[Client, Scripted]]:
    async with Scripted(*turns) as server:
        connection = replace(server.connection(), **changes)  # type: ignore[arg-type]
        client = Client(connection, deadline_s=deadline_s)
        yield client, server
        await client.close()


async def dripping(asked: Asked, answer: Answer) -> None:
    """A byte now and then: no single read ever times out."""
    await answer.raw(b"HTTP/1.1 200 .\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        await answer.raw(b" ")
        await asyncio.sleep(0.01)


async def dropped(asked: Asked, answer: Answer) -> None:
    answer.drop()


class Badge:
    """Credentials that count how often they were renewed."""

    def __init__(self, *tokens: str) -> None:
        self.tokens, self.renewals = list(tokens), 0

    async def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.tokens[0]}"}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        self.renewals += 1
        if len(self.tokens) == 1:
            return False
        self.tokens.pop(0)
        return True


async def for_the_new_one(asked: Asked, answer: Answer) -> None:
    fresh = asked.headers["authorization"] == "Bearer new"
    await (answer.whole({}) if fresh else answer.whole({"reason": "Unauthorized"}, 401))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, ApiError),
        (400, ApiError),
        (401, Barred),
        (403, Barred),
        (404, NotThere),
        (409, Conflict),
        (410, Gone),
        (422, Invalid),
        (429, TooMany),
        (500, Silent),
        (503, Silent),
    ],
)
async def test_what_is_no_success_is_told_by_its_kind(status: int, kind: type[Exception]) -> None:
    async with a_client(fails(status, "Because")) as (client, _):
        with pytest.raises(kind, match="Because it is") as told:
            await client.get(PATH)
    assert type(told.value) is kind


async def test_how_long_to_wait_is_told_with_too_many() -> None:
    async with a_client(fails(429, headers={"Retry-After": "7"})) as (client, _):
        with pytest.raises(TooMany) as told:
            await client.get(PATH)
    assert told.value.retry_after_s == 7


async def test_an_error_page_of_a_proxy_is_told_in_its_words() -> None:
    async with a_client(answers(b"<html>blocked</html>", 403)) as (client, _):
        with pytest.raises(Barred, match="blocked"):
            await client.get(PATH)


@pytest.mark.parametrize("turn", [silence, dripping])
async def test_a_server_that_hangs_or_drips_is_silent_after_the_deadline(turn: Turn) -> None:
    async with a_client(turn, deadline_s=0.1) as (client, _):
        with pytest.raises(Silent, match=r"no answer within 0\.1 s"):
            await client.get(PATH)


async def test_a_page_may_be_given_more_time_than_other_calls() -> None:
    async with a_client(silence, deadline_s=60.0) as (client, _):
        with pytest.raises(Silent, match=r"within 0\.05 s"):
            await client.get(PATH, deadline_s=0.05)


async def test_nobody_at_the_address_is_silent() -> None:
    async with Scripted() as server:
        connection = server.connection()
    client = Client(connection)
    with pytest.raises(Silent):
        await client.get(PATH)
    await client.close()


async def test_a_connection_that_breaks_is_silent_and_the_next_call_gets_a_new_one() -> None:
    async with a_client(dropped, answers({"kind": "PodList"})) as (client, server):
        with pytest.raises(Silent):
            await client.get(PATH)
        assert b"PodList" in await client.get(PATH)
    assert server.connections == 2


async def test_a_write_names_its_manager_and_is_sent_once() -> None:
    async with a_client(dropped) as (client, server):
        with pytest.raises(Silent):
            await client.patch(PATH, {"spec": {"replicas": 1}})
    [asked] = server.asked
    assert asked.query == {"fieldManager": "tidegate"}
    assert asked.headers["content-type"] == "application/merge-patch+json"


async def test_a_deletion_is_bound_to_the_very_object() -> None:
    async with a_client(answers({})) as (client, server):
        await client.delete(f"{PATH}/a", uid="1-2-3", grace_s=30)
    body = msgspec.json.decode(server.asked[0].body)
    assert body["preconditions"] == {"uid": "1-2-3"}
    assert body["gracePeriodSeconds"] == 30


async def test_an_apply_says_whether_it_may_take_fields_from_others() -> None:
    async with a_client(answers({}), answers({})) as (client, server):
        await client.apply(PATH, {})
        await client.apply(PATH, {}, force=True)
    assert [asked.query["force"] for asked in server.asked] == ["false", "true"]


async def test_who_does_not_lead_sends_no_write_and_may_read() -> None:
    def fence() -> None:
        raise Fenced("another one leads")

    async with Scripted(answers({})) as server:
        client = Client(server.connection(), fence=fence)
        with pytest.raises(Fenced):
            await client.create(PATH, {})
        await client.get(PATH)
        await client.close()
    assert [asked.method for asked in server.asked] == ["GET"]


async def test_who_loses_the_lead_while_the_token_is_fetched_sends_no_write() -> None:
    leads = True

    def fence() -> None:
        if not leads:
            raise Fenced("another one leads")

    async def slow_headers() -> Mapping[str, str]:
        nonlocal leads
        leads = False
        return {}

    async with Scripted() as server:
        connection = replace(server.connection(), headers=slow_headers)
        client = Client(connection, fence=fence)
        with pytest.raises(Fenced):
            await client.create(PATH, {})
        await client.close()
    assert server.asked == []


async def test_a_read_with_an_expired_token_is_asked_again_with_the_new_one() -> None:
    badge = Badge("old", "new")
    async with a_client(
        for_the_new_one, for_the_new_one, headers=badge.headers, renew=badge.renew
    ) as (client, _):
        assert await client.get(PATH) == b"{}"
    assert badge.renewals == 1


async def test_a_watch_with_an_expired_token_is_asked_again_with_the_new_one() -> None:
    badge = Badge("old", "new")
    async with (
        a_client(for_the_new_one, for_the_new_one, headers=badge.headers, renew=badge.renew) as (
            client,
            _,
        ),
        client.stream(PATH, {"watch": "1"}) as chunks,
    ):
        assert [chunk async for chunk in chunks] == [b"{}"]


async def test_a_write_with_an_expired_token_is_told_and_the_next_one_has_the_new_token() -> None:
    badge = Badge("old", "new")
    async with a_client(
        for_the_new_one, for_the_new_one, headers=badge.headers, renew=badge.renew
    ) as (client, server):
        with pytest.raises(Barred):
            await client.create(PATH, {})
        assert len(server.asked) == 1
        await client.create(PATH, {})


async def test_a_token_that_stays_refused_is_renewed_once_a_call() -> None:
    badge = Badge("old")
    async with a_client(
        for_the_new_one, for_the_new_one, headers=badge.headers, renew=badge.renew
    ) as (client, server):
        with pytest.raises(Barred):
            await client.get(PATH)
    assert (badge.renewals, len(server.asked)) == (1, 1)


async def test_a_new_client_certificate_is_shown_on_a_new_connection() -> None:
    async def renewed(refused: Mapping[str, str]) -> bool:
        return True

    async with a_client(fails(401), answers({}), renew=renewed) as (client, server):
        assert await client.get(PATH) == b"{}"
    assert server.connections == 2


async def test_credentials_that_take_too_long_are_silence() -> None:
    async def never() -> Mapping[str, str]:
        await asyncio.Event().wait()
        return {}

    async with a_client(deadline_s=0.05, headers=never) as (client, _):
        with pytest.raises(Silent):
            await client.get(PATH)


async def test_a_server_below_a_path_is_asked_below_it() -> None:
    async with Scripted(answers({})) as server:
        address = f"{server.connection().server}/k8s/clusters/c-1"
        client = Client(Connection(server=address))
        await client.get(PATH)
        await client.close()
    assert server.asked[0].path == f"/k8s/clusters/c-1{PATH}"


async def test_a_proxy_is_asked_for_the_server() -> None:
    async with Scripted(answers({})) as proxy:
        connection = Connection(
            server="http://api.invalid", proxy=proxy.connection().server, headers=None
        )
        client = Client(connection)
        await client.get(PATH)
        await client.close()
    assert proxy.asked[0].headers["host"] == "api.invalid"


async def test_a_secret_proxy_password_is_not_shown() -> None:
    connection = Connection(server="https://a", proxy="http://me:secret@proxy")
    assert "secret" not in repr(connection)


async def test_a_watch_passes_chunks_on_and_tells_when_it_is_cut() -> None:
    async def cut(asked: Asked, answer: Answer) -> None:
        await answer.begin()
        await answer.chunk(b"first")
        answer.drop()

    async with a_client(cut) as (client, _), client.stream(PATH, {"watch": "1"}) as chunks:
        assert await anext(chunks) == b"first"
        with pytest.raises(Silent):
            await anext(chunks)


async def test_a_watch_that_is_refused_raises_as_a_read_does() -> None:
    async with a_client(fails(410, "Expired"), silence, deadline_s=0.1) as (client, _):
        with pytest.raises(Gone):
            async with client.stream(PATH, {"watch": "1"}):
                pass
        with pytest.raises(Silent):
            async with client.stream(PATH, {"watch": "1"}):
                pass


async def test_more_watches_than_a_pool_would_hold_go_on_side_by_side() -> None:
    async def begun(asked: Asked, answer: Answer) -> None:
        await answer.begin()
        await answer.hang()

    async with Scripted(always={PATH: begun}) as server:
        client = Client(server.connection())
        streams = [client.stream(PATH, {"watch": "1"}) for _ in range(120)]
        await asyncio.gather(*(stream.__aenter__() for stream in streams))
        assert server.connections == 120
        for stream in streams:
            await stream.__aexit__(None, None, None)
        await client.close()
