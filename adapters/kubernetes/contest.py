"""Contest: whether somebody else sets the replicas of a Deployment."""

from collections.abc import Iterator

import msgspec

from adapters.kubernetes.client import MANAGER
from adapters.kubernetes.instants import instant
from adapters.kubernetes.parties import pods_of_deployment
from adapters.kubernetes.shapes import Deployment, ManagedFields, Scaler
from adapters.kubernetes.view import View
from scheduler.domain.names import Instant

TRUCE_S = 600.0
"""So long a number that somebody else has set is left as it is."""
_BIRTH_S = 5.0
"""Whoever made the Deployment wrote a number because it needs one."""


class _Spec(msgspec.Struct, gc=False):
    replicas: object = msgspec.field(default=None, name="f:replicas")


class _Fields(msgspec.Struct, gc=False):
    spec: _Spec = msgspec.field(default_factory=_Spec, name="f:spec")


def contest(deployment: Deployment, view: View, now: Instant) -> str:
    """Why the number of replicas is not ours to set, with what to do; empty if it is.

    Autoscalers that target the Deployment, and managers other than us that set the number within
    the last ten minutes. Whoever writes another number takes the field over, so its last writer
    is known; but the server dates no write through the scale subresource, and then the youngest
    pod tells how long ago the number may have changed.
    """
    where = (deployment.metadata.namespace, deployment.metadata.name)
    for scaler in view.scalers.values():
        if _targets(scaler, where):
            return (
                f"HorizontalPodAutoscaler {scaler.metadata.namespace}/{scaler.metadata.name} "
                "sets its replicas; remove the autoscaler, or do not adopt the Deployment"
            )
    owners = list(_owners(deployment))
    mine = [instant(each.time) for each in owners if each.manager == MANAGER]
    for entry in owners:
        if entry.manager != MANAGER and _is_fresh(entry, mine, deployment, view, now):
            return _words(entry)
    return ""


def _targets(scaler: Scaler, where: tuple[str, str]) -> bool:
    target = scaler.spec.scale_target_ref
    there = (scaler.metadata.namespace, target.name)
    return target.kind == "Deployment" and there == where


def _owners(deployment: Deployment) -> Iterator[ManagedFields]:
    for entry in deployment.metadata.managed_fields:
        try:
            fields = msgspec.json.decode(entry.fields_v1, type=_Fields)
        except msgspec.MsgspecError:
            continue
        if fields.spec.replicas is not None and entry.subresource != "status":
            yield entry


def _is_fresh(
    entry: ManagedFields,
    mine: list[Instant | None],
    deployment: Deployment,
    view: View,
    now: Instant,
) -> bool:
    at, born = instant(entry.time), instant(deployment.metadata.creation_timestamp)
    if at is None:
        # Who shares the field with us has set the same number.
        return not mine and _changed_lately(deployment, view, now)
    if born is not None and at - born <= _BIRTH_S:
        return False
    ours = [each for each in mine if each is not None]
    if ours and max(ours) >= at:
        return False
    return now - at < TRUCE_S


def _changed_lately(deployment: Deployment, view: View, now: Instant) -> bool:
    born = instant(deployment.metadata.creation_timestamp) or now
    young = (
        instant(pod.metadata.creation_timestamp) for pod in pods_of_deployment(deployment, view)
    )
    return any(at is not None and now - at < TRUCE_S and at - born > _BIRTH_S for at in young)


def _words(entry: ManagedFields) -> str:
    by = f"{entry.manager} set its replicas"
    if entry.subresource == "scale":
        return f"{by} through the scale subresource; stop that, or do not adopt the Deployment"
    return f"{by}; take spec.replicas out of what it applies, or do not adopt the Deployment"
