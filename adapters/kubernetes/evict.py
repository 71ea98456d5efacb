"""Evict: which pods of a node have to go, which of them may, and how they are asked to."""

from collections.abc import Iterable

import msgspec

from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import Conflict, NotThere, Silent, TooMany
from adapters.kubernetes.pods import controller_of, holds_seat
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Listed, Pod
from scheduler.domain.names import NodeName

SYSTEM = "kube-system"
KEEPERS = (
    ("karpenter.sh/do-not-disrupt", "true"),
    ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
)
"""Annotations by which the owner of a pod wants it left alone."""
PAGE = 500


async def pods_on(client: Client, name: NodeName) -> tuple[Pod, ...]:
    """All pods bound to the node, as the server has them now; a watch may be behind."""
    pods: list[Pod] = []
    params = {"fieldSelector": f"spec.nodeName={name}", "limit": str(PAGE)}
    while True:
        told = await client.get("/api/v1/pods", params)
        page = msgspec.json.decode(told, type=Listed[Pod])
        pods.extend(page.items)
        if not page.metadata.continue_:
            return tuple(pods)
        params["continue"] = page.metadata.continue_


def is_leaving(pod: Pod) -> bool:
    """Whether it was asked to go already, by whomever."""
    return pod.metadata.deletion_timestamp is not None


def is_in_reach(pod: Pod, setting: Setting) -> bool:
    """Whether we may evict it: the allow-list, and what a Deployment of the system brings back."""
    namespace = pod.metadata.namespace
    if namespace in setting.access.namespaces or namespace == setting.access.home:
        return True
    return namespace == SYSTEM and controller_of(pod) == "ReplicaSet"


def keeper(pod: Pod) -> str:
    """The annotation that keeps it where it is; empty if there is none."""
    told = pod.metadata.annotations
    return next((f"{key}={value}" for key, value in KEEPERS if told.get(key) == value), "")


def why_not(pods: Iterable[Pod], setting: Setting) -> str:
    """The first reason why this node is not ours to empty, with what to do; empty if it is."""
    for pod in pods:
        if not holds_seat(pod) or is_leaving(pod):
            continue
        name = _name(pod)
        if not is_in_reach(pod, setting):
            return (
                f"pod {name} is outside the namespaces that may be written to; "
                f"add {pod.metadata.namespace} to them or move the pod"
            )
        if mark := keeper(pod):
            return f"pod {name} has {mark}; remove the annotation or let it finish"
    return ""


def movable(pods: Iterable[Pod], setting: Setting, *, doomed: bool) -> tuple[Pod, ...]:
    """Those to evict now. On a doomed node an annotation saves no pod: it would die with it."""
    return tuple(
        pod
        for pod in pods
        if holds_seat(pod)
        and not is_leaving(pod)
        and is_in_reach(pod, setting)
        and (doomed or not keeper(pod))
    )


async def evict(client: Client, pod: Pod) -> None:
    """Ask through the eviction API: budgets hold, and the pod has its own grace.

    Nothing is raised for a pod that is gone, or that a budget says not now for.
    """
    meta = pod.metadata
    try:
        await client.create(
            f"/api/v1/namespaces/{meta.namespace}/pods/{meta.name}/eviction",
            {
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": meta.name, "namespace": meta.namespace},
                # Another pod of that name, as a gang has, was not asked for.
                "deleteOptions": {"preconditions": {"uid": meta.uid}},
            },
        )
    except (NotThere, Conflict):
        return
    except TooMany as fault:
        if "disruption budget" not in fault.message:
            raise
    except Silent as fault:
        # The server's answer where two budgets cover a pod is a 500.
        if "more than one PodDisruptionBudget" not in str(fault):
            raise


def _name(pod: Pod) -> str:
    return f"{pod.metadata.namespace}/{pod.metadata.name}"
