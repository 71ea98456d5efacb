"""Room: what is free on the nodes of a pool, and who would fit."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil, floor, inf

from adapters.kubernetes.census import GIB, Census, take_census
from adapters.kubernetes.gpus import gpus_of_node
from adapters.kubernetes.nodes import stage_of
from adapters.kubernetes.parties import seat_of
from adapters.kubernetes.pools import binding_of, selector_of
from adapters.kubernetes.quantity import amount_of
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Node, Pod
from adapters.kubernetes.signs import is_doomed
from adapters.kubernetes.view import View
from adapters.packing import Room, amounts, first_fit
from scheduler.domain.names import Instant, PoolName
from scheduler.domain.places import Resources
from scheduler.domain.snapshot import NodePhase
from scheduler.domain.workloads import TrainingJob

_HAIR = 1e-6
"""Forgives the rounding of fractions of a GPU."""
_AT_ONCE = Instant(-inf)
"""An instant at which no node has been booting for too long."""


def free_on(
    view: View,
    setting: Setting,
    pool: PoolName,
    *,
    booting: bool,
    now: Instant = _AT_ONCE,
) -> list[Resources]:
    """What is free on each node of the pool that is ready, or on each that boots.

    Ready nodes by what they have allocatable, booting ones by what the pool declares, less what
    all pods that sit there take. Doomed nodes have no room. `now` says which nodes boot no more.
    """
    return free_in(take_census(view, setting), pool, booting=booting, now=now)


def free_in(
    census: Census, pool: PoolName, *, booting: bool, now: Instant = _AT_ONCE
) -> list[Resources]:
    """The same of a census."""
    declared = census.setting.pools.get(pool)
    if declared is None:
        return []
    phase = NodePhase.BOOTING if booting else NodePhase.READY
    return [
        _free(node, pool, census, declared.per_node if booting else None)
        for node in census.members.get(pool, ())
        if stage_of(node, declared, census, now).phase is phase and not is_doomed(node)
    ]


def seats(free: Iterable[Resources], need: Resources) -> int:
    """How many pods of that size the nodes hold, each in one piece on one node."""
    return sum(_holes(amounts(node), amounts(need)) for node in free)


def gang_fits(view: View, setting: Setting, job: TrainingJob, pool: PoolName, workers: int) -> bool:
    """Whether so many workers of the job would find their seats now.

    Those that have seats on the pool already keep them. Pods of others that the scheduler is
    about to seat there come first.
    """
    census = take_census(view, setting)
    rooms = rooms_in(census, pool, booting=False)
    for pod in _coming(census, pool):
        if seat_of(pod.metadata.labels)[0] != job.name:
            first_fit(amounts(census.taken(pod, pool)), 1, rooms)
    seated = sum(
        seat_of(pod.metadata.labels) == (job.name, pool)
        for node in census.members.get(pool, ())
        for pod in census.on_node[node.metadata.name]
    )
    left = max(0, workers - seated)
    return len(first_fit(amounts(whole_slices(job.per_pod, census, pool)), left, rooms)) == left


def rooms_in(
    census: Census, pool: PoolName, *, booting: bool, now: Instant = _AT_ONCE
) -> list[Room]:
    """What is free by node, as packing takes it."""
    free = free_in(census, pool, booting=booting, now=now)
    return [list(amounts(each)) for each in free]


def seat_the_coming(census: Census, pool: PoolName, rooms: Sequence[Room]) -> None:
    """Take off the room what pods need that the scheduler is about to seat on the pool."""
    for pod in _coming(census, pool):
        first_fit(amounts(census.taken(pod, pool)), 1, rooms)


def whole_slices(need: Resources, census: Census, pool: PoolName) -> Resources:
    """The same with as many GPUs as the slices, or whole GPUs, that hold them."""
    unit = census.unit(pool)
    if need.gpus <= 0.0 or unit <= 0.0:
        return need
    return replace(need, gpus=ceil(need.gpus / unit - _HAIR) * unit)


def _free(node: Node, pool: PoolName, census: Census, declared: Resources | None) -> Resources:
    taken = [census.taken(pod, pool, node) for pod in census.on_node[node.metadata.name]]
    has = declared or _allocatable(node, pool, census)
    return Resources(
        gpus=_rest(has.gpus, (each.gpus for each in taken)),
        cpu=_rest(has.cpu, (each.cpu for each in taken)),
        memory_gib=_rest(has.memory_gib, (each.memory_gib for each in taken)),
        pods=_rest(has.pods, (each.pods for each in taken)),
    )


def _allocatable(node: Node, pool: PoolName, census: Census) -> Resources:
    setting, told = census.setting, node.status.allocatable
    devices = census.devices.get(node.metadata.name, 0.0)
    return Resources(
        gpus=gpus_of_node(node, setting.pools[pool], binding_of(pool, setting), devices),
        cpu=amount_of(told, "cpu", unreadable=0.0),
        memory_gib=amount_of(told, "memory", unreadable=0.0) / GIB,
        pods=amount_of(told, "pods", unreadable=0.0),
    )


def _rest(has: float, taken: Iterable[float]) -> float:
    return max(0.0, has - sum(taken))


def _holes(free: Sequence[float], need: Sequence[float]) -> int:
    sizes = zip(free, need, strict=True)
    return min((floor((has + _HAIR) / size) for has, size in sizes if size > 0.0), default=0)


def _coming(census: Census, pool: PoolName) -> list[Pod]:
    """Pods without a node that the pool's selector, or our label, sends here; largest first."""
    selector = selector_of(pool, census.setting).items()
    here = [
        pod
        for pod in census.coming
        if seat_of(pod.metadata.labels)[1] == pool or selector <= pod.spec.node_selector.items()
    ]
    return sorted(here, key=lambda pod: amounts(census.taken(pod, pool)), reverse=True)
