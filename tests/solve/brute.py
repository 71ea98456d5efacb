"""The optimum of a tiny problem by trying everything: each way to choose the whole unknowns."""

from itertools import product
from math import prod

import numpy as np
from scipy.optimize import linprog

from scheduler.model.affine import Floats
from scheduler.model.problem import Problem

MOST_WAYS = 50_000
HAIR = 1e-7


def least(problem: Problem) -> float | None:
    """The least cost, or nothing where no way satisfies all rows.

    The unknowns that need not be whole are completed by a linear program for every way, but for
    those ways whose rows cannot hold and those that are dearer already than the best found.
    """
    whole, matrix = problem.integer, problem.matrix.toarray()
    ways = _ways(problem.lower[whole], problem.upper[whole])
    parts, low, high = matrix[:, ~whole], problem.lower[~whole], problem.upper[~whole]
    taken = ways @ matrix[:, whole].T
    under, over = _range(parts, low, high)
    holds = np.all(
        (taken + over >= problem.row_lower - HAIR) & (taken + under <= problem.row_upper + HAIR),
        axis=1,
    )
    price = problem.cost[~whole]
    paid = problem.constant + ways @ problem.cost[whole]
    floor = paid + _range(price[None, :], low, high)[0][0]
    best = np.inf
    for way in np.argsort(floor, kind="stable"):
        if holds[way] and floor[way] < best:
            rows = (problem.row_lower - taken[way], problem.row_upper - taken[way])
            best = min(best, paid[way] + _completed(price, parts, rows, (low, high)))
    return None if best == np.inf else float(best)


def _ways(lower: Floats, upper: Floats) -> Floats:
    spans = [range(int(a), int(b) + 1) for a, b in zip(lower, upper, strict=True)]
    assert prod(map(len, spans)) <= MOST_WAYS, "not a tiny problem"
    return np.array(list(product(*spans)), dtype=float).reshape(-1, len(spans))


def _range(factors: Floats, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """The least and the most that each row of factors can add up to."""
    with np.errstate(invalid="ignore"):
        ends = np.stack([factors * lower, factors * upper])
    ends = np.where(factors == 0.0, 0.0, ends)
    return ends.min(axis=0).sum(axis=1), ends.max(axis=0).sum(axis=1)


def _completed(
    price: Floats, parts: Floats, rows: tuple[Floats, Floats], bounds: tuple[Floats, Floats]
) -> float:
    """What the other unknowns cost at their best; infinite where there is no way."""
    if not len(price):
        return 0.0
    below, above = np.isfinite(rows[0]), np.isfinite(rows[1])
    result = linprog(  # type: ignore[call-overload]  # what it takes is right, its stub is not
        price,
        A_ub=np.concatenate([parts[above], -parts[below]]),
        b_ub=np.concatenate([rows[1][above], -rows[0][below]]),
        bounds=np.stack(bounds, axis=1),
    )
    return float(result.fun) if result.status == 0 else np.inf
