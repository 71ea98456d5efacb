"""Bounds by our own arithmetic: what any prices of the rows prove, and which claims are refuted."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array

from scheduler.model.affine import Bools, Floats
from scheduler.model.problem import Problem

ROUNDS = 6
NOISE = 1e-7
"""Prices are known to this share of the costs; less is what a solver left over."""
HAIR = 1e-9
REFUTED = 1e-5
"""Rounding explains a bound that is above a solution by this share, and no more."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proof:
    """A bound and the prices of the rows that prove it: they may differ from those given."""

    bound: float
    row_duals: Floats


def certified_bound(problem: Problem, row_duals: Floats) -> float:
    """No solution costs less, whole or not (USD per hour): proven by these prices of the rows."""
    return proven(problem, row_duals).bound


def proven(problem: Problem, row_duals: Floats) -> Proof:
    """The best bound from these prices of the rows.

    Weak duality: cost @ x = duals @ (matrix @ x) + (cost - duals @ matrix) @ x, and each term is
    at least what it is at the worse end of its limits. True for any duals, so that nobody has to
    be trusted for them; -inf where they prove nothing. Where a hair of a price meets an unknown
    that may be large, the duals around it are made a little smaller.
    """
    duals, best = _of_right_sign(problem, row_duals), -np.inf
    used = duals
    for _ in range(ROUNDS):
        prices = problem.cost - problem.matrix.T @ duals
        by_column = _least(prices, problem.lower, problem.upper)
        by_row = _least(duals, problem.row_lower, problem.row_upper)
        bound = float(by_row.sum() + by_column.sum()) + problem.constant
        if bound > best:
            best, used = bound, duals
        off = _off(problem, prices, by_column, best)
        if not off.any():
            break
        duals = _shrunk(problem, duals, prices, off)
    return Proof(bound=best, row_duals=used)


def believed(claimed: float, certified: float, objective: float) -> float:
    """The better of two bounds on what costs `objective` at most, unless the claim is refuted.

    A bound above a solution that is known is no bound at all, however little is known of the rest.
    """
    if not claimed <= objective + REFUTED * (1.0 + abs(objective)):
        claimed = -np.inf
    return min(max(claimed, certified), objective)


def _of_right_sign(problem: Problem, row_duals: Floats) -> Floats:
    """No price on a side of a row that has no limit, and none that is no number."""
    duals = np.where(np.isfinite(row_duals), row_duals, 0.0)
    duals = np.where(np.isfinite(problem.row_lower), duals, np.minimum(duals, 0.0))
    return np.where(np.isfinite(problem.row_upper), duals, np.maximum(duals, 0.0))


def _least(price: Floats, lower: Floats, upper: Floats) -> Floats:
    """The least of price times a value between the limits; nothing for no price."""
    end = np.where(price > 0.0, lower, np.where(price < 0.0, upper, 0.0))
    return price * end


def _off(problem: Problem, prices: Floats, by_column: Floats, best: float) -> Bools:
    """Columns whose price is noise, but costs the bound more than noise, or all of it."""
    noise = np.abs(prices) <= NOISE * (1.0 + np.abs(problem.cost))
    worth = HAIR * (1.0 + (abs(best) if np.isfinite(best) else 0.0))
    off: Bools = np.isneginf(by_column) | (noise & (by_column < -worth))
    return off


def _shrunk(problem: Problem, duals: Floats, prices: Floats, off: Bools) -> Floats:
    """Smaller duals in the rows that push the prices of these columns over zero."""
    columns = np.nonzero(off)[0]
    part = csc_array(problem.matrix)[:, columns]
    at = np.repeat(np.arange(len(columns)), np.diff(part.indptr))
    pushed = part.data * duals[part.indices] * -np.sign(prices[columns])[at]
    pushes = pushed > 0.0
    total = np.bincount(at[pushes], pushed[pushes], minlength=len(columns))
    lack = np.abs(prices[columns]) * (1.0 + HAIR)
    share = np.clip(1.0 - lack / np.maximum(total, 1e-300), 0.0, 1.0) * (1.0 - 1e-14)
    factor = np.ones(len(duals))
    np.minimum.at(factor, part.indices[pushes], share[at[pushes]])
    return duals * factor
