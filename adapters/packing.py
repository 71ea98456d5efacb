"""Packing: pods of equal size onto the free room of nodes, first fit."""

from collections.abc import Sequence

from scheduler.domain.places import NodePool, Resources
from scheduler.domain.workloads import InferenceService, Workload

Amounts = tuple[float, float, float, float]
"""GPUs, CPU cores, memory in GiB, pods: also the order in which sizes are compared."""
Room = list[float]
"""What is still free on one node, in the order of Amounts. Changed in place."""

_SLACK = 1e-6
"""Forgives the rounding of many takes and returns; far below the smallest share of a GPU."""


def amounts(resources: Resources) -> Amounts:
    """Resources as a tuple that sorts by GPUs, then CPU, then memory, then pods."""
    return (resources.gpus, resources.cpu, resources.memory_gib, resources.pods)


def fits(size: Amounts, room: Room) -> bool:
    """Whether one more pod of that size goes in."""
    return (
        size[0] <= room[0] + _SLACK
        and size[1] <= room[1] + _SLACK
        and size[2] <= room[2] + _SLACK
        and size[3] <= room[3] + _SLACK
    )


def take(size: Amounts, room: Room) -> None:
    """One pod goes in."""
    for index, amount in enumerate(size):
        room[index] -= amount


def give_back(size: Amounts, room: Room) -> None:
    """One pod goes out."""
    for index, amount in enumerate(size):
        room[index] += amount


def first_fit(size: Amounts, count: int, rooms: Sequence[Room]) -> list[int]:
    """Put up to `count` equal pods, each into the first room that holds it.

    Returns the index of the room for each pod put; shorter than `count` if the rooms are full.
    For equal pods a room that refused one refuses all later ones, so one pass is enough.
    """
    placed: list[int] = []
    for index, room in enumerate(rooms):
        while len(placed) < count and fits(size, room):
            take(size, room)
            placed.append(index)
        if len(placed) == count:
            break
    return placed


def unsuitable(workload: Workload, pool: NodePool) -> str | None:
    """Why a pod of the workload could never run on a node of the pool, if it could not."""
    known = workload.curves if isinstance(workload, InferenceService) else workload.speed
    if pool.gpu_type not in known:
        return f"{workload.name} declares no speed on {pool.gpu_type}"
    if workload.gpu_memory_gib > pool.gpu_memory_gib:
        return (
            f"{workload.name} needs {workload.gpu_memory_gib:g} GiB of GPU memory, "
            f"{pool.gpu_type} has {pool.gpu_memory_gib:g}"
        )
    if not fits(amounts(workload.per_pod), list(amounts(pool.per_node))):
        return f"a pod of {workload.name} is larger than a node of {pool.name}"
    return None
