"""Cover: the cheapest whole units of one workload near its relaxed ones that carry no less."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.sparse import csr_array

from scheduler.model.affine import Floats, Ints
from scheduler.solve.near.small import Small

HAIR = 1e-6
TRIED = 6
"""Options of one workload that are rounded down as well as up; more are only rounded up."""
UP_OR_NOT = {count: np.array(list(product((0.0, 1.0), repeat=count))) for count in range(TRIED + 2)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Covers:
    """Rows over the units of one workload alone, workload by workload."""

    rows: Ints
    """Of the part, those of one workload after the other."""
    start: Ints
    """Rows of workload w are rows[start[w]] .. rows[start[w + 1]]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Where one workload may be: its columns, what they carry in its own rows, and their price."""

    columns: Ints
    carries: Floats
    """(rows, columns)"""
    least: Floats
    """What the rows shall carry, now that the relaxed units do."""
    price: Floats
    """USD per hour of one unit and what it takes from others."""
    most: Floats
    """Units for which there is room."""


def covers(near: Small, workloads: int) -> Covers:
    """The rows with units of one workload, all of positive factor, and a lower limit."""
    matrix, part = near.part.matrix, near.part
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    owner = near.owner[matrix.indices]
    is_unit = owner >= 0
    low = np.full(matrix.shape[0], workloads)
    high = np.full(matrix.shape[0], -1)
    np.minimum.at(low, row[is_unit], owner[is_unit])
    np.maximum.at(high, row[is_unit], owner[is_unit])
    least = np.zeros(matrix.shape[0])
    np.minimum.at(least, row[is_unit], matrix.data[is_unit])
    alone = np.nonzero((low == high) & (least >= 0.0) & np.isfinite(part.row_lower))[0]
    rows = alone[np.argsort(low[alone], kind="stable")]
    start = np.searchsorted(low[rows], np.arange(workloads + 1))
    return Covers(rows=rows, start=start)


def factors(matrix: csr_array, row: int, columns: Ints) -> Floats:
    """One row's factors of these columns."""
    span = slice(matrix.indptr[row], matrix.indptr[row + 1])
    found = np.zeros(len(columns))
    at = np.searchsorted(columns, matrix.indices[span])
    at = np.minimum(at, len(columns) - 1)
    hit = columns[at] == matrix.indices[span]
    found[at[hit]] = matrix.data[span][hit]
    return found


def cheapest(place: Place, relaxed: Floats) -> Floats:
    """Whole units that carry what the relaxed ones do, within the room: the cheapest near them.

    Tried are all ways to round, and one unit more in the cheapest other place. Where none carries
    enough, the one that carries the most.
    """
    down = np.minimum(np.floor(relaxed + HAIR), np.floor(place.most + HAIR))
    split = np.nonzero(relaxed - down > HAIR)[0]
    split = split[np.argsort(down[split] - relaxed[split], kind="stable")]
    down[split[TRIED:]] += 1.0
    choice = np.append(split[:TRIED], _other(place, split))
    ways = np.tile(down, (len(UP_OR_NOT[len(choice)]), 1))
    ways[:, choice] += UP_OR_NOT[len(choice)]
    ways = ways[np.all(ways <= np.maximum(place.most, down) + HAIR, axis=1)]
    short = np.round(lack(place, ways), 6)
    best = np.lexsort((np.arange(len(ways)), ways @ place.price, short))[0]
    chosen: Floats = ways[best]
    return chosen


def lack(place: Place, units: Floats) -> Floats:
    """What is not carried, as a share of each row's least, added up."""
    short = np.maximum(0.0, place.least - units @ place.carries.T)
    total: Floats = (short / (1.0 + np.abs(place.least))).sum(axis=-1)
    return total


def _other(place: Place, split: Ints) -> Ints:
    """The cheapest place, by what it carries, among those that are not rounded."""
    carries = place.carries.sum(axis=0)
    price = np.where(carries > 0.0, place.price / np.maximum(carries, HAIR), np.inf)
    price[split] = np.inf
    best = int(np.argmin(price))
    return np.array([best] if np.isfinite(price[best]) else [], dtype=np.int64)
