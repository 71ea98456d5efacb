"""Histories: the readings of many subjects as one table of rows, for arithmetic on all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.readings import Series

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_LEAST_COLUMNS = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histories:
    """One row a subject, oldest reading first, pushed to the right end.

    The cells left of the `count` readings repeat the oldest one, so that filters need no edge
    case; a row without readings is zeros with count 0.
    """

    times: Floats
    """(rows, columns), seconds since the epoch."""
    values: Floats
    """(rows, columns), in the unit of the signal."""
    count: Ints
    """(rows,) readings in the row."""

    @property
    def held(self) -> Bools:
        """(rows, columns): the cells that are readings, not fill."""
        columns = np.arange(self.values.shape[1])
        return np.asarray(columns[None, :] >= self.values.shape[1] - self.count[:, None])


def histories(
    series: Sequence[Series | None],
    *,
    since: Floats,
    until: float,
    at_most: int | None = None,
    keep_newest: bool = False,
) -> Histories:
    """The readings in (since, until], `since` by row; what is no finite number >= 0 is unknown.

    With `at_most` only so many of the newest readings of a row are looked at. With `keep_newest`
    the newest usable reading of a row stays even if it is older.
    """
    row, times, values = _flat(series, slice(None if at_most is None else -at_most, None))
    usable = np.isfinite(times) & (times <= until) & np.isfinite(values) & (values >= 0.0)
    row, times, values = row[usable], times[usable], values[usable]
    wanted = times > since[row]
    if keep_newest and len(row):
        wanted |= np.append(row[1:] != row[:-1], True)
    return _table(row[wanted], times[wanted], values[wanted], rows=len(series))


def _flat(series: Sequence[Series | None], part: slice) -> tuple[Ints, Floats, Floats]:
    times = [() if item is None else item.times[part] for item in series]
    values = [() if item is None else item.values[part] for item in series]
    lengths = [len(row) for row in times]
    total = sum(lengths)
    return (
        np.repeat(np.arange(len(series)), lengths),
        np.fromiter(chain.from_iterable(times), dtype=float, count=total),
        np.fromiter(chain.from_iterable(values), dtype=float, count=total),
    )


def _table(row: Ints, times: Floats, values: Floats, *, rows: int) -> Histories:
    count = np.bincount(row, minlength=rows)
    columns = max(_LEAST_COLUMNS, int(count.max(initial=0)))
    first = np.cumsum(count) - count
    place = np.arange(columns)[None, :] - (columns - count[:, None])
    if not len(row):
        blank = np.zeros((rows, columns))
        return Histories(times=blank, values=blank, count=count)
    source = np.minimum(first[:, None] + np.maximum(place, 0), len(row) - 1)
    empty = (count == 0)[:, None]
    return Histories(
        times=np.where(empty, 0.0, times[source]),
        values=np.where(empty, 0.0, values[source]),
        count=count,
    )


def median_of(values: Floats, chosen: Bools) -> Floats:
    """The median of the chosen cells of each row; 0 for a row without any."""
    ordered = np.sort(np.where(chosen, values, np.inf), axis=1)
    count = chosen.sum(axis=1)
    row = np.arange(len(values))
    low = ordered[row, np.maximum(count - 1, 0) // 2]
    high = ordered[row, np.minimum(count // 2, values.shape[1] - 1)]
    middle = np.where(count > 0, low + high, 0.0) / 2.0
    return np.asarray(middle)
