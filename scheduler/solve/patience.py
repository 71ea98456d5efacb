"""Patience: how much of a plan's time is left, by a clock that is passed in."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from scheduler.domain.settings import SolverSettings

LEAST_S = 0.05
"""Even at the end a solver gets so long: enough to say that it has nothing."""

Clock = Callable[[], float]
"""Seconds from any start, as the caller measures them."""


def no_clock() -> float:
    """For plans that nobody waits for: every solver's own limit is all there is."""
    return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """One budget for all solvers of a plan: what one takes the next ones lack."""

    settings: SolverSettings
    clock: Clock
    until: float

    @property
    def left(self) -> SolverSettings:
        """The settings with the time that is left as their limit."""
        limit_s, left_s = self.settings.time_limit_s, self.until - self.clock()
        return replace(self.settings, time_limit_s=min(limit_s, max(LEAST_S, left_s)))

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self.clock() >= self.until


def begin(settings: SolverSettings, clock: Clock = no_clock) -> Patience:
    """From now on, for as long as the settings allow."""
    return Patience(settings=settings, clock=clock, until=clock() + settings.time_limit_s)
