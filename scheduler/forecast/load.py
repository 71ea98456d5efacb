"""Load: the requests per second to plan for until new capacity could be ready.

A plan has to carry an upper quantile, not the mean. It carries the highest level of late, the
trend, what the jitter exceeds one time in ten and a margin; or, if that is more, the level now and
what it rose by within one horizon, by the quantile asked for over the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.domain.names import Instant
from scheduler.domain.readings import Freshness, Series
from scheduler.domain.settings import ForecastSettings
from scheduler.forecast.changes import changes
from scheduler.forecast.histories import Bools, Floats, Histories, histories
from scheduler.forecast.projection import Projection, project

_RISE_LIMIT = 1.0
"""Of the level, as for a trend: beyond that it says more of the readings than of users."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """One row a service; requests per second."""

    states: tuple[Freshness, ...]
    now_rps: Floats
    """The newest reading, whatever its age; 0 if nothing was ever read."""
    age_s: Floats
    """Age of the newest reading; infinite if nothing was ever read."""
    recent_rps: Floats
    """The highest level over the look-back."""
    growth_rps: Floats
    """What the trend adds over the horizon."""
    scatter_rps: Floats
    """What the jitter of the readings adds."""
    low_rps: Floats
    high_rps: Floats
    """By its changes the load will be between these two; NaN where too little is known."""
    short_rps: Floats
    """What the margin falls short of the high end; 0 where it does not."""
    expected_rps: Floats
    """To plan for; where the readings are not fresh, the last known load."""

    @property
    def fresh(self) -> Bools:
        """The rows whose readings can be trusted."""
        return np.array([state is Freshness.FRESH for state in self.states], dtype=bool)


def outlook(
    series: Sequence[Series | None], horizon_s: Floats, now: Instant, settings: ForecastSettings
) -> Outlook:
    """What to expect of each service within its horizon (seconds)."""
    since = np.full(len(series), now - settings.window_s)
    until = now + settings.stale_after_s  # beyond that a clock is wrong, not ahead
    known = histories(series, since=since, until=until, keep_newest=True)
    seen = known.count > 0
    age_s = np.where(seen, now - known.times[:, -1], np.inf)
    fresh = age_s <= settings.stale_after_s
    now_rps = known.values[:, -1]
    ahead = project(known, np.full(len(series), now), horizon_s, settings)
    low, high = _range(known, ahead, horizon_s, settings)
    with_margin = (ahead.recent_rps + ahead.growth_rps + ahead.scatter_rps) * (
        1.0 + settings.margin
    )
    expected = np.fmax(with_margin, high)
    return Outlook(
        states=tuple(_state(*row) for row in zip(seen.tolist(), fresh.tolist(), strict=True)),
        now_rps=now_rps,
        age_s=age_s,
        recent_rps=ahead.recent_rps,
        growth_rps=ahead.growth_rps,
        scatter_rps=ahead.scatter_rps,
        low_rps=low,
        high_rps=high,
        short_rps=expected - with_margin,
        expected_rps=np.where(fresh, expected, now_rps),
    )


def _range(
    known: Histories, ahead: Projection, horizon_s: Floats, settings: ForecastSettings
) -> tuple[Floats, Floats]:
    """The level now, and by how much it has changed within a horizon; jitter at both ends."""
    ends = (1.0 - settings.quantile, settings.quantile)
    fall, rise = changes(known, ahead.level_rps, horizon_s, ends).T
    now = ahead.level_rps[:, -1]
    low = np.minimum(now + fall, now) - ahead.scatter_rps
    most = _RISE_LIMIT * ahead.recent_rps
    high = now + np.clip(rise, 0.0, most) + ahead.scatter_rps
    return np.maximum(0.0, low), high


def _state(seen: bool, fresh: bool) -> Freshness:
    if not seen:
        return Freshness.UNKNOWN
    return Freshness.FRESH if fresh else Freshness.STALE
