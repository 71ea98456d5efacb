"""Custom resources as documents: read for a dry run, or followed and answered by the daemon."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from scheduler.app.kubernetes_site import client_of, read_only
from scheduler.app.object_statuses import Outcome, invalid, outcome_of
from scheduler.config import NO_OBJECTS, Fault, Objects
from scheduler.config.crd import PLURALS
from scheduler.domain.bindings import KubernetesAccess
from scheduler.domain.names import ClusterName, Instant
from scheduler.runtime.logs import Logger

if TYPE_CHECKING:
    from adapters.kubernetes.client import Client, Fence
    from adapters.kubernetes.custom_resources import CustomObject
    from scheduler.runtime.world import Considered, Tick

log = Logger("tidegate.custom-resources")

IN_CLUSTER = "in-cluster"
LOOK_EVERY_S = 5.0


class UnreadError(Exception):
    """The custom resources could not be read; says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crds:
    """Where documents are objects of a cluster."""

    context: str
    """Of the kubeconfig, or `in-cluster`."""
    namespace: str | None = None
    """None: all."""
    kubeconfig: str | None = None
    """None: as kubectl finds it."""

    @property
    def access(self) -> KubernetesAccess:
        """The way in."""
        name = ClusterName(self.context)
        if self.context == IN_CLUSTER:
            return KubernetesAccess(cluster=name)
        return KubernetesAccess(cluster=name, context=self.context, kubeconfig=self.kubeconfig)


async def read_objects(crds: Crds) -> Objects:
    """The documents that are objects now, read only. Raises UnreadError."""
    custom = CustomDocuments(crds, fence=read_only)
    try:
        await custom.refresh()
    finally:
        await custom.close()
    return custom.objects()


class FilesAlone:
    """No custom resources: documents are in files, and nobody is answered."""

    def objects(self) -> Objects:
        """None."""
        return NO_OBJECTS

    def mark(self) -> str:
        """Always the same."""
        return ""

    def judged(self, faults: Sequence[Fault]) -> None:
        """Files are not answered."""

    async def told(self, tick: Tick) -> None:
        """Likewise."""


class CustomDocuments:
    """The documents that are objects of one cluster, and what became of them.

    Give `objects` and `judged` to the Loader, `mark` to the Documents and `told` to the daemon's
    reporters. While the cluster is not reached the documents stay as
    they were read last.
    """

    def __init__(self, crds: Crds, *, fence: Fence | None = None) -> None:
        self._crds, self._fence = crds, fence
        self._client: Client | None = None
        self._found: Mapping[str, CustomObject] = {}
        self._faults: tuple[Fault, ...] = ()

    def objects(self) -> Objects:
        """The documents by place."""
        return {place: thing.document for place, thing in self._found.items()} or NO_OBJECTS

    def mark(self) -> str:
        """Different whenever the documents are."""
        text = json.dumps(self.objects(), sort_keys=True, default=dict)
        return sha256(text.encode()).hexdigest()

    def judged(self, faults: Sequence[Fault]) -> None:
        """What is wrong with the documents at the last loading, from whatever thread."""
        self._faults = tuple(faults)

    async def refresh(self) -> bool:
        """Read them again; True if they changed. Raises UnreadError."""
        from adapters.kubernetes.custom_resources import list_objects
        from adapters.kubernetes.faults import KubernetesError

        before = self.mark()
        try:
            found = await list_objects(await self._connected(), PLURALS, self._crds.namespace)
        except KubernetesError as fault:
            where = f"the custom resources of {self._crds.context}"
            raise UnreadError(f"{where} cannot be read: {fault}") from fault
        self._found = {thing.place: thing for thing in found}
        return self.mark() != before

    async def watch(
        self,
        changed: Callable[[], None],
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Look again and again, until cancelled; `changed` is called when they differ."""
        while True:
            await rest(LOOK_EVERY_S)
            try:
                if await self.refresh():
                    changed()
                await self._answer(self._invalid())
            except UnreadError as error:
                log.warning("custom-resources.unread", why=str(error))
            except Exception:
                # The outer edge of its own loop: one bad answer must not end the looking.
                log.exception("custom-resources.failed")

    async def told(self, tick: Tick) -> None:
        """Answer each object after a tick. What cannot be written is written after the next."""
        await self._answer(self._outcomes(tick), tick.snapshot.now)

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _outcomes(self, found: Considered) -> Mapping[str, Outcome]:
        good = {
            place: outcome_of(found, str(thing.document["kind"]), thing.name)
            for place, thing in self._found.items()
        }
        return {**good, **self._invalid()}

    def _invalid(self) -> Mapping[str, Outcome]:
        found = {place: invalid(self._faults, place) for place in self._found}
        return {place: outcome for place, outcome in found.items() if outcome is not None}

    async def _answer(self, outcomes: Mapping[str, Outcome], at: Instant | None = None) -> None:
        from adapters.kubernetes.custom_resources import ObjectStatus, write_status
        from adapters.kubernetes.faults import Fenced, KubernetesError

        for place, outcome in outcomes.items():
            thing = self._found.get(place)
            if thing is None:
                continue
            status = ObjectStatus(
                phase=outcome.phase,
                at=at,
                placed=outcome.placed,
                pending=outcome.pending,
                reason=outcome.reason,
            )
            try:
                await write_status(await self._connected(), thing, status)
            except Fenced:
                return
            except KubernetesError as fault:
                log.warning("custom-resources.unanswered", place=place, why=str(fault))

    async def _connected(self) -> Client:
        if self._client is None:
            from adapters.kubernetes.client import unfenced

            self._client = await client_of(self._crds.access, self._fence or unfenced)
        return self._client


@asynccontextmanager
async def following(
    crds: Crds | None, changed: Callable[[], None], fence: Fence | None = None
) -> AsyncIterator[CustomDocuments | FilesAlone]:
    """The custom resources, read once and looked at from then on. Raises UnreadError.

    Nothing is planned before they were read: what is not known to be wanted would be taken away.
    """
    if crds is None:
        yield FilesAlone()
        return
    custom = CustomDocuments(crds, fence=fence)
    try:
        await custom.refresh()
        looking = asyncio.create_task(custom.watch(changed))
        try:
            yield custom
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
    finally:
        await custom.close()
