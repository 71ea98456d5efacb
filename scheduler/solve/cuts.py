"""Cuts of a quotient: what whole numbers of each member mean for the sum of all of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, vstack

from scheduler.model.affine import Floats, Ints
from scheduler.model.problem import Problem
from scheduler.solve.classes import Quotient

SIZES = 6
"""So many sizes of a row's whole unknowns are tried as the unit to round to."""
LEAST, MOST = 0.01, 0.99
"""A remainder outside these cuts off next to nothing, or is noise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Row:
    """factors @ x[columns] >= least, all x at or above zero."""

    columns: Ints
    factors: Floats
    whole: Floats
    """1 for unknowns that are whole numbers."""
    least: float


def strengthened(quotient: Quotient) -> Problem:
    """The quotient with the mixed-integer rounding cuts of each member row, added up.

    Ten services that need 1.5 replicas each need 20, not 15: a sum alone does not know that. A
    member's cut holds for every whole solution (Nemhauser, Wolsey: Integer and Combinatorial
    Optimization, 1988), so their sum does.
    """
    cuts = [cut for row, size in _repeated(quotient) for cut in _cuts(quotient, row, size)]
    if not cuts:
        return quotient.problem
    problem = quotient.problem
    least = np.array([limit for _, limit in cuts])
    rows = csr_array(np.stack([factors for factors, _ in cuts]))
    return replace(
        problem,
        matrix=csr_array(vstack([problem.matrix, rows])),
        row_lower=np.concatenate([problem.row_lower, least]),
        row_upper=np.concatenate([problem.row_upper, np.full(len(least), np.inf)]),
    )


def _repeated(quotient: Quotient) -> Iterator[tuple[_Row, float]]:
    """Each side of one member of every class of several rows, and the size of the class."""
    full, rows = quotient.full, quotient.rows
    ratio, carrier = _carriers(full)
    matrix = full.matrix
    for first, size in zip(rows.first.tolist(), rows.size.tolist(), strict=True):
        if size == 1.0:
            continue
        span = slice(matrix.indptr[first], matrix.indptr[first + 1])
        columns, factors = matrix.indices[span].astype(np.int64), matrix.data[span]
        for sign, limit in ((1.0, full.row_lower[first]), (-1.0, -full.row_upper[first])):
            if np.isfinite(limit) and np.isfinite(full.lower[columns]).all():
                row = _carried(full, columns, factors * sign, float(limit), ratio, carrier)
                yield row, size


def _carriers(full: Problem) -> tuple[Floats, Ints]:
    """For continuous unknowns with a row x_j <= ratio * whole unknown: the least ratio, and which.

    What flows through an option is no more than its replicas carry.
    """
    ratio, carrier = np.full(full.columns, np.inf), np.full(full.columns, -1, dtype=np.int64)
    matrix = full.matrix
    pairs = np.diff(matrix.indptr) == 2
    pairs &= (full.row_upper == 0.0) & np.isneginf(full.row_lower)
    for side in (0, 1):
        at, other = matrix.indptr[:-1][pairs] + side, matrix.indptr[:-1][pairs] + 1 - side
        one, two = matrix.indices[at], matrix.indices[other]
        plus, minus = matrix.data[at], matrix.data[other]
        fits = ~full.integer[one] & full.integer[two] & (plus > 0.0) & (minus < 0.0)
        fits &= (full.lower[one] >= 0.0) & (full.lower[two] >= 0.0)
        each = -minus[fits] / plus[fits]
        order = np.argsort(-each, kind="stable")
        # Of several the tightest is written last.
        better = each[order] < ratio[one[fits][order]]
        ratio[one[fits][order][better]] = each[order][better]
        carrier[one[fits][order][better]] = two[fits][order][better]
    return ratio, carrier


def _carried(
    full: Problem, columns: Ints, factors: Floats, limit: float, ratio: Floats, carrier: Ints
) -> _Row:
    """The row over unknowns from zero up; what is carried counts as what carries it."""
    least = limit - float(factors @ full.lower[columns])
    swapped = (carrier[columns] >= 0) & (factors > 0.0) & (full.lower[columns] == 0.0)
    swapped &= full.lower[np.maximum(carrier[columns], 0)] == 0.0
    columns_too = np.where(swapped, carrier[columns], columns)
    factors_too = np.where(swapped, factors * np.where(swapped, ratio[columns], 1.0), factors)
    unique, at = np.unique(columns_too, return_inverse=True)
    return _Row(
        columns=unique,
        factors=np.bincount(at, factors_too, minlength=len(unique)).astype(float),
        whole=full.integer[unique].astype(float),
        least=least,
    )


def _cuts(quotient: Quotient, row: _Row, size: float) -> Iterator[tuple[Floats, float]]:
    """Cuts over the classes: the member's factors added up by class, for all members of the row."""
    columns = quotient.columns
    lower = quotient.full.lower[row.columns]
    sizes = np.unique(np.abs(row.factors[(row.whole > 0.0) & (row.factors != 0.0)]))[::-1]
    seen = set()
    for unit in sizes[:SIZES].tolist():
        rest = row.least / unit - np.floor(row.least / unit)
        if not LEAST <= rest <= MOST:
            continue
        factors = _rounded(row, unit, rest)
        least = float(np.ceil(row.least / unit) + factors @ lower) * size
        merged = np.bincount(columns.of[row.columns], factors, minlength=len(columns.first)) * (
            size / columns.size
        )
        key = (merged.tobytes(), least)
        if key not in seen:
            seen.add(key)
            yield merged, least


def _rounded(row: _Row, unit: float, rest: float) -> Floats:
    """Mixed-integer rounding of the row over `unit`: floor(a) + min(1, frac(a) / rest) if whole."""
    each = row.factors / unit
    down = np.floor(each + 1e-12)
    whole = down + np.minimum(1.0, np.maximum(0.0, each - down) / rest)
    rounded: Floats = np.where(row.whole > 0.0, whole, np.maximum(0.0, each) / rest)
    return rounded
