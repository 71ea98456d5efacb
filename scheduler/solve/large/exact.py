"""Search: branch and bound over the offers that matter, where a dive is not enough."""

from __future__ import annotations

import numpy as np

from scheduler.model.affine import Bools, Floats
from scheduler.solve.answer import cost, is_feasible, rounded
from scheduler.solve.engine import Limits, search
from scheduler.solve.large.core import Core, linear
from scheduler.solve.large.shape import HAIR, Large
from scheduler.solve.large.whole import Strengthened

ALL, ALL_WHOLE = 30_000, 3_000
"""Up to so many offers all take part; of those in whole units up to fewer."""
FREE = 400
"""Whole free unknowns that take part, beside those that are used."""
KEEP = 3
"""Offers of each need that take part in a search among more, beside those that are used."""


def searched(
    large: Large, found: Strengthened, x: Floats | None, gap: float, limits: Limits
) -> tuple[Floats | None, float]:
    """The better of x and what the search finds, and the best bound that holds for all offers.

    Of many offers in whole units first few are searched, for a solution, then all, for the bound.
    """
    offers = len(large.shape.offers)
    whole = bool(large.problem.integer[large.shape.offers].any())
    bound = found.sifted.prices.bound
    if offers <= ALL and whole and offers > ALL_WHOLE:
        half = Limits(nodes=limits.nodes // 2, time_s=limits.time_s / 2.0)
        x, bound = _searched(large, found, _few(large, found), x, gap, half)
        limits = half
    if x is None or cost(large.problem, x) - bound > gap * abs(bound):
        taking = np.ones(offers, dtype=bool) if offers <= ALL else _few(large, found)
        x, again = _searched(large, found, taking, x, gap, limits)
        bound = max(bound, again)
    return x, bound


def _searched(
    large: Large, found: Strengthened, taking: Bools, x: Floats | None, gap: float, limits: Limits
) -> tuple[Floats | None, float]:
    problem, shape, taken = large.problem, large.shape, _free_taking(large, found)
    core = _core(large, found, taking, taken)
    whole = problem.integer[np.concatenate([shape.free, shape.offers[core.open]])]
    said = search(
        linear(problem, shape, found.cuts, core),
        np.concatenate([whole, np.zeros(len(core.excess), dtype=bool)]),
        gap,
        limits,
    )
    answers = [x] if said.x is None else [x, _solution(large, core, said.x)]
    good = [y for y in answers if y is not None and is_feasible(problem, y)]
    best = min(good, key=lambda y: cost(problem, y), default=None)
    return best, _bound(large, found, taking, taken, said.bound)


def _few(large: Large, found: Strengthened) -> Bools:
    """The offers that are used or among the cheapest of their need."""
    shape, sifted = large.shape, found.sifted
    order = np.lexsort((sifted.prices.ratio, shape.owner))
    rank = np.arange(len(order)) - shape.start[:-1][shape.owner[order]]
    taking = np.zeros(len(order), dtype=bool)
    taking[order[rank < KEEP]] = True
    taking[sifted.used] = True
    return taking


def _free_taking(large: Large, found: Strengthened) -> Bools:
    """Free unknowns that may leave their lower bounds: of many whole ones the cheapest."""
    problem, free = large.problem, large.shape.free
    unused = found.sifted.optimum.free <= problem.lower[free] + HAIR
    candidates = (problem.integer[free] & unused & (found.sifted.prices.free > HAIR)).nonzero()[0]
    taking = np.ones(len(free), dtype=bool)
    order = np.argsort(found.sifted.prices.free[candidates], kind="stable")
    taking[candidates[order[FREE:]]] = False
    return taking


def _core(large: Large, found: Strengthened, taking: Bools, taken: Bools) -> Core:
    shape = large.shape
    rows = len(shape.ties) + found.cuts.count
    lower, upper = large.problem.lower[shape.free], large.problem.upper[shape.free]
    return Core(
        open=taking.nonzero()[0],
        settled=np.zeros(0, dtype=np.int64),
        needs=np.arange(len(shape.need)),
        excess=np.zeros(rows),
        helps=np.full(rows, -1.0),
        lower=lower,
        upper=np.where(taken, upper, lower),
    )


def _solution(large: Large, core: Core, value: Floats) -> Floats:
    shape = large.shape
    x, free = np.zeros(large.problem.columns), len(shape.free)
    x[shape.free] = value[:free]
    x[shape.offers[core.open]] = value[free : free + len(core.open)]
    return rounded(large.problem, x)


def _bound(large: Large, found: Strengthened, taking: Bools, taken: Bools, said: float) -> float:
    """The search's own bound where it holds for what did not take part, too.

    A solution that uses a whole unknown that was left out costs at least the relaxation's bound
    and the reduced cost of one unit; of one that is not whole less than a unit may be used.
    """
    shape, prices, left = large.shape, found.sifted.prices, ~taking
    if (left & ~large.problem.integer[shape.offers]).any():
        return prices.bound
    reduced = prices.cost[left] - (shape.factor * prices.worth[shape.owner])[left]
    least = min(np.min(reduced, initial=np.inf), np.min(prices.free[~taken], initial=np.inf))
    return max(prices.bound, min(said, prices.bound + float(least)))
