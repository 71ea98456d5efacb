"""The door: where orders are let in, and where the server's faults become the adapter's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from adapters.base import Refused, Unreachable
from adapters.kubernetes.faults import KubernetesError, for_caller
from adapters.kubernetes.setting import Setting


@contextmanager
def asked(what: str) -> Iterator[None]:
    """Inside it, whatever a call fails with is told as an adapter error that begins with `what`."""
    try:
        yield
    except KubernetesError as fault:
        raise for_caller(fault, what) from fault
    except msgspec.MsgspecError as fault:
        # A proxy in between, or an object as no server writes it.
        raise Unreachable(f"{what}: an answer that is no object of the API: {fault}") from fault


def allowed(setting: Setting, namespace: str) -> None:
    """Refused for a namespace that may not be written to. Asked before anything is sent."""
    access = setting.access
    if namespace in access.namespaces or namespace == access.home:
        return
    listed = ", ".join(access.namespaces) or "none"
    raise Refused(
        f"namespace {namespace} of cluster {access.cluster} may not be written to "
        f"(allowed: {listed}); add it to the cluster's namespaces"
    )
