"""Seating: the fewest nodes to empty so that a gang fits, and whether their pods fit elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from scheduler.domain.snapshot import Node

_HAIR = 1e-6
"""Forgives the rounding of fractions of a GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The seats that a gang needs on one pool."""

    workers: int
    gpus: float
    """GPUs of one worker; above 0."""
    per_node: int
    """Workers that an empty node seats, by all that a node has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenants:
    """The replicas of services on one pool."""

    largest: float
    """GPUs of the largest replica."""
    coming: int
    """Replicas that are ordered, or planned, and have no node yet."""
    coming_gpus: float


def fewest_emptied(
    nodes: Sequence[Node], gpus_per_node: float, need: Need, tenants: Tenants
) -> tuple[Node, ...]:
    """The nodes without workers, emptiest first, that seat the gang once they are empty.

    None at all where what sits on them would not fit on the others, and none where the seats are
    there already: then the gang waits for something else. An empty node may be among them: it has
    to stay empty while the others' pods look for a place. Only GPUs are counted, because of
    nothing else the use of a node is told, and with the worst luck in how pods lie.
    """
    if _free_seats([gpus_per_node - node.gpus_used for node in nodes], need) >= need.workers:
        return ()
    idle = [node for node in nodes if not node.workers]
    idle.sort(key=lambda node: (node.gpus_used, node.pods, node.name))
    for count in range(1, len(idle) + 1):
        out = idle[:count]
        free = [gpus_per_node - node.gpus_used for node in nodes if node not in out]
        if _seats(out, free, need, tenants) >= need.workers:
            return tuple(out) if _fits(out, free, tenants) else ()
    return ()


def _seats(out: Sequence[Node], free: Sequence[float], need: Need, tenants: Tenants) -> int:
    """Seats for workers, if each pod that moves breaks as many of the others as it can touch."""
    moving = sum(node.pods for node in out) + tenants.coming
    broken = moving * ceil(tenants.largest / need.gpus)
    return need.per_node * len(out) + max(0, _free_seats(free, need) - broken)


def _free_seats(free: Sequence[float], need: Need) -> int:
    return sum(min(need.per_node, _holes(gpus, need.gpus)) for gpus in free)


def _fits(out: Sequence[Node], free: Sequence[float], tenants: Tenants) -> bool:
    """Whether what moves fits, counted in holes of the largest pod's size.

    Sure where the sizes divide one another. Elsewhere a pod may have to wait for the nodes that
    come back, as the site's own scheduler finds a place for it.
    """
    moving = sum(node.gpus_used for node in out) + tenants.coming_gpus
    if moving <= _HAIR:
        return True
    size = tenants.largest
    holes = sum(_holes(gpus, size) for gpus in free) if size > 0.0 else 0
    return moving <= size * holes + _HAIR


def _holes(free_gpus: float, size: float) -> int:
    return max(0, floor(free_gpus / size + _HAIR))
