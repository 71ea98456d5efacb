"""Patches: merge patch, strategic merge patch and JSON patch, on plain objects."""

import copy
from typing import Any

from tests.doubles.kubernetes.statuses import bad_patch, bad_request

KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort",),
    "conditions": ("type",),
    "addresses": ("type",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey",),
    "hostAliases": ("ip",),
}
"""Lists that are maps, by the name of their field. All others are replaced whole, taints too."""
SETS = ("finalizers",)
"""Lists that are sets."""


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def strategic(target: Any, patch: Any, field: str = "") -> Any:
    """As `merge`, but lists that are maps are merged by their keys, and sets by their items."""
    if isinstance(patch, list):
        return _strategic_list(target or [], patch, field)
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if name.startswith("$deleteFromPrimitiveList/"):
            rest = name.split("/", 1)[1]
            result[rest] = [one for one in result.get(rest, []) if one not in value]
        elif name.startswith("$"):
            continue  # Orders of lists: nothing that is read here depends on them.
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = strategic(result.get(name), value, name)
    return result


def _strategic_list(target: list[Any], patch: list[Any], field: str) -> list[Any]:
    if field in SETS:
        return [*target, *(one for one in patch if one not in target)]
    keys = KEYS.get(field)
    if keys is None or any(_replaces(one) for one in patch):
        return [one for one in patch if not _replaces(one)]
    result = list(target)
    for one in patch:
        if any(key not in one for key in keys) and keys == KEYS["ports"]:
            keys = ("port",)  # Of a Service; a container's port has another key.
        at = next((i for i, old in enumerate(result) if _same(old, one, keys)), None)
        if one.get("$patch") == "delete":
            result = [old for i, old in enumerate(result) if i != at]
        elif at is None:
            result.append(strategic({}, one))
        else:
            result[at] = strategic(result[at], one)
    return result


def _replaces(one: Any) -> bool:
    return isinstance(one, dict) and one.get("$patch") == "replace"


def _same(old: Any, new: Any, keys: tuple[str, ...]) -> bool:
    return all(old.get(key) == new.get(key) for key in keys)


def json_patch(target: Any, operations: Any) -> Any:
    """RFC 6902. A `test` that fails, or a path that is not there, is 422."""
    if not isinstance(operations, list):
        raise bad_request("json patch must be a list of operations")
    result = copy.deepcopy(target)
    for operation in operations:
        try:
            _carry_out(result, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise bad_patch() from error
    return result


def _carry_out(target: Any, operation: dict[str, Any]) -> None:
    *steps, last = _steps(operation["path"])
    holder = target
    for step in steps:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    match operation["op"]:
        case "test":
            if _at(holder, last) != operation["value"]:
                raise ValueError("test failed")
        case "remove":
            del holder[int(last) if isinstance(holder, list) else last]
        case "replace":
            _at(holder, last)
            holder[int(last) if isinstance(holder, list) else last] = operation["value"]
        case "add" if isinstance(holder, list):
            holder.insert(len(holder) if last == "-" else int(last), operation["value"])
        case "add":
            holder[last] = operation["value"]
        case other:
            raise ValueError(f"operation {other}")


def _at(holder: Any, last: str) -> Any:
    return holder[int(last)] if isinstance(holder, list) else holder[last]


def _steps(pointer: str) -> list[str]:
    if not pointer.startswith("/"):
        raise ValueError("the whole object cannot be patched")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]
