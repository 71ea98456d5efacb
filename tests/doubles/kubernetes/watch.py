"""Watch: what happens to a kind, from a version on, line by line."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import msgspec

from tests.doubles.kubernetes.kinds import Kind
from tests.doubles.kubernetes.selectors import Test
from tests.doubles.kubernetes.statuses import expired
from tests.doubles.kubernetes.store import Happening, Shelf, Store, Stored

Rendered = Callable[[Stored], bytes]
BEFORE_END_S = 2.0
INITIAL_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is watched, and from when."""

    kind: Kind
    namespace: str
    test: Test | None
    since: int | None
    """None: first everything that is there."""
    bookmarks: bool
    initial: bool
    """Everything that is there, and a bookmark that says so."""
    timeout_s: float
    bookmark_every_s: float


async def lines(store: Store, wanted: Wanted, render: Rendered) -> AsyncIterator[bytes]:
    """The events. Ends after the time-out, or with an ERROR where history is gone."""
    shelf = store.shelf(wanted.kind)
    ends = time.monotonic() + wanted.timeout_s
    with _listening(shelf) as woken:
        with store.lock:
            at, opening = _opened(store, shelf, wanted, render)
            version = store.version
        if at is None:
            yield event("ERROR", msgspec.json.encode(expired(_too_old(store, wanted)).body()))
            return
        for line in opening:
            yield line
        due = _due(wanted, time.monotonic(), ends)
        while (now := time.monotonic()) < ends:
            woken.clear()
            with store.lock:
                if at < shelf.dropped:
                    yield event("ERROR", msgspec.json.encode(expired("too old").body()))
                    return
                told = shelf.history[at - shelf.dropped :]
                at, version = at + len(told), store.version
            for happening in told:
                if (told_line := _line(happening, wanted, render)) is not None:
                    yield told_line
            if wanted.bookmarks and now >= due:
                yield _bookmark(wanted.kind, version)
                due = _due(wanted, now, ends)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(due, ends) - now):
                    await woken.wait()


def _due(wanted: Wanted, now: float, ends: float) -> float:
    """When the next bookmark is: after its time, and once shortly before the end."""
    last_call = ends - BEFORE_END_S
    return min(now + wanted.bookmark_every_s, last_call) if now < last_call else ends


def event(kind: str, thing: bytes) -> bytes:
    """One line of a watch."""
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), thing)


def _opened(
    store: Store, shelf: Shelf, wanted: Wanted, render: Rendered
) -> tuple[int | None, list[bytes]]:
    if wanted.since is not None and not wanted.initial:
        if wanted.since < store.compacted:
            return None, []
        seen = sum(1 for one in shelf.history if one.version <= wanted.since)
        return shelf.dropped + seen, []
    opening = [event("ADDED", render(one)) for one in shelf.objects.values() if _takes(wanted, one)]
    if wanted.initial:
        opening.append(_bookmark(wanted.kind, store.version, end=True))
    return shelf.dropped + len(shelf.history), opening


def _line(happening: Happening, wanted: Wanted, render: Rendered) -> bytes | None:
    before = happening.before is not None and _takes(wanted, happening.before)
    after = happening.after is not None and _takes(wanted, happening.after)
    match before, after:
        case False, True:
            return event("ADDED", render(happening.last))
        case True, True:
            return event("MODIFIED", render(happening.last))
        case True, False:
            return event("DELETED", render(happening.last))
        case _:
            return None


def _takes(wanted: Wanted, stored: Stored) -> bool:
    if wanted.namespace and stored.object["metadata"].get("namespace") != wanted.namespace:
        return False
    return wanted.test is None or wanted.test(stored.object)


def _bookmark(kind: Kind, version: int, *, end: bool = False) -> bytes:
    meta: dict[str, object] = {"resourceVersion": str(version), "creationTimestamp": None}
    if end:
        meta["annotations"] = {INITIAL_END: "true"}
    thing = {"kind": kind.name, "apiVersion": kind.group_version, "metadata": meta}
    return event("BOOKMARK", msgspec.json.encode(thing))


def _too_old(store: Store, wanted: Wanted) -> str:
    return f"too old resource version: {wanted.since} ({store.compacted})"


@contextmanager
def _listening(shelf: Shelf) -> Iterator[asyncio.Event]:
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        # Writers may be in another thread.
        loop.call_soon_threadsafe(woken.set)

    shelf.listeners.add(wake)
    try:
        yield woken
    finally:
        shelf.listeners.discard(wake)
