"""Evictions on a simulated site: a drain takes pods off their nodes within a budget by service."""

from collections.abc import Collection, Iterable, Mapping

from adapters.simulated.nodes import Pod, SimNode
from adapters.simulated.work import Replicas
from scheduler.domain.names import WorkloadName

_BUDGET_SHARE = 4
"""A budget is a quarter of the wanted pods: what a rolling Deployment lets go by default."""


def evictions(
    nodes: Iterable[SimNode], services: Collection[Mapping[WorkloadName, Replicas]]
) -> list[Pod]:
    """The pods that may leave these draining nodes now; `services` has one mapping for each pool.

    Of each service at most a quarter of the wanted pods, and at least one, may be down over all
    pools; whatever the reason for which a pod is down, it counts. Pods that do not serve yet go
    first.
    """
    spare: dict[WorkloadName, int] = {}
    going: list[Pod] = []
    for pod in (pod for node in nodes for pod in sorted(node.pods.values(), key=_turn)):
        name = pod.workload
        if name not in spare:
            spare[name] = _spare([pool[name] for pool in services if name in pool])
        if spare[name] > 0:
            spare[name] -= pod.ready
            going.append(pod)
    return going


def _spare(items: Collection[Replicas]) -> int:
    """The ready pods that a service can do without; negative if it lacks more than it may."""
    wanted = sum(item.wanted for item in items)
    return sum(item.ready for item in items) - wanted + max(1, wanted // _BUDGET_SHARE)


def _turn(pod: Pod) -> tuple[bool, int]:
    return pod.ready, pod.serial
