"""Sifting: the linear program of a large model, by a small core that grows until it is right."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.solve.engine import DUAL, PRIMAL
from scheduler.solve.large.core import Basis, Core, Optimum, optimum, settled_amounts
from scheduler.solve.large.cuts import Cuts
from scheduler.solve.large.prices import Prices, priced
from scheduler.solve.large.shape import HAIR, Large, Shape

ROUNDS = 30
"""Cores solved at most."""
CONTESTED = 1500
"""Needs opened at a time."""
WINDOW = 0.02
"""Offers at most this share dearer than the cheapest of their need contest it."""
NOTHING = 1e-9
"""Excess that is none."""
AT_ONCE = 100_000
"""Up to so many offers the whole linear program is solved where sifting has no solution."""
KEPT = 600
"""Needs that stay open in a core that is made small again, beside those that are split."""
CLOSE = 0.005
"""Offers at most this share dearer than the cheapest keep a need open then."""
EXCESS = 1.2
"""What excess costs, times the dual that it stands for."""
CUT_EXCESS = 0.4
DEARER = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Start:
    """Where sifting begins: duals, an offer for each need, open offers, a basis, bounds."""

    tie: Floats
    cut: Floats
    choice: Ints
    open: Ints
    basis: Basis
    lower: Floats
    upper: Floats
    """Bounds of the free unknowns; narrower than the problem's in a dive."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sifted:
    """A solution of the linear program, or nearly: open is `optimum.cost - prices.bound`."""

    core: Core
    optimum: Optimum
    prices: Prices
    """Those of the best bound found."""
    choice: Ints

    @property
    def used(self) -> Ints:
        """Offers of the core, open or settled."""
        return np.concatenate([self.core.open, self.core.settled])

    def amounts(self, shape: Shape) -> Floats:
        """Of the offers used."""
        return np.concatenate([self.optimum.offer, settled_amounts(shape, self.core.settled)])


def sift(
    large: Large, cuts: Cuts, start: Start, tolerance: float, enough: float = -np.inf
) -> Sifted | None:
    """Cores until cost and bound are within `tolerance` of each other, or ROUNDS are over.

    It also ends at a cost that is low `enough`. Nothing if no core has a solution. With narrower
    bounds than the problem's the bound is one of that narrower problem.
    """
    narrow = _narrowed(large, start)
    best = priced(narrow, cuts, start.tie, start.cut)
    opened = _opened(large.shape, start, best)
    excess = _excess(large, cuts, best)
    basis, strategy, sifted = start.basis, DUAL, None
    times = np.zeros(len(excess))
    for _ in range(ROUNDS):
        core = _core(large, opened, start, excess)
        found = optimum(large.problem, large.shape, cuts, core, basis, strategy)
        if found is None:
            break
        basis, strategy = found.basis, PRIMAL
        over = found.bought > NOTHING
        if not over.any() and found.cost <= enough:
            return _sifted(core, found, best, start)
        now = priced(narrow, cuts, found.tie, found.cut)
        best = now if now.bound > best.bound else best
        fresh = _cheaper(large.shape, core, found, now, start) & ~opened
        if not over.any():
            sifted = _sifted(core, found, best, start)
            if found.cost <= best.bound + tolerance * abs(found.cost) or not fresh.any():
                return sifted
        # Dearer from time to time, and ever faster, so that it ends.
        times += over
        excess = np.where(over, DEARER**times * excess, excess)
        opened |= fresh
    return sifted or _at_once(large, cuts, replace(start, basis=basis), best)


def _opened(shape: Shape, start: Start, prices: Prices) -> Bools:
    """The offers of the first core."""
    opened = np.zeros(len(shape.offers), dtype=bool)
    opened[start.open] = True
    if not len(start.open):
        opened |= _contested(shape, prices)
    _open_short(shape, start.choice, opened)
    return opened


def _sifted(core: Core, found: Optimum, prices: Prices, start: Start) -> Sifted:
    return Sifted(
        core=core,
        optimum=found,
        prices=prices,
        choice=start.choice,
    )


def _at_once(large: Large, cuts: Cuts, start: Start, prices: Prices) -> Sifted | None:
    """All offers in one core, without excess, if they are not too many: the last resort."""
    if len(large.shape.offers) > AT_ONCE:
        return None
    opened = np.ones(len(large.shape.offers), dtype=bool)
    core = _core(large, opened, start, np.zeros(len(large.shape.ties) + cuts.count))
    found = optimum(large.problem, large.shape, cuts, core, start.basis, DUAL)
    if found is None:
        return None
    now = priced(_narrowed(large, start), cuts, found.tie, found.cut)
    return _sifted(core, found, now if now.bound > prices.bound else prices, start)


def pruned(large: Large, start: Start, sifted: Sifted) -> Start:
    """Goes on from an optimum with a small core: needs that are met by one clear offer settle."""
    shape, core, optimum = large.shape, sifted.core, sifted.optimum
    owner, count = shape.owner[core.open], len(shape.need)
    met = optimum.offer * shape.factor[core.open]
    order = np.lexsort((-met, owner))
    main = np.ones(len(order), dtype=bool)
    main[1:] = owner[order][1:] != owner[order][:-1]
    choice = sifted.choice.copy()
    choice[core.needs] = core.open[order[main]]
    used = optimum.offer > 1e-9 * (1.0 + shape.most[core.open])
    split = np.bincount(owner[used], minlength=count) > 1
    ratio, worth = sifted.prices.ratio[core.open], sifted.prices.worth[owner]
    close = np.bincount(owner[ratio <= worth * (1.0 + CLOSE)], minlength=count) > 1
    kept = split | _dearest(close * sifted.prices.worth * shape.need, KEPT)
    return replace(
        start,
        tie=sifted.prices.tie,
        cut=sifted.prices.cut,
        choice=choice,
        open=core.open[kept[owner]],
        basis=optimum.basis,
    )


def _narrowed(large: Large, start: Start) -> Large:
    problem, free = large.problem, large.shape.free
    lower, upper = problem.lower.copy(), problem.upper.copy()
    lower[free], upper[free] = start.lower, start.upper
    return replace(large, problem=replace(problem, lower=lower, upper=upper))


def _contested(shape: Shape, prices: Prices) -> Bools:
    """Offers near the cheapest of their need, of the dearest needs that have two of them."""
    near = prices.ratio <= (prices.worth * (1.0 + WINDOW) + 1e-12)[shape.owner]
    many = np.bincount(shape.owner[near], minlength=len(shape.need)) > 1
    return near & _dearest(many * prices.worth * shape.need, CONTESTED)[shape.owner]


def _dearest(bill: Floats, count: int) -> Bools:
    """The `count` largest of those above 0, of equal ones the first."""
    order = np.argsort(-bill, kind="stable")[:count]
    chosen = np.zeros(len(bill), dtype=bool)
    chosen[order] = bill[order] > 0.0
    return chosen


def _open_short(shape: Shape, choice: Ints, opened: Bools) -> None:
    """Opens all offers of needs that the chosen offer cannot meet alone."""
    short = shape.most[choice] * shape.factor[choice] < shape.need * (1.0 - HAIR)
    if short.any():
        opened |= short[shape.owner]


def _excess(large: Large, cuts: Cuts, prices: Prices) -> Floats:
    """Prices of excess to begin with: of a tie a little more than its dual, of a cut a part.

    Ties that no offer takes of have none: the free unknowns alone must fit.
    """
    shape = large.shape
    dear = np.abs(large.problem.cost[shape.free]).max(initial=0.0)
    tie = np.abs(prices.tie)
    tie = EXCESS * tie + 1e-3 * max(float(tie.max(initial=0.0)), 1e-3 * float(dear)) + 1e-6
    cut = np.maximum(CUT_EXCESS * tie[cuts.tie], EXCESS * np.abs(prices.cut))
    taken = np.bincount(shape.links.indices, minlength=len(tie)) > 0
    return np.concatenate([np.where(taken, tie, 0.0), cut])


def _core(large: Large, opened: Bools, start: Start, excess: Floats) -> Core:
    """Needs without open offers are settled by their choice, all others have it open, too."""
    shape, problem = large.shape, large.problem
    decided = np.bincount(shape.owner[opened], minlength=len(shape.need)) > 0
    opened[start.choice[decided]] = True
    cuts = len(excess) - len(shape.ties)
    upper = np.concatenate([problem.row_upper[shape.ties], np.zeros(cuts)])
    return Core(
        open=opened.nonzero()[0],
        settled=start.choice[~decided],
        needs=decided.nonzero()[0],
        excess=excess,
        helps=np.where(np.isfinite(upper), -1.0, 1.0),
        lower=start.lower,
        upper=start.upper,
    )


def _cheaper(shape: Shape, core: Core, found: Optimum, prices: Prices, start: Start) -> Bools:
    """Offers cheaper than what meets their need; of settled needs those that lose most."""
    many = KEPT if len(start.open) else CONTESTED
    worth = prices.ratio[start.choice]
    worth[core.needs] = found.need
    loss = np.maximum(worth - prices.worth, 0.0) * shape.need
    loss[worth <= prices.worth * (1.0 + 1e-9) + 1e-12] = 0.0
    settled = np.ones(len(worth), dtype=bool)
    settled[core.needs] = False
    wanted = (loss > 0.0) & ~settled | _dearest(np.where(settled, loss, 0.0), many)
    fresh: Bools = (prices.ratio < worth[shape.owner]) & wanted[shape.owner]
    # An offer that pays for itself is worth more than its need asks for.
    return fresh | ((prices.ratio < -HAIR) & settled[shape.owner])
