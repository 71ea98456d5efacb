"""The reflector: one kind of objects, listed once and then kept up by a watch."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, assert_never

from adapters.kubernetes.client import Client
from adapters.kubernetes.decode import Became, Bookmark, Ended, Event, Reader, Went
from adapters.kubernetes.faults import (
    ApiError,
    Barred,
    Gone,
    KubernetesError,
    NotThere,
    Silent,
    TooMany,
)
from adapters.kubernetes.kinds import Kind
from adapters.kubernetes.view import Key

T = TypeVar("T")

PAGE = "500"
PAGE_DEADLINE_S = 30.0
LIST_TRIES = 3
"""The token of the next page may expire under a slow list: it begins anew."""
WATCH_S = 40.0
WATCH_JITTER_S = 10.0
"""A watch is asked to end after 40 to 50 s and goes on at once: a server that hangs is known by
then, whatever it thinks of bookmarks."""
IDLE_SLACK_S = 5.0
ABSENT_S = 45.0
"""A kind that is not served is asked for again."""
MUTE_WATCHES = 3
"""So many watches that end without a word, bookmarks included, and the list is made anew: a server
that was set back to an older state keeps still until it has caught up with the version asked."""
SHORT_S = 1.0
FIRST_REST_S = 0.5
LONGEST_REST_S = 30.0

Changed = Callable[[Kind[Any], Key, Any, Any], None]
"""Told of each change after the first list: kind, key, old object, new object; None: not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Clock, rest and chance: what a reflector must not take from the machine by itself."""

    monotonic: Callable[[], float]
    rest: Callable[[float], Awaitable[None]]
    chance: Callable[[], float]
    """Between 0 and 1; many reflectors must not come back all at once."""
    watch_s: float = WATCH_S


class Reflector(Generic[T]):
    """Keeps the objects of one kind as the server has them, for as long as `run` runs."""

    def __init__(
        self,
        client: Client,
        kind: Kind[T],
        pace: Pace,
        *,
        changed: Changed,
        news: Callable[[], None],
    ) -> None:
        self.kind = kind
        self.synced = False
        """Whether it was listed once."""
        self.fault: KubernetesError | None = None
        """What went wrong last; None once it is well again."""
        self.last_contact_s: float | None = None
        """When the server was last heard, by the monotonic clock."""
        self._client, self._pace, self._changed, self._news = client, pace, changed, news
        self._reader = Reader(kind.shape)
        self._objects: dict[Key, T] = {}
        self._shown: Mapping[Key, T] | None = None
        self._version: str | None = None
        self._failures = self._mute = 0

    def objects(self) -> Mapping[Key, T]:
        """As they are now. The map that is handed out is never changed."""
        if self._shown is None:
            self._shown = dict(self._objects)
        return self._shown

    @property
    def odd(self) -> int:
        """Objects so far that did not look as they should; see `Reader`."""
        return self._reader.odd

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            rest_s = await self._step()
            if rest_s > 0:
                await self._pace.rest(rest_s)

    async def _step(self) -> float:
        """A list or a watch, to its end; how long to rest after it."""
        try:
            if self._version is None:
                return await self._list()
            return await self._watch(self._version)
        except KubernetesError as fault:
            if isinstance(fault, ApiError) and not isinstance(fault, TooMany | Barred):
                # No such version, no such kind any more, or a version that means nothing there.
                self._version = None
            return self._failed(fault)
        except Exception as fault:  # noqa: BLE001 - the loop's outer edge: a map that silently grows old is worse than any fault that is told
            self._version = None
            return self._failed(Silent(f"{type(fault).__name__}: {fault}"))

    async def _list(self) -> float:
        try:
            fresh, version = await listed(self._client, self.kind, self._reader)
        except NotThere:
            self._replace({})
            return ABSENT_S
        self._version = version or None
        self._replace(fresh)
        return 0.0 if version else ABSENT_S

    async def _watch(self, version: str) -> float:
        began_s = self._pace.monotonic()
        watch_s = self._pace.watch_s + WATCH_JITTER_S * self._pace.chance()
        heard = False
        async with self._client.stream(self.kind.path, self._asked(version, watch_s)) as chunks:
            self._touched()
            async with aclosing(_lines(chunks, watch_s + IDLE_SLACK_S, self._touched)) as lines:
                async for line in lines:
                    self._hear(self._reader.event(line))
                    heard, self._failures = True, 0
        if not heard and self._pace.monotonic() - began_s < SHORT_S:
            raise Silent("the watch was ended as soon as it began")
        self._failures = 0
        self._mute = 0 if heard else self._mute + 1
        if self._mute >= MUTE_WATCHES:
            self._mute, self._version = 0, None
        return 0.0

    def _asked(self, version: str, watch_s: float) -> Mapping[str, str]:
        return {
            **self.kind.params,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": f"{max(1, round(watch_s))}",
        }

    def _hear(self, event: Event[T]) -> None:
        match event:
            case Bookmark(version=version):
                self._version = version or self._version
            case Became(key=key, version=version, new=new):
                self._version = version or self._version
                self._put(key, new)
            case Went(key=key, version=version):
                self._version = version or self._version
                self._put(key, None)
            case Ended(status=status):
                # Whatever it was, what we know may no longer be the whole.
                raise Gone(status.code, status.reason, status.message)
            case _:
                assert_never(event)

    def _put(self, key: Key, new: T | None) -> None:
        if not key[1]:
            return
        old = self._objects.get(key)
        if new is None:
            self._objects.pop(key, None)
        else:
            self._objects[key] = new
        self._shown = None
        if old is not None or new is not None:
            self._changed(self.kind, key, old, new)

    def _replace(self, fresh: dict[Key, T]) -> None:
        old, self._objects, self._shown = self._objects, fresh, None
        first, self.synced = not self.synced, True
        self._touched()
        if first:
            self._news()
            return
        for key, new in fresh.items():
            if (was := old.get(key)) != new:
                self._changed(self.kind, key, was, new)
        for key in old.keys() - fresh.keys():
            self._changed(self.kind, key, old[key], None)

    def _touched(self) -> None:
        self.last_contact_s, self.fault = self._pace.monotonic(), None

    def _failed(self, fault: KubernetesError) -> float:
        self.fault = fault
        self._failures += 1
        self._news()
        longest_s = min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(self._failures - 1, 10))
        rest_s = longest_s * (0.5 + 0.5 * self._pace.chance())
        asked_s = fault.retry_after_s if isinstance(fault, ApiError) else None
        return max(rest_s, min(asked_s or 0.0, LONGEST_REST_S))


async def listed(client: Client, kind: Kind[T], reader: Reader[T]) -> tuple[dict[Key, T], str]:
    """All objects of a kind, page by page, and the version from which to watch on.

    Raises NotThere where the kind is not served, else as `Client.get`.
    """
    if kind.served_by is not None:
        await client.get(kind.served_by)
    for _ in range(LIST_TRIES - 1):
        try:
            return await _pages(client, kind, reader)
        except Gone:
            continue
    return await _pages(client, kind, reader)


async def _pages(client: Client, kind: Kind[T], reader: Reader[T]) -> tuple[dict[Key, T], str]:
    objects: dict[Key, T] = {}
    asked = {**kind.params, "limit": PAGE}
    while True:
        content = await client.get(kind.path, asked, deadline_s=PAGE_DEADLINE_S)
        page = reader.page(content)
        del content  # megabytes, which would else live until the next page is here
        objects.update(page.objects)
        if not page.more:
            return objects, page.version
        asked["continue"] = page.more


async def _lines(
    chunks: AsyncIterator[bytes], idle_s: float, touched: Callable[[], None]
) -> AsyncGenerator[bytes, None]:
    """Whole lines. What is cut off at the end is dropped: the next watch tells it again."""
    part = b""
    while True:
        try:
            async with asyncio.timeout(idle_s):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise Silent(f"the watch has told nothing for {idle_s:.0f} s") from error
        touched()
        *whole, part = (part + chunk).split(b"\n")
        for line in whole:
            if line:
                yield line
