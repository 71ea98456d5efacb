"""The lease: a coordination.k8s.io/v1 Lease, read and written with its resourceVersion."""

from math import ceil

import msgspec

from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import NotThere
from adapters.kubernetes.marks import MANAGED_BY, OURS
from scheduler.domain.lease import Lease

GROUP = "coordination.k8s.io/v1"


class _Meta(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _Spec(msgspec.Struct, rename="camel"):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    lease_transitions: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None


class _Lease(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    spec: _Spec = msgspec.field(default_factory=_Spec)


class LeaseObject:
    """One Lease of one namespace. The client must not be fenced: it is what the fence hangs on."""

    def __init__(self, client: Client, namespace: str, name: str = OURS) -> None:
        self._client, self._namespace, self._name = client, namespace, name
        self._all = f"/apis/{GROUP}/namespaces/{namespace}/leases"

    async def read(self) -> Lease | None:
        """As it is now; None where there is none. Raises KubernetesError."""
        try:
            return _told(await self._client.get(f"{self._all}/{self._name}"))
        except NotThere:
            return None

    async def write(self, lease: Lease) -> Lease:
        """Make it, or replace that very version of it. Raises Conflict if somebody wrote since."""
        body = {
            "apiVersion": GROUP,
            "kind": "Lease",
            "metadata": self._metadata(lease),
            "spec": _spec(lease),
        }
        if not lease.version:
            return _told(await self._client.create(self._all, body))
        return _told(await self._client.replace(f"{self._all}/{self._name}", body))

    def _metadata(self, lease: Lease) -> dict[str, object]:
        metadata: dict[str, object] = {
            "name": self._name,
            "namespace": self._namespace,
            "labels": {MANAGED_BY: OURS},
        }
        return metadata | ({"resourceVersion": lease.version} if lease.version else {})


def _spec(lease: Lease) -> dict[str, object]:
    spec: dict[str, object] = {
        "leaseDurationSeconds": max(1, ceil(lease.lease_s)),
        "leaseTransitions": lease.transitions,
    }
    words = {
        "holderIdentity": lease.holder,
        "acquireTime": lease.acquired,
        "renewTime": lease.renewed,
    }
    return spec | {name: word for name, word in words.items() if word}


def _told(content: bytes) -> Lease:
    found = msgspec.json.decode(content, type=_Lease)
    spec = found.spec
    return Lease(
        holder=spec.holder_identity or "",
        lease_s=float(spec.lease_duration_seconds or 0),
        transitions=spec.lease_transitions or 0,
        acquired=spec.acquire_time or "",
        renewed=spec.renew_time or "",
        version=found.metadata.resource_version,
    )
