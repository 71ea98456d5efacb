"""Events: what was done, held back or found, told on the objects that it is about."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import msgspec

from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import KubernetesError, NotThere
from adapters.kubernetes.instants import as_text
from adapters.kubernetes.marks import MANAGED_BY, OURS
from adapters.kubernetes.shapes import Meta
from scheduler.domain.names import Instant

AGAIN_AFTER_S = 600.0
"""What goes on is told again so often: the server forgets an Event after an hour."""
FORGET_AFTER_S = 3000.0
AT_ONCE = 8
MOST = 200
"""Events of one telling: a plan of ten thousand orders is no reason to flood a cluster."""
FIGURES = re.compile(r"\d+(?:\.\d+)?")
MESSAGE_LIMIT = 1000
"""Characters; the server takes 1,024 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Where objects of a kind are found."""

    api_version: str
    kind: str
    plural: str

    @property
    def root(self) -> str:
        """The path of its API group."""
        return f"/{'apis' if '/' in self.api_version else 'api'}/{self.api_version}"


KINDS = {
    "node": Kind(api_version="v1", kind="Node", plural="nodes"),
    "pod": Kind(api_version="v1", kind="Pod", plural="pods"),
    "configmap": Kind(api_version="v1", kind="ConfigMap", plural="configmaps"),
    "service": Kind(api_version="v1", kind="Service", plural="services"),
    "deployment": Kind(api_version="apps/v1", kind="Deployment", plural="deployments"),
    "job": Kind(api_version="batch/v1", kind="Job", plural="jobs"),
    "httproute": Kind(
        api_version="gateway.networking.k8s.io/v1", kind="HTTPRoute", plural="httproutes"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing worth telling."""

    subject: str
    """Kind and name, as node/gpu-7 or deployment/ml/search: see KINDS."""
    reason: str
    """One word in camel case."""
    message: str
    warning: bool = False
    ongoing: bool = False
    """A state rather than a deed: where nothing but figures differ it is the same one still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reference:
    """An object, by kind and name."""

    kind: Kind
    namespace: str
    name: str

    @property
    def path(self) -> str:
        inside = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"{self.kind.root}{inside}/{self.kind.plural}/{self.name}"


@dataclass(slots=True, kw_only=True)
class _Told:
    """An Event that stands."""

    name: str
    count: int
    at: Instant


class EventLog:
    """Events in one cluster. The same thing again raises the count of its Event, now and then."""

    def __init__(self, client: Client, identity: str, now: Callable[[], Instant]) -> None:
        self._client, self._identity, self._now = client, identity, now
        self._told: dict[Happening, _Told] = {}
        """By what each is, whatever its figures."""
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def tell(self, happenings: Sequence[Happening]) -> list[str]:
        """Tell what is new or due again. Returns what went wrong, in words; raises nothing."""
        now = self._now()
        self._told = {
            one: told for one, told in self._told.items() if now - told.at < FORGET_AFTER_S
        }
        distinct = {_what(one): one for one in happenings}.values()
        due = [one for one in distinct if self._is_due(one, now)][:MOST]
        faults = await asyncio.gather(*(self._one(one, now) for one in due))
        return [fault for fault in faults if fault]

    def _is_due(self, happening: Happening, now: Instant) -> bool:
        told = self._told.get(_what(happening))
        return told is None or now - told.at >= AGAIN_AFTER_S

    async def _one(self, happening: Happening, now: Instant) -> str:
        about = _reference(happening.subject)
        if about is None:
            return f"no Event can be told about {happening.subject}"
        async with self._slots:
            try:
                await self._again(happening, about, now)
            except KubernetesError as error:
                return f"Event {happening.reason} on {happening.subject}: {error}"
        return ""

    async def _again(self, happening: Happening, about: _Reference, now: Instant) -> None:
        told = self._told.get(_what(happening))
        if told is None:
            await self._first(happening, about, now)
            return
        path = f"/api/v1/namespaces/{_home(about)}/events/{told.name}"
        try:
            await self._client.patch(
                path,
                {
                    "count": told.count + 1,
                    "lastTimestamp": as_text(now),
                    "message": _cut(happening.message),
                },
            )
        except NotThere:
            await self._first(happening, about, now)
        else:
            told.count, told.at = told.count + 1, now

    async def _first(self, happening: Happening, about: _Reference, now: Instant) -> None:
        name = _event_name(happening, about, now, self._identity)
        await self._client.create(
            f"/api/v1/namespaces/{_home(about)}/events",
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {
                    "name": name,
                    "namespace": _home(about),
                    "labels": {MANAGED_BY: OURS},
                },
                "involvedObject": await self._involved(about),
                "reason": happening.reason,
                "message": _cut(happening.message),
                "type": "Warning" if happening.warning else "Normal",
                "source": {"component": OURS},
                "reportingComponent": OURS,
                "reportingInstance": self._identity,
                "firstTimestamp": as_text(now),
                "lastTimestamp": as_text(now),
                "count": 1,
            },
        )
        self._told[_what(happening)] = _Told(name=name, count=1, at=now)

    async def _involved(self, about: _Reference) -> dict[str, str]:
        """With the uid of the object, if it is there: `kubectl describe` looks for that."""
        reference = {
            "apiVersion": about.kind.api_version,
            "kind": about.kind.kind,
            "name": about.name,
            **({"namespace": about.namespace} if about.namespace else {}),
        }
        try:
            found = msgspec.json.decode(await self._client.get(about.path), type=_Object)
        except NotThere:
            return reference
        return reference | {"uid": found.metadata.uid}


class _Object(msgspec.Struct):
    metadata: Meta = Meta()


def _what(happening: Happening) -> Happening:
    if not happening.ongoing:
        return happening
    return replace(happening, message=FIGURES.sub("#", happening.message))


def _reference(subject: str) -> _Reference | None:
    kind, _, rest = subject.partition("/")
    namespace, slash, name = rest.partition("/")
    known = KINDS.get(kind)
    if known is None or not rest:
        return None
    return _Reference(kind=known, namespace=namespace if slash else "", name=name or namespace)


def _home(about: _Reference) -> str:
    """Events about what lies in no namespace go here, by the rules of the server."""
    return about.namespace or "default"


def _event_name(happening: Happening, about: _Reference, now: Instant, identity: str) -> str:
    told = f"{happening}{now!r}{identity}"
    return f"{about.name[:200]}.{sha256(told.encode()).hexdigest()[:16]}"


def _cut(message: str) -> str:
    fitting = message.encode()[:MESSAGE_LIMIT].decode(errors="ignore")
    return fitting if fitting == message else f"{fitting} ..."
