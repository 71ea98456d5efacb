"""Sight: views of a cluster, from watches that go on or from lists made for once."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from adapters.kubernetes.client import Client
from adapters.kubernetes.decode import Reader
from adapters.kubernetes.faults import AccessError, Barred, KubernetesError, NotThere, Silent
from adapters.kubernetes.kinds import Kind, custom_path, kinds_of
from adapters.kubernetes.reflector import Pace, Reflector, listed
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.urgency import urgency
from adapters.kubernetes.view import Key, View
from scheduler.domain.bindings import Suspendable
from scheduler.domain.names import WorkloadName

STALE_S = 60.0
"""A part of which nothing was heard for so long is not shown as if it were now."""
FIRST_LOOK_S = 30.0
Objects = Mapping[Key, Any]


class Watched:
    """Watches all kinds from the first view on, in the event loop of that call.

    `ring` is told why, whenever something changes that cannot wait for the next tick.
    """

    def __init__(
        self,
        client: Client,
        setting: Setting,
        *,
        monotonic: Callable[[], float],
        ring: Callable[[str], None],
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        first_look_s: float = FIRST_LOOK_S,
    ) -> None:
        self._setting, self._ring, self._monotonic = setting, ring, monotonic
        self._first_look_s = first_look_s
        pace = Pace(monotonic=monotonic, rest=rest, chance=chance)
        self._news = asyncio.Event()
        self._reflectors = tuple(
            Reflector(client, kind, pace, changed=self._changed, news=self._pulse)
            for kind in kinds_of(setting)
        )
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._closed = False
        self._merged: dict[str, tuple[tuple[Objects, ...], Objects]] = {}

    async def view(self) -> View:
        """The newest view; waits until everything was listed once.

        Raises Barred or AccessError as soon as a part is refused, and Silent when the first look
        takes too long or nothing was heard of a part for a minute.
        """
        if self._closed:
            raise Silent("the watches were closed")
        if not self._tasks:
            self._tasks = tuple(asyncio.create_task(each.run()) for each in self._reflectors)
        await self._all_listed()
        for reflector in self._reflectors:
            self._fresh(reflector)
        return _view({part: self._part(part) for part in _parts(self._reflectors)}, self._setting)

    async def close(self) -> None:
        """No more is watched."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _all_listed(self) -> None:
        try:
            async with asyncio.timeout(self._first_look_s):
                while waiting := [each for each in self._reflectors if not each.synced]:
                    for reflector in waiting:
                        _permitted(reflector)
                    await self._news.wait()
        except TimeoutError as error:
            late = next((each for each in waiting if each.fault), waiting[0])
            raise Silent(
                f"the first look at {late.kind.what} takes longer than {self._first_look_s:g} s"
                + (f": {late.fault}" if late.fault else "")
            ) from error

    def _fresh(self, reflector: Reflector[Any]) -> None:
        _permitted(reflector)
        age_s = self._monotonic() - (reflector.last_contact_s or 0.0)
        if age_s > STALE_S:
            why = f": {reflector.fault}" if reflector.fault else ""
            raise Silent(f"nothing was heard of {reflector.kind.what} for {age_s:.0f} s{why}")

    def _part(self, part: str) -> Objects:
        """The objects of all reflectors that feed it; put together anew only if some changed."""
        maps = tuple(each.objects() for each in self._reflectors if each.kind.part == part)
        if len(maps) == 1:
            return maps[0]
        known = self._merged.get(part)
        if known is None or any(a is not b for a, b in zip(known[0], maps, strict=True)):
            known = self._merged[part] = (
                maps,
                {key: of for each in maps for key, of in each.items()},
            )
        return known[1]

    def _changed(self, kind: Kind[Any], key: Key, old: object, new: object) -> None:  # noqa: ARG002 - the objects tell
        if why := urgency(old, new):
            self._ring(why)

    def _pulse(self) -> None:
        self._news.set()
        self._news.clear()


class Listed:
    """Lists everything for each view: what a dry run may do, with get and list alone."""

    def __init__(self, client: Client, setting: Setting) -> None:
        self._client, self._setting = client, setting

    async def view(self) -> View:
        """What is there now. Raises as `Client.get`; Barred says what to grant."""
        kinds = kinds_of(self._setting)
        tasks = [asyncio.create_task(self._objects(kind)) for kind in kinds]
        try:
            found = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        parts: dict[str, dict[Key, Any]] = {}
        for kind, objects in zip(kinds, found, strict=True):
            parts.setdefault(kind.part, {}).update(objects)
        return _view(parts, self._setting)

    async def close(self) -> None:
        """Nothing goes on between two views."""

    async def _objects(self, kind: Kind[Any]) -> Objects:
        try:
            return (await listed(self._client, kind, Reader(kind.shape)))[0]
        except NotThere:
            return {}
        except Barred as fault:
            raise _told(fault, kind, "get and list") from fault


def _permitted(reflector: Reflector[Any]) -> None:
    match reflector.fault:
        case Barred() as fault:
            raise _told(fault, reflector.kind, "get, list and watch") from fault
        case AccessError() as fault:
            raise fault


def _told(fault: Barred, kind: Kind[Any], verbs: str) -> KubernetesError:
    if fault.status != 403:
        return fault
    return Barred(fault.status, fault.reason, f"{fault.message}; needed: {verbs} {kind.what}")


def _parts(reflectors: Iterable[Reflector[Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.kind.part for each in reflectors))


def _view(parts: Mapping[str, Objects], setting: Setting) -> View:
    custom: dict[WorkloadName, Mapping[str, object]] = {}
    of_custom = set()
    for name, binding in setting.bindings.workloads.items():
        runs = binding.runs
        if isinstance(runs, Suspendable):
            of_custom.add(path := custom_path(runs))
            if item := parts[path].get((runs.namespace, runs.name)):
                custom[name] = item
    return View(**{part: of for part, of in parts.items() if part not in of_custom}, custom=custom)
