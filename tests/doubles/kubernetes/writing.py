"""Writing: create, replace, patch and delete as the API does them, on the store."""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.doubles.kubernetes import rules, statuses
from tests.doubles.kubernetes.kinds import NAMESPACES, Kind
from tests.doubles.kubernetes.managers import Writer, applied, updated
from tests.doubles.kubernetes.store import Key, Store, Stored

Object = dict[str, Any]
STAMP = "%Y-%m-%dT%H:%M:%SZ"
FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
HANDS = ("foregroundDeletion", "orphan")
"""Finalizers that the collector of garbage takes off itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a write was asked for."""

    manager: str = "double"
    subresource: str = ""
    dry_run: bool = False
    force: bool = False
    strict: bool = False


class Writing:
    """Every write goes through here: over HTTP, and by the players beside it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._numbers, self._random = itertools.count(1), random.Random(7)  # Names, not secrets.

    def now(self) -> str:
        """As the API writes times."""
        return datetime.now(UTC).strftime(STAMP)

    def create(self, kind: Kind, namespace: str, body: Any, asked: Asked) -> Stored:
        """POST."""
        with self.store.lock:
            thing = rules.addressed(kind, body, strict=asked.strict)
            meta = thing["metadata"] = dict(thing["metadata"])
            self._place(kind, namespace, meta)
            if "name" not in meta:
                raise statuses.invalid(
                    kind.qualified, "", "metadata.name", "Required value: name is required"
                )
            if self.store.find(kind, (meta.get("namespace", ""), meta["name"])):
                raise statuses.exists(kind.resource, meta["name"])
            thing = self._fresh(kind, thing)
            thing = updated(None, thing, self._writer(kind, asked), self.now(), custom=kind.custom)
            return self._kept(kind, None, thing, asked)

    def change(
        self, kind: Kind, key: Key, turn: Callable[[Object], Object], asked: Asked
    ) -> Stored:
        """PUT and PATCH: `turn` makes the new object of the present one."""
        with self.store.lock:
            stored = self.store.find(kind, key)
            if stored is None:
                raise statuses.not_found(kind.resource, key[1])
            before = stored.object
            thing = self._owned_by_server(kind, before, turn(before), asked.subresource)
            named = thing["metadata"].get("resourceVersion")
            if named and named != before["metadata"]["resourceVersion"]:
                raise statuses.stale(kind.resource, key[1])
            rules.check(kind, before, thing)
            if _same(before, thing):
                return stored
            writer = self._writer(kind, asked)
            thing = updated(before, thing, writer, self.now(), custom=kind.custom)
            return self._kept(kind, stored, thing, asked)

    def apply(self, kind: Kind, key: Key, body: Any, asked: Asked) -> tuple[Stored, bool]:
        """Server-side apply; whether the object is new."""
        with self.store.lock:
            wanted = rules.addressed(kind, body, strict=asked.strict)
            wanted["metadata"] = {"name": key[1], **wanted["metadata"]}
            self._place(kind, key[0], wanted["metadata"])
            stored = self.store.find(kind, key)
            writer = self._writer(kind, asked, operation="Apply")
            before = stored.object if stored else None
            named = wanted["metadata"].pop("resourceVersion", None)
            if before and named and named != before["metadata"]["resourceVersion"]:
                raise statuses.stale(kind.resource, key[1])
            thing = applied(
                *(before, wanted, writer, self.now()), custom=kind.custom, force=asked.force
            )
            if before is None or stored is None:
                fields = thing["metadata"].pop("managedFields", None)
                thing = self._fresh(kind, thing)
                if fields:
                    thing["metadata"]["managedFields"] = fields
                return self._kept(kind, None, thing, asked), True
            thing = self._owned_by_server(kind, before, thing, asked.subresource)
            rules.check(kind, before, thing)
            if thing == before:
                return stored, False
            return self._kept(kind, stored, thing, asked), False

    def delete(self, kind: Kind, key: Key, options: Object, *, dry_run: bool = False) -> Stored:
        """DELETE: at once, or marked where grace or finalizers hold it. Returns how it is then."""
        with self.store.lock:
            stored = self.store.find(kind, key)
            if stored is None:
                raise statuses.not_found(kind.resource, key[1])
            self._check_conditions(kind, key, stored, options.get("preconditions") or {})
            if dry_run:
                return stored
            meta = dict(stored.object["metadata"])
            grace = _grace_s(kind, stored.object, options.get("gracePeriodSeconds"))
            finalizers = list(meta.get("finalizers") or ())
            held = FINALIZERS.get(_propagation(kind, options))
            if held and held not in finalizers and self.store.dependents(meta["uid"]):
                finalizers.append(held)
            if not finalizers and not grace:
                return self._removed(kind, key, options)
            gone_at = datetime.now(UTC) + timedelta(seconds=grace)
            first = meta.get("deletionTimestamp")
            shorter = grace < meta.get("deletionGracePeriodSeconds", 0)
            if not first or shorter:
                meta["deletionTimestamp"] = gone_at.strftime(STAMP)
                meta["deletionGracePeriodSeconds"] = grace
            if finalizers:
                meta["finalizers"] = finalizers
            if meta == stored.object["metadata"]:
                return stored
            stored = self.store.put(kind, {**stored.object, "metadata": meta})
            self._collect(kind, stored.object)
            return self.store.find(kind, key) or stored

    def _removed(self, kind: Kind, key: Key, options: Object) -> Stored:
        last = self.store.remove(kind, key)
        if kind == NAMESPACES:
            self._empty(key[1])
        for one in last.object["metadata"].get("ownerReferences") or ():
            if owner := self.store.by_uid(one["uid"]):
                self._release(*owner)
        orphaned = _propagation(kind, options) == "Orphan"
        for other, dependent in self.store.dependents(last.object["metadata"]["uid"]):
            self._let_go(other, dependent, last.object["metadata"]["uid"], delete=not orphaned)
        return last

    def _collect(self, kind: Kind, thing: Object) -> None:
        """Carries out the finalizers of the collector of garbage."""
        meta = thing["metadata"]
        for finalizer in HANDS:
            if finalizer in (meta.get("finalizers") or ()):
                for other, dependent in self.store.dependents(meta["uid"]):
                    self._let_go(other, dependent, meta["uid"], delete=finalizer == HANDS[0])
        self._release(kind, thing)

    def _release(self, kind: Kind, thing: Object) -> None:
        """Takes off the finalizers that nothing waits for any more, and it goes with the last."""
        key = (thing["metadata"].get("namespace", ""), thing["metadata"]["name"])
        stored = self.store.find(kind, key)
        if stored is None or self.store.dependents(thing["metadata"]["uid"]):
            return
        meta = dict(stored.object["metadata"])
        if not set(HANDS) & set(meta.get("finalizers") or ()):
            return
        rest = [one for one in meta.pop("finalizers") if one not in HANDS]
        if not rest and not meta.get("deletionGracePeriodSeconds"):
            self._removed(kind, key, {"propagationPolicy": "Background"})
            return
        self.store.put(
            kind, {**stored.object, "metadata": {**meta, **({"finalizers": rest} if rest else {})}}
        )

    def _let_go(self, kind: Kind, thing: Object, owner: str, *, delete: bool) -> None:
        meta = thing["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        others = [one for one in meta["ownerReferences"] if one["uid"] != owner]
        if delete and not others:
            self.delete(kind, key, {"propagationPolicy": "Background"})
            return
        self.store.put(kind, {**thing, "metadata": {**meta, "ownerReferences": others}})

    def _empty(self, namespace: str) -> None:
        for shelf in self.store.shelves():
            for key in [one for one in shelf.objects if one[0] == namespace]:
                self.store.remove(shelf.kind, key)

    def _kept(self, kind: Kind, before: Stored | None, thing: Object, asked: Asked) -> Stored:
        if asked.dry_run:
            version = before.version if before else 0
            return Stored(thing, version)
        meta = thing["metadata"]
        held = meta.get("finalizers") or meta.get("deletionGracePeriodSeconds")
        stored = self.store.put(kind, thing)
        if before and meta.get("deletionTimestamp") and not held:
            return self._removed(kind, (meta.get("namespace", ""), meta["name"]), {})
        return stored

    def _fresh(self, kind: Kind, thing: Object) -> Object:
        now, uid = self.now(), str(UUID(int=self._random.getrandbits(128), version=4))
        thing = rules.established(kind, rules.fresh(kind, thing, uid=uid, now=now), now)
        rules.check(kind, None, thing)
        return thing

    def _place(self, kind: Kind, namespace: str, meta: Object) -> None:
        if kind.namespaced:
            if meta.setdefault("namespace", namespace) != namespace:
                raise statuses.bad_request(
                    "the namespace of the provided object does not match the namespace sent on"
                    " the request"
                )
            if not self.store.find(NAMESPACES, ("", namespace)):
                raise statuses.not_found("namespaces", namespace)
        if "name" not in meta and meta.get("generateName"):
            meta["name"] = meta["generateName"] + f"{next(self._numbers):05x}"

    def _owned_by_server(
        self, kind: Kind, before: Object, thing: Object, subresource: str
    ) -> Object:
        """What a writer cannot change: times, generation, and the other half of the object."""
        old, meta = before["metadata"], dict(thing["metadata"])
        for name in ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
            meta.pop(name, None)
            if name in old:
                meta[name] = old[name]
        meta["uid"] = meta.get("uid") or old["uid"]
        meta["managedFields"] = meta.get("managedFields") or old.get("managedFields", [])
        if subresource == "status":
            keep = {"uid": meta["uid"], "resourceVersion": meta.get("resourceVersion")}
            return {**before, "status": thing.get("status", {}), "metadata": {**old, **keep}}
        thing = {**rules.filled(kind, thing), "metadata": meta}
        if kind.status and "status" in before:
            thing["status"] = before["status"]
        if kind.generation:
            grown = _body(before) != _body(thing)
            meta["generation"] = old.get("generation", 1) + int(grown)
        return thing

    def _check_conditions(self, kind: Kind, key: Key, stored: Stored, wanted: Object) -> None:
        found = stored.object["metadata"]
        if wanted.get("uid", found["uid"]) != found["uid"]:
            raise statuses.other_one(
                *(kind.qualified, key[1]), asked=wanted["uid"], found=found["uid"]
            )
        version = found["resourceVersion"]
        if wanted.get("resourceVersion", version) != version:
            raise statuses.stale(kind.resource, key[1])

    def _writer(self, kind: Kind, asked: Asked, operation: str = "Update") -> Writer:
        return Writer(
            manager=asked.manager,
            operation=operation,
            api_version=kind.group_version,
            subresource=asked.subresource,
        )


def _grace_s(kind: Kind, thing: Object, wanted: int | None) -> int:
    if kind.name != "Pod":
        return 0
    over = thing["status"].get("phase") in ("Succeeded", "Failed")
    if over or not thing["spec"].get("nodeName"):
        return 0
    own: int = thing["spec"].get("terminationGracePeriodSeconds", 30)
    return own if wanted is None else wanted


def _propagation(kind: Kind, options: Object) -> str:
    # Jobs leave their pods behind by default, for the sake of the oldest clients.
    usual = "Orphan" if kind.name == "Job" else "Background"
    return str(options.get("propagationPolicy") or usual)


def _body(thing: Object) -> Object:
    return {name: value for name, value in thing.items() if name not in ("metadata", "status")}


def _same(before: Object, thing: Object) -> bool:
    ignored = ("resourceVersion", "managedFields")
    old, new = (
        {name: value for name, value in one["metadata"].items() if name not in ignored}
        for one in (before, thing)
    )
    rest = {name: value for name, value in thing.items() if name != "metadata"}
    return old == new and rest == {n: v for n, v in before.items() if n != "metadata"}
