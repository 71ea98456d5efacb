"""The memory in a ConfigMap: all of it comes back, and of two writers one is told."""

import json

import pytest

from adapters.kubernetes.faults import Conflict
from adapters.kubernetes.memory_map import Left, MemoryMap, TooLargeError, UnreadableMemoryError
from adapters.kubernetes.status_map import CUT, StatusMap
from scheduler.domain.names import ActionKey, Instant, PoolName, WorkloadName
from scheduler.domain.snapshot import Memory, SoldOut
from tests.doubles.api_worlds import Api

NOON = Instant(1_790_000_000.25)
MEMORY = Memory(
    tick=41,
    started_at=Instant(NOON - 3600.0),
    sold_out={PoolName("p"): SoldOut(until=Instant(NOON + 180.0), strikes=2)},
    grown_at={WorkloadName("search"): NOON},
    moved_at={WorkloadName("search"): NOON},
    surplus_since={PoolName("q"): NOON},
    vacated_at={PoolName("q"): NOON},
)
KEYS = (ActionKey("grow/p/4"), ActionKey("grow/q/2"))


async def test_nothing_is_left_where_nobody_was(api: Api) -> None:
    assert await MemoryMap(api.client, api.namespace).load() is None


async def test_all_of_it_comes_back_to_the_next_leader(api: Api) -> None:
    mine = MemoryMap(api.client, api.namespace)
    await mine.load()
    await mine.save(MEMORY, NOON)
    assert await MemoryMap(api.client, api.namespace).load() == Left(memory=MEMORY, at=NOON)


async def test_orders_about_to_be_sent_are_seen_until_their_tick_is_done(api: Api) -> None:
    mine, next_one = (MemoryMap(api.client, api.namespace) for _ in range(2))
    await mine.load()
    await mine.save(MEMORY, NOON)
    await mine.intend(KEYS)
    found = await next_one.load()
    assert found is not None
    assert (found.memory, found.intended) == (MEMORY, KEYS)
    await mine.save(MEMORY, NOON)
    found = await next_one.load()
    assert found is not None
    assert found.intended == ()


async def test_orders_of_a_first_tick_are_seen_too(api: Api) -> None:
    mine = MemoryMap(api.client, api.namespace)
    await mine.load()
    await mine.intend(KEYS)
    found = await MemoryMap(api.client, api.namespace).load()
    assert found == Left(memory=Memory(), at=Instant(0.0), intended=KEYS)


async def test_who_was_overtaken_is_told_and_changes_nothing(api: Api) -> None:
    old, new = (MemoryMap(api.client, api.namespace) for _ in range(2))
    await old.load()
    await old.save(MEMORY, NOON)
    await new.load()
    await new.intend(KEYS)
    with pytest.raises(Conflict):
        await old.save(Memory(tick=99), NOON)
    with pytest.raises(Conflict):
        await old.intend(())
    found = await MemoryMap(api.client, api.namespace).load()
    assert found is not None
    assert (found.memory, found.intended) == (MEMORY, KEYS)


async def test_a_memory_deleted_by_hand_is_made_anew_unless_another_leader_has(api: Api) -> None:
    old, new = (MemoryMap(api.client, api.namespace) for _ in range(2))
    await old.save(MEMORY, NOON)
    path = api.path("v1", "configmaps", "tidegate-memory")
    await _deleted(api, path)
    await old.intend(KEYS)
    found = await new.load()
    assert found is not None
    assert (found.memory, found.intended) == (MEMORY, KEYS)
    await _deleted(api, path)
    await new.save(MEMORY, NOON)
    with pytest.raises(Conflict):
        await old.save(Memory(tick=99), NOON)


async def _deleted(api: Api, path: str) -> None:
    uid = json.loads(await api.client.get(path))["metadata"]["uid"]
    await api.client.delete(path, uid=uid)


async def test_of_two_first_leaders_one_is_told(api: Api) -> None:
    one, other = (MemoryMap(api.client, api.namespace) for _ in range(2))
    await one.load()
    await other.load()
    await one.save(MEMORY, NOON)
    with pytest.raises(Conflict):
        await other.save(Memory(), NOON)


async def test_what_cannot_be_read_is_said_and_may_be_written_over(api: Api) -> None:
    await api.create(
        api.path("v1", "configmaps"),
        {"metadata": {"name": "tidegate-memory"}, "data": {"memory.json": '{"tick": "many"}'}},
    )
    mine = MemoryMap(api.client, api.namespace)
    with pytest.raises(UnreadableMemoryError, match="tidegate-memory"):
        await mine.load()
    await mine.save(MEMORY, NOON)
    assert await mine.load() == Left(memory=MEMORY, at=NOON)


async def test_a_memory_that_no_configmap_holds_is_not_sent(api: Api) -> None:
    mine = MemoryMap(api.client, api.namespace)
    await mine.load()
    grown = {WorkloadName(f"workload-{number:06}"): NOON for number in range(40_000)}
    with pytest.raises(TooLargeError):
        await mine.save(Memory(grown_at=grown), NOON)


async def test_that_of_five_thousand_services_fits(api: Api) -> None:
    mine = MemoryMap(api.client, api.namespace)
    await mine.load()
    at = {WorkloadName(f"recommendation-ranking-{number:05}"): NOON for number in range(5_000)}
    memory = Memory(tick=1, grown_at=at, moved_at=at)
    await mine.save(memory, NOON)
    assert await mine.load() == Left(memory=memory, at=NOON)


async def test_the_status_is_written_when_it_changed_and_only_then(api: Api) -> None:
    status = StatusMap(api.client, api.namespace)
    path = api.path("v1", "configmaps", "tidegate-status")
    await status.write({"status": "all is well", "traffic.json": "{}"})
    first = await api.get(path)
    await status.write({"status": "all is well", "traffic.json": "{}"})
    assert (await api.get(path))["metadata"]["resourceVersion"] == (
        first["metadata"]["resourceVersion"]
    )
    await status.write({"status": "a site is unseen"})
    assert (await api.get(path))["data"] == {"status": "a site is unseen"}


async def test_a_status_that_is_too_long_is_cut_and_its_json_left_out(api: Api) -> None:
    long = {"plan": "x" * 300_000, "summary.json": json.dumps({"a": "x" * 300_000})}
    await StatusMap(api.client, api.namespace).write(long)
    data = (await api.get(api.path("v1", "configmaps", "tidegate-status")))["data"]
    assert list(data) == ["plan"]
    assert data["plan"].endswith(CUT)
