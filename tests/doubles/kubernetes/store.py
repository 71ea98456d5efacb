"""The store: objects by version, and what has happened to them. Stored objects never change."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

import msgspec

from tests.doubles.kubernetes.kinds import Kind
from tests.doubles.kubernetes.selectors import Test
from tests.doubles.kubernetes.statuses import bad_request, expired

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""
Place = tuple[str, str]
"""Group and plural: all versions of a kind share it."""


class Stored:
    """One version of one object, encoded when first asked for."""

    __slots__ = ("_raw", "object", "version")

    def __init__(self, thing: Object, version: int) -> None:
        self.object, self.version = thing, version
        self._raw: bytes | None = None

    def raw(self) -> bytes:
        """As JSON, without kind and apiVersion."""
        if self._raw is None:
            self._raw = msgspec.json.encode(self.object)
        return self._raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One write: what was there before (None: nothing) and what is there now."""

    version: int
    before: Stored | None
    after: Stored | None
    """None: deleted; then `last` is how it went."""
    last: Stored


@dataclass(slots=True, kw_only=True)
class Shelf:
    """All objects of one kind, and their history."""

    kind: Kind
    objects: dict[Key, Stored] = field(default_factory=dict)
    history: list[Happening] = field(default_factory=list)
    dropped: int = 0
    """Happenings that are no longer kept."""
    listeners: set[Callable[[], None]] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list, as it was at one version."""

    version: int
    items: list[Stored]
    token: str = ""
    remaining: int = 0


class Store:
    """Versions grow over all kinds. `lock` is held by whoever reads in order to write."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.version = 100
        self.compacted = 0
        """Watches from before this version are told 410."""
        self._shelves: dict[Place, Shelf] = {}
        self._pages: dict[int, list[Stored]] = {}
        self._page_count = 0
        self._by_uid: dict[str, tuple[Kind, Key]] = {}
        self._by_owner: dict[str, set[str]] = {}
        self._listeners: set[Callable[[], None]] = set()

    def shelf(self, kind: Kind) -> Shelf:
        """Where a kind is kept."""
        place = (kind.group, kind.plural)
        if place not in self._shelves:
            self._shelves[place] = Shelf(kind=kind)
        return self._shelves[place]

    def shelves(self) -> list[Shelf]:
        """All kinds that hold something, or did."""
        return list(self._shelves.values())

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """`listener` is called after every write, in the writer's thread. Returns the way out."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def by_uid(self, uid: str) -> tuple[Kind, Object] | None:
        """The object of that uid."""
        found = self._by_uid.get(uid)
        stored = self.find(*found) if found else None
        return (found[0], stored.object) if found and stored else None

    def dependents(self, uid: str) -> list[tuple[Kind, Object]]:
        """The objects that name it as an owner."""
        with self.lock:
            found = (self.by_uid(one) for one in sorted(self._by_owner.get(uid, ())))
            return [one for one in found if one is not None]

    def find(self, kind: Kind, key: Key) -> Stored | None:
        """The newest version."""
        return self.shelf(kind).objects.get(key)

    def all(self, kind: Kind, namespace: str = "") -> list[Object]:
        """The newest of each, in the order of their names."""
        with self.lock:
            return [one.object for one in self._chosen(kind, namespace, None)]

    def put(self, kind: Kind, thing: Object) -> Stored:
        """Makes or replaces it. The object becomes the store's and must not be changed."""
        with self.lock:
            key = _key(thing)
            self.version += 1
            thing["metadata"]["resourceVersion"] = str(self.version)
            stored, shelf = Stored(thing, self.version), self.shelf(kind)
            before = shelf.objects.get(key)
            shelf.objects[key] = stored
            self._index(kind, thing, before.object if before else None)
            self._tell(shelf, before=before, after=stored, last=stored)
            return stored

    def remove(self, kind: Kind, key: Key) -> Stored:
        """Takes it away; returns how it went."""
        with self.lock:
            shelf = self.shelf(kind)
            before = shelf.objects.pop(key)
            self.version += 1
            meta = {**before.object["metadata"], "resourceVersion": str(self.version)}
            last = Stored({**before.object, "metadata": meta}, self.version)
            self._index(kind, None, before.object)
            self._tell(shelf, before=before, after=None, last=last)
            return last

    def load(self, kind: Kind, things: Iterable[Object]) -> None:
        """Many at once, without history: a world that was there before anybody looked."""
        with self.lock:
            shelf = self.shelf(kind)
            for thing in things:
                self.version += 1
                thing["metadata"]["resourceVersion"] = str(self.version)
                shelf.objects[_key(thing)] = Stored(thing, self.version)
                self._index(kind, thing, None)

    def page(
        self, kind: Kind, namespace: str, test: Test | None, *, limit: int, token: str
    ) -> Page:
        """A list, or the next part of one that began earlier."""
        with self.lock:
            if token:
                version, start, rest = self._resumed(token)
            else:
                version, start = self.version, 0
                rest = list(self._chosen(kind, namespace, test))
            if not limit or len(rest) - start <= limit:
                return Page(version=version, items=rest[start:])
            if not token:
                self._page_count += 1
                self._pages[self._page_count] = rest
            number = _told(token)["id"] if token else self._page_count
            following = {"rv": version, "start": start + limit, "id": number}
            return Page(
                version=version,
                items=rest[start : start + limit],
                token=base64.urlsafe_b64encode(json.dumps(following).encode()).decode(),
                remaining=len(rest) - start - limit,
            )

    def forget_pages(self) -> None:
        """Lists that have begun cannot be continued."""
        with self.lock:
            self._pages.clear()

    def compact(self) -> None:
        """History up to now is dropped: whoever resumes from before is told 410."""
        with self.lock:
            self.compacted = self.version
            self.forget_pages()
            for shelf in self._shelves.values():
                shelf.dropped += len(shelf.history)
                shelf.history.clear()

    def _chosen(self, kind: Kind, namespace: str, test: Test | None) -> Iterator[Stored]:
        objects = self.shelf(kind).objects
        for key in sorted(objects):
            if namespace and key[0] != namespace:
                continue
            if test is None or test(objects[key].object):
                yield objects[key]

    def _index(self, kind: Kind, thing: Object | None, before: Object | None) -> None:
        for one in (before or {}).get("metadata", {}).get("ownerReferences") or ():
            self._by_owner.get(one["uid"], set()).discard((before or {})["metadata"]["uid"])
        if thing is None:
            self._by_uid.pop((before or {})["metadata"]["uid"], None)
            return
        uid = thing["metadata"]["uid"]
        self._by_uid[uid] = (kind, _key(thing))
        for one in thing["metadata"].get("ownerReferences") or ():
            self._by_owner.setdefault(one["uid"], set()).add(uid)

    def _resumed(self, token: str) -> tuple[int, int, list[Stored]]:
        told = _told(token)
        rest = self._pages.get(told["id"])
        if rest is None:
            raise expired(
                "The provided continue parameter is too old to display a consistent list result."
                " You can start a new list without the continue parameter."
            )
        return told["rv"], told["start"], rest

    def _tell(
        self, shelf: Shelf, *, before: Stored | None, after: Stored | None, last: Stored
    ) -> None:
        told = Happening(version=self.version, before=before, after=after, last=last)
        shelf.history.append(told)
        for listener in (*shelf.listeners, *self._listeners):
            listener()


def _told(token: str) -> Object:
    try:
        return dict(json.loads(base64.urlsafe_b64decode(token)))
    except ValueError as error:
        raise bad_request(
            "invalid continue token: continue key is not valid: cannot be decoded"
        ) from error


def _key(thing: Object) -> Key:
    return thing["metadata"].get("namespace", ""), thing["metadata"]["name"]
