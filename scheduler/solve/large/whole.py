"""Whole numbers: cuts first, then a dive that rounds what is left, the cheapest roundings first."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scheduler.model.affine import Floats, Ints
from scheduler.solve.large.cuts import Cuts, broken_cuts
from scheduler.solve.large.shape import Large
from scheduler.solve.large.sifting import Sifted, Start, pruned, sift

WHOLE = 1e-6
"""A number this near to a whole one is whole."""
CUT_ROUNDS = 8
DIVE_ROUNDS = 60
UP = 0.3
"""From this part of a node on it is rounded up."""
ENOUGH = 0.5
"""A cost that is this share of the gap above the bound needs no better relaxation."""
PER_STEP = 0.4
"""Share of the gap left that one step of the dive may spend, at least on one rounding."""
LAST_STEP = 0.1
"""Share of the gap left that rounding all up may cost."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strengthened:
    """A relaxation with cuts."""

    cuts: Cuts
    sifted: Sifted


def fractional(large: Large, free: Floats) -> Ints:
    """Free unknowns that should be whole and are not."""
    part = np.abs(free - np.round(free))
    found: Ints = ((part > WHOLE) & large.problem.integer[large.shape.free]).nonzero()[0]
    return found


def strengthened(large: Large, found: Strengthened, start: Start, gap: float) -> Strengthened:
    """Cuts until no relaxed node count can be cut off or the bound hardly rises any more."""
    for _ in range(CUT_ROUNDS):
        sifted, shape = found.sifted, large.shape
        new = broken_cuts(
            shape, large.capacity, sifted.used, sifted.amounts(shape), sifted.optimum.free
        )
        if not new.count:
            return found
        cuts = found.cuts.beside(new)
        again = sift(large, cuts, _again(large, start, sifted, new.count), 0.1 * gap)
        if again is None:
            return found
        before = found.sifted.optimum.cost
        found = Strengthened(cuts=cuts, sifted=again)
        if again.optimum.cost - before <= 0.02 * gap * abs(before):
            return found
    return found


def _again(large: Large, start: Start, sifted: Sifted, new: int) -> Start:
    """From where sifting ended, with so many new cuts."""
    small = pruned(large, start, sifted)
    return replace(
        small,
        cut=np.append(small.cut, np.zeros(new)),
        basis=replace(small.basis, cut=np.append(small.basis.cut, np.ones(new, dtype=np.int8))),
    )


def dive(
    large: Large, found: Strengthened, start: Start, gap: float, hint: Floats | None
) -> Sifted | None:
    """Rounds node counts, the cheapest roundings first, and sifts again after each step.

    With a hint (the node counts of the last plan) it begins there, where the relaxation is near.
    """
    bound, sifted = found.sifted.prices.bound, found.sifted
    enough = bound + ENOUGH * gap * abs(bound)
    lower, upper = start.lower.copy(), start.upper.copy()
    for step in range(DIVE_ROUNDS):
        left = fractional(large, sifted.optimum.free)
        if not len(left):
            return sifted
        if hint is not None and step == 0:
            _keep(large, sifted.optimum.free, hint, lower, upper)
        else:
            allowed = max(0.0, gap * abs(bound) - (sifted.optimum.cost - bound))
            _round(large, sifted.optimum.free, left, allowed, lower, upper)
        narrow = replace(_again(large, start, sifted, 0), lower=lower.copy(), upper=upper.copy())
        again = sift(large, found.cuts, narrow, 0.1 * gap, enough)
        if again is None:
            return None
        sifted = again
    return None


def _keep(large: Large, free: Floats, hint: Floats, lower: Floats, upper: Floats) -> None:
    """Fixes node counts at the hint where that is the relaxed number rounded up or down."""
    near = (np.abs(free - hint) < 1.0) & large.problem.integer[large.shape.free]
    near &= (hint >= lower) & (hint <= upper)
    lower[near] = upper[near] = hint[near]


def _round(
    large: Large, free: Floats, left: Ints, allowed: float, lower: Floats, upper: Floats
) -> None:
    """Narrows the bounds of the node counts whose rounding costs least, within what is allowed.

    Where rounding all of them up costs little, all node counts are fixed: else the relaxation
    would move the fraction from pool to equal pool.
    """
    value = free[left]
    part = value - np.floor(value)
    price = np.abs(large.problem.cost[large.shape.free[left]]) + 1e-9
    if float(price @ (1.0 - part)) <= LAST_STEP * allowed:
        whole = large.problem.integer[large.shape.free]
        fixed = np.clip(np.ceil(free - WHOLE), lower, upper)
        lower[whole] = upper[whole] = fixed[whole]
        return
    up = part >= UP
    bill = price * np.where(up, 1.0 - part, part)
    order = np.argsort(bill, kind="stable")
    many = max(1, int(np.searchsorted(np.cumsum(bill[order]), PER_STEP * allowed)))
    for at in order[:many]:
        if up[at]:
            lower[left[at]] = np.ceil(value[at])
        else:
            upper[left[at]] = np.floor(value[at])
