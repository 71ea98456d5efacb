"""The memory: what must outlive a leader, in a ConfigMap that only one can write at a time."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import NotThere
from adapters.kubernetes.marks import MANAGED_BY, OURS
from adapters.kubernetes.shapes import ConfigMap
from scheduler.domain.names import ActionKey, Instant
from scheduler.domain.snapshot import Memory

NAME = "tidegate-memory"
MEMORY, INTENDED, AT = "memory.json", "intended.json", "at"
LIMIT = 900_000
"""Bytes: the server takes no ConfigMap above 1 MiB, with its metadata."""


class TooLargeError(ValueError):
    """The memory does not fit into a ConfigMap."""


class UnreadableMemoryError(ValueError):
    """What stands there is no memory of this version of Tidegate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What the last leader left."""

    memory: Memory
    at: Instant
    """When it did."""
    intended: tuple[ActionKey, ...] = ()
    """Orders that it was about to send then, or had sent without telling what became of them."""


class MemoryMap:
    """Memory and the orders under way. A write builds on the version that was last seen here."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace
        self._all = f"/api/v1/namespaces/{namespace}/configmaps"
        self._version = ""
        self._data: Mapping[str, str] = {}

    async def load(self) -> Left | None:
        """What the last leader left; None where nothing was ever left.

        Raises KubernetesError, and UnreadableMemoryError, after which it may be written over.
        """
        try:
            found = msgspec.json.decode(
                await self._client.get(f"{self._all}/{NAME}"), type=ConfigMap
            )
        except NotThere:
            self._version, self._data = "", {}
            return None
        self._version, self._data = found.metadata.resource_version, found.data
        try:
            return _read(found.data)
        except (msgspec.MsgspecError, ValueError) as error:
            raise UnreadableMemoryError(f"ConfigMap {self._namespace}/{NAME}: {error}") from error

    async def save(self, memory: Memory, at: Instant) -> None:
        """Leave this, and no order under way.

        Raises Conflict if somebody else wrote since: another leads. Raises TooLargeError.
        """
        text = msgspec.json.encode(memory, order="deterministic").decode()
        await self._write({MEMORY: text, AT: str(at)})

    async def intend(self, keys: Sequence[ActionKey]) -> None:
        """Write down orders before they are sent. Raises as `save` does."""
        intended = {INTENDED: msgspec.json.encode(sorted(keys)).decode()}
        await self._write({**self._data, **intended})

    async def _write(self, data: Mapping[str, str]) -> None:
        if data == self._data and self._version:
            return
        if sum(len(text.encode()) for text in data.values()) > LIMIT:
            raise TooLargeError(f"the memory is larger than {LIMIT} bytes")
        metadata: Mapping[str, object] = {
            "name": NAME,
            "namespace": self._namespace,
            "labels": {MANAGED_BY: OURS},
        }
        written = msgspec.json.decode(await self._sent(metadata, data), type=ConfigMap)
        self._version, self._data = written.metadata.resource_version, data

    async def _sent(self, metadata: Mapping[str, object], data: Mapping[str, str]) -> bytes:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        if self._version:
            newest = {**body, "metadata": {**metadata, "resourceVersion": self._version}}
            with suppress(NotThere):
                return await self._client.replace(f"{self._all}/{NAME}", newest)
        # Deleted by hand, it is made anew; if another leader has done so, that is a conflict.
        return await self._client.create(self._all, body)


def _read(data: Mapping[str, str]) -> Left | None:
    intended = msgspec.json.decode(data.get(INTENDED, "[]"), type=tuple[ActionKey, ...])
    if MEMORY not in data:
        # A leader that was lost in its first tick: it knew nothing yet.
        return Left(memory=Memory(), at=Instant(0.0), intended=intended) if intended else None
    return Left(
        memory=msgspec.json.decode(data[MEMORY], type=Memory),
        at=Instant(float(data.get(AT, "0"))),
        intended=intended,
    )
