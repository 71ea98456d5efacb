"""Field sets: which leaves an object has, and how the API writes them down (fieldsV1).

A path is a tuple of steps as in fieldsV1: `f:name` for a field, `k:{...}` for an item of a list
that is a map, `v:...` for an item of a set. Only leaves, and items of lists, are owned.
"""

import json
from collections.abc import Iterable
from typing import Any

from tests.doubles.kubernetes.patches import KEYS, SETS

Path = tuple[str, ...]
Leaves = dict[Path, Any]
ATOMIC = ("selector", "nodeSelector", "args", "command")
"""Maps and lists that are one value (in the places where we meet them)."""
SYSTEM = (
    *("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation"),
    *("managedFields", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"),
)


def leaves(thing: dict[str, Any], *, custom: bool = False) -> Leaves:
    """All that a manager can own. Lists of custom kinds are single values."""
    found: Leaves = {}
    for name, value in thing.items():
        if name == "metadata":
            meta = {key: one for key, one in value.items() if key not in SYSTEM}
            _gather(meta, ("f:metadata",), "", found, custom=False)
        elif name not in ("apiVersion", "kind"):
            _gather(value, (f"f:{name}",), name, found, custom=custom)
    return found


def _gather(value: Any, path: Path, field: str, found: Leaves, *, custom: bool) -> None:
    if isinstance(value, dict) and value and field not in ATOMIC:
        for name, one in value.items():
            _gather(one, (*path, f"f:{name}"), name, found, custom=custom)
    elif isinstance(value, list) and not custom and field in SETS:
        for one in value:
            found[(*path, f"v:{json.dumps(one)}")] = one
    elif isinstance(value, list) and value and not custom and field in KEYS:
        for one in value:
            step = f"k:{item_key(field, one)}"
            found[(*path, step, ".")] = {}
            _gather(one, (*path, step), "", found, custom=custom)
    elif path != ("f:metadata",) and value is not None:
        found[path] = value


def item_key(field: str, item: dict[str, Any]) -> str:
    """How an item of a list that is a map is called in fieldsV1."""
    keys = KEYS[field]
    if field == "ports":
        keys = ("containerPort", "protocol") if "containerPort" in item else ("port", "protocol")
        item = {"protocol": "TCP", **item}
    return json.dumps({key: item.get(key) for key in sorted(keys)}, separators=(",", ":"))


def written(paths: Iterable[Path]) -> dict[str, Any]:
    """Paths as fieldsV1."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        at = tree
        for step in path:
            at = at.setdefault(step, {})
    return tree


def read(tree: dict[str, Any], path: Path = ()) -> set[Path]:
    """fieldsV1 as paths."""
    if not tree:
        return {path} if path else set()
    return {found for step, below in tree.items() for found in read(below, (*path, step))}


def told(path: Path) -> str:
    """A path as a conflict names it: .spec.template.spec.containers[name="c"].image."""
    text = ""
    for step in path:
        sort, _, rest = step.partition(":")
        match sort:
            case "f":
                text += f".{rest}"
            case "k":
                pairs = json.loads(rest).items()
                text += "[" + ",".join(f"{key}={json.dumps(one)}" for key, one in pairs) + "]"
            case "v":
                text += f"[={rest}]"
            case _:
                pass
    return text


def without(thing: Any, path: Path) -> Any:
    """The object less one leaf; maps and lists that get empty go with it."""
    if not path or path == (".",):
        return None
    step, rest = path[0], path[1:]
    sort, _, name = step.partition(":")
    if sort == "f":
        if not isinstance(thing, dict) or name not in thing:
            return thing
        below = without(thing[name], rest)
        kept = {key: one for key, one in thing.items() if key != name}
        return kept if below in (None, {}, []) else {**thing, name: below}
    if not isinstance(thing, list):
        return thing
    if sort == "v":
        return [one for one in thing if json.dumps(one) != name]
    return _without_item(thing, json.loads(name), rest)


def _without_item(items: list[Any], keys: dict[str, Any], rest: Path) -> list[Any]:
    result = []
    for one in items:
        if any({"protocol": "TCP", **one}.get(key) != value for key, value in keys.items()):
            result.append(one)
        elif rest and rest != (".",):
            result.append(without(one, rest))
    return result
