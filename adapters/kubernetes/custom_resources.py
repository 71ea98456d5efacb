"""Documents that are objects of a cluster: read whole, and told what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from adapters.kubernetes.client import JSON_PATCH, Client
from adapters.kubernetes.faults import NotThere
from adapters.kubernetes.marks import DOMAIN
from adapters.kubernetes.shapes import ListMeta, Meta, Shape
from scheduler.domain.names import Instant

VERSION = "v1alpha1"
PAGE = "500"
AGAIN_AFTER_S = 300.0
"""The time of a plan alone is written anew so seldom."""


class Told(Shape, frozen=True):
    """What a status said when it was read."""

    phase: str = ""
    placed: dict[str, int] = msgspec.field(default_factory=dict)
    pending: str = ""
    reason: str = ""
    plan_time: str = ""
    observed_generation: int = 0


class _Body(Shape, frozen=True):
    metadata: Meta = Meta()
    spec: object = None
    status: Told = Told()


class _Page(Shape, frozen=True):
    metadata: ListMeta = ListMeta()
    items: tuple[_Body, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomObject:
    """One object, and the document that it is."""

    plural: str
    namespace: str
    name: str
    uid: str
    generation: int
    document: Mapping[str, object]
    told: Told

    @property
    def place(self) -> str:
        """Where it stands, as inferenceservices/ml/search."""
        return f"{self.plural}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStatus:
    """What became of an object at a tick."""

    phase: str
    """Placed | Pending | Held | Invalid."""
    at: Instant | None = None
    """Of the plan; None where there is none."""
    placed: Mapping[str, int] = field(default_factory=dict)
    """Pods by pool; of a pool its nodes."""
    pending: str = ""
    reason: str = ""


async def list_objects(
    client: Client, kinds: Mapping[str, str], namespace: str | None = None
) -> tuple[CustomObject, ...]:
    """The objects of these kinds (kind to plural), of one namespace or of all.

    A kind that is not served has none. Raises NotThere if no kind is, else as `Client.get`.
    """
    found: list[CustomObject] = []
    missing: NotThere | None = None
    served = 0
    for kind, plural in kinds.items():
        try:
            found += await _listed(client, kind, plural, namespace)
            served += 1
        except NotThere as fault:
            missing = fault
    if missing is not None and not served:
        message = "no kind of tidegate.io is served: apply what `tidegate schema --crd` prints"
        raise NotThere(404, missing.reason, message) from missing
    return tuple(found)


async def write_status(client: Client, thing: CustomObject, status: ObjectStatus) -> bool:
    """Tell an object what became of it; False where it says so already. Raises as `Client.patch`.

    Invalid means that the object is another one by now.
    """
    if not _is_news(thing, status):
        return False
    path = (
        f"/apis/{DOMAIN}/{VERSION}/namespaces/{thing.namespace}/{thing.plural}/{thing.name}/status"
    )
    body: Sequence[object] = [
        {"op": "test", "path": "/metadata/uid", "value": thing.uid},
        {"op": "add", "path": "/status", "value": _status(thing, status)},
    ]
    await client.patch(path, body, JSON_PATCH)
    return True


async def _listed(
    client: Client, kind: str, plural: str, namespace: str | None
) -> list[CustomObject]:
    within = f"/namespaces/{namespace}" if namespace else ""
    path = f"/apis/{DOMAIN}/{VERSION}{within}/{plural}"
    found: list[CustomObject] = []
    params = {"limit": PAGE}
    while True:
        page = msgspec.json.decode(await client.get(path, params), type=_Page)
        found += [_object(kind, plural, body) for body in page.items]
        if not page.metadata.continue_:
            return found
        params = {"limit": PAGE, "continue": page.metadata.continue_}


def _object(kind: str, plural: str, body: _Body) -> CustomObject:
    meta = body.metadata
    return CustomObject(
        plural=plural,
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        generation=meta.generation,
        document={
            "apiVersion": f"{DOMAIN}/{VERSION}",
            "kind": kind,
            "metadata": {"name": meta.name},
            "spec": body.spec,
        },
        told=body.status,
    )


def _is_news(thing: CustomObject, status: ObjectStatus) -> bool:
    told = thing.told
    same = (told.phase, told.placed, told.pending, told.reason, told.observed_generation) == (
        status.phase,
        dict(status.placed),
        status.pending,
        status.reason,
        thing.generation,
    )
    old = status.at is not None and status.at - _instant(told.plan_time) >= AGAIN_AFTER_S
    return old or not same


def _status(thing: CustomObject, status: ObjectStatus) -> Mapping[str, object]:
    told: dict[str, object] = {
        "phase": status.phase,
        "placed": dict(status.placed),
        "placement": ", ".join(f"{pool} {count}" for pool, count in sorted(status.placed.items())),
        "pending": status.pending,
        "reason": status.reason,
        "observedGeneration": thing.generation,
    }
    if status.at is not None:
        told["planTime"] = datetime.fromtimestamp(status.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return told


def _instant(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return float("-inf")
