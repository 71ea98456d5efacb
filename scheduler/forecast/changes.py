"""Changes: by how much each load has risen and fallen within one horizon, lately.

These are the errors of the plainest forecast, that the load stays as it is: their quantiles say
between what it will be, if the time to come is like the window.
"""

import numpy as np

from scheduler.forecast.histories import Floats, Histories

LEAST = 4
"""Fewer say nothing of a quantile."""


def changes(
    known: Histories, level: Floats, horizon_s: Floats, quantiles: tuple[float, ...]
) -> Floats:
    """(rows, quantiles): of the level at a reading less that one horizon before, requests/s.

    NaN where the window holds too few readings beyond the horizon.
    """
    rises = np.sort(_rises(known, level, horizon_s), axis=1)
    count = np.isfinite(rises).sum(axis=1)
    last = np.maximum(count - 1, 0)[:, None]
    at = np.array(quantiles)[None, :] * last
    low = np.floor(at).astype(np.int64)
    some = np.where(np.isfinite(rises), rises, 0.0)
    below = np.take_along_axis(some, low, axis=1)
    above = np.take_along_axis(some, np.minimum(low + 1, last), axis=1)
    return np.where((count >= LEAST)[:, None], below + (at - low) * (above - below), np.nan)


def _rises(known: Histories, level: Floats, horizon_s: Floats) -> Floats:
    """(rows, columns): by the reading at the end of the horizon; infinite where there is none."""
    rows, columns = level.shape
    row = np.arange(rows)
    # Readings come at one pace as a rule: how many of them a horizon is, by the newest.
    newest = known.times[:, -1:]
    apart = np.maximum((known.times > newest - horizon_s[:, None]).sum(axis=1), 1)
    before = np.arange(columns)[None, :] - apart[:, None]
    real = before >= (columns - known.count)[:, None]
    return np.where(real, level - level[row[:, None], np.maximum(before, 0)], np.inf)
