"""The source protocol: what Tidegate asks of a place with readings, and how that can fail."""

from collections.abc import Sequence
from typing import Protocol

from scheduler.domain.names import Instant
from scheduler.domain.readings import Series

LISTED_FAULTS = 200
"""Beyond this number faults are counted, not printed."""


class SourceError(Exception):
    """What went wrong at a source, sorted by what the reader of the message does about it."""


class SourceUnreachable(SourceError):  # noqa: N818 - says what is, like the errors of adapters
    """No answer: asked again at the next tick, and unknown until then."""


class SourceBroken(SourceError):  # noqa: N818 - as above
    """An answer that cannot be used: a person has to mend what is at the places named."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        """One line each, `place: what is wrong`."""
        more = len(self.faults) - LISTED_FAULTS
        rest = [f"and {more} more faults"] if more > 0 else []
        super().__init__("\n".join([*self.faults[:LISTED_FAULTS], *rest]))


class Source(Protocol):
    """A place with readings. It fails as SourceUnreachable or SourceBroken, and as nothing else."""

    @property
    def name(self) -> str:
        """The name in the documents."""
        ...

    async def read(self, now: Instant, window_s: float) -> tuple[Series, ...]:
        """The readings in (now - window_s, now], one series for each signal, subject and pool."""
        ...
