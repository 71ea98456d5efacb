"""The reflector: the map follows the server, whatever happens to lists and watches."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import Barred, NotThere, Silent
from adapters.kubernetes.kinds import Kind
from adapters.kubernetes.reflector import Pace, Reflector
from adapters.kubernetes.shapes import Pod
from adapters.kubernetes.view import Key
from tests.doubles.scripted import Answer, Asked, Scripted, Turn, answers, fails, lists, watches

PATH = "/api/v1/pods"
PODS = Kind(part="pods", path=PATH, shape=Pod)


def a_pod(name: str, version: int = 1, **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "ml", "resourceVersion": str(version)}
    return {"metadata": meta, **more}


def a_bookmark(version: int) -> tuple[str, object]:
    return "BOOKMARK", {"metadata": {"resourceVersion": str(version)}}


@dataclass
class Looked:
    """A reflector at work, and what it told."""

    reflector: Reflector[Any]
    server: Scripted
    changes: list[tuple[str, object, object]] = field(default_factory=list)
    rests: list[float] = field(default_factory=list)
    now_s: float = 100.0

    @property
    def names(self) -> set[str]:
        return {name for _, name in self.reflector.objects()}

    async def until(self, holds: Callable[[], bool]) -> None:
        """Whatever the reflector or the server does wakes this."""
        async with asyncio.timeout(20):
            while not holds():
                await self.server.news.wait()
                self.server.news.clear()

    async def asked(self, count: int) -> list[Asked]:
        await self.until(lambda: len(self.server.asked) >= count)
        return self.server.asked


@asynccontextmanager
async def looking(
    *turns: Turn, kind: Kind[Any] = PODS, watch_s: float = 40.0
) -> AsyncIterator[Looked]:
    looked: Looked

    def changed(_: Kind[Any], key: Key, old: object, new: object) -> None:
        looked.changes.append((key[1], old, new))
        looked.server.news.set()

    async def rest(rest_s: float) -> None:
        looked.rests.append(rest_s)
        looked.now_s += rest_s
        server.news.set()
        await asyncio.sleep(0)

    async with Scripted(*turns) as server:
        client = Client(server.connection())
        pace = Pace(monotonic=lambda: looked.now_s, rest=rest, chance=lambda: 0.0, watch_s=watch_s)
        reflector = Reflector(client, kind, pace, changed=changed, news=server.news.set)
        looked = Looked(reflector=reflector, server=server)
        task = asyncio.create_task(reflector.run())
        try:
            yield looked
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await client.close()


async def test_a_list_comes_page_by_page_and_the_watch_goes_on_from_its_version() -> None:
    first, last = lists(a_pod("a"), version="7", more="next"), lists(a_pod("b"), version="7")
    async with looking(first, last) as looked:
        page, more, watch = await looked.asked(3)
        assert looked.names == {"a", "b"}
    assert page.query == {"limit": "500"}
    assert more.query == {"limit": "500", "continue": "next"}
    assert watch.query["resourceVersion"] == "7"
    assert watch.query["allowWatchBookmarks"] == "true"


async def test_new_changed_and_gone_objects_are_told_with_what_was_before() -> None:
    events = (
        ("ADDED", a_pod("b", 8)),
        ("MODIFIED", a_pod("a", 9, status={"phase": "Running"})),
        ("DELETED", a_pod("b", 10)),
    )
    async with looking(lists(a_pod("a"), version="7"), watches(*events)) as looked:
        await looked.until(lambda: len(looked.changes) == 3)
        new, changed, gone = looked.changes
        assert (new[0], new[1]) == ("b", None)
        assert (changed[1].status.phase, changed[2].status.phase) == ("", "Running")
        assert (gone[0], gone[2]) == ("b", None)
        assert looked.names == {"a"}


async def test_what_the_first_list_holds_is_no_change() -> None:
    async with looking(lists(a_pod("a"), version="7")) as looked:
        await looked.asked(2)
        assert looked.reflector.synced
        assert looked.changes == []


async def test_a_map_that_was_handed_out_does_not_change_and_is_shared_while_nothing_does() -> None:
    release = asyncio.Event()

    async def later(asked: Asked, answer: Answer) -> None:
        await answer.begin()
        await release.wait()
        event = {"type": "ADDED", "object": a_pod("b", 8)}
        await answer.chunk(json.dumps(event).encode() + b"\n")
        await answer.hang()

    async with looking(lists(a_pod("a"), version="7"), later) as looked:
        await looked.asked(2)
        before = looked.reflector.objects()
        assert looked.reflector.objects() is before
        release.set()
        await looked.until(lambda: looked.names == {"a", "b"})
        assert set(before) == {("ml", "a")}


@pytest.mark.parametrize("then", ["end", "drop"])
async def test_a_watch_that_ends_goes_on_from_what_was_seen_last(then: str) -> None:
    first = watches(("ADDED", a_pod("b", 8)), a_bookmark(12), then=then)
    async with looking(lists(version="7"), first) as looked:
        asked = await looked.asked(3)
        assert looked.names == {"b"}
    assert [each.query.get("resourceVersion") for each in asked] == [None, "7", "12"]


async def test_an_event_that_is_cut_in_two_chunks_is_read_whole() -> None:
    line = json.dumps({"type": "ADDED", "object": a_pod("b", 8)}).encode() + b"\n"

    async def halves(asked: Asked, answer: Answer) -> None:
        await answer.begin()
        await answer.chunk(line[:20])
        await answer.chunk(line[20:] + line[:30])
        answer.drop()

    async with looking(lists(version="7"), halves) as looked:
        asked = await looked.asked(3)
        assert looked.names == {"b"}
    assert asked[2].query["resourceVersion"] == "8"


EXPIRED = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}


@pytest.mark.parametrize("turn", [fails(410, "Expired"), watches(("ERROR", EXPIRED))])
async def test_a_version_that_is_no_longer_kept_leads_to_a_new_list(turn: Turn) -> None:
    again = lists(a_pod("b", 20), a_pod("c", 3), version="20")
    async with looking(lists(a_pod("a"), a_pod("c", 3), version="7"), turn, again) as looked:
        asked = await looked.asked(4)
        assert looked.names == {"b", "c"}
        assert {(name, bool(old), bool(new)) for name, old, new in looked.changes} == {
            ("b", False, True),
            ("a", True, False),
        }
    assert asked[3].query["resourceVersion"] == "20"


async def test_a_page_whose_token_expired_leads_to_a_new_list() -> None:
    first = lists(a_pod("a"), version="7", more="next")
    async with looking(first, fails(410), lists(a_pod("b"), version="9")) as looked:
        await looked.asked(4)
        assert looked.names == {"b"}


async def test_a_server_that_fails_is_asked_less_and_less_and_the_map_stays() -> None:
    outage = [fails(500)] * 9
    async with looking(lists(a_pod("a"), version="7"), *outage) as looked:
        await looked.asked(11)
        assert looked.names == {"a"}
    assert looked.rests == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


async def test_the_rests_begin_anew_once_a_watch_tells_something() -> None:
    turns = (fails(500), fails(500), watches(a_bookmark(8), then="drop"), fails(500))
    async with looking(lists(version="7"), *turns) as looked:
        await looked.asked(6)
    assert looked.rests == [0.25, 0.5, 0.25, 0.5]


async def test_a_server_that_asks_for_time_gets_it() -> None:
    async with looking(fails(429, headers={"Retry-After": "9"}), lists(version="7")) as looked:
        await looked.asked(3)
    assert looked.rests == [9.0]


async def test_a_watch_that_tells_nothing_for_too_long_is_begun_anew() -> None:
    async with looking(lists(version="7"), watches(), watch_s=-4.95) as looked:
        asked = await looked.asked(3)
        assert isinstance(looked.reflector.fault, Silent) or looked.reflector.fault is None
    assert [each.query.get("resourceVersion") for each in asked[1:]] == ["7", "7"]


async def test_a_watch_that_ends_as_soon_as_it_begins_is_not_begun_without_a_rest() -> None:
    async with looking(lists(version="7"), watches(then="end"), watches(then="end")) as looked:
        await looked.asked(4)
    assert looked.rests == [0.25, 0.5]


async def test_watches_that_keep_mute_three_times_lead_to_a_new_list() -> None:
    async def mute(asked: Asked, answer: Answer) -> None:
        await answer.begin()
        looked.now_s += 40
        await answer.raw(b"0\r\n\r\n")

    async with looking(lists(version="7"), mute, mute, mute, lists(version="3")) as looked:
        asked = await looked.asked(6)
    assert [each.query.get("watch") for each in asked] == [None, "1", "1", "1", None, "1"]
    assert asked[5].query["resourceVersion"] == "3"


async def test_a_kind_that_is_not_served_is_empty_and_asked_for_again() -> None:
    kind = Kind(part="slices", path=PATH, shape=Pod, served_by="/apis/group/v1")
    async with looking(
        fails(404), answers({}), lists(a_pod("a"), version="7"), kind=kind
    ) as looked:
        asked = await looked.asked(4)
        assert looked.names == {"a"}
    assert [each.path for each in asked] == ["/apis/group/v1", "/apis/group/v1", PATH, PATH]
    assert looked.rests == [45.0]


async def test_a_kind_that_is_taken_away_is_empty() -> None:
    async with looking(lists(a_pod("a"), version="7"), fails(404), fails(404)) as looked:
        await looked.until(lambda: bool(looked.changes))
        assert looked.changes[0][0] == "a"
        assert looked.names == set()
        assert not isinstance(looked.reflector.fault, NotThere)


async def test_who_may_not_watch_knows_why() -> None:
    async with looking(lists(a_pod("a"), version="7"), fails(403, "Forbidden")) as looked:
        await looked.until(lambda: looked.reflector.fault is not None)
        assert isinstance(looked.reflector.fault, Barred)


async def test_an_answer_that_is_no_json_is_silence() -> None:
    async with looking(answers(b"<html>login</html>"), lists(a_pod("a"), version="7")) as looked:
        await looked.until(lambda: looked.reflector.fault is not None)
        assert isinstance(looked.reflector.fault, Silent)
        await looked.asked(3)
        assert looked.names == {"a"}


async def test_an_odd_object_is_kept_with_what_can_be_read_of_it() -> None:
    odd = a_pod(
        "odd",
        spec={"nodeName": "n1", "containers": None, "priority": "high"},
        status={"phase": "Running", "conditions": "none"},
    )
    odd["metadata"]["labels"] = None
    nameless = {"metadata": None}
    worse = watches(("MODIFIED", a_pod("fine", 8, spec=[])), ("ADDED", nameless), a_bookmark(9))
    async with looking(lists(odd, a_pod("fine"), nameless, version="7"), worse) as looked:
        await looked.until(lambda: bool(looked.changes))
        pod = looked.reflector.objects()[("ml", "odd")]
        assert looked.names == {"odd", "fine"}
        assert looked.reflector.odd == 4
    assert (pod.spec.node_name, pod.status.phase, pod.spec.containers) == ("n1", "Running", ())


async def test_custom_resources_are_kept_whole() -> None:
    kind = Kind(part=PATH, path=PATH, shape=dict[str, object])
    job = a_pod("train", spec={"runPolicy": {"suspend": True}})
    async with looking(lists(job, version="7"), kind=kind) as looked:
        await looked.asked(2)
        assert looked.reflector.objects() == {("ml", "train"): job}


async def test_the_time_of_the_last_contact_is_kept() -> None:
    async def later(asked: Asked, answer: Answer) -> None:
        looked.now_s = 150.0
        await watches(a_bookmark(8))(asked, answer)

    async with looking(lists(version="7"), later) as looked:
        await looked.until(lambda: looked.reflector.last_contact_s is not None)
        assert looked.reflector.last_contact_s == 100.0
        async with asyncio.timeout(20):
            while looked.reflector.last_contact_s != 150.0:
                await asyncio.sleep(0)
