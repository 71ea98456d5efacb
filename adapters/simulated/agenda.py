"""The agenda of a simulated site: what is due when, in the order of time."""

import heapq
from dataclasses import dataclass

from adapters.simulated.nodes import Pod, SimNode
from adapters.simulated.work import Gang, Run
from scheduler.domain.names import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """A node becomes ready."""

    node: SimNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """A spot node is told that it will be taken back."""

    node: SimNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A spot node is taken back."""

    node: SimNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A replica gives its first answer."""

    pod: Pod


@dataclass(frozen=True, slots=True, kw_only=True)
class Trains:
    """A gang is through its restart."""

    gang: Gang
    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Saves:
    """A gang writes a checkpoint."""

    gang: Gang
    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Finishes:
    """A gang has done all of its work."""

    gang: Gang
    run: Run


Due = Booted | Noticed | Taken | Started | Trains | Saves | Finishes


class Agenda:
    """A heap by time; what is due at one instant comes in the order in which it was put."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Due]] = []
        self._serial = 0

    def put(self, at: float, due: Due) -> None:
        """Something will be due."""
        self._serial += 1
        heapq.heappush(self._heap, (at, self._serial, due))

    def next_at(self) -> Instant | None:
        """When the next thing is due, if anything is."""
        return Instant(self._heap[0][0]) if self._heap else None

    def pop_at(self, at: Instant) -> list[Due]:
        """Take out everything that is due at that instant."""
        found: list[Due] = []
        while self._heap and self._heap[0][0] == at:
            found.append(heapq.heappop(self._heap)[2])
        return found
