"""Suspendables: gangs in custom resources of somebody else, started and stopped by one field."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from adapters.base import PlaceOrder, Refused, Throttled
from adapters.kubernetes import marks
from adapters.kubernetes.client import Client
from adapters.kubernetes.door import allowed
from adapters.kubernetes.faults import Conflict, NotThere
from adapters.kubernetes.pools import selector_of
from adapters.kubernetes.setting import Setting
from scheduler.domain.bindings import Suspendable
from scheduler.domain.names import PoolName

Body = dict[str, Any]
TRIES = 3
"""Its own controller writes the same object, so a stale write is tried on the newer one."""
ENDED = ("Complete", "Succeeded", "Failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gang:
    """What such an object says of the gang."""

    pool: PoolName | None
    """The pool it was nominated for, if we did."""
    suspended: bool
    wanted: int
    """Workers that shall run, though it may stand still; 0: none."""
    ended: bool


def gang_of(runs: Suspendable, body: Mapping[str, object]) -> Gang:
    """Read an object. One without the suspend field runs."""
    metadata = _mapping(body.get("metadata"))
    labels, annotations = _mapping(metadata.get("labels")), _mapping(metadata.get("annotations"))
    pool, wanted = labels.get(marks.POOL), str(annotations.get(marks.WANTED, ""))
    return Gang(
        pool=PoolName(str(pool)) if pool else None,
        suspended=_value(body, runs.suspend) is True,
        wanted=int(wanted) if wanted.isdigit() else 0,
        ended=_ended(body),
    )


async def place_suspendable(
    client: Client, setting: Setting, runs: Suspendable, order: PlaceOrder
) -> None:
    """Nominate the pool while the gang stands still (`tend` starts it), or stop it there.

    It is on one pool at most: an order of no pods for a pool that it is not on changes nothing.
    """
    allowed(setting, runs.namespace)

    def change(body: Body) -> bool:
        gang = gang_of(runs, body)
        if gang.ended:
            return False
        if order.pods:
            return _nominate(body, gang, setting, runs, order)
        return _stop(body, gang, runs, order)

    if not await _edit(client, runs, change) and order.pods:
        raise Refused(
            f"{runs.resource} {runs.namespace}/{runs.name} is not there; "
            "make it, or correct the document"
        )


async def start(client: Client, runs: Suspendable, pool: PoolName) -> None:
    """Let it run on the pool, if it still waits for that."""

    def change(body: Body) -> bool:
        gang = gang_of(runs, body)
        if gang.ended or not gang.suspended or not gang.wanted or gang.pool != pool:
            return False
        _set(body, runs.suspend, False)
        return True

    await _edit(client, runs, change)


async def halt(client: Client, runs: Suspendable, pool: PoolName) -> None:
    """Give its seats back; it goes on waiting for the pool."""

    def change(body: Body) -> bool:
        gang = gang_of(runs, body)
        if gang.ended or gang.suspended or gang.pool != pool:
            return False
        _set(body, runs.suspend, True)
        return True

    await _edit(client, runs, change)


def _nominate(
    body: Body, gang: Gang, setting: Setting, runs: Suspendable, order: PlaceOrder
) -> bool:
    if gang.pool == order.pool and gang.wanted == order.pods:
        return False
    if gang.pool != order.pool:
        if not gang.suspended:
            raise Refused(
                f"{runs.resource} {runs.namespace}/{runs.name} runs "
                f"{f'on {gang.pool}' if gang.pool else 'without our doing'}; "
                "it has to be suspended there first"
            )
        _select(body, setting, runs, order.pool)
    _mark(body, "labels", marks.POOL, order.pool)
    _mark(body, "labels", marks.WORKLOAD, order.workload)
    _mark(body, "annotations", marks.WANTED, str(order.pods))
    _mark(body, "annotations", marks.KEY, order.key)
    return True


def _stop(body: Body, gang: Gang, runs: Suspendable, order: PlaceOrder) -> bool:
    if gang.pool != order.pool or (gang.suspended and not gang.wanted):
        return False
    _set(body, runs.suspend, True)
    _mark(body, "annotations", marks.WANTED, "0")
    _mark(body, "annotations", marks.KEY, order.key)
    return True


def _select(body: Body, setting: Setting, runs: Suspendable, pool: PoolName) -> None:
    """The pool's node selector in each place; what another pool's left there goes."""
    foreign = {key for each in setting.pools for key in selector_of(each, setting)}
    for path in runs.node_selectors:
        there = _mapping(_value(body, path))
        kept = {key: value for key, value in there.items() if key not in foreign}
        _set(body, path, {**kept, **selector_of(pool, setting)})


async def _edit(client: Client, runs: Suspendable, change: Callable[[Body], bool]) -> bool:
    """Read, change, write back with the version that was read; whether the object is there.

    Nothing is written where `change` says that nothing was to change.
    """
    path = path_of(runs)
    for _ in range(TRIES):
        try:
            body: Body = msgspec.json.decode(await client.get(path))
            if change(body):
                await client.replace(path, body)
        except NotThere:
            return False
        except Conflict:
            continue
        return True
    raise Throttled(
        f"{runs.resource} {runs.namespace}/{runs.name} is written by others all the time; "
        "the next tick tries again"
    )


def path_of(runs: Suspendable) -> str:
    """Where the object is."""
    version = f"/apis/{runs.api_version}" if "/" in runs.api_version else f"/api/{runs.api_version}"
    return f"{version}/namespaces/{runs.namespace}/{runs.resource}/{runs.name}"


def _value(body: object, path: tuple[str, ...]) -> object:
    """What is at the path; a number in it counts into a list. None where nothing is."""
    for step in path:
        if isinstance(body, Mapping):
            body = body.get(step)
        elif isinstance(body, list) and step.isdigit() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body


def _set(body: Body, path: tuple[str, ...], value: object) -> None:
    there: Any = body
    for step in path[:-1]:
        if isinstance(there, list):
            there = _item(there, step, path)
        else:
            if there.get(step) is None:
                there[step] = {}
            there = there[step]
    if not isinstance(there, dict):
        raise Refused(f"the object has no {'.'.join(path)}; correct the path in the document")
    there[path[-1]] = value


def _item(there: list[Any], step: str, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
    if not step.isdigit() or int(step) >= len(there):
        raise Refused(f"the object has no {'.'.join(path)}; correct the path in the document")
    return there[int(step)]


def _mark(body: Body, kind: str, name: str, text: str) -> None:
    _set(body, ("metadata", kind, name), text)


def _ended(body: Mapping[str, object]) -> bool:
    conditions = _mapping(body.get("status")).get("conditions")
    return isinstance(conditions, list) and any(
        _mapping(each).get("type") in ENDED and _mapping(each).get("status") == "True"
        for each in conditions
    )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
