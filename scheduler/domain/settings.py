"""Settings of the loop that are not a policy's: guard, freshness, solver."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """A daily window without releases or moves, in a time zone."""

    start_minute: int
    """Minutes after local midnight."""
    end_minute: int
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """What is never done at once, and when nothing is taken away."""

    paused: bool = False
    max_nodes_added_per_tick: int = 50
    max_nodes_released_per_tick: int = 20
    release_after_s: float = 300.0
    """A pool's surplus must last this long before a node of it is given back."""
    unready_share: float = 0.45
    """With a larger share of a cluster's nodes unready, nothing is released there."""
    quiet_hours: tuple[QuietHours, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSettings:
    """How readings become demand."""

    stale_after_s: float = 300.0
    window_s: float = 900.0
    """History that is looked at."""
    margin: float = 0.1
    """Added to the expected load, at least."""
    quantile: float = 0.9
    """Of the rises within one horizon, lately: what the load is planned to rise by, at least."""
    scale_down_after_s: float = 600.0
    """The highest load of this time is planned for, so that a dip takes nothing away."""
    slowdown_limit: float = 4.0
    """The most that one reading may blame on a slower server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverSettings:
    """Which solver, and how hard it tries. Limits count nodes first: that is repeatable."""

    use: str = "highs"
    """`highs`, or the name of any solver that PuLP knows."""
    gap: float = 1e-2
    node_limit: int = 200
    time_limit_s: float = 20.0
    keep_within: float = 2e-3
    """The running placement is kept unless a plan is cheaper by more than this share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """All of them, and the pace of the loop."""

    every_s: float = 60.0
    shares_every_s: float = 0.0
    """Between two ticks the traffic alone is split anew at this pace; 0 is never."""
    deadline_s: float = 20.0
    """For every call to a site or source."""
    guard: GuardSettings = field(default_factory=GuardSettings)
    forecast: ForecastSettings = field(default_factory=ForecastSettings)
    solver: SolverSettings = field(default_factory=SolverSettings)
