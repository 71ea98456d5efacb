"""Kueue: it starts and stops the Jobs of its queues; we only say which of them may want to run."""

import msgspec

from adapters.base import Refused
from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import NotThere
from adapters.kubernetes.shapes import Job, Listed, Meta, Shape

GROUP = "/apis/kueue.x-k8s.io"
JOB_UID = "kueue.x-k8s.io/job-uid"


class _WorkloadSpec(Shape, frozen=True):
    active: bool = True


class _Workload(Shape, frozen=True):
    metadata: Meta = Meta()
    spec: _WorkloadSpec = _WorkloadSpec()


class _Version(Shape, frozen=True):
    version: str = ""


class _Group(Shape, frozen=True):
    preferred_version: _Version = _Version()


async def set_active(client: Client, job: Job, *, active: bool) -> None:
    """Let Kueue admit the Job, or have it evicted and kept out.

    A Job that Kueue has not looked at yet has nothing to set: it stays as it is.
    """
    namespace = job.metadata.namespace
    path = f"{GROUP}/{await _version(client)}/namespaces/{namespace}/workloads"
    listed = msgspec.json.decode(
        await client.get(path, {"labelSelector": f"{JOB_UID}={job.metadata.uid}"}),
        type=Listed[_Workload],
    )
    for each in listed.items:
        if each.spec.active != active:
            await client.patch(f"{path}/{each.metadata.name}", {"spec": {"active": active}})


async def _version(client: Client) -> str:
    """The version that this server prefers: Kueue moves on."""
    try:
        group = msgspec.json.decode(await client.get(GROUP), type=_Group)
    except NotThere:
        raise Refused(
            "this cluster has no Kueue; install it, or take kueue out of the document"
        ) from None
    return group.preferred_version.version
