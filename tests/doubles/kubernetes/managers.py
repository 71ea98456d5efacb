"""Managers: who owns which field, and server-side apply."""

from dataclasses import dataclass, field
from typing import Any

from tests.doubles.kubernetes.fieldsets import ATOMIC, Path, leaves, read, told, without, written
from tests.doubles.kubernetes.patches import KEYS, SETS
from tests.doubles.kubernetes.statuses import apply_conflict

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who writes, and how: an entry of managedFields."""

    manager: str
    operation: str
    api_version: str
    subresource: str = ""

    def words(self) -> str:
        """As a conflict names it."""
        through = f' with subresource "{self.subresource}"' if self.subresource else ""
        version = f" using {self.api_version}" if self.operation == "Update" else ""
        return f'"{self.manager}"{through}{version}'


@dataclass(slots=True)
class Ownership:
    """The fields of each writer, with the time of the last change."""

    fields: dict[Writer, set[Path]] = field(default_factory=dict)
    times: dict[Writer, str] = field(default_factory=dict)


def owners(thing: Object) -> Ownership:
    """What managedFields says."""
    result = Ownership()
    for entry in thing["metadata"].get("managedFields", ()):
        writer = Writer(
            manager=entry["manager"],
            operation=entry["operation"],
            api_version=entry["apiVersion"],
            subresource=entry.get("subresource", ""),
        )
        result.fields[writer] = read(entry["fieldsV1"])
        result.times[writer] = entry["time"]
    return result


def noted(thing: Object, ownership: Ownership) -> Object:
    """The object with that in its managedFields."""
    entries = [
        {
            "manager": writer.manager,
            "operation": writer.operation,
            "apiVersion": writer.api_version,
            "time": ownership.times[writer],
            "fieldsType": "FieldsV1",
            "fieldsV1": written(paths),
            **({"subresource": writer.subresource} if writer.subresource else {}),
        }
        for writer, paths in ownership.fields.items()
        if paths
    ]
    entries.sort(key=lambda one: (one["operation"], one["time"], one["manager"]))
    meta = {name: value for name, value in thing["metadata"].items() if name != "managedFields"}
    return {**thing, "metadata": {**meta, **({"managedFields": entries} if entries else {})}}


def updated(
    before: Object | None, after: Object, writer: Writer, now: str, *, custom: bool
) -> Object:
    """After an update: what it changed is the writer's, and nobody else's."""
    old = leaves(before, custom=custom) if before else {}
    new = leaves(after, custom=custom)
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    ownership = owners(before) if before else Ownership()
    for paths in ownership.fields.values():
        paths.difference_update(changed)
        paths.intersection_update(new)
    ownership.fields.setdefault(writer, set()).update(changed)
    if changed or writer not in ownership.times:
        ownership.times[writer] = now
    return noted(after, ownership)


def applied(
    before: Object | None, wanted: Object, writer: Writer, now: str, *, custom: bool, force: bool
) -> Object:
    """After an apply. Raises the conflict with whoever has other values for the same fields."""
    mine = leaves(wanted, custom=custom)
    if before is None:
        return noted(wanted, Ownership({writer: set(mine)}, {writer: now}))
    ownership = owners(before)
    live = leaves(before, custom=custom)
    differing = {path for path, value in mine.items() if live.get(path) != value}
    contested = [
        (other.words(), told(path))
        for other, paths in ownership.fields.items()
        if other != writer
        for path in sorted(paths & differing)
    ]
    if contested and not force:
        raise apply_conflict(contested)
    had = ownership.fields.get(writer, set())
    for other, paths in ownership.fields.items():
        if other != writer:
            paths.difference_update(differing)
    ownership.fields[writer] = set(mine)
    others = {path for paths in ownership.fields.values() for path in paths}
    after = _merged(before, wanted, "", custom=custom)
    # Longest first: the leaves of an item go before the item itself.
    for path in sorted(had - others, key=len, reverse=True):
        after = without(after, path)
    if had != set(mine) or differing:
        ownership.times[writer] = now
    return noted(after, ownership)


def _merged(live: Any, wanted: Any, name: str, *, custom: bool) -> Any:
    if isinstance(wanted, dict) and isinstance(live, dict) and name not in ATOMIC:
        result = dict(live)
        for key, value in wanted.items():
            inside = custom and name + key != "metadata"
            result[key] = _merged(live.get(key), value, key, custom=inside)
        return result
    if not isinstance(wanted, list) or not isinstance(live, list) or custom:
        return wanted
    if name in SETS:
        return [*live, *(one for one in wanted if one not in live)]
    if name not in KEYS:
        return wanted
    return _merged_items(live, wanted, KEYS[name], custom=custom)


def _merged_items(
    live: list[Object], wanted: list[Object], keys: tuple[str, ...], *, custom: bool
) -> list[Object]:
    result = list(live)
    for one in wanted:
        used = keys if keys[0] in one else ("port",)
        at = next(
            (i for i, old in enumerate(result) if all(old.get(k) == one.get(k) for k in used)), None
        )
        if at is None:
            result.append(one)
        else:
            result[at] = _merged(result[at], one, "", custom=custom)
    return result
