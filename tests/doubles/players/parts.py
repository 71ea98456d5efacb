"""Parts: what the players of controllers and of the scheduler read off objects."""

from typing import Any

Object = dict[str, Any]
FACTORS = {
    "": 1.0,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}


def amount(text: str | int) -> float:
    """A quantity as a number."""
    words = str(text)
    number = words.rstrip("mkMGTKi")
    return float(number) * FACTORS[words[len(number) :]]


def requests(pod: Object) -> dict[str, float]:
    """What a pod asks of a node, itself counted as one of `pods`."""
    total: dict[str, float] = {"pods": 1.0}
    for container in pod["spec"]["containers"]:
        told = container.get("resources") or {}
        for name, text in {**(told.get("limits") or {}), **(told.get("requests") or {})}.items():
            total[name] = total.get(name, 0.0) + amount(text)
    for container in pod["spec"].get("initContainers") or ():
        told = container.get("resources") or {}
        for name, text in {**(told.get("limits") or {}), **(told.get("requests") or {})}.items():
            total[name] = max(total.get(name, 0.0), amount(text))
    return total


def condition(thing: Object, name: str) -> Object:
    """The condition of that type, or an empty one."""
    found = (thing.get("status") or {}).get("conditions") or ()
    return next((one for one in found if one["type"] == name), {})


def holds(thing: Object, name: str) -> bool:
    """Whether that condition is True."""
    return condition(thing, name).get("status") == "True"


def going(thing: Object) -> bool:
    """Whether it has been told to go."""
    return bool(thing["metadata"].get("deletionTimestamp"))


def phase(pod: Object) -> str:
    """Pending, Running, Succeeded, Failed."""
    return str((pod.get("status") or {}).get("phase", "Pending"))


def active(pod: Object) -> bool:
    """Whether a controller counts on it."""
    return not going(pod) and phase(pod) in ("Pending", "Running")


def reference(kind: str, api_version: str, owner: Object) -> Object:
    """An owner reference to the controller of an object."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
