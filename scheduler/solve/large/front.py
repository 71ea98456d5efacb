"""The front door: large models, by sifting, cuts and a dive, with a bound of our own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduler.model.affine import Floats, Ints
from scheduler.model.problem import Problem
from scheduler.solve.answer import cost, rounded
from scheduler.solve.engine import Limits
from scheduler.solve.large.ascent import first_prices
from scheduler.solve.large.core import Basis, slack_basis
from scheduler.solve.large.cuts import NO_CUTS, Cuts, redrawn
from scheduler.solve.large.exact import searched
from scheduler.solve.large.prices import Prices
from scheduler.solve.large.rounding import rounded_up
from scheduler.solve.large.shape import Large, read, read_again
from scheduler.solve.large.sifting import Sifted, Start, pruned, sift
from scheduler.solve.large.whole import Strengthened, dive, strengthened

LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Warm:
    """What the next solve may start from where nothing but prices, limits and bounds change."""

    large: Large
    cuts: Cuts
    tie: Floats
    cut: Floats
    choice: Ints
    open: Ints
    basis: Basis
    free: Floats | None
    """The free unknowns of the last whole solution."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LargeAnswer:
    """A candidate with its proof. The caller checks x, as of any solver."""

    x: Floats | None
    bound: float
    """No solution costs less: by our own arithmetic, whatever the solver said."""
    row_duals: Floats
    reduced_costs: Floats
    """Of the relaxation with cuts."""
    warm: Warm | None


def solve_large(
    problem: Problem, gap: float, warm: Warm | None = None, limits: Limits = LIMITS
) -> LargeAnswer:
    """A whole solution, if one is found, and a bound; `gap` is the share between that is enough.

    Fast where most columns are offers of one need each and few rows tie them; right anywhere.
    """
    large, cuts, start = _begun(problem, warm)
    relaxed = sift(large, cuts, start, 0.1 * gap)
    if relaxed is None:
        return _nothing(problem)
    found = Strengthened(cuts=cuts, sifted=relaxed)
    x = None
    if warm is not None and cuts.count:
        x = _dived(large, found, start, gap, warm.free)
    if not _is_good(problem, x, found, gap):
        found = strengthened(large, found, start, gap)
        x = _dived(large, found, start, gap, None)
    bound = found.sifted.prices.bound
    if not _is_good(problem, x, found, gap):
        x, bound = searched(large, found, x, gap, limits)
    prices = found.sifted.prices
    return LargeAnswer(
        x=x,
        bound=bound,
        row_duals=_row_duals(large, prices),
        reduced_costs=_reduced_costs(large, prices),
        warm=_kept(large, found, start, x),
    )


def _dived(
    large: Large, found: Strengthened, start: Start, gap: float, hint: Floats | None
) -> Floats | None:
    """A whole solution by the dive, or by rounding up where offers must be whole themselves."""
    if large.problem.integer[large.shape.offers].any():
        return rounded_up(large, pruned(large, start, found.sifted).choice, found.sifted)
    whole = dive(large, found, start, gap, hint)
    return None if whole is None else solution(large, whole)


def _is_good(problem: Problem, x: Floats | None, found: Strengthened, gap: float) -> bool:
    """Whether x is within the gap of the bound."""
    if x is None:
        return False
    known = cost(problem, x)
    return known - found.sifted.prices.bound <= gap * abs(known)


def _begun(problem: Problem, warm: Warm | None) -> tuple[Large, Cuts, Start]:
    """From the last solve where that is of the same shape, else from scratch."""
    again = None if warm is None else read_again(warm.large, problem)
    if warm is None or again is None:
        large = read(problem)
        tie, choice = first_prices(large)
        none = np.zeros(0, dtype=np.int64)
        cuts, cut, opened, basis = NO_CUTS, np.zeros(0), none, slack_basis(large.shape, NO_CUTS)
    else:
        large, cuts = again, redrawn(again.shape, again.capacity, warm.cuts)
        tie, choice, cut, opened, basis = warm.tie, warm.choice, warm.cut, warm.open, warm.basis
    free = large.shape.free
    start = Start(
        tie=tie,
        cut=cut,
        choice=choice,
        open=opened,
        basis=basis,
        lower=problem.lower[free],
        upper=problem.upper[free],
    )
    return large, cuts, start


def _nothing(problem: Problem) -> LargeAnswer:
    return LargeAnswer(
        x=None,
        bound=-np.inf,
        row_duals=np.zeros(len(problem.row_lower)),
        reduced_costs=np.zeros(problem.columns),
        warm=None,
    )


def solution(large: Large, sifted: Sifted) -> Floats:
    """All unknowns of the problem."""
    x = np.zeros(large.problem.columns)
    x[large.shape.free] = sifted.optimum.free
    x[large.shape.offers[sifted.used]] = sifted.amounts(large.shape)
    return rounded(large.problem, x)


def _row_duals(large: Large, prices: Prices) -> Floats:
    duals = np.zeros(len(large.problem.row_lower))
    duals[large.shape.needs], duals[large.shape.ties] = prices.worth, prices.tie
    return duals


def _reduced_costs(large: Large, prices: Prices) -> Floats:
    shape, costs = large.shape, np.zeros(large.problem.columns)
    costs[shape.free] = prices.free
    costs[shape.offers] = prices.cost - shape.factor * prices.worth[shape.owner]
    return costs


def _kept(large: Large, found: Strengthened, start: Start, x: Floats | None) -> Warm:
    small = pruned(large, start, found.sifted)
    return Warm(
        large=large,
        cuts=found.cuts,
        tie=small.tie,
        cut=small.cut,
        choice=small.choice,
        open=small.open,
        basis=small.basis,
        free=None if x is None else x[large.shape.free],
    )
