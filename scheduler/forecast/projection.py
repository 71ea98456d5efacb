"""Projection: the load that a history lets expect at the end of a horizon.

The level follows running medians of three with Tukey's rule at the newest reading, so that one
jittered reading moves nothing and a ramp is still followed without lag. The trend is Tukey's
resistant line (medians of the first and the last third), counted only beyond what the scatter of
the readings explains, and damped: it is trusted over about as long as it was seen.
"""

from dataclasses import dataclass

import numpy as np

from scheduler.domain.settings import ForecastSettings
from scheduler.forecast.histories import Floats, Histories, median_of

LOOK_BACK_READINGS = 3
"""The look-back spans at least so many readings, where they come seldom."""
ENOUGH_READINGS = 6
"""With fewer, one outlier could pass for a trend or for scatter."""
_SCATTER_LIMIT = 0.5
_GROWTH_LIMIT = 1.0
"""A trend may at most double the load: beyond that it says more of the readings than of users."""
_UPPER_DECILE = 1.2816
_SPREAD_OF_DIFFERENCES = 1.4826 / np.sqrt(2.0)
_SPREAD_OF_MEDIANS = 1.2533 * np.sqrt(2.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Projection:
    """One row a history; requests per second."""

    level_rps: Floats
    """(rows, columns): the smoothed readings."""
    recent_rps: Floats
    """The highest level over the look-back."""
    growth_rps: Floats
    """What the trend adds over the horizon."""
    scatter_rps: Floats
    """What the jitter of the readings exceeds one time in ten."""


def project(
    known: Histories, now: Floats, horizon_s: Floats, settings: ForecastSettings
) -> Projection:
    """Each history seen from its own `now`, `horizon_s` ahead."""
    level = smooth(known.values)
    recent = _recent(level, known, now - settings.scale_down_after_s)
    deviation = _deviation(known)
    growth = _growth(level, known, deviation, horizon_s, settings.window_s)
    return Projection(
        level_rps=level,
        recent_rps=recent,
        growth_rps=np.minimum(growth, _GROWTH_LIMIT * recent),
        scatter_rps=np.minimum(_UPPER_DECILE * deviation, _SCATTER_LIMIT * recent),
    )


def smooth(values: Floats) -> Floats:
    """Running medians of three along each row (3 columns or more); Tukey's rule at the end."""
    inner = _middle(values[:, :-2], values[:, 1:-1], values[:, 2:])
    before = inner[:, -2] if inner.shape[1] > 1 else values[:, 0]
    ahead = 3.0 * inner[:, -1] - 2.0 * before
    last = _middle(values[:, -1], inner[:, -1], ahead)
    return np.concatenate([values[:, :1], inner, last[:, None]], axis=1)


def _middle(a: Floats, b: Floats, c: Floats) -> Floats:
    return np.asarray(np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c)))


def _recent(level: Floats, known: Histories, since: Floats) -> Floats:
    """The highest level since then: a load that fell is still planned for until it stays low."""
    inside = known.times > since[:, None]
    inside[:, -LOOK_BACK_READINGS:] = True
    steady = np.where(inside, level, 0.0).max(axis=1)
    few = known.count < LOOK_BACK_READINGS  # which of two is the outlier nobody can tell
    return np.asarray(np.where(few, known.values.max(axis=1), steady))


def _growth(
    level: Floats, known: Histories, deviation: Floats, horizon_s: Floats, window_s: float
) -> Floats:
    """Requests per second that a trend beyond the scatter adds; never negative."""
    columns = level.shape[1]
    third = known.count // 3
    place = np.arange(columns)[None, :] - (columns - known.count[:, None])
    first = known.held & (place < third[:, None])
    last = known.held & (place >= (known.count - third)[:, None])
    rise = median_of(level, last) - median_of(level, first)
    apart_s = median_of(known.times, last) - median_of(known.times, first)
    doubt = deviation * _SPREAD_OF_MEDIANS / np.sqrt(np.maximum(third, 1))
    enough = (known.count >= ENOUGH_READINGS) & (apart_s > 0.0)
    slope = np.where(enough, np.maximum(rise - doubt, 0.0) / np.where(enough, apart_s, 1.0), 0.0)
    return np.asarray(slope * window_s * (1.0 - np.exp(-horizon_s / window_s)))


def _deviation(known: Histories) -> Floats:
    """Standard deviation of the readings about their line, from the median difference."""
    steps = np.diff(known.values, axis=1)
    real = known.held[:, :-1]
    centred = np.abs(steps - median_of(steps, real)[:, None])
    deviation = median_of(centred, real) * _SPREAD_OF_DIFFERENCES
    return np.asarray(np.where(known.count >= ENOUGH_READINGS, deviation, 0.0))
