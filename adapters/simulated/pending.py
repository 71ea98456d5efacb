"""Pending pods of a simulated site: those that wait for room which no node has or will have."""

from collections.abc import Iterable

from adapters.packing import Amounts, first_fit
from adapters.simulated.nodes import SimNode


def pending(size: Amounts, waiting: int, nodes: Iterable[SimNode], *, whole: bool = False) -> int:
    """Of so many waiting pods, those that neither ready nor booting nodes can hold.

    What else waits for the same room is not looked at. With `whole` they are a gang's workers:
    if one of them has no room, all are pending.
    """
    if waiting <= 0:
        return 0
    rooms = [list(node.room) for node in nodes if node.takes_work]
    short = waiting - len(first_fit(size, waiting, rooms))
    return waiting if whole and short else short
